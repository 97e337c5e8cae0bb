//! From places back to bytes, for snippets and edits.

use contract_model::Location;
use contract_model::span::Span;
use std::ops::Range;

/// Translates lines and columns back into bytes; a place that the text does not have becomes its end.
pub fn byte_range(text: &str, at: &Location) -> Range<usize> {
    let start = offset(text, at.line, at.column);
    start..offset(text, at.end_line, at.end_column).max(start)
}

fn offset(text: &str, line: u32, column: u32) -> usize {
    let line_start = match line {
        0 | 1 => 0,
        _ => text.match_indices('\n').nth(line as usize - 2).map_or(text.len(), |(at, _)| at + 1),
    };
    let rest = &text[line_start..];
    let line_text = rest.split('\n').next().unwrap_or_default();
    let within = line_text.char_indices().nth(column.saturating_sub(1) as usize).map_or(line_text.len(), |(at, _)| at);
    line_start + within
}

/// The last whole occurrence of a name within a place, such as a topic within the call that uses it.
/// Whole: not part of a longer name.
pub fn find_within(text: &str, at: &Location, name: &str) -> Option<Location> {
    let range = byte_range(text, at);
    let part = &text[range.clone()];
    let (found, _) = part.rmatch_indices(name).find(|(start, _)| is_whole(part, *start, name.len()))?;
    let start = u32::try_from(range.start + found).ok()?;
    let end = u32::try_from(range.start + found + name.len()).ok()?;
    Some(Location::of(&at.file, text, Span { start, end }))
}

fn is_whole(text: &str, start: usize, length: usize) -> bool {
    let joins = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || matches!(c, '.' | '-' | '_'));
    !joins(text[..start].chars().next_back()) && !joins(text[start + length..].chars().next())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_becomes_bytes() {
        let text = "a\nöb c\n";
        let at = Location { file: "".into(), line: 2, column: 2, end_line: 2, end_column: 3 };
        assert_eq!(&text[byte_range(text, &at)], "b");
        let beyond = Location { file: "".into(), line: 9, column: 9, end_line: 9, end_column: 9 };
        assert_eq!(byte_range(text, &beyond), text.len()..text.len());
    }

    #[test]
    fn a_name_is_found_whole_and_last() {
        let text = "on('a.b.c', 'a.b')";
        let at = Location { file: "f".into(), line: 1, column: 1, end_line: 1, end_column: 19 };
        assert_eq!(find_within(text, &at, "a.b").map(|found| found.column), Some(14));
        assert_eq!(find_within(text, &at, "b.c"), None);
    }
}
