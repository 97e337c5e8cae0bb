//! Traces in the forms that a daemon gives them.

use anyhow::{Context, ensure};
use contract_graph::{Direction, ObservedEdge};
use contract_model::topic::JOBS_NAMESPACE;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// What a trace says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Trace {
    pub(super) edges: BTreeSet<ObservedEdge>,
    /// The versions of the plugins that ran, where the trace tells them.
    pub(super) versions: BTreeMap<String, String>,
}

impl Trace {
    /// Reads a document of facts, a list of events, or a line an edge or event.
    pub(super) fn parse(text: &str) -> anyhow::Result<Self> {
        let mut trace = Self::default();
        if let Ok(document) = serde_json::from_str::<Value>(text) {
            trace.document(&document)?;
            return Ok(trace);
        }
        for (number, line) in (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty()) {
            let at = || format!("line {number}");
            let value: Value = serde_json::from_str(line).with_context(at)?;
            trace.one(&value).with_context(at)?;
        }
        Ok(trace)
    }

    fn document(&mut self, document: &Value) -> anyhow::Result<()> {
        if let Some(facts) = document.get("facts").and_then(Value::as_array) {
            self.heads(document);
            let seen = facts.iter().filter(|fact| fact["provenance"] == "observed");
            return seen
                .enumerate()
                .try_for_each(|(at, fact)| self.fact(fact).with_context(|| format!("fact {}", at + 1)));
        }
        let items = document.get("items").unwrap_or(document);
        match items.as_array() {
            Some(items) => {
                items.iter().zip(1..).try_for_each(|(one, at)| self.one(one).with_context(|| format!("entry {at}")))
            }
            None => self.one(document),
        }
    }

    fn heads(&mut self, document: &Value) {
        let heads = document["plugins"].as_array().into_iter().flatten();
        let text = |value: &Value| value.as_str().map(str::to_owned);
        self.versions.extend(heads.filter_map(|head| Some((text(&head["slug"])?, text(&head["version"])?))));
    }

    /// An edge, a fact or an event.
    fn one(&mut self, value: &Value) -> anyhow::Result<()> {
        if value.get("specversion").is_some() {
            return self.event(value);
        }
        if value.get("provenance").is_some() {
            return if value["provenance"] == "observed" { self.fact(value) } else { Ok(()) };
        }
        let edge: ObservedEdge = serde_json::from_value(value.clone())
            .context("it is no edge (`plugin`, `direction`, `topic`), no fact and no CloudEvent")?;
        self.edge(edge);
        Ok(())
    }

    /// Jobs, outcomes and record hooks travel on topics of the daemon's own, which are no wires of the suite.
    fn edge(&mut self, edge: ObservedEdge) {
        if edge.topic.split('.').next() != Some(JOBS_NAMESPACE) {
            self.edges.insert(edge);
        }
    }

    fn fact(&mut self, fact: &Value) -> anyhow::Result<()> {
        let direction = match fact["kind"].as_str() {
            Some("publish" | "request" | "reply") => Direction::Publish,
            Some("subscribe") => Direction::Consume,
            _ => return Ok(()),
        };
        let plugin = fact["plugin"].as_str().context("it names no `plugin`")?;
        let topics = fact["topic"]["exact"].as_array().context("it names no exact `topic`")?;
        ensure!(!topics.is_empty(), "it names no exact `topic`");
        for topic in topics {
            let topic = topic.as_str().context("a topic is no text")?.to_owned();
            self.edge(ObservedEdge { plugin: plugin.to_owned(), direction, topic });
        }
        Ok(())
    }

    /// What a plugin published. What clients and the daemon itself publish is nobody's edge.
    fn event(&mut self, event: &Value) -> anyhow::Result<()> {
        let source = event["source"].as_str().context("the event has no `source`")?;
        let topic = event["type"].as_str().context("the event has no `type`")?;
        if let Some(plugin) = source.strip_prefix("/plugin/") {
            let (plugin, topic) = (plugin.to_owned(), topic.to_owned());
            self.edge(ObservedEdge { plugin, direction: Direction::Publish, topic });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edge(plugin: &str, direction: Direction, topic: &str) -> ObservedEdge {
        ObservedEdge { plugin: plugin.to_owned(), direction, topic: topic.to_owned() }
    }

    #[test]
    fn every_form_gives_the_same_edges() {
        let publish = edge("gl", Direction::Publish, "gl.a.b");
        let facts = r#"{"schema": "trunkline.facts/1", "plugins": [{"slug": "gl", "version": "1.0.0", "files": []}], "facts": [
            {"kind": "publish", "plugin": "gl", "topic": {"exact": ["gl.x.y"]}, "provenance": "extracted"},
            {"kind": "publish", "plugin": "gl", "topic": {"exact": ["gl.a.b"]}, "provenance": "observed", "count": 2}]}"#;
        let event = r#"{"specversion": "1.0", "source": "/plugin/gl", "type": "gl.a.b", "id": "1"}"#;
        let outside = r#"{"specversion": "1.0", "source": "/rest/demo", "type": "gl.c.d", "id": "2"}"#;
        let job = r#"{"specversion": "1.0", "source": "/plugin/gl", "type": "jobs.gl.nightly", "id": "3"}"#;
        let line = r#"{"plugin": "gl", "direction": "publish", "topic": "gl.a.b"}"#;
        for text in [
            facts.to_owned(),
            format!("[{event}, {outside}]"),
            format!(r#"{{"items": [{event}], "cursor": null}}"#),
            format!("{event}\n\n{outside}\n"),
            format!("{event}\n{job}\n"),
            line.to_owned(),
            format!("{line}\n{line}\n"),
        ] {
            let trace = Trace::parse(&text).unwrap_or_else(|error| panic!("{text}: {error:#}"));
            assert_eq!(trace.edges, BTreeSet::from([publish.clone()]), "{text}");
        }
        assert_eq!(Trace::parse(facts).expect("facts").versions["gl"], "1.0.0");
    }

    #[test]
    fn what_is_no_trace_is_named_by_its_line() {
        for (text, says) in [
            ("{\"plugin\": \"gl\", \"direction\": \"publish\", \"topic\": \"a.b\"}\nnonsense\n", "line 2"),
            ("{\"a\": 1}\n{}\n", "line 1"),
            ("[{\"plugin\": \"gl\"}]", "entry 1"),
            ("3", "no edge"),
            ("{\"facts\": [{\"kind\": \"publish\", \"provenance\": \"observed\"}]}", "fact 1"),
        ] {
            let error = format!("{:#}", Trace::parse(text).expect_err(text));
            assert!(error.contains(says), "{text}: {error}");
        }
    }
}
