//! TL609: fewer may see a topic than could.

use crate::context::Context;
use crate::finding::Finding;
use crate::rule::{Check, Rule};
use checker_report::Severity;
use contract_graph::Evolution;
use contract_graph::evolution::TopicChange;
use contract_model::manifest::Visibility;

pub(crate) const RULE: Rule = Rule {
    id: "TL609",
    name: "exposure-narrowed",
    severity: Severity::Error,
    since: "0.1.0",
    follows: None,
    text: include_str!("tl609.md"),
    check: Check::Evolution(check),
};

fn check(_: &Context<'_>, evolution: &Evolution<'_>) -> Vec<Finding> {
    let mut found: Vec<Finding> = evolution.topics.iter().filter_map(|topic| narrowed(evolution, topic)).collect();
    found.extend(no_longer_external(evolution));
    found
}

fn narrowed(evolution: &Evolution<'_>, topic: &TopicChange<'_>) -> Option<Finding> {
    let (before, after) = (topic.before?, topic.after?);
    let (was, is) = (before.contract.visibility, after.contract.visibility);
    let owner = after.plugin.slug();
    let listeners = evolution.before.consumers_of(&topic.name).filter(|consumer| consumer.slug != owner);
    let loses = match (was, is) {
        (Visibility::Public, Visibility::Suite) => "clients outside lose it".to_owned(),
        (Visibility::Public, Visibility::Private) => "clients outside and the other plugins lose it".to_owned(),
        (Visibility::Suite, Visibility::Private) => {
            let slugs: std::collections::BTreeSet<String> = listeners.map(|one| format!("`{}`", one.slug)).collect();
            if slugs.is_empty() {
                return None;
            }
            format!("{} heard it", slugs.into_iter().collect::<Vec<_>>().join(", "))
        }
        _ => return None,
    };
    let message = format!("`{}` {}: {loses}", topic.name, visibility(topic));
    let finding = Finding::new(owner, after.plugin.at(after.contract.name.span), message).topic(&topic.name);
    let help = "keep it visible and `deprecated` until its sunset has passed, and narrow it then";
    Some(finding.role("visibility").label("seen by fewer").help(help))
}

fn visibility<'t>(topic: &'t TopicChange<'_>) -> &'t str {
    topic.contract.iter().find(|change| change.key == "visibility").map_or("is seen by fewer", |change| &change.message)
}

/// Topics that suite.yaml let in from outside and no longer does.
fn no_longer_external(evolution: &Evolution<'_>) -> Vec<Finding> {
    let was = evolution.before.suite().manifest.external.iter().map(|entry| &entry.value);
    let gone = was.filter(|entry| {
        let name = entry.topic.as_str();
        let heard = evolution.after.consumers().any(|consumer| contract_graph::overlap(&consumer.topic, name));
        heard && !evolution.after.enters_from_outside(name)
    });
    gone.map(|entry| {
        let message = format!(
            "`{}` may no longer enter from outside: suite.yaml named it external ({})",
            entry.topic, entry.reason
        );
        let place = contract_model::Location::start_of("suite.yaml");
        let finding = Finding::new("", place, message).topic(entry.topic.as_str()).role("external");
        finding.label("no longer external").help("name it under `external:` again, or remove who hears it as well")
    })
    .collect()
}
