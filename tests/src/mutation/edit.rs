//! One change of a suite's texts.

use super::texts::Texts;
use std::collections::BTreeSet;
use std::ops::Range;

/// One step of a change.
#[derive(Debug, Clone)]
pub enum Edit {
    /// Puts a text in the place of a stretch; an empty stretch inserts.
    Replace {
        /// The file.
        file: String,
        /// The bytes of the unchanged file.
        range: Range<usize>,
        /// What stands there instead.
        text: String,
    },
    /// Adds or replaces a file.
    Write {
        /// The file.
        file: String,
        /// Its text.
        text: String,
    },
    /// Takes a file away.
    Remove {
        /// The file.
        file: String,
    },
}

/// One changed suite.
#[derive(Debug, Clone)]
pub struct Mutant {
    /// What was changed where, for people.
    pub what: String,
    /// The change.
    pub edits: Vec<Edit>,
    /// Whether the files are read in the opposite order.
    pub reversed: bool,
}

impl Mutant {
    /// A mutant of these edits.
    #[must_use]
    pub fn new(what: impl Into<String>, edits: Vec<Edit>) -> Self {
        Self { what: what.into(), edits, reversed: false }
    }

    /// The files it touches.
    #[must_use]
    pub fn files(&self) -> BTreeSet<&str> {
        self.edits.iter().map(Edit::file).collect()
    }

    /// The changed texts.
    #[must_use]
    pub fn apply(&self, texts: &Texts) -> Texts {
        let mut out = texts.clone();
        let mut replacements: Vec<(&str, &Range<usize>, &str)> = Vec::new();
        for edit in &self.edits {
            match edit {
                Edit::Replace { file, range, text } => replacements.push((file, range, text)),
                Edit::Write { file, text } => drop(out.0.insert(file.clone(), text.clone())),
                Edit::Remove { file } => drop(out.0.remove(file)),
            }
        }
        // From the back, so that the places in front keep their bytes.
        replacements.sort_by_key(|(file, range, _)| (*file, range.start, range.end));
        for (file, range, text) in replacements.into_iter().rev() {
            if let Some(whole) = out.0.get_mut(file) {
                whole.replace_range(range.clone(), text);
            }
        }
        out
    }
}

impl Edit {
    /// Puts `text` in the place of a stretch.
    #[must_use]
    pub fn replace(file: &str, range: Range<usize>, text: impl Into<String>) -> Self {
        Self::Replace { file: file.to_owned(), range, text: text.into() }
    }

    /// Inserts `text`.
    #[must_use]
    pub fn insert(file: &str, at: usize, text: impl Into<String>) -> Self {
        Self::replace(file, at..at, text)
    }

    /// Adds or replaces a file.
    #[must_use]
    pub fn write(file: &str, text: impl Into<String>) -> Self {
        Self::Write { file: file.to_owned(), text: text.into() }
    }

    /// The file it touches.
    #[must_use]
    pub fn file(&self) -> &str {
        match self {
            Self::Replace { file, .. } | Self::Write { file, .. } | Self::Remove { file } => file,
        }
    }
}
