//! Who reads which fields of a topic's payloads.

use crate::graph::Graph;
use crate::suite::PluginView;
use contract_model::span::Location;
use contract_model::topic::pattern_matches;
use contract_parse::{Fact, FactKind, TopicValue};
use contract_schema::{Change, ChangeKind};

/// A plugin that hears a topic, and what it reads there.
#[derive(Debug, Clone)]
pub struct Reader<'a> {
    /// The plugin.
    pub plugin: PluginView<'a>,
    /// Its subscription.
    pub location: Location,
    /// What it reads.
    pub reads: Reads<'a>,
}

/// The fields that a plugin reads.
#[derive(Debug, Clone)]
pub struct Reads<'a> {
    /// These for certain, each with the place.
    fields: Vec<(Vec<String>, &'a Fact)>,
    /// Parts of the payload that go where they are not followed, so that anything below them may be read. All of it
    /// where the code cannot be looked into.
    hidden: Vec<Vec<String>>,
}

/// How a plugin is touched by a change of a schema.
#[derive(Debug, Clone, Copy)]
pub enum Touch<'a> {
    /// It reads what changes, here first.
    Reads(&'a Fact),
    /// It may read it, in code that is not followed.
    MayRead,
}

impl<'a> Graph<'a> {
    /// Everyone who hears a topic, besides its owner for a topic that is no request, with the fields that are read.
    pub fn readers(&self, topic: &str) -> Vec<Reader<'a>> {
        let mut out: Vec<Reader<'a>> = Vec::new();
        for consumer in self.consumers().filter(|consumer| consumer.hears(topic)) {
            if out.iter().all(|reader| reader.plugin.index != consumer.plugin) {
                let plugin = self.suite().view(consumer.plugin);
                out.push(Reader { plugin, location: consumer.location.clone(), reads: Reads::of(plugin, topic) });
            }
        }
        out
    }
}

impl<'a> Reads<'a> {
    fn of(plugin: PluginView<'a>, topic: &str) -> Self {
        let reads = plugin
            .running(FactKind::ReadsField)
            .filter(|fact| fact.topic.as_ref().is_some_and(|of| is_about(of, topic)));
        // A field that is only gone through is read by its parts.
        let whole = reads.filter(|fact| !fact.detail.contains_key("through"));
        let fields = whole.filter_map(|fact| Some((steps(fact.detail.get("path")?), fact))).collect();
        let lost = plugin.parsed.opaque.iter().filter(|one| is_about(&one.topic, topic));
        let mut hidden: Vec<Vec<String>> = lost.map(|one| steps(&one.path)).collect();
        if !plugin.has_code() || !plugin.is_complete() {
            hidden.push(Vec::new());
        }
        Self { fields, hidden }
    }

    /// Whether the plugin reads what a change of a schema is about. None where nothing of it does.
    pub fn touched_by(&self, change: &Change) -> Option<Touch<'a>> {
        let changed = steps(&change.path);
        let is_content = matches!(change.kind, ChangeKind::ContentClosed | ChangeKind::ContentOpened);
        let mut read = self.fields.iter().filter(|(read, _)| !is_content && meet(read, &changed));
        let sure = read.next().map(|(_, fact)| Touch::Reads(fact));
        // Whether further fields are allowed touches only what looks at a payload as a whole.
        let mut hidden =
            self.hidden.iter().filter(|path| if is_content { path.is_empty() } else { meet(path, &changed) });
        sure.or_else(|| hidden.next().map(|_| Touch::MayRead))
    }
}

fn is_about(value: &TopicValue, topic: &str) -> bool {
    match value {
        TopicValue::Exact(names) => names.contains(topic),
        TopicValue::Pattern(pattern) => pattern_matches(pattern, topic),
        TopicValue::Unknown(_) => true,
    }
}

/// The steps of a JSON pointer.
fn steps(pointer: &str) -> Vec<String> {
    pointer.split('/').skip(1).map(|step| step.replace("~1", "/").replace("~0", "~")).collect()
}

/// Whether one path leads to or past the other.
fn meet(one: &[String], other: &[String]) -> bool {
    one.iter().zip(other).all(|(a, b)| a == b || a == "*" || b == "*")
}
