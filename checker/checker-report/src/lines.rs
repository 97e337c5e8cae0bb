//! Texts of which places are found without a walk from their start, however many places are asked for.

use crate::Texts;
use contract_model::Location;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ops::Range;
use std::rc::Rc;

/// A text with the starts of its lines.
pub(crate) struct Lines<'a> {
    pub(crate) text: &'a str,
    starts: Vec<usize>,
}

impl<'a> Lines<'a> {
    pub(crate) fn of(text: &'a str) -> Self {
        let starts = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Self { text, starts }
    }

    /// The bytes of a place; of one that the text does not have its end.
    pub(crate) fn byte_range(&self, at: &Location) -> Range<usize> {
        let start = self.offset(at.line, at.column);
        start..self.offset(at.end_line, at.end_column).max(start)
    }

    fn offset(&self, line: u32, column: u32) -> usize {
        let (start, text) = self.line(line);
        let before = column.saturating_sub(1) as usize;
        start + text.char_indices().nth(before).map_or(text.len(), |(at, _)| at)
    }

    /// The first byte of a line, counted from 1, and its text without its end.
    pub(crate) fn line(&self, line: u32) -> (usize, &'a str) {
        let at = line.max(1) as usize - 1;
        let Some(start) = self.starts.get(at).copied() else { return (self.text.len(), "") };
        let end = self.starts.get(at + 1).map_or(self.text.len(), |next| next - 1);
        (start, &self.text[start..end])
    }

    /// How many lines there are, the empty one after the last line end included.
    pub(crate) fn count(&self) -> u32 {
        u32::try_from(self.starts.len()).unwrap_or(u32::MAX)
    }

    /// The text from one line to another, with the byte it begins at.
    pub(crate) fn window(&self, first: u32, last: u32) -> (usize, &'a str) {
        let ((start, _), (end, text)) = (self.line(first), self.line(last));
        let end = (end + text.len() + 1).min(self.text.len());
        (start, &self.text[start..end.max(start)])
    }
}

/// The texts of a suite, each looked through once.
pub(crate) struct Shelf<'t, 'a> {
    texts: &'t Texts<'a>,
    read: RefCell<BTreeMap<String, Option<Rc<Lines<'a>>>>>,
}

impl<'t, 'a> Shelf<'t, 'a> {
    pub(crate) fn of(texts: &'t Texts<'a>) -> Self {
        Self { texts, read: RefCell::default() }
    }

    /// A file's text; none where there is none, as for a folder.
    pub(crate) fn lines(&self, file: &str) -> Option<Rc<Lines<'a>>> {
        if let Some(known) = self.read.borrow().get(file) {
            return known.clone();
        }
        let lines = (self.texts)(file).map(|text| Rc::new(Lines::of(text)));
        self.read.borrow_mut().insert(file.to_owned(), lines.clone());
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::byte_range;

    #[test]
    fn places_are_those_of_a_walk() {
        let text = "a\nöb c\r\n\nend\n";
        let lines = Lines::of(text);
        for (line, column) in (0..8).flat_map(|line| (0..8).map(move |column| (line, column))) {
            let at = Location { file: "".into(), line, column, end_line: line + 1, end_column: column };
            assert_eq!(lines.byte_range(&at), byte_range(text, &at), "{line}:{column}");
        }
        assert_eq!((lines.count(), lines.window(2, 3)), (5, (2, "öb c\r\n\n")));
        assert_eq!(lines.window(5, 9), (text.len(), ""));
    }
}
