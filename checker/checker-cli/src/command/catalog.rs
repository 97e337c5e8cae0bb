//! `catalog export`: the topics of a suite that others may count on.

use super::unread;
use crate::exit::Exit;
use crate::io::Io;
use crate::load::load_suite;
use crate::wiring::wiring;
use serde_json::{Value, json};
use std::path::PathBuf;

/// The subcommands of `catalog`.
#[derive(Debug, Clone, clap::Subcommand)]
pub enum CatalogCommand {
    /// Print the public topics of a suite as the file that another suite names as its `catalog`
    #[command(after_help = "\
Examples:
  catalog export ledger-example > ../billing/catalog.json     and in billing's suite.yaml: catalog: catalog.json")]
    Export {
        /// The suite's folder
        #[arg(default_value = ".")]
        suite: PathBuf,
    },
}

pub(super) fn run(command: &CatalogCommand, io: &mut Io<'_>) -> anyhow::Result<Exit> {
    let CatalogCommand::Export { suite } = command;
    let suite = load_suite(suite)?;
    let wiring = wiring(&suite);
    let public = wiring.topics.iter().filter(|topic| topic.visibility == Some("public"));
    let topics: Vec<Value> = public
        .map(|topic| json!({"name": topic.name, "kind": topic.kind, "owner": topic.owner, "version": topic.version}))
        .collect();
    let catalog = json!({"schema": "trunkline.catalog/1", "topics": topics});
    writeln!(io.out, "{}", serde_json::to_string_pretty(&catalog)?)?;
    unread::ending(&suite, io)
}
