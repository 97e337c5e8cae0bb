//! TL607: a plugin uses a topic that is on its way out.

use crate::context::Context;
use crate::finding::{Finding, renames};
use crate::rule::{Check, Rule};
use checker_report::Severity;
use contract_graph::{Graph, Owned};
use contract_model::Location;
use contract_model::manifest::Deprecated;
use jiff::civil::Date;
use std::collections::BTreeMap;

pub(crate) const RULE: Rule = Rule {
    id: "TL607",
    name: "deprecated-consumed",
    severity: Severity::Warning,
    since: "0.1.0",
    follows: None,
    text: include_str!("tl607.md"),
    check: Check::Composition(check),
};

fn check(cx: &Context<'_>, graph: &Graph<'_>) -> Vec<Finding> {
    uses(cx, graph).iter().filter_map(|((slug, topic), places)| finding(cx, graph, slug, topic, places)).collect()
}

/// Who uses which topic by its name, and where.
fn uses<'g>(cx: &Context<'_>, graph: &'g Graph<'_>) -> BTreeMap<(&'g str, &'g str), Vec<Location>> {
    let mut uses: BTreeMap<(&str, &str), Vec<Location>> = BTreeMap::new();
    for consumer in graph.consumers().filter(|consumer| !consumer.is_pattern()) {
        let declared = consumer.declared.filter(|entry| entry.value.topic.as_str() == consumer.topic);
        let declared = declared.map(|entry| cx.suite.view(consumer.plugin).at(entry.span));
        let sites = consumer.sites.iter().map(|fact| fact.location.clone());
        uses.entry((consumer.slug, &consumer.topic)).or_default().extend(sites.chain(declared));
    }
    for (topic, emission) in crate::wiring::published(graph).filter(|(topic, _)| graph.is_request(topic)) {
        uses.entry((emission.slug, topic)).or_default().push(emission.location.clone());
    }
    uses
}

fn finding(cx: &Context<'_>, graph: &Graph<'_>, slug: &str, topic: &str, places: &[Location]) -> Option<Finding> {
    let owned = graph.contract(topic).filter(|owned| owned.plugin.slug() != slug)?;
    let deprecated = owned.contract.deprecated.as_ref()?;
    let place = places.first()?;
    let (state, severity) = state(deprecated, cx.options.today);
    let message = format!("`{slug}` uses `{topic}`, which {state}");
    let finding = Finding::new(slug, place.clone(), message).topic(topic).role("use").severity(severity);
    let finding = finding.label("on its way out").related(announced(owned), "announced here");
    Some(match &deprecated.instead {
        Some(instead) => {
            let edits = renames(cx, &places.iter().collect::<Vec<_>>(), topic, instead.as_str());
            finding.suggest(format!("use `{instead}` instead"), edits)
        }
        None => finding.help(format!("ask `{}` what to use instead; the contract does not say", owned.plugin.slug())),
    })
}

fn state(deprecated: &Deprecated, today: Date) -> (String, Severity) {
    let sunset = deprecated.sunset.as_deref();
    match sunset.and_then(|day| day.parse::<Date>().ok()) {
        Some(day) if day < today => (format!("had its sunset on {day}"), Severity::Error),
        Some(day) => (format!("is deprecated and has its sunset on {day}"), Severity::Warning),
        None => ("is deprecated".to_owned(), Severity::Warning),
    }
}

fn announced(owned: Owned<'_>) -> Location {
    owned.plugin.at(owned.contract.name.span)
}
