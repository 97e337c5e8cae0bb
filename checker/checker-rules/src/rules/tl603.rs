//! TL603: a schema changed so that somebody no longer understands the payloads.

use crate::context::Context;
use crate::finding::Finding;
use crate::rule::{Check, Rule};
use checker_report::Severity;
use contract_graph::Evolution;
use contract_graph::evolution::{PayloadChange, Payloads, Reader, TopicChange, Touch};
use contract_model::Location;
use contract_model::manifest::Compatibility;
use contract_schema::{ChangeKind, Verdict};
use std::collections::BTreeSet;

pub(crate) const RULE: Rule = Rule {
    id: "TL603",
    name: "breaking-schema",
    severity: Severity::Error,
    since: "0.1.0",
    follows: None,
    text: include_str!("tl603.md"),
    check: Check::Evolution(check),
};

fn check(cx: &Context<'_>, evolution: &Evolution<'_>) -> Vec<Finding> {
    let changed = evolution.topics.iter().filter(|topic| topic.mode() != Compatibility::None);
    changed.flat_map(|topic| findings(cx, evolution, topic)).collect()
}

fn findings(cx: &Context<'_>, evolution: &Evolution<'_>, topic: &TopicChange<'_>) -> Vec<Finding> {
    if let Payloads::Unreadable { why } = &topic.payloads {
        let message = format!("whether the payloads of `{}` are still understood is not known: {why}", topic.name);
        let finding = start(topic, None, message, "unreadable").map(|finding| finding.severity(cx.unproven()));
        return finding.into_iter().collect();
    }
    let readers = evolution.after.readers(&topic.name);
    let changes = topic.payloads.under(topic.mode());
    changes.iter().filter_map(|change| finding(cx, evolution, topic, change, &readers)).collect()
}

fn finding(
    cx: &Context<'_>,
    evolution: &Evolution<'_>,
    topic: &TopicChange<'_>,
    PayloadChange { change, verdict }: &PayloadChange<'_>,
    readers: &[Reader<'_>],
) -> Option<Finding> {
    let mut touched: Vec<(&Reader<'_>, Touch<'_>)> =
        readers.iter().filter_map(|reader| Some((reader, reader.reads.touched_by(change)?))).collect();
    touched.retain(|(reader, touch)| is_sure(*touch) || Some(reader.plugin.slug()) != owner(topic));
    let is_read = touched.iter().any(|(_, touch)| is_sure(*touch));
    let writers = if topic.is_request() { writers(evolution, topic) } else { Vec::new() };
    let verdict = match change.kind.removes_field() {
        true if is_read => Verdict::Incompatible,
        true if !touched.is_empty() => (*verdict).max(Verdict::Unknown),
        _ => *verdict,
    };
    let severity = match verdict {
        Verdict::Compatible => return None,
        Verdict::Unknown if change.kind == ChangeKind::PropertyAddedToOpen => Severity::Info,
        Verdict::Incompatible if is_read || !writers.is_empty() => Severity::Error,
        Verdict::Incompatible if touched.is_empty() => Severity::Warning,
        // Undecidable, or read at most in code that is not followed.
        Verdict::Unknown | Verdict::Incompatible => cx.unproven(),
    };
    let at = if change.path.is_empty() { "the payload".to_owned() } else { format!("`{}`", change.path) };
    let who = affected(&touched, &writers);
    let message = format!("{at} of `{}` {}{}{who}", topic.name, change.message, sureness(verdict));
    let role = format!("{} {}", change.kind.as_str(), change.path);
    let mut finding = start(topic, Some(&change.path), message, &role)?.severity(severity);
    for (reader, touch) in &touched {
        let slug = reader.plugin.slug();
        finding = match touch {
            Touch::Reads(fact) => finding.related(fact.location.clone(), format!("`{slug}` reads it here")),
            Touch::MayRead => finding.related(
                reader.location.clone(),
                format!("`{slug}` takes the payload here, and not all that it does with it is known"),
            ),
        };
    }
    for (slug, place) in &writers {
        finding = finding.related(place.clone(), format!("`{slug}` sends it here"));
    }
    Some(finding.label(change.kind.as_str()).help(way_out(topic.mode())))
}

fn is_sure(touch: Touch<'_>) -> bool {
    matches!(touch, Touch::Reads(_))
}

fn owner<'a>(topic: &TopicChange<'a>) -> Option<&'a str> {
    topic.after.map(|owned| owned.plugin.slug())
}

/// Who sends requests: a responder that takes less refuses what they send.
fn writers<'e>(evolution: &'e Evolution<'_>, topic: &TopicChange<'_>) -> Vec<(&'e str, Location)> {
    let emissions = evolution.after.emissions().filter(|emission| emission.reach.surely(&topic.name));
    let others = emissions.filter(|emission| Some(emission.slug) != owner(topic));
    others.map(|emission| (emission.slug, emission.location.clone())).collect()
}

fn affected(touched: &[(&Reader<'_>, Touch<'_>)], writers: &[(&str, Location)]) -> String {
    let is_read = touched.iter().any(|(_, touch)| is_sure(*touch));
    let readers = touched.iter().filter(|(_, touch)| is_sure(*touch) || !is_read);
    let readers: BTreeSet<&str> = readers.map(|(reader, _)| reader.plugin.slug()).collect();
    let senders: BTreeSet<&str> = writers.iter().map(|(slug, _)| *slug).collect();
    let read = match readers.len() {
        0 => None,
        1 if is_read => Some(format!("{} reads", listed(&readers))),
        _ if is_read => Some(format!("{} read", listed(&readers))),
        _ => Some(format!("{} may read in code that is not followed", listed(&readers))),
    };
    let sent = match senders.len() {
        0 => None,
        1 => Some(format!("{} sends", listed(&senders))),
        _ => Some(format!("{} send", listed(&senders))),
    };
    match (read, sent) {
        (None, None) => ", which no handler of the suite reads".to_owned(),
        (Some(read), Some(sent)) => format!(", which {read} and {sent}"),
        (Some(one), None) | (None, Some(one)) => format!(", which {one}"),
    }
}

fn listed(slugs: &BTreeSet<&str>) -> String {
    slugs.iter().map(|slug| format!("`{slug}`")).collect::<Vec<_>>().join(", ")
}

fn sureness(verdict: Verdict) -> &'static str {
    if verdict == Verdict::Unknown { " (whether that is compatible cannot be decided)" } else { "" }
}

fn way_out(mode: Compatibility) -> &'static str {
    match mode {
        Compatibility::Backward => "keep taking what was valid, or give the new form a topic of its own",
        Compatibility::Forward => "keep sending what was valid, or give the new form a topic of its own",
        Compatibility::Full | Compatibility::None => {
            "keep both taking and sending what was valid, or give the new form a topic of its own"
        }
    }
}

/// A finding at the schema, near the field that changed.
fn start(topic: &TopicChange<'_>, path: Option<&str>, message: String, role: &str) -> Option<Finding> {
    let owned = topic.after?;
    let named = owned.plugin.at(owned.contract.name.span);
    let file = owned.contract.schema.as_ref().map(|file| file.value.trim_start_matches("./"));
    let text = file.and_then(|file| Some((owned.plugin.path(file), owned.plugin.parsed.texts.get(file)?)));
    let place = match text {
        Some((file, text)) => crate::schema_place::locate(&file, text, path.unwrap_or_default()),
        None => named.clone(),
    };
    let finding = Finding::new(owned.plugin.slug(), place, message).topic(&topic.name).role(role);
    Some(finding.related(named, "the topic's contract"))
}
