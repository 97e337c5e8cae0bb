//! TL703: an annotation rules out what the code does.

use crate::finding::Finding;
use crate::rule::{Check, Rule};
use checker_report::Severity;
use contract_graph::{PluginView, overlap};
use contract_model::Location;
use contract_model::topic::pattern_matches;
use contract_parse::{Fact, FactKind, Provenance, TopicValue};
use std::collections::{BTreeMap, BTreeSet};

pub(crate) const RULE: Rule = Rule {
    id: "TL703",
    name: "annotation-contradicted",
    severity: Severity::Error,
    since: "0.1.0",
    follows: None,
    text: include_str!("tl703.md"),
    check: Check::Plugin(check),
};

/// An annotation of several patterns is several facts at one place.
fn check(view: PluginView<'_>) -> Vec<Finding> {
    let mut places: BTreeMap<(FactKind, &Location), (BTreeSet<&str>, &Fact)> = BTreeMap::new();
    for fact in view.parsed.facts.iter().filter(|fact| fact.provenance == Provenance::Annotated) {
        let (allowed, _) = places.entry((fact.kind, &fact.location)).or_insert((BTreeSet::new(), fact));
        match &fact.topic {
            Some(TopicValue::Exact(names)) => allowed.extend(names.iter().map(String::as_str)),
            Some(TopicValue::Pattern(pattern)) => _ = allowed.insert(pattern),
            _ => {}
        }
    }
    let found = places.into_values();
    found
        .filter_map(|(allowed, fact)| Some((outside(&allowed, fact.proved.as_ref()?)?, fact)))
        .map(|(topic, fact)| finding(view, &topic, fact))
        .collect()
}

/// What the code proves and the annotation does not allow. Of several values some may stand behind a condition that
/// the analysis does not follow, so that one allowed value is enough.
fn outside(allowed: &BTreeSet<&str>, proved: &TopicValue) -> Option<String> {
    match proved {
        TopicValue::Exact(names) => {
            let is_allowed = |name: &str| allowed.iter().any(|one| *one == name || pattern_matches(one, name));
            names.first().filter(|_| !names.iter().any(|name| is_allowed(name))).cloned()
        }
        TopicValue::Pattern(pattern) => (!allowed.iter().any(|one| overlap(one, pattern))).then(|| pattern.clone()),
        TopicValue::Unknown(_) => None,
    }
}

fn finding(view: PluginView<'_>, topic: &str, fact: &Fact) -> Finding {
    let message = format!("the annotation in `{}` rules out `{topic}`, which the code names here", view.slug());
    let finding =
        Finding::new(view.slug(), fact.location.clone(), message).topic(topic).role("annotation").within(fact);
    let finding = finding.label("contradicts its `@topics`");
    finding.help("correct the annotation; where the analysis knows the topic it needs none")
}
