//! The formats. Each is one file with one `render` function over a [`Sheet`].

mod github;
mod gitlab;
pub(crate) mod html;
pub mod json;
mod junit;
mod md;
mod sarif;
pub mod text;

use crate::Sheet;

/// The formats a report can be written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// For people at a terminal.
    Text,
    /// For programs; the shape is docs/src/reference/check-output.schema.json.
    Json,
    /// SARIF 2.1.0, for code scanning and editors.
    Sarif,
    /// `JUnit` XML, for the test tab of a pipeline.
    Junit,
    /// GitHub's workflow commands, for annotations.
    Github,
    /// GitLab's code quality report.
    Gitlab,
    /// Markdown, for a pull request.
    Md,
    /// One page that needs no network.
    Html,
}

impl Format {
    /// Every format with its name on the command line.
    pub const ALL: &'static [(&'static str, Format)] = &[
        ("text", Format::Text),
        ("json", Format::Json),
        ("sarif", Format::Sarif),
        ("junit", Format::Junit),
        ("github", Format::Github),
        ("gitlab", Format::Gitlab),
        ("md", Format::Md),
        ("html", Format::Html),
    ];

    /// Finds a format by its name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(known, _)| *known == name).map(|(_, format)| *format)
    }

    /// Renders a report. The result ends with a line feed.
    pub fn render(self, sheet: &Sheet<'_>) -> String {
        match self {
            Self::Text => text::render(sheet),
            Self::Json => json::render(sheet.report),
            Self::Sarif => sarif::render(sheet),
            Self::Junit => junit::render(sheet),
            Self::Github => github::render(sheet),
            Self::Gitlab => gitlab::render(sheet),
            Self::Md => md::render(sheet),
            Self::Html => html::render(sheet),
        }
    }
}

/// The families of rules by the first digit of their ids.
const FAMILIES: [(char, &str); 9] = [
    ('1', "manifest"),
    ('2', "wiring"),
    ('3', "manifest and code agree"),
    ('4', "requests and replies"),
    ('5', "payloads"),
    ('6', "evolution"),
    ('7', "nothing overlooked"),
    ('8', "policy"),
    ('9', "exceptions"),
];

/// The family that a rule belongs to.
fn family(rule: &str) -> &'static str {
    let digit = rule.chars().nth(2);
    FAMILIES.iter().find(|(own, _)| Some(*own) == digit).map_or("other", |(_, name)| name)
}

/// Counts how often each fingerprint has come by, so that two findings of the same identity stay apart where a
/// format wants unique ones.
#[derive(Default)]
struct Ordinals<'a>(std::collections::BTreeMap<&'a str, usize>);

impl<'a> Ordinals<'a> {
    /// 1 for the first, 2 for the second, and so on.
    fn next(&mut self, fingerprint: &'a str) -> usize {
        let count = self.0.entry(fingerprint).or_default();
        *count += 1;
        *count
    }
}
