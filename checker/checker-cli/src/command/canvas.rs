//! `canvas`: one page of Markdown about one plugin.

use super::place::SuiteFolder;
use super::unread;
use crate::exit::Exit;
use crate::io::Io;
use crate::load::load_suite;
use crate::wiring::wiring;

/// Arguments of `canvas`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "\
Examples:
  canvas gl --suite ledger-example > docs/gl.md")]
pub struct CanvasArgs {
    /// The plugin's slug
    pub plugin: String,
    /// The suite
    #[command(flatten)]
    pub suite: SuiteFolder,
}

pub(super) fn run(args: &CanvasArgs, io: &mut Io<'_>) -> anyhow::Result<Exit> {
    let suite = load_suite(args.suite.path())?;
    let Some(text) = checker_report::canvas(&wiring(&suite), &args.plugin) else {
        let slugs: Vec<&str> = suite.views().map(contract_graph::PluginView::slug).collect();
        anyhow::bail!("the suite has no plugin `{}`; there are {}", args.plugin, slugs.join(", "));
    };
    io.out.write_all(text.as_bytes())?;
    unread::of_plugins(suite.plugin(&args.plugin).into_iter(), io)
}
