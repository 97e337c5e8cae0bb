//! TL906: an exception whose own condition has come true.

use crate::audit::Audit;
use crate::context::Context;
use crate::exception::Exception;
use crate::finding::Finding;
use crate::rule::{Check, Rule};
use checker_report::Severity;
use contract_model::Location;

pub(crate) const RULE: Rule = Rule {
    id: "TL906",
    name: "until-met",
    severity: Severity::Error,
    since: "0.1.0",
    follows: None,
    text: include_str!("tl906.md"),
    check: Check::Audit(check),
};

fn check(cx: &Context<'_>, audit: &Audit<'_>) -> Vec<Finding> {
    audit.all().filter_map(|exception| met(cx, exception)).collect()
}

fn met(cx: &Context<'_>, exception: &Exception<'_>) -> Option<Finding> {
    let until = exception.entry()?.until.as_ref()?.value.as_str();
    let (condition, thing) = until.strip_suffix(')')?.split_once('(')?;
    let at = happened(cx, condition, thing.trim())?;
    let message = format!("the exception from {} was to hold until `{until}`, and that is so now", exception.rule);
    let finding = Finding::new(exception.plugin, exception.location.clone(), message);
    let finding = finding.role(format!("{} {until}", exception.rule)).label("no longer needed");
    Some(finding.related(at, "what it waited for").help("take the exception out, and repair what is left to repair"))
}

/// Where the condition came true.
fn happened(cx: &Context<'_>, condition: &str, thing: &str) -> Option<Location> {
    match condition {
        "publisher" => cx
            .whole
            .emissions_of(thing)
            .find(|emission| emission.reach.surely_under(thing))
            .map(|it| it.location.clone()),
        "consumer" => cx.whole.consumers_of(thing).next().map(|consumer| consumer.location.clone()),
        "plugin" => cx.whole.plugin(thing).map(contract_graph::PluginView::top),
        _ => None,
    }
}
