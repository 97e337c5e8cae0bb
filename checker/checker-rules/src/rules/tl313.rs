//! TL313: the code uses or provides a capability that the manifest does not list.

use crate::capabilities::{CONSUMES, Direction, PROVIDES, named};
use crate::finding::Finding;
use crate::rule::{Check, Rule};
use checker_report::Severity;
use contract_graph::PluginView;
use contract_parse::Fact;

pub(crate) const RULE: Rule = Rule {
    id: "TL313",
    name: "capability-not-declared",
    severity: Severity::Error,
    since: "0.1.0",
    follows: None,
    text: include_str!("tl313.md"),
    check: Check::Plugin(check),
};

fn check(view: PluginView<'_>) -> Vec<Finding> {
    if !view.knows("capabilities") {
        return Vec::new();
    }
    [PROVIDES, CONSUMES].iter().flat_map(|direction| undeclared(view, direction)).collect()
}

fn undeclared(view: PluginView<'_>, direction: &Direction) -> Vec<Finding> {
    let declared = direction.declared(view);
    let calls = direction.calls(view).flat_map(|fact| named(fact).map(move |name| (fact, name)));
    calls
        .filter(|(_, name)| !declared.iter().any(|(known, _)| known == name))
        .map(|(fact, name)| finding(view, direction, fact, name))
        .collect()
}

fn finding(view: PluginView<'_>, direction: &Direction, fact: &Fact, name: &str) -> Finding {
    let message = format!(
        "`{}` {} the capability `{name}` here, which its manifest does not list under `{}`",
        view.slug(),
        direction.verb,
        direction.key
    );
    Finding::new(view.slug(), fact.location.clone(), message)
        .label("the daemon refuses this call")
        .role(format!("{} {name}", direction.verb))
        .within(fact)
        .help(format!("add {} to `{}` in plugin.yaml", (direction.entry)(name), direction.key))
}
