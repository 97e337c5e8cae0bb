//! `rules`: the catalogue.

use crate::exit::Exit;
use crate::io::Io;
use checker_rules::REGISTRY;
use serde::Serialize;

/// Arguments of `rules`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "\
Examples:
  rules
  rules --format json")]
pub struct RulesArgs {
    /// How to print the list
    #[arg(long, default_value = "text")]
    format: Shape,
    /// The same as --format json
    #[arg(long, conflicts_with = "format")]
    json: bool,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Shape {
    Text,
    Json,
    Md,
}

#[derive(Serialize)]
struct Line {
    id: &'static str,
    name: &'static str,
    severity: &'static str,
    since: &'static str,
    summary: String,
}

pub(super) fn run(args: &RulesArgs, io: &mut Io<'_>) -> anyhow::Result<Exit> {
    let lines: Vec<Line> = REGISTRY
        .iter()
        .map(|rule| Line {
            id: rule.id,
            name: rule.name,
            severity: rule.severity.as_str(),
            since: rule.since,
            summary: rule.doc().summary().replace('\n', " "),
        })
        .collect();
    let format = if args.json { Shape::Json } else { args.format };
    match format {
        Shape::Json => writeln!(io.out, "{}", serde_json::to_string_pretty(&lines)?)?,
        Shape::Text => {
            for Line { id, name, severity, summary, .. } in lines {
                writeln!(io.out, "{id} {name:32} {severity:8} {summary}")?;
            }
        }
        Shape::Md => {
            writeln!(io.out, "| rule | name | severity | since | what it reports |\n|---|---|---|---|---|")?;
            for Line { id, name, severity, since, summary } in lines {
                writeln!(io.out, "| {id} | {name} | {severity} | {since} | {summary} |")?;
            }
        }
    }
    Ok(Exit::Clean)
}
