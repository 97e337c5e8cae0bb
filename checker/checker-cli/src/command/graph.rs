//! `graph`: who talks to whom, for drawing and for other tools.

use super::place::graph_of;
use super::unread;
use crate::exit::Exit;
use crate::io::Io;
use crate::load::load_suite;
use crate::wiring::wiring_of;
use checker_report::{Drawing, Marks, Wiring, asyncapi, dot, graph_html, graph_json, mermaid};
use checker_rules::Options;
use contract_graph::Suite;
use std::path::PathBuf;

/// Arguments of `graph`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "\
Examples:
  graph ledger-example --format dot | dot -Tsvg > graph.svg
  graph ledger-example --format mermaid --collapse plugin
  graph ledger-example --focus gl.journal.posted --depth 2 --format html > graph.html
  graph ledger-example --format asyncapi > asyncapi.json")]
pub struct GraphArgs {
    /// The suite's folder
    #[arg(default_value = ".")]
    pub suite: PathBuf,
    /// How to print it
    #[arg(long, default_value = "dot")]
    format: Shape,
    /// The same as --format json
    #[arg(long, conflicts_with = "format")]
    json: bool,
    /// Only the plugins of this composition of suite.yaml
    #[arg(long, value_name = "NAME")]
    composition: Option<String>,
    /// Only what lies near this topic
    #[arg(long, value_name = "TOPIC")]
    focus: Option<String>,
    /// How many edges away from the topic in focus
    #[arg(long, value_name = "N", default_value_t = 2, requires = "focus")]
    depth: u8,
    /// Draw edges from plugin to plugin, with the topics as their labels (dot, mermaid, json)
    #[arg(long, value_name = "WHAT")]
    collapse: Option<Collapse>,
    /// Set off what has findings (dot, mermaid, json, html)
    #[arg(long, value_name = "WHAT")]
    highlight: Option<Highlight>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Shape {
    Dot,
    Mermaid,
    Json,
    Html,
    Asyncapi,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Collapse {
    Plugin,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Highlight {
    Findings,
}

pub(super) fn run(args: &GraphArgs, io: &mut Io<'_>) -> anyhow::Result<Exit> {
    let collapsed = args.collapse.is_some();
    let format = if args.json { Shape::Json } else { args.format };
    if collapsed && matches!(format, Shape::Html | Shape::Asyncapi) {
        anyhow::bail!("html and asyncapi draw topics; take --collapse away, or use dot, mermaid or json");
    }
    let suite = load_suite(&args.suite)?;
    let graph = graph_of(&suite, args.composition.as_deref())?;
    let wiring = focused(args, wiring_of(&graph))?;
    let marks = marks(args, &suite);
    let drawing = Drawing { wiring: &wiring, collapsed, marks: &marks };
    let text = match format {
        Shape::Dot => dot(drawing),
        Shape::Mermaid => mermaid(drawing),
        Shape::Json => graph_json(drawing),
        Shape::Html => graph_html(drawing),
        Shape::Asyncapi => asyncapi(&wiring),
    };
    io.out.write_all(text.as_bytes())?;
    unread::of_plugins(graph.plugins(), io)
}

fn focused(args: &GraphArgs, wiring: Wiring) -> anyhow::Result<Wiring> {
    let Some(topic) = &args.focus else { return Ok(wiring) };
    if wiring.topic(topic).is_none() {
        anyhow::bail!("nobody in the suite names the topic `{topic}`; `graph --format json` lists all of them");
    }
    Ok(wiring.around(topic, args.depth.into()))
}

fn marks(args: &GraphArgs, suite: &Suite) -> Marks {
    match args.highlight {
        None => Marks::default(),
        Some(Highlight::Findings) => Marks::of(&checker_rules::check(suite, &Options::on(crate::today()))),
    }
}
