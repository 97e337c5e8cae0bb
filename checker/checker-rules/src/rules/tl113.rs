//! TL113: the code does what the manifest's permissions do not allow.

use crate::context::Context;
use crate::finding::Finding;
use crate::rule::{Check, Rule};
use checker_report::Severity;
use contract_graph::PluginView;
use contract_model::Permission;
use contract_parse::{Fact, FactKind};

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
const NEEDS: [(FactKind, Permission, &str); 5] = [
    (FactKind::Publish, Permission::Publish, "publishes"),
    (FactKind::Request, Permission::Publish, "asks a request"),
    (FactKind::Reply, Permission::Publish, "replies"),
    (FactKind::Subscribe, Permission::Subscribe, "subscribes"),
    (FactKind::Job, Permission::Jobs, "has jobs"),
];

fn check(cx: &Context<'_>) -> Vec<Finding> {
    cx.suite.views().flat_map(not_asked).collect()
}

fn not_asked(view: PluginView<'_>) -> Vec<Finding> {
    let Some(manifest) = view.manifest() else { return Vec::new() };
    let missing = NEEDS.iter().filter(|(_, permission, _)| !manifest.permits(permission));
    let calls = missing.flat_map(|(kind, permission, does)| {
        view.running(*kind).map(move |fact| finding(view, fact, does, permission))
    });
    let hooks = view.running(FactKind::Record).filter_map(|fact| {
        let permission = hook_needs(view, fact).filter(|permission| !manifest.permits(permission))?;
        Some(finding(view, fact, "has a record hook", &permission))
    });
    calls.chain(hooks).collect()
}

/// What a record hook needs: its own records, or the right to read another plugin's. That nobody has a hook before
/// changes of another's records is no matter of permissions.
fn hook_needs(view: PluginView<'_>, fact: &Fact) -> Option<Permission> {
    let collection = fact.detail.get("collection")?;
    let own = view.parsed.collections.iter().flat_map(|all| &all.collections);
    if own.into_iter().any(|own| own.name == *collection) {
        return Some(Permission::OwnRecords);
    }
    let is_after = fact.detail.get("when").is_some_and(|when| when == "after");
    is_after.then(|| Permission::ReadRecords(collection.clone()))
}

fn finding(view: PluginView<'_>, fact: &Fact, does: &str, permission: &Permission) -> Finding {
    let message = format!("`{}` {does} here, but its `permissions` do not list `{permission}`", view.slug());
    Finding::new(view.slug(), fact.location.clone(), message)
        .label("the daemon refuses this call")
        .role(format!("{permission}"))
        .within(fact)
        .help(format!("add `{permission}` to `permissions` in plugin.yaml"))
}
