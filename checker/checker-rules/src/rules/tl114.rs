//! TL114: a host that the manifest asks for, and that the code never asks.

use crate::finding::{Finding, taken_out};
use crate::rule::{Check, Rule};
use crate::rules::tl113::{asked, lets};
use checker_report::Severity;
use contract_graph::PluginView;
use contract_model::Permission;
use contract_parse::FactKind;
use url::Url;

pub(crate) const RULE: Rule = Rule {
    id: "TL114",
    name: "host-never-fetched",
    severity: Severity::Warning,
    since: "0.1.0",
    follows: None,
    text: include_str!("tl114.md"),
    check: Check::Plugin(check),
};

fn check(view: PluginView<'_>) -> Vec<Finding> {
    let granted = view.manifest().and_then(|manifest| manifest.permissions.as_ref());
    let hosts = granted.into_iter().flatten().filter(|granted| matches!(granted.value, Permission::Net(_)));
    let mut hosts = hosts.peekable();
    if hosts.peek().is_none() || !view.knows("permissions") || !view.has_code() || !view.is_complete() {
        return Vec::new();
    }
    let fetches: Option<Vec<Vec<Url>>> = view.running(FactKind::Fetch).map(asked).collect();
    // An address that only a run knows may be any.
    let Some(fetches) = fetches else { return Vec::new() };
    let is_asked = |host: &Permission| fetches.iter().flatten().any(|url| lets(host, url));
    hosts
        .filter(|host| !is_asked(&host.value))
        .map(|host| {
            let Permission::Net(name) = &host.value else { unreachable!("only hosts are left") };
            let message = format!("`{}` may ask `{name}`, and its code never does", view.slug());
            Finding::new(view.slug(), view.at(host.span), message)
                .role(host.value.to_string())
                .label("no fetch goes there")
                .suggest(format!("take `{}` out of `permissions`", host.value), taken_out(view, host.span))
        })
        .collect()
}
