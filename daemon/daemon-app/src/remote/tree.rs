//! A story as a tree of events, each with its deliveries.

use crate::remote::text;
use serde_json::Value;
use std::fmt::Write;

/// Draws the steps of a story. The event `marked` gets an arrow.
pub(crate) fn draw(story: &Value, marked: &str) -> String {
    let mut out = String::new();
    for node in nodes(story) {
        draw_node(node, marked, "", "", &mut out);
    }
    out
}

fn draw_node(node: &Value, marked: &str, lead: &str, rest: &str, out: &mut String) {
    let event = &node["event"];
    let [topic, id, time, source] = ["type", "id", "time", "source"].map(|name| text(event, name));
    let mark = if id == marked { "  <--" } else { "" };
    // Writing into a String cannot fail, here and below.
    let _ = writeln!(out, "{lead}{topic}  {id}  {time}  from {source}{mark}");
    let children: Vec<&Value> = nodes(&node["children"]).collect();
    let stem = if children.is_empty() { "   " } else { "│  " };
    for delivery in nodes(&node["deliveries"]) {
        let _ = writeln!(out, "{rest}{stem}{}", delivered(delivery));
    }
    for (at, child) in children.iter().enumerate() {
        let last = at + 1 == children.len();
        let (branch, below) = if last { ("└─ ", "   ") } else { ("├─ ", "│  ") };
        draw_node(child, marked, &format!("{rest}{branch}"), &format!("{rest}{below}"), out);
    }
}

fn delivered(delivery: &Value) -> String {
    let [subscription, state] = ["subscription", "state"].map(|name| text(delivery, name));
    let attempts = match delivery["attempts"].as_u64() {
        None | Some(0 | 1) => String::new(),
        Some(count) => format!(", {count} attempts"),
    };
    let error = delivery["error"].as_str().map_or_else(String::new, |error| format!(": {error}"));
    format!("> {subscription} {state}{attempts}{error}")
}

fn nodes(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_story_is_drawn_with_its_deliveries() {
        let event = |topic: &str, id: &str| json!({"type": topic, "id": id, "time": "T", "source": "/plugin/ap"});
        let leaf = |id: &str| json!({"event": event("gl.b", id), "deliveries": [], "children": []});
        let done = json!({"subscription": "gl:post", "state": "done", "attempts": 1});
        let dead = json!({"subscription": "ar:hear", "state": "dead", "attempts": 3, "error": "no"});
        let story =
            json!([{"event": event("ap.a", "1"), "deliveries": [done, dead], "children": [leaf("2"), leaf("3")]}]);
        assert_eq!(
            draw(&story, "2"),
            "ap.a  1  T  from /plugin/ap\n\
             │  > gl:post done\n\
             │  > ar:hear dead, 3 attempts: no\n\
             ├─ gl.b  2  T  from /plugin/ap  <--\n\
             └─ gl.b  3  T  from /plugin/ap\n"
        );
    }
}
