//! Topics that went and topics that came, paired where they are the same thing under another name.

use super::schema::payload;
use super::topic::TopicChange;
use crate::graph::Graph;
use contract_schema::compare;
use serde_json::Value;
use std::collections::BTreeSet;

/// Marks the pairs. A topic has one new name at most; of several candidates the likeliest takes it.
pub(super) fn pair(before: &Graph<'_>, after: &Graph<'_>, topics: &mut [TopicChange<'_>]) {
    let mut candidates = Vec::new();
    for (old, gone) in topics.iter().enumerate().filter(|(_, topic)| topic.is_removed()) {
        for (new, came) in topics.iter().enumerate().filter(|(_, topic)| topic.is_added()) {
            if let Some(likeness) = likeness(before, after, gone, came) {
                candidates.push((std::cmp::Reverse(likeness), old, new));
            }
        }
    }
    candidates.sort();
    for (_, old, new) in candidates {
        if topics[old].renamed_to.is_none() && topics[new].renamed_from.is_none() {
            topics[old].renamed_to = Some(topics[new].name.clone());
            topics[new].renamed_from = Some(topics[old].name.clone());
        }
    }
}

/// How alike two topics are: by the plugin, by what is sent, by where it is sent from, by the name. None for two that
/// are not the same thing.
fn likeness(before: &Graph<'_>, after: &Graph<'_>, gone: &TopicChange<'_>, came: &TopicChange<'_>) -> Option<usize> {
    let same_payload = match (gone.before, came.after) {
        (Some(old), Some(new)) if old.contract.kind != new.contract.kind => return None,
        (Some(old), Some(new)) => match (payload(old).ok()?, payload(new).ok()?) {
            (Value::Bool(true), Value::Bool(true)) => None,
            (old, new) => Some(compare(&old, &new).is_equivalent()),
        },
        (None, None) => None,
        _ => return None,
    };
    let same_place = !sources(before, &gone.name).is_disjoint(&sources(after, &came.name));
    let alike = same_payload.unwrap_or(same_place);
    let words = |name: &str| name.split(['.', '-', '_']).map(str::to_owned).collect::<BTreeSet<String>>();
    let shared = words(&gone.name).intersection(&words(&came.name)).count();
    alike.then_some(usize::from(same_place) * 100 + shared)
}

/// The plugins and handlers that publish a topic.
fn sources(graph: &Graph<'_>, topic: &str) -> BTreeSet<(String, String)> {
    let publishing = graph.emissions().filter(|emission| emission.reach.surely(topic));
    publishing
        .filter_map(|emission| Some((emission.slug.to_owned(), emission.fact?.within.clone().unwrap_or_default())))
        .collect()
}
