//! Where something stands in a source file.

use serde::{Deserialize, Serialize};

/// A half-open range of bytes in a file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Span {
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

/// A value together with the place it was written at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spanned<T> {
    /// The value.
    pub value: T,
    /// Its bytes in the file it came from.
    pub span: Span,
}

impl<T> Spanned<T> {
    /// Pairs a value with its place.
    pub fn new(value: T, span: Span) -> Self {
        Self { value, span }
    }
}

/// A place as people and machine formats name it: lines and columns count from 1, columns in characters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Location {
    /// Path relative to the suite, with forward slashes.
    pub file: String,
    /// First line.
    pub line: u32,
    /// First column.
    pub column: u32,
    /// Last line.
    pub end_line: u32,
    /// Column one past the last character.
    pub end_column: u32,
}

impl Location {
    /// Translates bytes of `text` into lines and columns.
    pub fn of(file: &str, text: &str, span: Span) -> Self {
        let (line, column) = line_column(text, span.start);
        let (end_line, end_column) = line_column(text, span.end.max(span.start));
        Self { file: file.to_owned(), line, column, end_line, end_column }
    }

    /// The first character of a file.
    pub fn start_of(file: &str) -> Self {
        Self { file: file.to_owned(), line: 1, column: 1, end_line: 1, end_column: 1 }
    }
}

fn line_column(text: &str, offset: u32) -> (u32, u32) {
    let mut end = (offset as usize).min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let before = &text[..end];
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    let line = before.bytes().filter(|b| *b == b'\n').count();
    let column = before[line_start..].chars().count();
    (
        u32::try_from(line).unwrap_or(u32::MAX).saturating_add(1),
        u32::try_from(column).unwrap_or(u32::MAX).saturating_add(1),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_characters() {
        let text = "a\nöb c\n";
        let at = Location::of("f.js", text, Span { start: 4, end: 5 });
        assert_eq!((at.line, at.column, at.end_line, at.end_column), (2, 2, 2, 3));
    }
}
