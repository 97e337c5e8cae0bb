//! What a suite is held against besides itself.

use checker_report::{Baseline, Diagnostic, Known};
use contract_graph::Suite;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What a suite is held against besides itself. The default is nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Against<'a> {
    /// The suite as it was. Rules about evolution compare with it, and a finding that it has too is not new.
    pub base: Option<&'a Suite>,
    /// Events that were recorded, which the schemas of today must still take.
    pub recorded: &'a [RecordedEvent],
}

/// An event of a log.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordedEvent {
    /// What to call it: the event's id, else its line.
    pub id: String,
    /// Its topic.
    pub topic: String,
    /// Its payload.
    pub payload: Value,
}

/// Marks the findings that the base has too, and gives those that only the base has. Where one fingerprint stands for
/// several findings, as many of them are known as the base has; an exception that was taken away makes a finding new
/// again.
pub(crate) fn mark_existing(findings: &mut [Arc<Diagnostic>], base: &[Arc<Diagnostic>]) -> Vec<Known> {
    let mut known: BTreeMap<(&str, bool), Vec<&Diagnostic>> = BTreeMap::new();
    for finding in base {
        known.entry((&finding.fingerprint, finding.suppressed.is_some())).or_default().push(finding);
    }
    let mut existing = Vec::new();
    for (at, finding) in findings.iter().enumerate() {
        let key = (finding.fingerprint.as_str(), finding.suppressed.is_some());
        if known.get_mut(&key).and_then(Vec::pop).is_some() {
            existing.push(at);
        }
    }
    let gone: Vec<&Diagnostic> = known.into_values().flatten().filter(|one| one.suppressed.is_none()).collect();
    for at in existing {
        Arc::make_mut(&mut findings[at]).baseline = Baseline::Existing;
    }
    let remembered = gone.into_iter().map(|finding| Known {
        fingerprint: finding.fingerprint.clone(),
        rule: finding.rule.to_owned(),
        hint: finding.message.clone(),
        location: finding.location.clone(),
    });
    remembered.collect()
}

impl RecordedEvent {
    /// Reads CloudEvents, one JSON object a line, as `trunkline events list --json` and the bus give them.
    ///
    /// # Errors
    /// The line that is no event, and what it lacks.
    pub fn read_all(text: &str) -> Result<Vec<Self>, String> {
        let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
        lines.map(|(at, line)| Self::read(line).map_err(|why| format!("line {}: {why}", at + 1))).collect()
    }

    fn read(line: &str) -> Result<Self, String> {
        let mut event: Value = serde_json::from_str(line).map_err(|error| format!("is not JSON: {error}"))?;
        let text = |key: &str| event.get(key).and_then(Value::as_str).map(str::to_owned);
        let (Some(id), Some(topic)) = (text("id"), text("type")) else {
            return Err("is no CloudEvent: it lacks `id` or `type`".to_owned());
        };
        let payload = event.get_mut("data").map(Value::take).unwrap_or_default();
        Ok(Self { id, topic, payload })
    }
}
