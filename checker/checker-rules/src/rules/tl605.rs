//! TL605: a new major version although nothing breaks.

use crate::context::Context;
use crate::finding::Finding;
use crate::rule::{Check, Rule};
use checker_report::Severity;
use contract_graph::Evolution;
use contract_graph::evolution::{Bump, TopicChange, bump_between, next_version};
use contract_model::manifest::Compatibility;
use contract_schema::Verdict;

pub(crate) const RULE: Rule = Rule {
    id: "TL605",
    name: "over-bumped",
    severity: Severity::Info,
    since: "0.1.0",
    follows: None,
    text: include_str!("tl605.md"),
    check: Check::Evolution(check),
};

fn check(_: &Context<'_>, evolution: &Evolution<'_>) -> Vec<Finding> {
    evolution.topics.iter().filter_map(finding).collect()
}

fn finding(topic: &TopicChange<'_>) -> Option<Finding> {
    let (before, after) = (topic.before?, topic.after?);
    let (old, new) = (before.contract.version.as_ref()?, after.contract.version.as_ref()?);
    let deserved = topic.deserves();
    // What cannot be decided may well be a break, in whatever direction.
    let worst = topic.payloads.backward().max(topic.payloads.forward());
    let may_break = worst == Verdict::Unknown || topic.mode() == Compatibility::None && worst > Verdict::Compatible;
    if deserved == Bump::Major || may_break || bump_between(old, new) != Some(Bump::Major) {
        return None;
    }
    let name = &topic.name;
    let next = next_version(old, deserved);
    let message = format!("`{name}` went from {old} to {new} although nothing breaks: {next} would do");
    let finding = Finding::new(after.plugin.slug(), after.plugin.at(after.contract.name.span), message).topic(name);
    let help =
        format!("write `version: {next}`: consumers with a range such as `^{}` go on without a change", old.major);
    Some(finding.role("version").label("a new major version").help(help))
}
