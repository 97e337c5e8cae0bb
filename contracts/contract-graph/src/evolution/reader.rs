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
pub enum Reads<'a> {
    /// These, each with the place.
    Fields(Vec<(Vec<String>, &'a Fact)>),
    /// Perhaps all of them: its code cannot be looked into.
    Anything,
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
        // Where the payload goes out of sight as a whole, any field of it may be read there.
        if !plugin.reads_of(topic).complete {
            return Self::Anything;
        }
        let reads = plugin.running(FactKind::ReadsField).filter(|fact| is_about(fact, topic));
        let reads = reads.filter(|fact| !fact.detail.contains_key("through"));
        Self::Fields(reads.filter_map(|fact| Some((steps(fact.detail.get("field")?), fact))).collect())
    }

    /// The first place that reads what a change of a schema is about. None where nothing reads it; a plugin that
    /// cannot be looked into reads everything, at no place that could be named.
    pub fn touched_by(&self, change: &Change) -> Option<Option<&'a Fact>> {
        let fields = match self {
            Self::Anything => return Some(None),
            Self::Fields(fields) => fields,
        };
        if matches!(change.kind, ChangeKind::ContentClosed | ChangeKind::ContentOpened) {
            return None;
        }
        let changed = pointer_steps(&change.path);
        fields.iter().find(|(read, _)| meet(read, &changed)).map(|(_, fact)| Some(*fact))
    }
}

fn is_about(fact: &Fact, topic: &str) -> bool {
    match &fact.topic {
        Some(TopicValue::Exact(names)) => names.contains(topic),
        Some(TopicValue::Pattern(pattern)) => pattern_matches(pattern, topic),
        Some(TopicValue::Unknown(_)) => true,
        None => false,
    }
}

/// `lines[].amount`, `lines.*.amount` and `lines.0.amount` are one path.
fn steps(field: &str) -> Vec<String> {
    let field = field.replace("[]", ".*");
    field.split('.').filter(|step| !step.is_empty()).map(str::to_owned).collect()
}

fn pointer_steps(pointer: &str) -> Vec<String> {
    pointer.split('/').skip(1).map(|step| step.replace("~1", "/").replace("~0", "~")).collect()
}

/// Whether one path leads to or past the other.
fn meet(one: &[String], other: &[String]) -> bool {
    one.iter().zip(other).all(|(a, b)| a == b || a == "*" || b == "*")
}
