//! The graph for programs: `trunkline.graph/1`.

use super::Drawing;
use crate::render::json::document;
use serde_json::{Value, json};

/// Slugs, names and edges. Marks, where there are any, stand beside them.
pub fn graph_json(drawing: Drawing<'_>) -> String {
    let wiring = drawing.wiring;
    let plugins: Vec<&str> = wiring.plugins.iter().map(|plugin| plugin.slug.as_str()).collect();
    let mut graph = if drawing.collapsed {
        let edges = wiring.between_plugins().into_iter();
        let edges: Vec<Value> =
            edges.map(|((from, to), topics)| json!({"from": from, "to": to, "topics": topics})).collect();
        json!({"schema": "trunkline.graph.plugins/1", "plugins": plugins, "edges": edges})
    } else {
        let topics: Vec<&str> = wiring.topics.iter().map(|topic| topic.name.as_str()).collect();
        let edge = |edge: &crate::Edge| json!({"plugin": edge.plugin, "direction": edge.direction, "topic": edge.topic, "firm": edge.firm});
        let edges: Vec<Value> = wiring.edges.iter().map(edge).collect();
        json!({"schema": "trunkline.graph/1", "plugins": plugins, "topics": topics, "edges": edges})
    };
    if *drawing.marks != super::Marks::default() {
        graph["marks"] = json!({"plugins": drawing.marks.plugins, "topics": drawing.marks.topics});
    }
    document(&graph)
}
