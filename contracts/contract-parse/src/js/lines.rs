//! Lines and columns of places, found without going through the text again for each.

use super::program::{Module, Modules};
use contract_model::span::{Location, Span};

/// Where the lines of each module start, in bytes.
pub(crate) struct Lines(Vec<Vec<u32>>);

impl Lines {
    pub(crate) fn of(modules: &Modules<'_>) -> Self {
        Self(modules.list.iter().map(|module| starts(module.text)).collect())
    }

    /// A place of a module.
    pub(crate) fn location(&self, at: usize, module: &Module<'_>, span: Span) -> Location {
        let (line, column) = self.place(at, module.text, span.start);
        let (end_line, end_column) = self.place(at, module.text, span.end.max(span.start));
        Location { file: module.file.clone(), line, column, end_line, end_column }
    }

    fn place(&self, at: usize, text: &str, offset: u32) -> (u32, u32) {
        let starts = &self.0[at];
        let line = starts.partition_point(|start| *start <= offset).max(1);
        let start = starts[line - 1] as usize;
        let end = (offset as usize).min(text.len());
        let before = text.get(start..end).unwrap_or_default();
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        (count(line), count(before.chars().count()).saturating_add(1))
    }
}

fn starts(text: &str) -> Vec<u32> {
    let ends = memchr::memchr_iter(b'\n', text.as_bytes());
    let after = ends.map(|at| u32::try_from(at + 1).unwrap_or(u32::MAX));
    std::iter::once(0).chain(after).collect()
}
