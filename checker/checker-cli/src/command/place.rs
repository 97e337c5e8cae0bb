//! The suite that a command with another subject is about, and which of its plugins.

use anyhow::Context;
use contract_graph::{Composition, Graph, Suite};
use std::path::{Path, PathBuf};

/// The graph of all plugins, or of those of one composition of suite.yaml.
pub(super) fn graph_of<'a>(suite: &'a Suite, composition: Option<&str>) -> anyhow::Result<Graph<'a>> {
    let Some(name) = composition else { return Ok(Graph::whole(suite)) };
    let mut all = Composition::all(suite).into_iter().filter(|one| one.name.is_some());
    let names: Vec<&str> = suite.manifest.compositions.keys().map(String::as_str).collect();
    let found = all.find(|one| one.name.as_deref() == Some(name)).with_context(|| match names.as_slice() {
        [] => format!("there is no composition `{name}`; suite.yaml names none"),
        names => format!("there is no composition `{name}`; suite.yaml names {}", names.join(", ")),
    })?;
    Ok(Graph::build(suite, found))
}

/// The suite's folder, after the subject or as an option.
#[derive(Debug, Clone, clap::Args)]
pub struct SuiteFolder {
    /// The suite's folder; the current one if not given
    #[arg(value_name = "SUITE")]
    folder: Option<PathBuf>,
    /// The same as an option
    #[arg(long = "suite", value_name = "SUITE", conflicts_with = "folder")]
    option: Option<PathBuf>,
}

impl SuiteFolder {
    pub(super) fn path(&self) -> &Path {
        self.folder.as_deref().or(self.option.as_deref()).unwrap_or(Path::new("."))
    }
}
