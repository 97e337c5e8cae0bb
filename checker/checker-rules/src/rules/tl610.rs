//! TL610: recorded events that the schemas of today refuse.

use crate::against::RecordedEvent;
use crate::context::Context;
use crate::finding::Finding;
use crate::rule::{Check, Rule};
use checker_report::Severity;
use contract_graph::Owned;
use contract_schema::Schema;
use std::collections::BTreeMap;

pub(crate) const RULE: Rule = Rule {
    id: "TL610",
    name: "replay-incompatible",
    severity: Severity::Error,
    since: "0.1.0",
    follows: None,
    text: include_str!("tl610.md"),
    check: Check::Suite(check),
};

fn check(cx: &Context<'_>) -> Vec<Finding> {
    let mut by_topic: BTreeMap<&str, Vec<&RecordedEvent>> = BTreeMap::new();
    for event in cx.recorded {
        by_topic.entry(&event.topic).or_default().push(event);
    }
    by_topic.into_iter().filter_map(|(topic, events)| judge(cx.whole.contract(topic)?, topic, &events)).collect()
}

/// A schema that does not compile is reported by TL501.
fn judge(owned: Owned<'_>, topic: &str, events: &[&RecordedEvent]) -> Option<Finding> {
    let file = owned.contract.schema.as_ref()?.value.trim_start_matches("./");
    let text = owned.plugin.parsed.texts.get(file)?;
    let schema = Schema::compile(text, file).ok()?;
    let refused: Vec<&&RecordedEvent> = events.iter().filter(|event| !schema.is_valid(&event.payload)).collect();
    let first = refused.first()?;
    let violations = schema.validate(&first.payload).err().unwrap_or_default();
    let why = violations.first()?;
    let message = format!(
        "{} of {} recorded events of `{topic}` are refused by its schema, first `{}`: {}",
        refused.len(),
        events.len(),
        first.id,
        why.message
    );
    let place = crate::schema_place::locate(&owned.plugin.path(file), text, &why.pointer);
    let finding = Finding::new(owned.plugin.slug(), place, message).topic(topic).role("replay");
    let finding = finding.related(owned.plugin.at(owned.contract.name.span), "the topic's contract");
    Some(
        finding
            .label(format!("breaks `{}`", why.keyword))
            .help("take what stands in the log, or give the new form a topic of its own"),
    )
}
