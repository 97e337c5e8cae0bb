//! TL316: a collection that nobody declares.

use super::tl113::hooked;
use crate::collections::{Collections, Whose};
use crate::context::Context;
use crate::finding::{Finding, renames};
use crate::rule::{Check, Rule};
use checker_report::Severity;
use contract_graph::PluginView;
use contract_model::{Location, Permission};
use contract_parse::FactKind;

pub(crate) const RULE: Rule = Rule {
    id: "TL316",
    name: "collection-not-declared",
    severity: Severity::Error,
    since: "0.1.0",
    follows: None,
    text: include_str!("tl316.md"),
    check: Check::Suite(check),
};

/// A place that names a collection.
struct Named<'a> {
    collection: &'a str,
    location: Location,
    /// What happens there.
    does: &'static str,
    label: &'static str,
    within: Option<&'a str>,
}

fn check(cx: &Context<'_>) -> Vec<Finding> {
    let collections = Collections::of(cx.suite);
    let unknown = |view| {
        let nobodys = |one: Named<'_>| match collections.whose(one.collection, view) {
            Whose::Nobodys(meant) => Some(finding(cx, view, &one, meant)),
            Whose::Own | Whose::Anothers(_) => None,
        };
        named(view).filter_map(nobodys).collect::<Vec<_>>()
    };
    cx.suite.views().flat_map(unknown).collect()
}

/// The collections that a plugin's code and its permissions name.
fn named(view: PluginView<'_>) -> impl Iterator<Item = Named<'_>> {
    let calls = view.parsed.records.iter().flat_map(|call| {
        let does = if call.writes { "writes records" } else { "reads records" };
        let within = call.within.as_deref();
        let location = call.location.clone();
        let named = move |collection| Named { collection, location: location.clone(), does, label: REFUSED, within };
        call.collections.iter().map(String::as_str).map(named)
    });
    let hooks = view.running(FactKind::Record).flat_map(|fact| {
        let (location, within) = (fact.location.clone(), fact.within.as_deref());
        let named = move |collection| Named {
            collection,
            location: location.clone(),
            does: "has a hook on records",
            label: "never called",
            within,
        };
        hooked(fact).map(named)
    });
    let manifest = view.manifest().filter(|manifest| manifest.knows("permissions"));
    let asked = manifest.and_then(|manifest| manifest.permissions.as_ref()).into_iter().flatten();
    let permissions = asked.filter_map(move |permission| {
        let Permission::ReadRecords(collection) = &permission.value else { return None };
        let (location, does) = (view.at(permission.span), "asks to read records");
        Some(Named { collection, location, does, label: "grants nothing", within: None })
    });
    calls.chain(hooks).chain(permissions)
}

/// What becomes of a call that names such a collection.
const REFUSED: &str = "the daemon refuses this call";

fn finding(cx: &Context<'_>, view: PluginView<'_>, one: &Named<'_>, meant: Option<&str>) -> Finding {
    let (name, slug) = (one.collection, view.slug());
    let message = format!("`{slug}` {} of `{name}` here, a collection that no plugin declares", one.does);
    let finding = Finding::new(slug, one.location.clone(), message)
        .label(one.label)
        .role(format!("{} {name}", one.does))
        .symbol(one.within.unwrap_or_default());
    match meant {
        Some(meant) => finding.suggest(format!("did you mean `{meant}`?"), renames(cx, &[&one.location], name, meant)),
        None => finding.help(format!("declare `{name}` in the owner's schema.json, or write the name of one that is")),
    }
}
