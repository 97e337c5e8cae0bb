//! TL602: a topic has another name now, and somebody still uses the old one.

use crate::context::Context;
use crate::finding::{Finding, renames};
use crate::rule::{Check, Rule};
use checker_report::Severity;
use contract_graph::Evolution;
use contract_graph::evolution::TopicChange;
use contract_model::Location;

pub(crate) const RULE: Rule = Rule {
    id: "TL602",
    name: "topic-renamed",
    severity: Severity::Error,
    since: "0.1.0",
    follows: None,
    text: include_str!("tl602.md"),
    check: Check::Evolution(check),
};

fn check(cx: &Context<'_>, evolution: &Evolution<'_>) -> Vec<Finding> {
    let pairs = evolution.topics.iter().filter_map(|topic| Some((topic, topic.renamed_to.as_deref()?)));
    pairs.filter_map(|(old, new)| finding(cx, evolution, old, new)).collect()
}

fn finding(cx: &Context<'_>, evolution: &Evolution<'_>, old: &TopicChange<'_>, new: &str) -> Option<Finding> {
    let name = old.name.as_str();
    let left = left_behind(cx, evolution, name);
    let came = evolution.topic(new)?;
    let home = came.after.map(|owned| owned.plugin.at(owned.contract.name.span));
    let published = evolution.after.emissions().find(|emission| emission.reach.surely(new));
    let place = home.or_else(|| published.map(|emission| emission.location.clone()))?;
    let owner = came.after.map(|owned| owned.plugin.slug()).or(published.map(|emission| emission.slug))?;
    let mut slugs: Vec<String> = left.iter().map(|(slug, _)| format!("`{slug}`")).collect();
    slugs.dedup();
    let (message, severity) = if left.is_empty() {
        let message =
            format!("`{name}` is called `{new}` now: events under the old name that are not handled yet stay so");
        (message, Severity::Warning)
    } else {
        let verb = if slugs.len() == 1 { "uses" } else { "use" };
        let message = format!("`{name}` is called `{new}` now, and {} still {verb} the old name", slugs.join(", "));
        (message, Severity::Error)
    };
    let places: Vec<&Location> = left.iter().map(|(_, at)| at).collect();
    let mut finding = Finding::new(owner, place, message).topic(name).role("contract").severity(severity);
    for (slug, at) in &left {
        finding = finding.related(at.clone(), format!("`{slug}` was left behind"));
    }
    let finding = finding.label("the new name");
    Some(if left.is_empty() {
        finding.help(format!("publish both for a time, with `{name}` deprecated, and remove it once its log is done"))
    } else {
        let edits = renames(cx, &places, name, new);
        finding.suggest(format!("rename it to `{new}` there too, or publish both for a time"), edits)
    })
}

/// Every place that names the old topic, by plugin and place.
fn left_behind<'a>(cx: &Context<'a>, evolution: &'a Evolution<'_>, old: &str) -> Vec<(&'a str, Location)> {
    let mut all = Vec::new();
    for consumer in evolution.after.consumers().filter(|consumer| consumer.hears_by_name(old)) {
        let declared = consumer.declared.map(|entry| cx.suite.view(consumer.plugin).at(entry.span));
        let places = consumer.sites.iter().map(|fact| fact.location.clone()).chain(declared);
        all.extend(places.map(|at| (consumer.slug, at)));
    }
    all
}
