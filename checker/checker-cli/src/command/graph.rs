//! `graph`: who talks to whom, for drawing.

use crate::exit::Exit;
use crate::io::Io;
use crate::load::load_suite;
use contract_graph::{Graph, Reach, Suite};
use serde::Serialize;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::PathBuf;

/// Arguments of `graph`.
#[derive(Debug, Clone, clap::Args)]
pub struct GraphArgs {
    /// The suite's folder
    #[arg(default_value = ".")]
    pub suite: PathBuf,
    /// How to print it
    #[arg(long, default_value = "dot")]
    format: Shape,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Shape {
    Dot,
    Mermaid,
    Json,
}

/// An edge between a plugin and a topic.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
struct Edge {
    plugin: String,
    direction: Direction,
    topic: String,
    /// False where only part of the name is known, and for optional consumption.
    firm: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
enum Direction {
    Publishes,
    Consumes,
}

#[derive(Serialize)]
struct Document {
    schema: &'static str,
    plugins: BTreeSet<String>,
    topics: BTreeSet<String>,
    edges: BTreeSet<Edge>,
}

pub(super) fn run(args: &GraphArgs, io: &mut Io<'_>) -> anyhow::Result<Exit> {
    let suite = load_suite(&args.suite)?;
    let document = document(&suite);
    let text = match args.format {
        Shape::Dot => dot(&document),
        Shape::Mermaid => mermaid(&document),
        Shape::Json => serde_json::to_string_pretty(&document)? + "\n",
    };
    io.out.write_all(text.as_bytes())?;
    Ok(Exit::Clean)
}

fn document(suite: &Suite) -> Document {
    let graph = Graph::whole(suite);
    let mut edges = BTreeSet::new();
    for emission in graph.emissions() {
        let (names, firm) = match &emission.reach {
            Reach::Exact(names) | Reach::Vouched(names) => (names.clone(), true),
            Reach::Pattern(pattern) => (BTreeSet::from([pattern.clone()]), false),
            Reach::Unknown => (BTreeSet::from(["**".to_owned()]), false),
        };
        edges.extend(names.into_iter().map(|topic| edge(emission.slug, Direction::Publishes, topic, firm)));
    }
    for consumer in graph.consumers() {
        edges.insert(edge(consumer.slug, Direction::Consumes, consumer.topic.clone(), !consumer.is_optional()));
    }
    let owned = graph.topics().into_iter().map(|topic| topic.name);
    let topics = edges.iter().map(|edge| edge.topic.clone()).chain(owned).collect();
    let plugins = graph.plugins().map(|plugin| plugin.slug().to_owned()).collect();
    Document { schema: "trunkline.graph/1", plugins, topics, edges }
}

fn edge(plugin: &str, direction: Direction, topic: String, firm: bool) -> Edge {
    Edge { plugin: plugin.to_owned(), direction, topic, firm }
}

fn dot(document: &Document) -> String {
    let mut out = "digraph suite {\n  rankdir=LR;\n  node [fontname=\"sans-serif\"];\n".to_owned();
    for plugin in &document.plugins {
        let _ = writeln!(out, "  {:?} [shape=box];", format!("plugin {plugin}"));
    }
    for topic in &document.topics {
        let _ = writeln!(out, "  {topic:?} [shape=ellipse];");
    }
    for Edge { plugin, direction, topic, firm } in &document.edges {
        let plugin = format!("plugin {plugin}");
        let (from, to) = if *direction == Direction::Publishes { (&plugin, topic) } else { (topic, &plugin) };
        let style = if *firm { "" } else { " [style=dashed]" };
        let _ = writeln!(out, "  {from:?} -> {to:?}{style};");
    }
    out + "}\n"
}

fn mermaid(document: &Document) -> String {
    let mut out = "flowchart LR\n".to_owned();
    let topics: Vec<&String> = document.topics.iter().collect();
    let plugins: Vec<&String> = document.plugins.iter().collect();
    for (at, plugin) in plugins.iter().enumerate() {
        let _ = writeln!(out, "  p{at}[\"{plugin}\"]");
    }
    for (at, topic) in topics.iter().enumerate() {
        let _ = writeln!(out, "  t{at}([\"{topic}\"])");
    }
    for Edge { plugin, direction, topic, firm } in &document.edges {
        let (Ok(plugin), Ok(topic)) = (plugins.binary_search(&plugin), topics.binary_search(&topic)) else { continue };
        let arrow = if *firm { "-->" } else { "-.->" };
        let _ = match direction {
            Direction::Publishes => writeln!(out, "  p{plugin} {arrow} t{topic}"),
            Direction::Consumes => writeln!(out, "  t{topic} {arrow} p{plugin}"),
        };
    }
    out
}
