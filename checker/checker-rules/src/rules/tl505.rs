//! TL505: an example does not fit its schema.

use crate::context::Context;
use crate::finding::Finding;
use crate::rule::{Check, Rule};
use crate::schemas::TopicSchema;
use checker_report::Severity;
use contract_model::Location;
use contract_parse::place_in_json;
use contract_schema::Violation;

pub(crate) const RULE: Rule = Rule {
    id: "TL505",
    name: "example-invalid",
    severity: Severity::Error,
    since: "0.1.0",
    follows: None,
    text: include_str!("tl505.md"),
    check: Check::Suite(check),
};

fn check(cx: &Context<'_>) -> Vec<Finding> {
    cx.schemas
        .topics()
        .flat_map(|(topic, schema)| within(topic, schema).into_iter().chain(files(topic, schema)))
        .collect()
}

/// Examples in the schema itself, by the keyword `examples`, at any depth.
fn within(topic: &str, schema: &TopicSchema<'_>) -> Vec<Finding> {
    let file = &schema.file;
    let broken = file.schema.examples();
    broken
        .into_iter()
        .map(|(pointer, violation)| finding(topic, schema, file.at(&pointer), &violation).role(pointer))
        .collect()
}

/// Examples in files of their own.
fn files(topic: &str, schema: &TopicSchema<'_>) -> Vec<Finding> {
    let plugin = schema.file.plugin;
    let mut found = Vec::new();
    for path in &schema.contract.examples {
        let Some(text) = plugin.parsed.texts.get(&path.value) else { continue };
        // What is no JSON is reported by TL501.
        let Ok(value) = serde_json::from_str(text.strip_prefix('\u{feff}').unwrap_or(text)) else { continue };
        for violation in schema.file.schema.validate(&value).err().into_iter().flatten() {
            let span = place_in_json(text, &violation.pointer);
            let at = Location::of(plugin.path(&path.value), text, span);
            found.push(finding(topic, schema, at, &violation).role(format!("{} {}", path.value, violation.pointer)));
        }
    }
    found
}

fn finding(topic: &str, schema: &TopicSchema<'_>, at: Location, violation: &Violation) -> Finding {
    let message = format!("an example of `{topic}` does not fit its schema: {violation}");
    Finding::new(schema.file.plugin.slug(), at, message)
        .topic(topic)
        .label("readers would take this for a payload")
        .related(schema.file.at(&violation.schema_pointer), "the schema says so")
        .help("correct the example, or the schema if that is what is wrong")
}
