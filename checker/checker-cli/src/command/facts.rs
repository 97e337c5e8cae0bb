//! `facts`: what the code says, for other tools.

use super::unread;
use crate::exit::Exit;
use crate::io::Io;
use crate::load::load_suite;
use contract_graph::{PluginView, Suite};
use contract_model::{Location, TextSet};
use contract_parse::{Fact, FactKind, Guard, Provenance, TopicValue};
use serde::Serialize;
use std::path::PathBuf;

/// Arguments of `facts`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "\
Examples:
  facts ledger-example > facts.json")]
pub struct FactsArgs {
    /// The suite's folder
    #[arg(default_value = ".")]
    pub suite: PathBuf,
    /// How to print them
    #[arg(long, default_value = "json")]
    format: Shape,
    /// The same as --format json, which is how they are printed anyway
    #[arg(long, conflicts_with = "format")]
    json: bool,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Shape {
    Json,
}

/// The document `trunkline.facts/1`.
#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    plugins: Vec<Plugin<'a>>,
    facts: Vec<Line<'a>>,
}

#[derive(Serialize)]
struct Plugin<'a> {
    slug: &'a str,
    version: Option<String>,
    files: Vec<String>,
}

#[derive(Serialize)]
struct Line<'a> {
    kind: FactKind,
    plugin: &'a str,
    topic: Option<TopicValue>,
    /// Of a read: the field, as a JSON pointer in which `*` is any item of a list.
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<&'a str>,
    location: Location,
    provenance: Provenance,
    reachable: Option<bool>,
    guard: Guard,
}

pub(super) fn run(args: &FactsArgs, io: &mut Io<'_>) -> anyhow::Result<Exit> {
    let suite = load_suite(&args.suite)?;
    let document = document(&suite);
    let format = if args.json { Shape::Json } else { args.format };
    match format {
        Shape::Json => writeln!(io.out, "{}", serde_json::to_string_pretty(&document)?)?,
    }
    unread::ending(&suite, io)
}

fn document(suite: &Suite) -> Document<'_> {
    let mut facts: Vec<Line<'_>> = suite.views().flat_map(lines).collect();
    facts.sort_by(|a, b| (&a.location, a.kind, &a.topic).cmp(&(&b.location, b.kind, &b.topic)));
    Document { schema: "trunkline.facts/1", plugins: suite.views().map(plugin).collect(), facts }
}

fn plugin(view: PluginView<'_>) -> Plugin<'_> {
    let files = view.parsed.modules.iter().map(|module| view.path(module)).collect();
    Plugin { slug: view.slug(), version: view.manifest().map(|manifest| manifest.version.value.to_string()), files }
}

fn lines(view: PluginView<'_>) -> Vec<Line<'_>> {
    let mut all: Vec<Line<'_>> = view.parsed.facts.iter().map(|fact| extracted(view, fact)).collect();
    if !view.has_code() {
        all.extend(declared(view));
    }
    all
}

fn extracted<'a>(view: PluginView<'a>, fact: &'a Fact) -> Line<'a> {
    Line {
        kind: fact.kind,
        plugin: view.slug(),
        topic: fact.topic.clone(),
        path: fact.detail.get("path").map(String::as_str).filter(|_| fact.kind == FactKind::ReadsField),
        location: fact.location.clone(),
        provenance: fact.provenance,
        reachable: fact.reachable,
        guard: fact.guard,
    }
}

/// A plugin whose code cannot be read is taken at its manifest's word.
fn declared(view: PluginView<'_>) -> Vec<Line<'_>> {
    let line = |kind, topic, span| Line {
        kind,
        plugin: view.slug(),
        topic: Some(topic),
        path: None,
        location: view.at(span),
        provenance: Provenance::Declared,
        reachable: None,
        guard: Guard::None,
    };
    let Some(manifest) = view.manifest() else { return Vec::new() };
    let publishes = manifest.publishes.iter().map(|entry| {
        let values: TextSet = entry.value.values.iter().map(ToString::to_string).collect();
        let topic = if values.is_empty() { value(entry.value.topic.as_str()) } else { TopicValue::Exact(values) };
        line(FactKind::Publish, topic, entry.span)
    });
    let consumes =
        manifest.consumes.iter().map(|entry| line(FactKind::Subscribe, value(entry.value.topic.as_str()), entry.span));
    publishes.chain(consumes).collect()
}

fn value(topic: &str) -> TopicValue {
    if topic.contains('*') { TopicValue::Pattern(topic.to_owned()) } else { TopicValue::Exact(TextSet::one(topic)) }
}
