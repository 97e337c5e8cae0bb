//! Collecting what is wrong with one text, with places that are relative to the suite.

use crate::facts::{Problem, ProblemKind};
use contract_model::span::{FilePath, Location, Span};

/// The problems of one file.
pub(crate) struct Report<'t> {
    /// Path relative to the suite.
    pub(crate) file: FilePath,
    /// The file's text.
    pub(crate) text: &'t str,
    /// What was found so far.
    pub(crate) problems: Vec<Problem>,
}

impl<'t> Report<'t> {
    /// A report on a file without problems yet.
    pub(crate) fn new(file: impl Into<FilePath>, text: &'t str) -> Self {
        Self { file: file.into(), text, problems: Vec::new() }
    }

    /// Adds a problem without advice.
    pub(crate) fn add(&mut self, kind: ProblemKind, span: Span, message: String) {
        self.add_with_help(kind, span, message, None);
    }

    /// Adds a problem with advice, and the text to put in its place if there is one.
    pub(crate) fn add_with_help(
        &mut self,
        kind: ProblemKind,
        span: Span,
        message: String,
        help: Option<(String, Option<String>)>,
    ) {
        let location = Location::of(&self.file, self.text, span);
        self.problems.push(Problem { kind, message, location, help });
    }
}

/// Joins the folder of a plugin and a path within it. An empty folder or `.` is the suite itself.
pub(crate) fn suite_path(folder: &str, path: &str) -> String {
    match folder.trim_end_matches('/') {
        "" | "." => path.to_owned(),
        folder => format!("{folder}/{path}"),
    }
}

/// The candidate that a misspelt word was probably meant to be.
pub(crate) fn closest<'c>(word: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    let lower = word.to_lowercase();
    candidates
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(&lower, &candidate.to_lowercase()), candidate))
        .filter(|(distance, candidate)| *distance <= 1 + candidate.chars().count() / 4)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Advice to write `candidate` instead.
pub(crate) fn did_you_mean(candidate: Option<&str>) -> Option<(String, Option<String>)> {
    candidate.map(|name| (format!("did you mean `{name}`?"), Some(name.to_owned())))
}
