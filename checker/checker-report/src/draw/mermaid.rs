//! Mermaid, which code hosts draw in Markdown.

use super::{Drawing, colour};
use crate::{Direction, Edge, Severity};
use std::fmt::Write as _;

/// A flowchart: plugins are boxes, topics rounded, what is not certain is dotted.
pub fn mermaid(drawing: Drawing<'_>) -> String {
    let mut out = "flowchart LR\n".to_owned();
    for (at, plugin) in drawing.wiring.plugins.iter().enumerate() {
        let _ = writeln!(out, "  p{at}[\"{}\"]", escaped(&plugin.slug));
    }
    if drawing.collapsed {
        between(&mut out, drawing);
    } else {
        bipartite(&mut out, drawing);
    }
    for (at, plugin) in drawing.wiring.plugins.iter().enumerate() {
        mark(&mut out, &format!("p{at}"), drawing.marks.plugins.get(&plugin.slug));
    }
    out
}

fn bipartite(out: &mut String, drawing: Drawing<'_>) {
    let wiring = drawing.wiring;
    for (at, topic) in wiring.topics.iter().enumerate() {
        let _ = writeln!(out, "  t{at}([\"{}\"])", escaped(&topic.name));
    }
    for Edge { plugin, direction, topic, firm, .. } in &wiring.edges {
        let plugin = wiring.plugins.binary_search_by(|one| one.slug.as_str().cmp(plugin));
        let topic = wiring.topics.binary_search_by(|one| one.name.as_str().cmp(topic));
        let (Ok(plugin), Ok(topic)) = (plugin, topic) else { continue };
        let arrow = if *firm { "-->" } else { "-.->" };
        let _ = match direction {
            Direction::Publishes => writeln!(out, "  p{plugin} {arrow} t{topic}"),
            Direction::Consumes => writeln!(out, "  t{topic} {arrow} p{plugin}"),
        };
    }
    for (at, topic) in wiring.topics.iter().enumerate() {
        mark(out, &format!("t{at}"), drawing.marks.topics.get(&topic.name));
    }
}

fn between(out: &mut String, drawing: Drawing<'_>) {
    let place = |slug: &str| drawing.wiring.plugins.binary_search_by(|one| one.slug.as_str().cmp(slug));
    for ((from, to), topics) in drawing.wiring.between_plugins() {
        let (Ok(from), Ok(to)) = (place(from), place(to)) else { continue };
        let label: Vec<String> = topics.into_iter().map(escaped).collect();
        let _ = writeln!(out, "  p{from} -->|\"{}\"| p{to}", label.join("<br/>"));
    }
}

fn mark(out: &mut String, id: &str, severity: Option<&Severity>) {
    if let Some(severity) = severity {
        let _ = writeln!(out, "  style {id} stroke:{0},color:{0}", colour(*severity));
    }
}

fn escaped(text: &str) -> String {
    text.replace('"', "#quot;").replace('<', "#lt;")
}
