//! TL113: the code does what the manifest's permissions do not allow.

use crate::context::Context;
use crate::finding::Finding;
use crate::rule::{Check, Rule};
use checker_report::Severity;
use contract_graph::PluginView;
use contract_model::Permission;
use contract_parse::FactKind;

pub(crate) const RULE: Rule = Rule {
    id: "TL113",
    name: "permission-not-asked",
    severity: Severity::Error,
    since: "0.1.0",
    follows: None,
    text: include_str!("tl113.md"),
    check: Check::Suite(check),
};

/// What each kind of call needs.
const NEEDS: [(FactKind, Permission, &str); 4] = [
    (FactKind::Publish, Permission::Publish, "publishes"),
    (FactKind::Request, Permission::Publish, "asks a request"),
    (FactKind::Reply, Permission::Publish, "replies"),
    (FactKind::Subscribe, Permission::Subscribe, "subscribes"),
];

fn check(cx: &Context<'_>) -> Vec<Finding> {
    cx.suite.views().flat_map(not_asked).collect()
}

fn not_asked(view: PluginView<'_>) -> Vec<Finding> {
    let Some(manifest) = view.manifest() else { return Vec::new() };
    let missing = NEEDS.iter().filter(|(_, permission, _)| !manifest.permits(permission));
    missing
        .flat_map(|(kind, permission, does)| {
            view.running(*kind).map(move |fact| {
                let message =
                    format!("`{}` {does} here, but its `permissions` do not list `{permission}`", view.slug());
                Finding::new(view.slug(), fact.location.clone(), message)
                    .label("the daemon refuses this call")
                    .role(format!("{permission}"))
                    .within(fact)
                    .help(format!("add `{permission}` to `permissions` in plugin.yaml"))
            })
        })
        .collect()
}
