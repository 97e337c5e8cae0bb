//! `diff`: what became of a suite, for a pull request.

mod document;
mod render;

use super::unread;
use crate::base::{State, load_state, parse_state};
use crate::exit::Exit;
use crate::io::Io;
use contract_graph::Evolution;
use std::path::PathBuf;

/// Arguments of `diff`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "\
Examples:
  diff git:origin/main suite
  diff git:v1.0.0 git:HEAD --suite suite --out md > wiring.md
  diff before after --out json")]
pub struct DiffArgs {
    /// The suite as it was: a revision of git, or a folder
    #[arg(value_name = "BASE", value_parser = parse_state)]
    base: State,
    /// The suite as it is: a revision of git, or a folder
    #[arg(value_name = "HEAD", value_parser = parse_state)]
    head: State,
    /// The suite's folder, for revisions of git; if not given, the other side's folder, else the current one
    #[arg(long, value_name = "DIR")]
    suite: Option<PathBuf>,
    /// How to print it
    #[arg(long, visible_alias = "format", value_name = "FORMAT", default_value = "text")]
    out: Shape,
    /// The same as --out json
    #[arg(long, conflicts_with = "out")]
    json: bool,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Shape {
    Text,
    Md,
    Json,
}

pub(super) fn run(args: &DiffArgs, io: &mut Io<'_>) -> anyhow::Result<Exit> {
    let folder = args.folder();
    let base = load_state(&args.base, &folder, None)?;
    let head = load_state(&args.head, &folder, None)?;
    let document = document::Diff::of(&Evolution::between(&base, &head));
    let out = if args.json { Shape::Json } else { args.out };
    let text = match out {
        Shape::Text => render::text(&document),
        Shape::Md => render::markdown(&document),
        Shape::Json => serde_json::to_string_pretty(&document)? + "\n",
    };
    io.out.write_all(text.as_bytes())?;
    unread::of_plugins(base.views().chain(head.views()), io)
}

impl DiffArgs {
    fn folder(&self) -> PathBuf {
        let sides = [&self.head, &self.base].into_iter().find_map(|side| match side {
            State::Folder(folder) => Some(folder.clone()),
            State::Git(_) => None,
        });
        self.suite.clone().or(sides).unwrap_or_else(|| PathBuf::from("."))
    }
}
