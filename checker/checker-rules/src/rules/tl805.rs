//! TL805: data that is marked as personal leaves the suite.

use crate::finding::Finding;
use crate::rule::{Check, Rule};
use checker_report::Severity;
use contract_graph::PluginView;
use contract_model::manifest::{TopicContract, Visibility};
use serde_json::Value;

pub(crate) const RULE: Rule = Rule {
    id: "TL805",
    name: "classified-data",
    severity: Severity::Warning,
    since: "0.1.0",
    follows: None,
    text: include_str!("tl805.md"),
    check: Check::Plugin(check),
};

/// The keyword of a schema that says what kind of data a field holds.
const KEYWORD: &str = "x-classification";

fn check(view: PluginView<'_>) -> Vec<Finding> {
    let contracts = view.manifest().map(|manifest| manifest.topics.values()).into_iter().flatten();
    let public = contracts.filter(|contract| contract.visibility == Visibility::Public);
    public.filter_map(|contract| finding(view, contract)).collect()
}

fn finding(view: PluginView<'_>, contract: &TopicContract) -> Option<Finding> {
    let file = &contract.schema.as_ref()?.value;
    let schema: Value = serde_json::from_str(view.parsed.texts.get(file)?).ok()?;
    let field = personal(&schema, String::new())?;
    let topic = contract.name.value.as_str();
    let message = format!("`{topic}` is public, and its `{field}` is marked as personal");
    let finding = Finding::new(view.slug(), view.at(contract.name.span), message).topic(topic).role("own");
    let finding = finding.label("clients outside may see this");
    Some(finding.help("make the topic `visibility: suite`, or publish it without the field"))
}

/// The pointer to the first field that is marked, in the order of the schema's keys.
fn personal(schema: &Value, at: String) -> Option<String> {
    if schema.get(KEYWORD).is_some_and(|class| class == "personal") {
        return Some(if at.is_empty() { "/".to_owned() } else { at });
    }
    let fields = schema.get("properties").and_then(Value::as_object).into_iter().flatten();
    let mut inner = fields.map(|(name, field)| (format!("{at}/{name}"), field)).collect::<Vec<_>>();
    inner.sort_by(|a, b| a.0.cmp(&b.0));
    inner.extend(schema.get("items").map(|items| (format!("{at}/*"), items)));
    inner.into_iter().find_map(|(at, field)| personal(field, at))
}
