//! TL314: the manifest lists a capability that the code does not provide.

use crate::capabilities::PROVIDES;
use crate::finding::Finding;
use crate::rule::{Check, Rule};
use checker_report::Severity;
use contract_graph::PluginView;

pub(crate) const RULE: Rule = Rule {
    id: "TL314",
    name: "capability-not-provided",
    severity: Severity::Error,
    since: "0.1.0",
    follows: None,
    text: include_str!("tl314.md"),
    check: Check::Plugin(check),
};

fn check(view: PluginView<'_>) -> Vec<Finding> {
    let missing = PROVIDES.untouched(view).into_iter();
    missing
        .map(|(name, span)| {
            let slug = view.slug();
            let message = format!("`{slug}` declares that it provides `{name}`, but its code never does");
            let help = format!("call `$app.provide('{name}', {{…}})` at the top level, or take the entry out");
            Finding::new(slug, view.at(span), message).role(name).label("no such call in the code").help(help)
        })
        .collect()
}
