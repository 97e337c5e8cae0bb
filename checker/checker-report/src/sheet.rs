//! Everything that a format may show.

use crate::{Report, Wiring};
use contract_model::Location;

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

/// A rule as the formats that list rules show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleCard {
    /// The id, such as `TL201`.
    pub id: &'static str,
    /// The name, such as `dangling-subscription`.
    pub name: &'static str,
    /// The severity unless a suite says otherwise.
    pub severity: crate::Severity,
    /// What it reports, in one sentence without a full stop.
    pub summary: String,
    /// What it reports and why, as Markdown.
    pub what: &'static str,
    /// How to repair a finding, as Markdown.
    pub fix: &'static str,
}

/// One report with what surrounds it.
#[derive(Clone, Copy)]
pub struct Sheet<'a> {
    /// The findings.
    pub report: &'a Report,
    /// The texts they point into.
    pub texts: &'a Texts<'a>,
    /// Every rule there is, by id.
    pub rules: &'a [RuleCard],
    /// The suite's wiring.
    pub wiring: &'a Wiring,
    /// The suite's folder as the repository names it, with forward slashes and without a trailing one; empty where
    /// the suite is the repository. Formats that a code host shows beside its files need it.
    pub root: &'a str,
    /// Where the book is served, with a trailing slash.
    pub docs: &'a str,
    /// Whether to use terminal colours.
    pub color: Color,
}

impl<'a> Sheet<'a> {
    /// A place's file as the repository names it.
    pub fn path(&self, at: &Location) -> String {
        match self.root {
            "" => at.file.to_string(),
            root => format!("{root}/{}", at.file),
        }
    }

    /// The page of a rule.
    pub fn page(&self, rule: &str) -> String {
        format!("{}rules/{rule}.html", self.docs)
    }

    /// The findings that nobody allowed, worst first, else in the order of the report; those that are known and let the
    /// suite pass come last.
    pub fn open(&self) -> Vec<&'a crate::Diagnostic> {
        let mut open: Vec<_> = self.report.found().filter(|finding| finding.suppressed.is_none()).collect();
        open.sort_by_key(|finding| (self.report.gate.passes_over(finding), std::cmp::Reverse(finding.severity)));
        open
    }
}
