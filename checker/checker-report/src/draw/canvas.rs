//! One page of Markdown about one plugin.

use crate::{Direction, Edge, PluginCard, TopicCard, Wiring};
use std::fmt::Write as _;

/// What a plugin owns, publishes, consumes and needs, and who is at the other end. None where there is no such plugin.
pub fn canvas(wiring: &Wiring, slug: &str) -> Option<String> {
    let plugin = wiring.plugin(slug)?;
    let mut out = head(plugin);
    let owned: Vec<&TopicCard> = wiring.topics.iter().filter(|topic| topic.owner.as_deref() == Some(slug)).collect();
    section(&mut out, "Owns", "| topic | kind | version | visibility | replies | state |", owned.into_iter().map(own));
    let (published, consumed) = (Direction::Publishes, Direction::Consumes);
    let outgoing = wiring.of_plugin(slug, published).map(|edge| other_end(wiring, edge, consumed));
    section(&mut out, "Publishes", "| topic | consumed by | where |", outgoing);
    let incoming = wiring.of_plugin(slug, consumed).map(|edge| other_end(wiring, edge, published));
    section(&mut out, "Consumes", "| topic | published by | where |", incoming);
    list(&mut out, "Starts work", plugin.entrances.iter().map(|entrance| format!("`{entrance}`")));
    list(&mut out, "Requires", plugin.requires.iter().map(|(slug, range)| format!("`{slug}` {range}")));
    list(&mut out, "Provides", plugin.provides.iter().map(|(name, version)| format!("`{name}` {version}")));
    list(&mut out, "Uses", plugin.uses.iter().map(|used| format!("`{used}`")));
    list(&mut out, "Allows itself", plugin.allowances.iter().cloned());
    Some(out)
}

fn head(plugin: &PluginCard) -> String {
    let name = if plugin.name.is_empty() { &plugin.slug } else { &plugin.name };
    let version = plugin.version.as_ref().map(|version| format!(" {version}")).unwrap_or_default();
    let mut out = format!("# {name}\n\n`{}`{version}\n", plugin.slug);
    if let Some(description) = plugin.about.get("description") {
        let _ = write!(out, "\n{description}\n");
    }
    out
}

fn own(topic: &TopicCard) -> Vec<String> {
    let dash = || "–".to_owned();
    let replies: Vec<String> = topic.replies.iter().map(|reply| format!("`{reply}`")).collect();
    vec![
        format!("`{}`", topic.name),
        topic.kind.map_or_else(dash, str::to_owned),
        topic.version.clone().unwrap_or_else(dash),
        topic.visibility.map_or_else(dash, str::to_owned),
        if replies.is_empty() { dash() } else { replies.join(", ") },
        state(topic),
    ]
}

fn state(topic: &TopicCard) -> String {
    let deprecated = topic.deprecated.as_ref().map(|instead| match instead.as_str() {
        "" => ", deprecated".to_owned(),
        instead => format!(", deprecated for `{instead}`"),
    });
    format!("{}{}", topic.verdict.as_str(), deprecated.unwrap_or_default())
}

fn other_end(wiring: &Wiring, edge: &Edge, direction: Direction) -> Vec<String> {
    let slugs: Vec<String> = wiring.facing(edge, direction).into_iter().map(|slug| format!("`{slug}`")).collect();
    let sure = if edge.firm { "" } else { " (not certain)" };
    let places: Vec<String> = edge.places.iter().map(|at| format!("{}:{}", at.file, at.line)).collect();
    let nobody =
        if wiring.topic(&edge.topic).is_some_and(|topic| topic.external.is_some()) { "outside" } else { "nobody" };
    vec![
        format!("`{}`{sure}", edge.topic),
        if slugs.is_empty() { nobody.to_owned() } else { slugs.join(", ") },
        places.join(", "),
    ]
}

fn section(out: &mut String, title: &str, header: &str, rows: impl Iterator<Item = Vec<String>>) {
    let rows: Vec<Vec<String>> = rows.collect();
    if rows.is_empty() {
        return;
    }
    let rule = "|---".repeat(header.matches('|').count() - 1);
    let _ = writeln!(out, "\n## {title}\n\n{header}\n{rule}|");
    for row in rows {
        let _ = writeln!(out, "| {} |", row.join(" | "));
    }
}

fn list(out: &mut String, title: &str, items: impl Iterator<Item = String>) {
    let items: Vec<String> = items.collect();
    if !items.is_empty() {
        let _ = writeln!(out, "\n## {title}\n\n- {}", items.join("\n- "));
    }
}
