//! `diff` for people: at a terminal, and in a pull request.

use super::document::{ChangeLine, Diff, Edges, PluginLine, TopicLine, What};
use std::fmt::Write as _;

/// For a terminal.
pub(super) fn text(diff: &Diff) -> String {
    if diff.is_empty() {
        return "nothing changed in topics, contracts and wiring\n".to_owned();
    }
    let mut out = String::new();
    for PluginLine { plugin, change, before, after } in &diff.plugins {
        let _ = writeln!(out, "{} plugin {plugin}{}", sign(*change), versions(before.as_ref(), after.as_ref()));
    }
    for topic in &diff.topics {
        let _ = writeln!(out, "{} topic {}{}", sign(topic.change), headline(topic), verdict(topic));
        for change in &topic.changes {
            let _ = writeln!(out, "    {}", sentence(change));
        }
    }
    for (word, edges) in [("publishes", &diff.publishers), ("consumes", &diff.consumers)] {
        for (sign, topic) in signed(edges, |plugin, topic| format!("{plugin} {word} {topic}")) {
            let _ = writeln!(out, "{sign} {topic}");
        }
    }
    for (at, step) in diff.rollout.iter().enumerate() {
        let _ = writeln!(out, "upgrade {}. {}", at + 1, step.words());
        for why in &step.because {
            let _ = writeln!(out, "    {why}");
        }
    }
    out
}

/// For a pull request.
pub(super) fn markdown(diff: &Diff) -> String {
    let mut out = "## Contracts\n\n".to_owned();
    if diff.is_empty() {
        return out + "Nothing changed in topics, contracts and wiring.\n";
    }
    plugin_table(&mut out, diff);
    topic_table(&mut out, diff);
    let edges: Vec<String> = [("publishes", &diff.publishers), ("consumes", &diff.consumers)]
        .into_iter()
        .flat_map(|(word, edges)| signed(edges, move |plugin, topic| format!("{plugin} {word} {topic}")))
        .map(|(sign, line)| format!("{sign} {line}\n"))
        .collect();
    if !edges.is_empty() {
        let _ = writeln!(out, "```diff\n{}```\n", edges.concat());
    }
    if !diff.rollout.is_empty() {
        out.push_str("Upgrade in this order:\n\n");
        for (at, step) in diff.rollout.iter().enumerate() {
            let _ = writeln!(out, "{}. {}: {}", at + 1, step.words(), step.because.join("; "));
        }
    }
    out.trim_end().to_owned() + "\n"
}

fn plugin_table(out: &mut String, diff: &Diff) {
    if !diff.plugins.is_empty() {
        out.push_str("| | plugin | before | now |\n|---|---|---|---|\n");
        for PluginLine { plugin, change, before, after } in &diff.plugins {
            let of = |version: &Option<String>| version.clone().unwrap_or_default();
            let _ = writeln!(out, "| {} | `{plugin}` | {} | {} |", sign(*change), of(before), of(after));
        }
        out.push('\n');
    }
}

fn topic_table(out: &mut String, diff: &Diff) {
    if !diff.topics.is_empty() {
        out.push_str(
            "| | topic | version | old payloads still valid | new payloads were valid |\n|---|---|---|---|---|\n",
        );
        for topic in &diff.topics {
            let (backward, forward) = match topic.change {
                What::Changed if topic.has_other_payloads => (topic.backward, topic.forward),
                _ => ("", ""),
            };
            let versions = versions(topic.before.as_ref(), topic.after.as_ref());
            let name = match &topic.renamed_to {
                Some(new) => format!("`{}` → `{new}`", topic.topic),
                None => format!("`{}`", topic.topic),
            };
            let _ = writeln!(out, "| {} | {name} |{versions} | {backward} | {forward} |", sign(topic.change));
        }
        out.push('\n');
        let changed = diff.topics.iter().filter(|topic| !topic.changes.is_empty());
        for topic in changed {
            let _ = writeln!(out, "`{}`, to be kept {}:\n", topic.topic, topic.compatibility);
            for change in &topic.changes {
                let _ = writeln!(out, "- {}", sentence(change));
            }
            out.push('\n');
        }
    }
}

fn sign(change: What) -> char {
    match change {
        What::Added => '+',
        What::Removed => '-',
        What::Renamed | What::Changed => '~',
    }
}

fn versions(before: Option<&String>, after: Option<&String>) -> String {
    match (before, after) {
        (Some(before), Some(after)) if before != after => format!(" {before} -> {after}"),
        (_, Some(version)) | (Some(version), None) => format!(" {version}"),
        (None, None) => String::new(),
    }
}

fn headline(topic: &TopicLine) -> String {
    let versions = versions(topic.before.as_ref(), topic.after.as_ref());
    let to = topic.renamed_to.as_ref().map_or(String::new(), |new| format!(" -> {new}"));
    let of = match (topic.kind, &topic.owner) {
        (Some(kind), Some(owner)) => format!(" ({kind} of {owner})"),
        _ => String::new(),
    };
    format!("{}{to}{versions}{of}", topic.topic)
}

fn verdict(topic: &TopicLine) -> String {
    match topic.change {
        What::Changed if topic.has_other_payloads => {
            format!(": backward {}, forward {}", topic.backward, topic.forward)
        }
        _ => String::new(),
    }
}

fn sentence(change: &ChangeLine) -> String {
    let at = if change.at.is_empty() { "the payload" } else { &change.at };
    let verdict = match (change.backward, change.forward) {
        ("compatible", "compatible") => String::new(),
        (backward, forward) if backward == forward => format!(" ({backward})"),
        (backward, forward) => format!(" (backward {backward}, forward {forward})"),
    };
    let readers: Vec<String> = change.read_by.iter().map(|slug| format!("`{slug}`")).collect();
    let read = if readers.is_empty() { String::new() } else { format!(", read by {}", readers.join(", ")) };
    format!("`{at}` {}{read}{verdict}", change.message)
}

fn signed<'e>(
    edges: &'e Edges,
    line: impl Fn(&str, &str) -> String + Clone + 'e,
) -> impl Iterator<Item = (char, String)> + 'e {
    let again = line.clone();
    let added = edges.added.iter().map(move |edge| ('+', line(&edge.plugin, &edge.topic)));
    added.chain(edges.removed.iter().map(move |edge| ('-', again(&edge.plugin, &edge.topic))))
}
