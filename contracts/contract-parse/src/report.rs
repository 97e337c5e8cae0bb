//! Collecting what is wrong with one text, with places that are relative to the suite.

use crate::facts::{Problem, ProblemKind};
use contract_model::span::{FilePath, Location, Span};
use std::collections::BTreeSet;

/// The problems of one file.
pub(crate) struct Report<'t> {
    /// Path relative to the suite.
    pub(crate) file: FilePath,
    /// The file's text.
    pub(crate) text: &'t str,
    /// What was found so far.
    pub(crate) problems: Vec<Problem>,
    /// The places of what was refused, so that it is not known.
    refused: Vec<Span>,
}

impl<'t> Report<'t> {
    /// A report on a file without problems yet.
    pub(crate) fn new(file: impl Into<FilePath>, text: &'t str) -> Self {
        Self { file: file.into(), text, problems: Vec::new(), refused: Vec::new() }
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
        if matches!(kind, ProblemKind::BadValue | ProblemKind::BadTopicName | ProblemKind::ManifestUnreadable) {
            self.refused.push(span);
        }
        let location = Location::of(&self.file, self.text, span);
        self.problems.push(Problem { kind, message, location, help });
    }
}

impl Report<'_> {
    /// Which of these keys, by their places, hold something that was refused.
    pub(crate) fn refused<'k>(&self, keys: impl Iterator<Item = (&'k str, Span)>) -> BTreeSet<String> {
        let mut keys: Vec<(u32, &str)> = keys.map(|(key, span)| (span.start, key)).collect();
        keys.sort_unstable();
        let holding = |place: &Span| keys[..keys.partition_point(|(start, _)| *start <= place.start)].last();
        self.refused.iter().filter_map(holding).map(|(_, key)| (*key).to_owned()).collect()
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
