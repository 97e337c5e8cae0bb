//! From a place in a payload to a place in the text of its schema.

use contract_model::Location;
use contract_model::span::Span;

/// Where a schema's text speaks of the field that a JSON pointer ends with: the last of its names that is written as
/// a key, each sought behind the one before it. The start of the file where none is.
pub(crate) fn locate(file: &str, text: &str, pointer: &str) -> Location {
    let mut from = 0;
    let mut found = None;
    for name in pointer.split('/').skip(1).filter(|name| *name != "*") {
        let name = name.replace("~1", "/").replace("~0", "~");
        let Some((start, end)) = key(text, from, &name) else { break };
        (found, from) = (Some((start, end)), end);
    }
    let span =
        found.and_then(|(start, end)| Some(Span { start: u32::try_from(start).ok()?, end: u32::try_from(end).ok()? }));
    span.map_or_else(|| Location::start_of(file), |span| Location::of(file, text, span))
}

/// The next place where this name stands as a key, with its quotes.
fn key(text: &str, from: usize, name: &str) -> Option<(usize, usize)> {
    let quoted = serde_json::Value::from(name).to_string();
    text[from..]
        .match_indices(&quoted)
        .map(|(at, _)| (from + at, from + at + quoted.len()))
        .find(|(_, end)| text[*end..].trim_start().starts_with(':'))
}

#[cfg(test)]
mod tests {
    use super::locate;

    #[test]
    fn a_field_is_found_as_a_key_behind_its_parent() {
        let text =
            "{\"properties\": {\"a\": {\"const\": \"b\"},\n \"lines\": {\"items\": {\"properties\": {\n\"b\": {}}}}}}";
        assert_eq!((locate("f", text, "/lines/*/b").line, locate("f", text, "/b").line), (3, 3));
        assert_eq!(locate("f", text, "/a").column, 17);
        assert_eq!(locate("f", text, "/gone").column, 1);
    }
}
