//! TL604: a contract changed, and its version did not rise enough.

use crate::context::Context;
use crate::finding::Finding;
use crate::rule::{Check, Rule};
use checker_report::{Edit, Severity};
use contract_graph::Evolution;
use contract_graph::evolution::{Bump, Payloads, TopicChange, bump_between, next_version};
use contract_schema::Verdict;
use semver::Version;

pub(crate) const RULE: Rule = Rule {
    id: "TL604",
    name: "version-not-bumped",
    severity: Severity::Error,
    since: "0.1.0",
    follows: None,
    text: include_str!("tl604.md"),
    check: Check::Evolution(check),
};

fn check(_: &Context<'_>, evolution: &Evolution<'_>) -> Vec<Finding> {
    let mut found: Vec<Finding> = evolution.topics.iter().filter_map(topic).collect();
    found.extend(evolution.topics.iter().filter_map(|topic| unversioned(evolution, topic)));
    found
}

/// A contract with a version of its own.
fn topic(topic: &TopicChange<'_>) -> Option<Finding> {
    let (before, after) = (topic.before?, topic.after?);
    let (old, new) = (before.contract.version.as_ref()?, after.contract.version.as_ref()?);
    let deserved = topic.deserves();
    let next = too_low(old, new, deserved)?;
    let name = &topic.name;
    let message = format!("`{name}` {} and {}: it deserves {next}", what(topic), went(old, new));
    let finding = Finding::new(after.plugin.slug(), after.plugin.at(after.contract.name.span), message).topic(name);
    Some(finding.role("version").label(format!("still {new}")).help(format!("write `version: {next}` here")))
}

/// A contract without a version goes by its plugin's; so does one that went.
fn unversioned(evolution: &Evolution<'_>, topic: &TopicChange<'_>) -> Option<Finding> {
    let before = topic.before?;
    let has_own = topic.after.is_some_and(|after| after.contract.version.is_some());
    if has_own || before.contract.version.is_some() && topic.after.is_some() {
        return None;
    }
    let plugin = evolution.after.plugin(before.plugin.slug())?;
    if !before.plugin.knows("version") || !plugin.knows("version") {
        return None;
    }
    let (old, new) = (&before.plugin.manifest()?.version.value, &plugin.manifest()?.version);
    let deserved = if topic.after.is_none() { Bump::Major } else { topic.deserves() };
    let next = too_low(old, &new.value, deserved)?;
    let what = if topic.after.is_none() { "was removed".to_owned() } else { what(topic) };
    let (slug, name) = (plugin.slug(), &topic.name);
    let message = format!("`{name}` {what} and `{slug}` {}: it deserves {next}", went(old, &new.value));
    let place = plugin.at(new.span);
    let edit = Edit { location: place.clone(), text: next.to_string() };
    let finding = Finding::new(slug, place, message).topic(name).role("plugin version").label("too low");
    Some(finding.suggest(format!("write `version: {next}`"), vec![edit]))
}

/// What became of a version, in words.
fn went(old: &Version, new: &Version) -> String {
    if old == new { format!("stayed at {old}") } else { format!("went from {old} to {new}") }
}

/// The version that it should be, where it is not.
fn too_low(old: &Version, new: &Version, deserved: Bump) -> Option<Version> {
    let rose = bump_between(old, new);
    // A word that decides nothing asks for no version.
    let asked = if deserved == Bump::Patch { Bump::None } else { deserved };
    match rose {
        Some(rose) if rose >= asked => None,
        _ => Some(next_version(old, deserved)),
    }
}

fn what(topic: &TopicChange<'_>) -> String {
    if let Some(change) = topic.contract.iter().find(|change| change.breaking) {
        return change.message.clone();
    }
    let changes = topic.payloads.under(topic.mode());
    let worst = changes.iter().max_by_key(|one| (one.verdict, one.change.kind.removes_field()));
    match (worst, &topic.payloads) {
        (Some(one), _) if one.verdict == Verdict::Incompatible || one.change.kind.removes_field() => {
            format!("breaks its payloads (`{}` {})", one.change.path, one.change.message)
        }
        (Some(one), _) => format!("has other payloads (`{}` {})", one.change.path, one.change.message),
        (None, Payloads::Unreadable { .. }) => "has payloads that cannot be compared".to_owned(),
        (None, _) => topic.contract.first().map_or("changed".to_owned(), |change| change.message.clone()),
    }
}
