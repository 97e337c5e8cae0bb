//! Graphviz.

use super::{Drawing, colour};
use crate::{Direction, Edge, Severity};
use std::fmt::Write as _;

/// A `digraph`: plugins are boxes, topics ellipses, what is not certain is dashed.
pub fn dot(drawing: Drawing<'_>) -> String {
    let mut out = "digraph suite {\n  rankdir=LR;\n  node [fontname=\"sans-serif\"];\n".to_owned();
    for plugin in &drawing.wiring.plugins {
        let mark = mark(drawing.marks.plugins.get(&plugin.slug));
        let _ = writeln!(out, "  {} [shape=box{mark}];", quoted(&format!("plugin {}", plugin.slug)));
    }
    if drawing.collapsed {
        between(&mut out, drawing);
    } else {
        bipartite(&mut out, drawing);
    }
    out + "}\n"
}

fn bipartite(out: &mut String, drawing: Drawing<'_>) {
    for topic in &drawing.wiring.topics {
        let mark = mark(drawing.marks.topics.get(&topic.name));
        let _ = writeln!(out, "  {} [shape=ellipse{mark}];", quoted(&topic.name));
    }
    for Edge { plugin, direction, topic, firm, .. } in &drawing.wiring.edges {
        let (plugin, topic) = (quoted(&format!("plugin {plugin}")), quoted(topic));
        let (from, to) = if *direction == Direction::Publishes { (&plugin, &topic) } else { (&topic, &plugin) };
        let style = if *firm { "" } else { " [style=dashed]" };
        let _ = writeln!(out, "  {from} -> {to}{style};");
    }
}

fn between(out: &mut String, drawing: Drawing<'_>) {
    for ((from, to), topics) in drawing.wiring.between_plugins() {
        let worst = topics.iter().filter_map(|topic| drawing.marks.topics.get(*topic)).max();
        let label = quoted(&topics.into_iter().collect::<Vec<_>>().join("\n"));
        let (from, to) = (quoted(&format!("plugin {from}")), quoted(&format!("plugin {to}")));
        let _ = writeln!(out, "  {from} -> {to} [label={label}{}];", mark(worst));
    }
}

fn mark(severity: Option<&Severity>) -> String {
    severity.map(|severity| format!(", color={0:?}, fontcolor={0:?}", colour(*severity))).unwrap_or_default()
}

/// Inside of quotes only the quote itself and the backslash have a meaning.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n"))
}
