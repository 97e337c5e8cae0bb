//! Where something stands in a source file.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::sync::Arc;

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

/// The path of a file relative to the suite, with forward slashes. All places in a file share it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FilePath(Arc<str>);

impl FilePath {
    /// The path as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::ops::Deref for FilePath {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl<T: AsRef<str> + ?Sized> From<&T> for FilePath {
    fn from(path: &T) -> Self {
        Self(path.as_ref().into())
    }
}

impl From<String> for FilePath {
    fn from(path: String) -> Self {
        Self(path.into())
    }
}

impl From<&FilePath> for FilePath {
    fn from(path: &FilePath) -> Self {
        path.clone()
    }
}

impl fmt::Debug for FilePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

impl fmt::Display for FilePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&**self, f)
    }
}

impl PartialEq<str> for FilePath {
    fn eq(&self, other: &str) -> bool {
        **self == *other
    }
}

impl PartialEq<&str> for FilePath {
    fn eq(&self, other: &&str) -> bool {
        **self == **other
    }
}

impl Serialize for FilePath {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self)
    }
}

impl<'de> Deserialize<'de> for FilePath {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(String::deserialize(deserializer)?.into()))
    }
}

/// A place as people and machine formats name it: lines and columns count from 1, columns in characters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Location {
    /// The file.
    pub file: FilePath,
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
    pub fn of(file: impl Into<FilePath>, text: &str, span: Span) -> Self {
        let start = boundary(text, span.start);
        let end = boundary(text, span.end.max(span.start));
        let (line, column) = line_column(text, start);
        let (lines_more, end_column) = match memchr::memrchr(b'\n', &text.as_bytes()[start..end]) {
            // Most places end on the line where they start.
            None => (0, column.saturating_add(count(text[start..end].chars().count()))),
            Some(_) => (count(memchr::memchr_iter(b'\n', &text.as_bytes()[start..end]).count()), column_at(text, end)),
        };
        let end_line = line.saturating_add(lines_more);
        Self { file: file.into(), line, column, end_line, end_column }
    }

    /// The first character of a file.
    pub fn start_of(file: impl Into<FilePath>) -> Self {
        Self { file: file.into(), line: 1, column: 1, end_line: 1, end_column: 1 }
    }
}

/// The place of a byte in a text, or of the character that it is part of.
fn boundary(text: &str, offset: u32) -> usize {
    text.floor_char_boundary(offset as usize)
}

fn line_column(text: &str, at: usize) -> (u32, u32) {
    let line = memchr::memchr_iter(b'\n', &text.as_bytes()[..at]).count();
    (count(line).saturating_add(1), column_at(text, at))
}

fn column_at(text: &str, at: usize) -> u32 {
    let line_start = memchr::memrchr(b'\n', &text.as_bytes()[..at]).map_or(0, |end| end + 1);
    count(text[line_start..at].chars().count()).saturating_add(1)
}

fn count(of: usize) -> u32 {
    u32::try_from(of).unwrap_or(u32::MAX)
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
