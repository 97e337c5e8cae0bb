//! Places: the checker counts characters from 1, the protocol counts UTF-16 units from 0.

use checker_report::uri_path;
use contract_model::Location;
use lsp_types::{Position, Range, Uri};
use percent_encoding::percent_decode_str;
use std::ops;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// The file that a URI names; none for other schemes.
pub(super) fn path_of(uri: &Uri) -> Option<PathBuf> {
    let path = uri.as_str().strip_prefix("file://")?;
    Some(PathBuf::from(percent_decode_str(path).decode_utf8().ok()?.into_owned()))
}

/// The URI of a file.
pub(super) fn uri_of(path: &Path) -> Option<Uri> {
    Uri::from_str(&format!("file://{}", uri_path(path.to_str()?))).ok()
}

/// A place of a text as the protocol names it.
pub(super) fn range_of(text: &str, at: &Location) -> Range {
    Range { start: position(text, at.line, at.column), end: position(text, at.end_line, at.end_column) }
}

fn position(text: &str, line: u32, column: u32) -> Position {
    let (line, before) = (line.saturating_sub(1), column.saturating_sub(1) as usize);
    let units = text.lines().nth(line as usize).map_or(0, |text| text.chars().take(before).map(char::len_utf16).sum());
    Position { line, character: u32::try_from(units).unwrap_or(u32::MAX) }
}

/// The name that a position stands in or after: the letters of topics and patterns around it.
pub(super) fn name_at(text: &str, at: Position) -> Option<(String, Range)> {
    let line = text.lines().nth(at.line as usize)?;
    let here = byte_at(line, at.character);
    let letter = |one: char| one.is_ascii_alphanumeric() || matches!(one, '.' | '-' | '_' | '*');
    let start =
        line[..here].rfind(|one| !letter(one)).map_or(0, |at| at + line[at..].chars().next().map_or(1, char::len_utf8));
    let end = line[here..].find(|one| !letter(one)).map_or(line.len(), |at| here + at);
    Some((line[start..end].to_owned(), range(line, at.line, start..end)))
}

/// What stands right before a name, such as the quote of a string.
pub(super) fn before(text: &str, at: Position) -> Option<char> {
    let line = text.lines().nth(at.line as usize)?;
    line[..byte_at(line, at.character)].chars().next_back()
}

fn byte_at(line: &str, units: u32) -> usize {
    let mut left = units as usize;
    let mut fits = |one: &(usize, char)| {
        let width = one.1.len_utf16();
        left.checked_sub(width).map(|rest| left = rest).is_some()
    };
    line.char_indices().find(|one| !fits(one)).map_or(line.len(), |(at, _)| at)
}

fn range(line: &str, number: u32, at: ops::Range<usize>) -> Range {
    let units = |end: usize| u32::try_from(line[..end].encode_utf16().count()).unwrap_or(u32::MAX);
    let position = |end| Position { line: number, character: units(end) };
    Range { start: position(at.start), end: position(at.end) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_counted_in_units_of_utf_16() {
        let text = "a\n😀é gl.a.b;\n";
        let at = Location { file: "".into(), line: 2, column: 4, end_line: 2, end_column: 10 };
        let range = range_of(text, &at);
        assert_eq!((range.start.line, range.start.character, range.end.character), (1, 4, 10));
        let (name, found) = name_at(text, Position { line: 1, character: 7 }).expect("a name");
        assert_eq!((name.as_str(), found), ("gl.a.b", range));
        assert_eq!(before(text, range.start), Some(' '));
        assert_eq!(name_at("x", Position { line: 0, character: 99 }).expect("a name").0, "x");
        assert_eq!(name_at("x", Position { line: 9, character: 0 }), None);
    }

    #[test]
    fn a_path_is_a_uri_and_back() {
        let path = Path::new("/a b/ü#1%/x.js");
        let uri = uri_of(path).expect("a URI");
        assert!(!uri.as_str().contains([' ', '#']), "{}", uri.as_str());
        assert_eq!(path_of(&uri).as_deref(), Some(path));
    }
}
