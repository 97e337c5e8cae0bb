//! `why`: one topic, from all sides.

mod told;

use super::place::SuiteFolder;
use super::shape::Shape;
use super::unread;
use crate::exit::Exit;
use crate::io::Io;
use crate::load::load_suite;
use contract_graph::{Graph, is_pattern};
use contract_model::{Location, TopicPattern};
use serde::Serialize;
use std::collections::BTreeSet;
use std::fmt::{self, Write as _};
use told::{Judged, Life, Publisher, Told, names};

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

/// What is known of a topic, in lines.
pub(crate) fn topic_text(graph: &Graph<'_>, topic: &str) -> String {
    in_words(&Told::of(graph, topic))
}

fn in_words(told: &Told) -> String {
    let mut text = format!("{}\n", told.topic);
    // Writing into a String does not fail.
    let _ = describe(&mut text, told);
    text
}

fn describe(text: &mut String, told: &Told) -> fmt::Result {
    match &told.contract {
        None => writeln!(text, "  contract: none")?,
        Some(one) => {
            let at = place(&one.location);
            writeln!(text, "  contract: {} of `{}`, {}, at {at}", one.kind, one.plugin, one.visibility)?;
        }
    }
    if let Some(external) = &told.external {
        writeln!(text, "  external: {} ({})", external.topic, external.reason)?;
    }
    told.publishers.iter().try_for_each(|one| publisher(text, one))?;
    if !told.named {
        let hint = told.meant.as_ref().map(|name| format!("; did you mean `{name}`?")).unwrap_or_default();
        writeln!(text, "  nobody in the suite names it{hint}")?;
    }
    for one in &told.consumers {
        let optional = if one.optional { ", optional" } else { "" };
        writeln!(text, "  consumed by `{}` as {}{optional} at {}", one.plugin, one.topic, place(&one.location))?;
    }
    told.verdicts.iter().try_for_each(|one| verdict(text, one))
}

fn publisher(text: &mut String, one: &Publisher) -> fmt::Result {
    let how = if one.sure { "published" } else { "perhaps published" };
    let because = if one.unread { ", whose manifest cannot be read," } else { "" };
    writeln!(text, "  {how} by `{}`{because} at {}", one.plugin, place(&one.location))?;
    one.evidence.iter().try_for_each(|step| writeln!(text, "    {step}"))
}

fn verdict(text: &mut String, one: &Judged) -> fmt::Result {
    let verdict = match (one.verdict, one.unresolved) {
        (Life::Live, _) => "live".to_owned(),
        (Life::Unreached, _) => "published, but nothing that enters the suite leads there".to_owned(),
        (Life::Dangling, _) => "nobody publishes it".to_owned(),
        (Life::Unproven, 1) => "not known, an unresolved call may publish it".to_owned(),
        (Life::Unproven, calls) => format!("not known, {calls} unresolved calls may publish it"),
    };
    match &one.composition {
        Some(name) => writeln!(text, "  in composition `{name}`: {verdict}"),
        None => writeln!(text, "  verdict: {verdict}"),
    }
}

fn place(at: &Location) -> String {
    format!("{}:{}:{}", at.file, at.line, at.column)
}
