//! How an answer is printed.

use serde::Serialize;

/// Text for people, or JSON.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct Shape {
    /// How to print the answer
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: Format,
    /// The same as --format json
    #[arg(long, conflicts_with = "format")]
    json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    Text,
    Json,
}

impl Shape {
    /// The answer as it was asked for, with a line's end.
    pub(super) fn of<T: Serialize>(&self, answer: &T, text: impl FnOnce(&T) -> String) -> serde_json::Result<String> {
        match self.format {
            Format::Text if !self.json => Ok(text(answer)),
            _ => Ok(serde_json::to_string_pretty(answer)? + "\n"),
        }
    }
}
