//! TL311: what a publishing call gives is taken for a promise.

use crate::finding::Finding;
use crate::rule::{Check, Rule};
use checker_report::Severity;
use contract_graph::PluginView;
use contract_parse::{Fact, FactKind};

pub(crate) const RULE: Rule = Rule {
    id: "TL311",
    name: "publish-taken-for-promise",
    severity: Severity::Error,
    since: "0.1.0",
    follows: None,
    text: include_str!("tl311.md"),
    check: Check::Plugin(check),
};

fn check(view: PluginView<'_>) -> Vec<Finding> {
    let kinds = [FactKind::Publish, FactKind::Request, FactKind::Reply];
    let facts = kinds.into_iter().flat_map(move |kind| view.running(kind));
    facts.filter_map(|fact| Some(finding(view, fact, fact.detail.get("chained")?))).collect()
}

fn finding(view: PluginView<'_>, fact: &Fact, method: &str) -> Finding {
    let call = match fact.kind {
        FactKind::Request => "`$app.request`",
        FactKind::Reply => "an answer",
        _ => "`publish`",
    };
    let message = format!("`.{method}()` is called on what {call} gives, which is no promise: the handler throws here");
    Finding::new(view.slug(), fact.location.clone(), message)
        .within(fact)
        .role(format!("{method} {}", fact.location.line))
        .label(format!("gives a plain object without `.{method}()`"))
        .help("publishing is part of the unit of work and done when the call returns: drop the chain, or use try and catch")
}
