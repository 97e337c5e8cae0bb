//! `why`: one topic, from all sides.

use super::place::SuiteFolder;
use super::shape::Shape;
use super::unread;
use crate::exit::Exit;
use crate::io::Io;
use crate::load::load_suite;
use crate::told::{Told, in_words, names};
use contract_graph::{Graph, is_pattern};
use contract_model::TopicPattern;
use serde::Serialize;
use std::collections::BTreeSet;

/// Arguments of `why`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "\
Examples:
  why gl.journal.posted --suite ledger-example
  why 'gl.journal.*' --suite ledger-example
  why gl.journal.posted --suite ledger-example --json")]
pub struct WhyArgs {
    /// The topic, or a pattern for every topic under it
    pub topic: String,
    /// The suite
    #[command(flatten)]
    pub suite: SuiteFolder,
    #[command(flatten)]
    shape: Shape,
}

/// The document `trunkline.why/1`.
#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    /// The topic or pattern that was asked for.
    asked: &'a str,
    topics: Vec<Told>,
}

pub(super) fn run(args: &WhyArgs, io: &mut Io<'_>) -> anyhow::Result<Exit> {
    let suite = load_suite(args.suite.path())?;
    let graph = Graph::whole(&suite);
    let topics = asked(&graph, &args.topic)?.iter().map(|topic| Told::of(&graph, topic)).collect();
    let document = Document { schema: "trunkline.why/1", asked: &args.topic, topics };
    let text = args.shape.of(&document, |all| all.topics.iter().map(in_words).collect::<Vec<_>>().join("\n"))?;
    io.out.write_all(text.as_bytes())?;
    unread::ending(&suite, io)
}

/// The topic asked for, or of a pattern the topics of the suite under it, sorted.
fn asked(graph: &Graph<'_>, written: &str) -> anyhow::Result<BTreeSet<String>> {
    let pattern = TopicPattern::new(written)?;
    if pattern.as_exact().is_some() {
        return Ok(BTreeSet::from([written.to_owned()]));
    }
    let under: BTreeSet<String> =
        names(graph).filter(|name| !is_pattern(name) && pattern.matches(name)).map(str::to_owned).collect();
    anyhow::ensure!(!under.is_empty(), "nobody in the suite names a topic under `{written}`");
    Ok(under)
}
