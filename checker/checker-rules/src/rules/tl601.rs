//! TL601: a topic went while somebody relies on it.

use crate::context::Context;
use crate::finding::Finding;
use crate::rule::{Check, Rule};
use crate::wiring::is_dangling;
use checker_report::Severity;
use contract_graph::Evolution;
use contract_graph::evolution::TopicChange;
use contract_model::Location;
use contract_model::manifest::{TopicContract, Visibility};

pub(crate) const RULE: Rule = Rule {
    id: "TL601",
    name: "topic-removed",
    severity: Severity::Error,
    since: "0.1.0",
    follows: None,
    text: include_str!("tl601.md"),
    check: Check::Evolution(check),
};

fn check(cx: &Context<'_>, evolution: &Evolution<'_>) -> Vec<Finding> {
    let removed = evolution.topics.iter().filter(|topic| topic.is_removed() && topic.renamed_to.is_none());
    let mut found: Vec<Finding> = removed.filter_map(|topic| finding(cx, evolution, topic)).collect();
    found.extend(silenced(evolution));
    found
}

/// Events whose contract is still there, but that nobody publishes any more, while somebody waits for them.
fn silenced(evolution: &Evolution<'_>) -> Vec<Finding> {
    let (before, after) = (&evolution.before, &evolution.after);
    let waiting = after.consumers().filter(|consumer| !consumer.is_optional() && !after.is_request(&consumer.topic));
    let silenced = waiting.filter(|consumer| {
        let topic = consumer.topic.as_str();
        after.contract(topic).is_some()
            && !before.publishers(topic).is_empty()
            && after.publishers(topic).is_empty()
            && is_dangling(after, topic)
    });
    silenced
        .filter_map(|consumer| {
            let owned = after.contract(&consumer.topic)?;
            let message =
                format!("`{}` is no longer published, and `{}` still relies on it", consumer.topic, consumer.slug);
            let finding = Finding::new(owned.plugin.slug(), consumer.location.clone(), message).topic(&consumer.topic);
            let finding =
                finding.role(format!("publisher for {}", consumer.slug)).label("nothing arrives since the base");
            let finding = finding.related(owned.plugin.at(owned.contract.name.span), "its contract is still here");
            Some(finding.help("publish it again, or deprecate the contract and let its consumers go first"))
        })
        .collect()
}

fn finding(cx: &Context<'_>, evolution: &Evolution<'_>, topic: &TopicChange<'_>) -> Option<Finding> {
    let name = topic.name.as_str();
    let left: Vec<_> = evolution.after.consumers().filter(|consumer| consumer.hears_by_name(name)).collect();
    let asking: Vec<_> = evolution.after.emissions().filter(|emission| emission.reach.surely(name)).collect();
    let contract = topic.before.map(|owned| owned.contract);
    let places: Vec<(&str, &Location)> = left
        .iter()
        .map(|consumer| (consumer.slug, &consumer.location))
        .chain(asking.iter().map(|emission| (emission.slug, &emission.location)))
        .collect();
    let severity = match contract {
        _ if !places.is_empty() => Severity::Error,
        Some(contract) if is_done(cx, contract) => return None,
        Some(contract) if contract.deprecated.is_some() || contract.visibility == Visibility::Public => {
            Severity::Warning
        }
        _ => return None,
    };
    let owner = topic.before.map_or(name.split('.').next().unwrap_or_default(), |owned| owned.plugin.slug());
    let home = cx.whole.plugin(owner).map(contract_graph::PluginView::top);
    let place = places.first().map(|(_, at)| (*at).clone()).or(home)?;
    let message = format!("`{name}` was removed{}", reason(&places, contract));
    let mut finding = Finding::new(owner, place, message).topic(name).role("contract").severity(severity);
    for (slug, at) in places.iter().skip(1) {
        finding = finding.related((*at).clone(), format!("`{slug}` relies on it"));
    }
    Some(finding.label("gone since the base").help(
        "keep it as `deprecated: {since, sunset, use}` until the sunset has passed and nobody uses it, then remove it",
    ))
}

/// Announced, and the day has passed.
fn is_done(cx: &Context<'_>, contract: &TopicContract) -> bool {
    let sunset = contract.deprecated.as_ref().and_then(|deprecated| deprecated.sunset.as_ref());
    sunset.and_then(|day| day.parse().ok()).is_some_and(|day: jiff::civil::Date| day < cx.options.today)
}

fn reason(places: &[(&str, &Location)], contract: Option<&TopicContract>) -> String {
    let mut slugs: Vec<String> = places.iter().map(|(slug, _)| format!("`{slug}`")).collect();
    slugs.dedup();
    match contract.and_then(|contract| contract.deprecated.as_ref()) {
        _ if !slugs.is_empty() => format!(", and {} still rely on it", slugs.join(", ")),
        Some(deprecated) => {
            let day = deprecated.sunset.as_deref().map_or("has no sunset".to_owned(), |day| format!("sets on {day}"));
            format!(", although it {day}")
        }
        None => ", and clients outside may listen to it: it was public and never deprecated".to_owned(),
    }
}
