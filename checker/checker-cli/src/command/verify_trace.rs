//! `verify-trace`: the static graph against what a daemon saw.

mod trace;

use super::place::SuiteFolder;
use super::shape::Shape;
use crate::exit::Exit;
use crate::io::Io;
use crate::load::load_suite;
use anyhow::{Context, ensure};
use contract_graph::{Direction, Graph, ObservedEdge, PluginView, Suite, Verification};
use serde::Serialize;
use std::fmt::Write as _;
use std::io::Read;
use std::path::PathBuf;
use trace::Trace;

/// The largest trace that is read, in MiB.
const MIB_MAX: u64 = 512;

/// Arguments of `verify-trace`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "\
A trace is what `GET /api/_admin/facts` of a running daemon answers, what `events list --json` prints, or a line an edge \
such as {\"plugin\": \"gl\", \"direction\": \"publish\", \"topic\": \"gl.journal.posted\"}.

Examples:
  curl -sH \"Authorization: Bearer $ADMIN\" $URL/api/_admin/facts | verify-trace - ledger-example
  verify-trace run.jsonl ledger-example --exhaustive")]
pub struct VerifyTraceArgs {
    /// The trace; `-` for standard input
    #[arg(value_name = "FILE")]
    trace: PathBuf,
    #[command(flatten)]
    suite: SuiteFolder,
    /// Fail on what only a call with an unresolved topic explains, too
    #[arg(long)]
    strict: bool,
    /// Fail on edges of the graph that the trace does not show, too
    #[arg(long)]
    exhaustive: bool,
    #[command(flatten)]
    shape: Shape,
}

/// The document `trunkline.verification/1`.
#[derive(Serialize)]
struct Document {
    schema: &'static str,
    #[serde(flatten)]
    verification: Verification,
    /// Edges of the trace.
    observed: usize,
    /// Plugins of the trace that the suite has not, sorted.
    foreign: Vec<String>,
    /// Plugins that the trace has in another version than the suite, sorted.
    other_versions: Vec<OtherVersion>,
}

#[derive(Serialize)]
struct OtherVersion {
    plugin: String,
    traced: String,
    suite: String,
}

pub(super) fn run(args: &VerifyTraceArgs, io: &mut Io<'_>) -> anyhow::Result<Exit> {
    let name = args.trace.display();
    let trace = Trace::parse(&read(args)?).with_context(|| format!("`{name}` is no trace"))?;
    let suite = load_suite(args.suite.path())?;
    let graph = Graph::whole(&suite);
    let document = Document::of(&graph, &trace);
    let text = args.shape.of(&document, |document| document.text(&graph))?;
    io.out.write_all(text.as_bytes())?;
    let of_suite = trace.edges.iter().any(|edge| graph.has_plugin(&edge.plugin));
    if !of_suite {
        writeln!(io.err, "error: `{name}` holds no edge of a plugin of the suite, so nothing is verified")?;
        return Ok(Exit::Incomplete);
    }
    Ok(document.exit(args, &suite))
}

fn read(args: &VerifyTraceArgs) -> anyhow::Result<String> {
    let name = args.trace.display();
    let source: Box<dyn Read> = if args.trace.as_os_str() == "-" {
        Box::new(std::io::stdin())
    } else {
        Box::new(std::fs::File::open(&args.trace).with_context(|| format!("cannot read `{name}`"))?)
    };
    let mut text = String::new();
    source.take((MIB_MAX << 20) + 1).read_to_string(&mut text).with_context(|| format!("cannot read `{name}`"))?;
    ensure!(text.len() as u64 <= MIB_MAX << 20, "`{name}` is larger than {MIB_MAX} MiB; give a shorter trace");
    Ok(text)
}

impl Document {
    fn of(graph: &Graph<'_>, trace: &Trace) -> Self {
        let foreign = trace.edges.iter().map(|edge| &edge.plugin).filter(|slug| !graph.has_plugin(slug));
        let mut foreign: Vec<String> = foreign.cloned().collect();
        foreign.dedup();
        let version = |view: PluginView<'_>| Some(view.manifest()?.version.value.to_string());
        let others = trace.versions.iter().filter_map(|(slug, traced)| {
            let suite = version(graph.suite().plugin(slug)?)?;
            (suite != *traced).then(|| OtherVersion { plugin: slug.clone(), traced: traced.clone(), suite })
        });
        Self {
            schema: "trunkline.verification/1",
            verification: graph.verify(&trace.edges),
            observed: trace.edges.len(),
            foreign,
            other_versions: others.collect(),
        }
    }

    fn exit(&self, args: &VerifyTraceArgs, suite: &Suite) -> Exit {
        let Verification { missed, unresolved, never_seen, .. } = &self.verification;
        let unexplained = !missed.is_empty() || args.strict && !unresolved.is_empty();
        if unexplained || args.exhaustive && !never_seen.is_empty() {
            return Exit::Findings;
        }
        if suite.is_read() { Exit::Clean } else { Exit::Incomplete }
    }

    fn text(&self, graph: &Graph<'_>) -> String {
        let Verification { missed, unresolved, never_seen, seen, expected } = &self.verification;
        let mut out = String::new();
        // Writing into a String does not fail.
        for edge in missed {
            let _ = writeln!(out, "missed: {}{}", words(edge), place(graph, edge));
        }
        for edge in unresolved {
            let _ = writeln!(out, "unresolved: {}; only a call whose topic is not known explains it", words(edge));
        }
        for edge in never_seen {
            let _ = writeln!(out, "never seen: {}", words(edge));
        }
        for slug in &self.foreign {
            let _ = writeln!(out, "not compared: `{slug}` is no plugin of the suite");
        }
        for OtherVersion { plugin, traced, suite } in &self.other_versions {
            let _ = writeln!(out, "note: the trace is of `{plugin}` {traced}, the suite has {suite}");
        }
        let (missed, unresolved) = (missed.len(), unresolved.len());
        let observed = self.observed;
        let _ = writeln!(
            out,
            "edges observed {observed}, missed {missed}, unresolved {unresolved}; of the graph {seen}/{expected} seen"
        );
        out
    }
}

fn words(edge: &ObservedEdge) -> String {
    let verb = match edge.direction {
        Direction::Publish => "publishes",
        Direction::Consume => "consumes",
    };
    format!("`{}` {verb} `{}`", edge.plugin, edge.topic)
}

/// Where to begin to look for what the analysis overlooked.
fn place(graph: &Graph<'_>, edge: &ObservedEdge) -> String {
    let view = graph.plugins().find(|view| view.slug() == edge.plugin);
    let entry = view.and_then(|view| Some(view.path(view.manifest()?.entry.as_ref()?.value.as_str())));
    entry.map_or(String::new(), |entry| {
        format!(", and nothing in its code says so; `trace {}` shows what was read from {entry} on", edge.plugin)
    })
}
