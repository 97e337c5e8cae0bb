//! Finds entries and names in manifests, line by line.

use std::ops::Range;

/// The lines of a top-level key, with the key itself.
#[must_use]
pub fn section(text: &str, key: &str) -> Option<Range<usize>> {
    let head = format!("{key}:");
    let start = text.match_indices(&head).map(|(at, _)| at).find(|at| *at == 0 || text.as_bytes()[at - 1] == b'\n')?;
    let mut end = start;
    for (index, line) in text[start..].split_inclusive('\n').enumerate() {
        if index > 0 && !line.starts_with([' ', '#']) {
            break;
        }
        end += line.len();
    }
    Some(start..end)
}

/// The line of a list that names a topic, with its line end. Where the list stands on one line, only a list of one.
#[must_use]
pub fn entry(text: &str, key: &str, topic: &str) -> Option<Range<usize>> {
    let section = section(text, key)?;
    let mut at = section.start;
    for line in text[section].split_inclusive('\n') {
        let range = at..at + line.len();
        at = range.end;
        let listed = line.trim_start().starts_with('-') || !line.contains(',');
        if listed && words(line, topic).next().is_some() {
            return Some(range);
        }
    }
    None
}

/// Every place where a topic stands as a whole, not as a part of a longer name.
pub fn words<'t>(text: &'t str, topic: &'t str) -> impl Iterator<Item = Range<usize>> + 't {
    let inside = |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || b"._-*".contains(byte));
    text.match_indices(topic).map(|(at, _)| at..at + topic.len()).filter(move |range| {
        let bytes = text.as_bytes();
        !inside(range.start.checked_sub(1).and_then(|at| bytes.get(at))) && !inside(bytes.get(range.end))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "a: 1\npublishes:\n  - x.y.z\n  - x.y\nconsumes: [p.q]\n";

    #[test]
    fn an_entry_is_its_line() {
        assert_eq!(entry(TEXT, "publishes", "x.y").map(|range| &TEXT[range]), Some("  - x.y\n"));
        assert_eq!(entry(TEXT, "consumes", "p.q").map(|range| &TEXT[range]), Some("consumes: [p.q]\n"));
        assert_eq!(entry(TEXT, "publishes", "p.q"), None);
    }
}
