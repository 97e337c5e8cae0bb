//! TL305: the manifest names a handler that the code does not have.

use crate::finding::Finding;
use crate::nearest::nearest;
use crate::rule::{Check, Rule};
use checker_report::Severity;
use contract_graph::PluginView;
use contract_model::span::Spanned;
use contract_parse::FactKind;

pub(crate) const RULE: Rule = Rule {
    id: "TL305",
    name: "handler-missing",
    severity: Severity::Error,
    since: "0.1.0",
    follows: None,
    text: include_str!("tl305.md"),
    check: Check::Plugin(check),
};

fn check(view: PluginView<'_>) -> Vec<Finding> {
    if view.has_code() && view.is_complete() { missing(view) } else { Vec::new() }
}

fn missing(view: PluginView<'_>) -> Vec<Finding> {
    let entries = view.manifest().map(|manifest| manifest.consumes.as_slice()).unwrap_or_default();
    let named = entries.iter().filter_map(|entry| Some((entry.value.topic.as_str(), entry.value.handler.as_ref()?)));
    let handlers: Vec<&str> = view.running(FactKind::Subscribe).filter_map(|fact| fact.handler.as_deref()).collect();
    named
        .filter(|(_, handler)| !handlers.contains(&handler.value.as_str()))
        .map(|(topic, handler)| finding(view, topic, handler, &handlers))
        .collect()
}

fn finding(view: PluginView<'_>, topic: &str, handler: &Spanned<String>, handlers: &[&str]) -> Finding {
    let name = handler.value.as_str();
    let message = format!("`{}` has no subscription whose handler is `{name}`", view.slug());
    let finding = Finding::new(view.slug(), view.at(handler.span), message)
        .topic(topic)
        .role(name)
        .label("no such handler in the code");
    match nearest(name, handlers.iter().copied()) {
        Some(meant) => finding.help(format!("did you mean `{meant}`?")),
        None => finding.help("a handler goes by its `name` option, else by its function's name"),
    }
}
