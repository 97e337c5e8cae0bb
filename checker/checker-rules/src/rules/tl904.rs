//! TL904: an exception that covers more than anybody can have looked at.

use crate::audit::Audit;
use crate::context::Context;
use crate::exception::Exception;
use crate::finding::Finding;
use crate::rule::{Check, Rule};
use crate::severity::audits;
use checker_report::Severity;
use contract_graph::is_pattern;
use contract_model::topic::pattern_matches;
use std::cell::LazyCell;
use std::ops::Deref;

pub(crate) const RULE: Rule = Rule {
    id: "TL904",
    name: "too-broad",
    severity: Severity::Error,
    since: "0.1.0",
    follows: None,
    text: include_str!("tl904.md"),
    check: Check::Audit(check),
};

/// The most topics that one exception may cover.
const TOPICS_MAX: usize = 5;

fn check(cx: &Context<'_>, audit: &Audit<'_>) -> Vec<Finding> {
    // Most suites except nothing by a pattern, and listing every topic takes a while.
    let names = LazyCell::new(|| cx.whole.topics().into_iter().map(|topic| topic.name).collect());
    let allowances = audit.all().filter_map(|exception| allowance(exception, &names));
    allowances.chain(externals(cx)).chain(silenced(cx)).collect()
}

/// Levels of suite.yaml that would switch off what looks after exceptions.
fn silenced(cx: &Context<'_>) -> Vec<Finding> {
    let overrides = cx.suite.manifest.overrides.iter().flat_map(|entry| &entry.value.rules);
    let off = cx.suite.manifest.rules.iter().chain(overrides).filter(|(_, level)| level.value == "off");
    let auditors = off.filter_map(|(rule, level)| Some((cx.names.find(rule)?.id, level)).filter(|(id, _)| audits(id)));
    auditors
        .map(|(id, level)| {
            let message = format!("{id} looks after exceptions and cannot be switched off");
            let finding = Finding::new("", cx.suite.at(level.span), message).role(format!("off {id}"));
            finding.label("would hide every exception of its kind").help("mend the exceptions, or make it `warn`")
        })
        .collect()
}

fn allowance(exception: &Exception<'_>, names: &impl Deref<Target = Vec<String>>) -> Option<Finding> {
    let entry = exception.entry()?;
    let message = match exception.topic() {
        Some("**") => format!("the exception from {} covers every topic there is", exception.rule),
        Some(pattern) if !is_pattern(pattern) => return None,
        Some(pattern) => {
            let covered = names.iter().filter(|name| pattern_matches(pattern, name)).count();
            if covered <= TOPICS_MAX {
                return None;
            }
            format!("the exception from {} covers {covered} topics, more than {TOPICS_MAX}", exception.rule)
        }
        None if entry.file.is_some() => return None,
        None if exception.plugin.is_empty() => {
            format!("the exception from {} covers every plugin of the suite", exception.rule)
        }
        None => return unlimited(exception),
    };
    let finding = Finding::new(exception.plugin, exception.location.clone(), message).label("too wide to be looked at");
    let finding = finding.role(format!("{} {}", exception.rule, exception.topic().unwrap_or_default()));
    Some(finding.help("name the topics one by one, each with its reason"))
}

/// An exception from a rule about topics that names neither topic nor file.
fn unlimited(exception: &Exception<'_>) -> Option<Finding> {
    let about_topics = exception.known.is_some_and(|rule| rule.id.starts_with("TL2") || rule.id.starts_with("TL3"));
    about_topics.then(|| {
        let message = format!("the exception from {} is limited to no topic and no file", exception.rule);
        let finding = Finding::new(exception.plugin, exception.location.clone(), message);
        finding.role(exception.rule).label("covers the whole plugin").help("add `topic:` or `file:`")
    })
}

/// External topics that would hide every misspelt name below them.
fn externals(cx: &Context<'_>) -> Vec<Finding> {
    let wide = cx.suite.manifest.external.iter().filter(|entry| entry.value.topic.as_str().starts_with('*'));
    wide.map(|entry| {
        let topic = entry.value.topic.as_str();
        let message = format!("`{topic}` as an external topic would hide every misspelt name");
        let finding = Finding::new("", cx.suite.at(entry.span), message).topic(topic).role("external");
        finding.label("too wide").help("name the topics that enter from outside, or at least their namespace")
    })
    .collect()
}
