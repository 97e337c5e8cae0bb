//! The topics that other systems export, by exact name.

use serde::Deserialize;
use std::collections::BTreeSet;

/// What the file that suite.yaml names as `catalog` says: `{"topics": ["bank.statement.received", …]}`, where a
/// topic may also be an object with a `name`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Catalog {
    /// The exact names.
    pub(crate) topics: BTreeSet<String>,
}

#[derive(Deserialize)]
struct Document {
    topics: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Entry {
    Name(String),
    Named { name: String },
}

impl Catalog {
    /// Reads a catalogue; else gives a sentence on why the text is none.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let document: Document = serde_json::from_str(text)
            .map_err(|error| format!("the catalogue is not of the form {{\"topics\": [\"name\", …]}}: {error}"))?;
        let name = |entry| match entry {
            Entry::Name(name) | Entry::Named { name } => name,
        };
        Ok(Self { topics: document.topics.into_iter().map(name).collect() })
    }
}
