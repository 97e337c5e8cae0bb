//! TL113: the code does what the manifest's permissions do not allow.

use crate::finding::Finding;
use crate::rule::{Check, Rule};
use checker_report::Severity;
use contract_graph::PluginView;
use contract_model::Permission;
use contract_model::permission::net_allows;
use contract_parse::{Fact, FactKind};
use url::Url;

pub(crate) const RULE: Rule = Rule {
    id: "TL113",
    name: "permission-not-asked",
    severity: Severity::Error,
    since: "0.1.0",
    follows: None,
    text: include_str!("tl113.md"),
    check: Check::Plugin(check),
};

/// What each kind of call needs.
const NEEDS: [(FactKind, Permission, &str); 5] = [
    (FactKind::Publish, Permission::Publish, "publishes"),
    (FactKind::Request, Permission::Publish, "asks a request"),
    (FactKind::Reply, Permission::Publish, "replies"),
    (FactKind::Subscribe, Permission::Subscribe, "subscribes"),
    (FactKind::Job, Permission::Jobs, "has jobs"),
];

fn check(view: PluginView<'_>) -> Vec<Finding> {
    let Some(manifest) = view.manifest().filter(|manifest| manifest.knows("permissions")) else { return Vec::new() };
    let missing = NEEDS.iter().filter(|(_, permission, _)| !manifest.permits(permission));
    let calls = missing.flat_map(|(kind, permission, does)| {
        view.running(*kind).map(move |fact| finding(view, fact, does, permission))
    });
    let hooks = view.running(FactKind::Record).filter_map(|fact| {
        let permission = hook_needs(view, fact).filter(|permission| !manifest.permits(permission))?;
        Some(finding(view, fact, "has a record hook", &permission))
    });
    let granted = manifest.granted();
    let fetches = view.running(FactKind::Fetch).flat_map(|fact| {
        let refused = asked(fact).into_iter().flatten().filter(|url| !granted.iter().any(|host| lets(host, url)));
        refused
            .filter_map(|url| net(&url))
            .map(move |host| finding(view, fact, "asks a host outside", &host))
            .collect::<Vec<_>>()
    });
    calls.chain(hooks).chain(fetches).collect()
}

/// The addresses that a fetch may ask; none where only a run knows them.
pub(super) fn asked(fetch: &Fact) -> Option<Vec<Url>> {
    let addresses = fetch.detail.get("address").filter(|known| *known != "?")?;
    Some(addresses.split(' ').filter_map(|address| Url::parse(address).ok()).collect())
}

/// Whether a permission lets a plugin ask an address.
pub(super) fn lets(permission: &Permission, url: &Url) -> bool {
    let (Permission::Net(granted), Some(host)) = (permission, url.host_str()) else { return false };
    url.port_or_known_default().is_some_and(|port| net_allows(granted, url.scheme(), host, port))
}

/// The permission that an address takes; none where no permission would do.
fn net(url: &Url) -> Option<Permission> {
    let port = url.port_or_known_default().filter(|port| url.scheme() == "http" || *port != 443);
    let host = url.host_str().filter(|_| matches!(url.scheme(), "http" | "https"))?;
    Some(Permission::Net(port.map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))))
}

/// What a record hook needs: its own records, or the right to read another plugin's. That nobody has a hook before
/// changes of another's records is no matter of permissions.
fn hook_needs(view: PluginView<'_>, fact: &Fact) -> Option<Permission> {
    let collection = fact.detail.get("collection")?;
    let own = view.parsed.collections.iter().flat_map(|all| &all.collections);
    if own.into_iter().any(|own| own.name == *collection) {
        return Some(Permission::OwnRecords);
    }
    if !view.knows("schema") {
        return None;
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
