//! TL105: a file or plugin that is named does not exist, or exists twice.

use crate::context::Context;
use crate::finding::{Finding, from_problems};
use crate::rule::{Check, Rule};
use checker_report::Severity;
use contract_parse::ProblemKind;
use std::collections::BTreeMap;

pub(crate) const RULE: Rule = Rule {
    id: "TL105",
    name: "entry-missing",
    severity: Severity::Error,
    since: "0.1.0",
    follows: None,
    text: include_str!("tl105.md"),
    check: Check::Suite(check),
};

fn check(cx: &Context<'_>) -> Vec<Finding> {
    let mut found = from_problems(cx, &[ProblemKind::EntryMissing]);
    found.extend(twice(cx));
    found.extend(strangers(cx));
    found
}

/// Plugins whose slug another plugin has already.
fn twice(cx: &Context<'_>) -> Vec<Finding> {
    let mut first = BTreeMap::new();
    let mut found = Vec::new();
    for view in cx.suite.views() {
        let Some(manifest) = view.manifest() else { continue };
        let at = view.at(manifest.slug.span);
        if let Some(other) = first.insert(view.slug(), at.clone()) {
            let message = format!("the slug `{}` belongs to two plugins", view.slug());
            let finding = Finding::new(view.slug(), at, message).label("the second one").role(&*view.parsed.folder);
            found.push(finding.related(other, "the first one").help("give one of them another slug"));
        }
    }
    found
}

/// Slugs that a composition or the limits name and no plugin has.
fn strangers(cx: &Context<'_>) -> Vec<Finding> {
    let is_open = cx.whole.unread().next().is_some();
    let manifest = &cx.suite.manifest;
    let composed = manifest.compositions.iter().flat_map(|(name, slugs)| {
        slugs.iter().map(move |slug| (format!("composition `{name}` names"), name.as_str(), slug))
    });
    let limited = manifest.limits.iter().map(|one| ("`limits` names".to_owned(), "limits", &one.plugin));
    composed
        .chain(limited)
        .filter(|(.., slug)| !cx.whole.has_plugin(slug.value.as_str()))
        .map(|(names, role, slug)| {
            let message = format!("{names} the plugin `{}`, which the suite does not have", slug.value);
            let finding = Finding::new("", cx.suite.at(slug.span), message).label("no such plugin");
            let finding = finding.role(format!("{role} {}", slug.value));
            // One whose manifest cannot be read may have the slug.
            let finding = if is_open { finding.severity(cx.unproven()) } else { finding };
            finding.help("add the plugin's folder, or take the slug out")
        })
        .collect()
}
