//! TL113: the code does what the manifest's permissions do not allow.

use crate::collections::{Collections, Whose};
use crate::context::Context;
use crate::finding::Finding;
use crate::rule::{Check, Rule};
use checker_report::Severity;
use contract_graph::PluginView;
use contract_model::permission::net_allows;
use contract_model::{Location, Manifest, Permission};
use contract_parse::{Fact, FactKind, RecordUse};
use url::Url;

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
    let collections = Collections::of(cx.suite);
    cx.suite.views().flat_map(|view| refused(&collections, view)).collect()
}

fn refused<'a>(collections: &Collections<'a>, view: PluginView<'a>) -> Vec<Finding> {
    let Some(manifest) = view.manifest().filter(|manifest| manifest.knows("permissions")) else { return Vec::new() };
    let missing = NEEDS.iter().filter(|(_, permission, _)| !manifest.permits(permission));
    let calls = missing.flat_map(|(kind, permission, does)| {
        view.running(*kind).map(move |fact| finding(view, Place::of(fact), does, permission))
    });
    let hooks = view.running(FactKind::Record).flat_map(|fact| {
        let needed = hook_needs(collections, view, fact).into_iter();
        let refused = needed.filter(|permission| !manifest.permits(permission));
        refused.map(move |permission| finding(view, Place::of(fact), "has a record hook", &permission))
    });
    let granted = manifest.granted();
    let fetches = view.running(FactKind::Fetch).flat_map(|fact| {
        let refused = asked(fact).into_iter().flatten().filter(|url| !granted.iter().any(|host| lets(host, url)));
        let hosts = refused.filter_map(|url| net(&url));
        hosts.map(move |host| finding(view, Place::of(fact), "asks a host outside", &host)).collect::<Vec<_>>()
    });
    let records = view.parsed.records.iter().flat_map(|call| of_records(collections, view, manifest, call));
    calls.chain(hooks).chain(fetches).chain(records).collect()
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
/// changes of another's records is no matter of permissions, and neither is a collection that there is not.
fn hook_needs<'a>(collections: &Collections<'a>, view: PluginView<'a>, fact: &Fact) -> Vec<Permission> {
    let is_after = fact.detail.get("when").is_some_and(|when| when == "after");
    let needed = |name: &str| match collections.whose(name, view) {
        Whose::Own => Some(Permission::OwnRecords),
        Whose::Anothers(_) => (is_after && view.knows("schema")).then(|| Permission::ReadRecords(name.to_owned())),
        Whose::Nobodys(_) => None,
    };
    hooked(fact).filter_map(needed).collect()
}

/// The collections of a record hook; none that only a run knows.
pub(super) fn hooked(fact: &Fact) -> impl Iterator<Item = &str> {
    let names = fact.detail.get("collection").into_iter().flat_map(|names| names.split('|'));
    names.filter(|name| *name != "?")
}

/// What a call may not do with the records of the collections that it names.
fn of_records<'a>(
    collections: &Collections<'a>,
    view: PluginView<'a>,
    manifest: &Manifest,
    call: &'a RecordUse,
) -> Vec<Finding> {
    let does = if call.writes { "writes" } else { "reads" };
    let place = Place { location: &call.location, within: call.within.as_deref() };
    let refused = |name: &String| match collections.whose(name, view) {
        Whose::Nobodys(_) => None,
        Whose::Anothers(owner) if call.writes => Some(foreign(view, place, name, owner)),
        whose => {
            let own = whose == Whose::Own;
            let read = Permission::ReadRecords(name.clone());
            let may_read = !call.writes && manifest.permits(&read);
            let permission = if own { Permission::OwnRecords } else { read };
            let does = format!("{does} records of `{name}`");
            (!may_read && !manifest.permits(&permission)).then(|| finding(view, place, &does, &permission))
        }
    };
    call.collections.iter().filter_map(refused).collect()
}

/// Where something is refused.
#[derive(Clone, Copy)]
struct Place<'a> {
    location: &'a Location,
    /// The handler that it lies in.
    within: Option<&'a str>,
}

impl<'a> Place<'a> {
    fn of(fact: &'a Fact) -> Self {
        Self { location: &fact.location, within: fact.within.as_deref() }
    }
}

/// A write to what no permission lets a plugin write.
fn foreign(view: PluginView<'_>, place: Place<'_>, name: &str, owner: Option<&str>) -> Finding {
    let whose = owner.map_or_else(|| "its owner".to_owned(), |owner| format!("its owner `{owner}`"));
    let message = format!("`{}` writes records of `{name}` here, which only {whose} may", view.slug());
    Finding::new(view.slug(), place.location.clone(), message)
        .label("the daemon refuses this call")
        .role(format!("write {name}"))
        .symbol(place.within.unwrap_or_default())
        .help("publish an event or ask with a request, and let the owner change its own records")
}

fn finding(view: PluginView<'_>, place: Place<'_>, does: &str, permission: &Permission) -> Finding {
    let message = format!("`{}` {does} here, but its `permissions` do not list `{permission}`", view.slug());
    Finding::new(view.slug(), place.location.clone(), message)
        .label("the daemon refuses this call")
        .role(format!("{permission}"))
        .symbol(place.within.unwrap_or_default())
        .help(format!("add `{permission}` to `permissions` in plugin.yaml"))
}
