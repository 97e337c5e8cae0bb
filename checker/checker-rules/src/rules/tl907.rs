//! TL907: an exception or a setting names a rule that does not exist.

use crate::audit::Audit;
use crate::context::Context;
use crate::finding::Finding;
use crate::nearest::nearest;
use crate::rule::{Check, Rule};
use checker_report::Severity;
use contract_model::Location;

pub(crate) const RULE: Rule = Rule {
    id: "TL907",
    name: "unknown-rule",
    severity: Severity::Error,
    since: "0.1.0",
    follows: None,
    text: include_str!("tl907.md"),
    check: Check::Audit(check),
};

fn check(cx: &Context<'_>, audit: &Audit<'_>) -> Vec<Finding> {
    let exceptions = audit.all().filter(|exception| exception.known.is_none());
    let excepted =
        exceptions.map(|exception| finding(cx, exception.plugin, exception.location.clone(), exception.rule));
    let overrides = cx.suite.manifest.overrides.iter().flat_map(|entry| &entry.value.rules);
    let settings = cx.suite.manifest.rules.iter().chain(overrides).filter(|(rule, _)| cx.names.find(rule).is_none());
    let set = settings.map(|(rule, level)| finding(cx, "", cx.suite.at(level.span), rule));
    excepted.chain(set).collect()
}

fn finding(cx: &Context<'_>, plugin: &str, at: Location, rule: &str) -> Finding {
    if rule.is_empty() {
        let finding = Finding::new(plugin, at, "`tl-allow` names no rule").label("excepts nothing");
        return finding.help("write the rule, a colon and the reason: `// tl-allow TL311: the sweep is idempotent`");
    }
    let finding = Finding::new(plugin, at, format!("there is no rule `{rule}`")).role(rule).label("unknown rule");
    let known = cx.names.all();
    match nearest(&rule.to_uppercase(), known.clone()).or_else(|| nearest(rule, known)) {
        Some(meant) => finding.help(format!("did you mean `{meant}`?")),
        None => finding.help("`trunkline rules` lists them all"),
    }
}
