//! The formats. Each is one file with one `render` function over a [`Report`].

pub mod json;
pub mod text;

use crate::Report;

/// A text of a suite by its path, for snippets.
pub type Texts<'a> = dyn Fn(&str) -> Option<&'a str> + 'a;

/// Whether to use terminal colours.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Color {
    /// Plain text.
    #[default]
    Never,
    /// ANSI escapes.
    Always,
}

/// The formats a report can be written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// For people at a terminal.
    Text,
    /// For programs; the shape is docs/src/reference/check-output.schema.json.
    Json,
}

impl Format {
    /// Every format with its name on the command line.
    pub const ALL: &'static [(&'static str, Format)] = &[("text", Format::Text), ("json", Format::Json)];

    /// Finds a format by its name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(known, _)| *known == name).map(|(_, format)| *format)
    }

    /// Renders a report. The result ends with a line feed.
    pub fn render<'a>(self, report: &'a Report, texts: &Texts<'a>, color: Color) -> String {
        match self {
            Self::Text => text::render(report, texts, color),
            Self::Json => json::render(report),
        }
    }
}
