//! Finds calls, arguments and object literals in sources, by brackets and commas. Knows strings, templates and
//! comments, not regular expressions; the suites have none with brackets or quotes in the stretches that are edited.

use std::ops::Range;

/// What a scan meets outside of strings and comments.
struct Scan<'t> {
    bytes: &'t [u8],
    at: usize,
    end: usize,
}

impl<'t> Scan<'t> {
    fn new(text: &'t str, range: Range<usize>) -> Self {
        Self { bytes: text.as_bytes(), at: range.start, end: range.end }
    }

    /// Where a string, template or comment that starts here ends.
    fn quoted(&self) -> Option<usize> {
        let rest = &self.bytes[self.at..];
        let after = |close: &[u8]| {
            let found = rest[2..].windows(close.len()).position(|window| window == close);
            found.map_or(self.bytes.len(), |found| self.at + 2 + found + close.len())
        };
        match rest {
            [b'/', b'/', ..] => Some(after(b"\n")),
            [b'/', b'*', ..] => Some(after(b"*/")),
            [quote @ (b'"' | b'\'' | b'`'), ..] => {
                let mut at = self.at + 1;
                while at < self.bytes.len() && self.bytes[at] != *quote {
                    at += if self.bytes[at] == b'\\' { 2 } else { 1 };
                }
                Some(at + 1)
            }
            _ => None,
        }
    }
}

impl Iterator for Scan<'_> {
    type Item = (usize, u8);

    fn next(&mut self) -> Option<(usize, u8)> {
        while self.at < self.end {
            if let Some(after) = self.quoted() {
                self.at = after;
                continue;
            }
            self.at += 1;
            return Some((self.at - 1, self.bytes[self.at - 1]));
        }
        None
    }
}

/// One past the bracket that closes what is open at `from`.
#[must_use]
pub fn close(text: &str, from: usize) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, byte) in Scan::new(text, from..text.len()) {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' if depth == 0 => return Some(at + 1),
            b')' | b']' | b'}' => depth -= 1,
            _ => {}
        }
    }
    None
}

/// The last argument of the call that a range begins and does not close.
#[must_use]
pub fn last_argument(text: &str, range: Range<usize>) -> Option<Range<usize>> {
    let mut open: Vec<usize> = Vec::new();
    for (at, byte) in Scan::new(text, range.clone()) {
        match byte {
            b'(' | b'[' | b'{' => open.push(at + 1),
            b')' | b']' | b'}' => drop(open.pop()),
            b',' => *open.last_mut()? = at + 1,
            _ => {}
        }
    }
    let start = *open.last()?;
    let blank = text[start..range.end].len() - text[start..range.end].trim_start().len();
    Some(start + blank..range.end)
}

/// The top-level parts of an object literal, from after `{` to before `}`, as ranges without blanks around them.
#[must_use]
pub fn properties(text: &str, object: Range<usize>) -> Vec<Range<usize>> {
    let (mut depth, mut start, mut parts) = (0_usize, object.start + 1, Vec::new());
    for (at, byte) in Scan::new(text, object.start + 1..object.end) {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b',' if depth == 0 => {
                parts.push(trimmed(text, start..at));
                start = at + 1;
            }
            b')' | b']' | b'}' if depth == 0 => parts.push(trimmed(text, start..at)),
            b')' | b']' | b'}' => depth -= 1,
            _ => {}
        }
    }
    parts.retain(|part| !part.is_empty());
    parts
}

/// The object literal that follows a comma at `from`.
#[must_use]
pub fn object_after(text: &str, from: usize) -> Option<Range<usize>> {
    let rest = text[from..].trim_start().strip_prefix(',')?.trim_start();
    let start = text.len() - rest.len();
    let end = rest.starts_with('{').then(|| close(text, start + 1))??;
    Some(start..end)
}

fn trimmed(text: &str, range: Range<usize>) -> Range<usize> {
    let part = &text[range.clone()];
    let start = range.start + part.len() - part.trim_start().len();
    start..(start + part.trim().len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_topic_is_the_last_argument() {
        let text = "tell({ a, b: f(c, \"),\") }, topic(\"x\")";
        assert_eq!(&text[last_argument(text, 0..text.len()).expect("an argument")], "topic(\"x\")");
        assert_eq!(last_argument("tell(a)", 0..7), None);
    }

    #[test]
    fn brackets_in_strings_and_comments_do_not_count() {
        let text = "f(a, ')', `}${b}`, /* ) */ c) + 1";
        assert_eq!(close(text, 2), Some(text.len() - 4));
    }

    #[test]
    fn properties_are_the_top_level_ones() {
        let text = "p(t, { a, b: { c: 1, d }, ...e })";
        let object = object_after(text, 3).expect("an object");
        let parts: Vec<&str> = properties(text, object).into_iter().map(|part| &text[part]).collect();
        assert_eq!(parts, ["a", "b: { c: 1, d }", "...e"]);
    }
}
