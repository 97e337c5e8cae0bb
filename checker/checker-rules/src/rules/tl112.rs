//! TL112: a plugin is in no composition.

use crate::context::Context;
use crate::finding::Finding;
use crate::rule::{Check, Rule};
use checker_report::Severity;
use std::collections::BTreeSet;

pub(crate) const RULE: Rule = Rule {
    id: "TL112",
    name: "uncomposed-plugin",
    severity: Severity::Info,
    since: "0.1.0",
    follows: None,
    text: include_str!("tl112.md"),
    check: Check::Suite(check),
};

fn check(cx: &Context<'_>) -> Vec<Finding> {
    let compositions = &cx.suite.manifest.compositions;
    if compositions.is_empty() {
        return Vec::new();
    }
    let named: BTreeSet<&str> = compositions.values().flatten().map(|slug| slug.value.as_str()).collect();
    let outside = cx.suite.views().filter(|view| view.manifest().is_some() && !named.contains(view.slug()));
    outside
        .map(|view| {
            let message = format!("plugin `{}` is in no composition, so nobody checks how it is wired", view.slug());
            Finding::new(view.slug(), view.top(), message).help("add it to a composition in suite.yaml")
        })
        .collect()
}
