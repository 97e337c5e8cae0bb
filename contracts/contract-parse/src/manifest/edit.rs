//! Edits of a manifest that leave everything else as it is: comments, order and the way it is written.

use crate::yaml::{Node, Tree, parse};
use contract_model::span::Span;

/// The bytes to take out so that the entry at this place leaves its list. The place is any part of the entry. None
/// where it stands in no list of the document's own, or is written in a way that no plain cut can undo.
pub fn without_entry(text: &str, entry: Span) -> Option<Span> {
    let root = parse(text).ok()??;
    let (key, list, items, at) = lists(&root).find_map(|(key, list, items)| {
        let at =
            items.iter().position(|item| item.span.start <= entry.start && entry.start < content_end(text, item))?;
        Some((key, list, items, at))
    })?;
    if is_flow(text, list) { Some(cut_flow(items, text, at)) } else { cut_block(text, key, items, at) }
}

/// Whether an entry of a list of the document says what an earlier one of that list says.
pub fn repeats_entry(text: &str, entry: Span) -> bool {
    let Some(root) = parse(text).ok().flatten() else { return false };
    lists(&root).any(|(_, _, items)| {
        let holds = |item: &Node| item.span.start <= entry.start && entry.start < content_end(text, item);
        let Some(at) = items.iter().position(holds) else { return false };
        items[..at].iter().any(|earlier| says_the_same(earlier, &items[at]))
    })
}

fn says_the_same(one: &Node, other: &Node) -> bool {
    match (&one.tree, &other.tree) {
        (Tree::Scalar { text: a, .. }, Tree::Scalar { text: b, .. }) => a == b,
        (Tree::List(a), Tree::List(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| says_the_same(a, b)),
        (Tree::Map(a), Tree::Map(b)) => {
            let pair = |((a, x), (b, y)): (&(Node, Node), &(Node, Node))| says_the_same(a, b) && says_the_same(x, y);
            a.len() == b.len() && a.iter().zip(b).all(pair)
        }
        _ => false,
    }
}

/// The place and the text to put there so that a list of the document has one entry more. A list that is not there is
/// made. None where the list is written in a way that cannot be added to.
pub fn with_entry(text: &str, name: &str, entry: &str) -> Option<(u32, String)> {
    Document::of(text).with_entry(name, entry)
}

/// A manifest that entries are added to, read once however many they are.
#[derive(Debug)]
pub struct Document<'t> {
    text: &'t str,
    /// None where it is no YAML.
    root: Option<Node>,
}

impl<'t> Document<'t> {
    /// Reads the text of a manifest.
    pub fn of(text: &'t str) -> Self {
        Self { text, root: parse(text).ok().flatten() }
    }

    /// Where the name of a field of the document stands.
    pub fn key(&self, name: &str) -> Option<Span> {
        let Some(Node { tree: Tree::Map(fields), .. }) = &self.root else { return None };
        let is_key = |key: &&Node| matches!(&key.tree, Tree::Scalar { text, .. } if text == name);
        fields.iter().map(|(key, _)| key).find(is_key).map(|key| key.span)
    }

    /// The same as [`with_entry`].
    pub fn with_entry(&self, name: &str, entry: &str) -> Option<(u32, String)> {
        added(self.text, self.root.as_ref(), name, entry)
    }
}

fn added(text: &str, root: Option<&Node>, name: &str, entry: &str) -> Option<(u32, String)> {
    let Some(Node { tree: Tree::Map(fields), .. }) = root else { return None };
    let is_key = |key: &Node| matches!(&key.tree, Tree::Scalar { text, .. } if text == name);
    let Some((key, value)) = fields.iter().find(|(key, _)| is_key(key)) else {
        return Some(appended(text, name, entry));
    };
    match &value.tree {
        Tree::List(items) if is_flow(text, value) => Some(match items.last() {
            Some(last) => (content_end(text, last), format!(", {entry}")),
            None => (value.span.start + 1, entry.to_owned()),
        }),
        Tree::List(items) => {
            let last = items.last()?;
            let (_, dash) = dash_before(text, last.span.start)?;
            Some((line_end(text, content_end(text, last)), format!("\n{dash}- {entry}")))
        }
        Tree::Scalar { .. } if value.is_null() && value.span.start == value.span.end => {
            let colon = text.get(key.span.end as usize..)?.find(':')?;
            Some((key.span.end + u32::try_from(colon).ok()? + 1, format!(" [{entry}]")))
        }
        _ => None,
    }
}

fn appended(text: &str, list: &str, entry: &str) -> (u32, String) {
    let start = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
    (bytes(text.len()), format!("{start}{list}: [{entry}]\n"))
}

/// The lists that are values of the document itself.
fn lists(root: &Node) -> impl Iterator<Item = (&Node, &Node, &[Node])> {
    let fields = if let Tree::Map(fields) = &root.tree { fields.as_slice() } else { &[] };
    fields.iter().filter_map(|(key, value)| match &value.tree {
        Tree::List(items) => Some((key, value, items.as_slice())),
        _ => None,
    })
}

/// An entry between brackets goes with the comma that parts it from its neighbour.
fn cut_flow(items: &[Node], text: &str, at: usize) -> Span {
    match (at.checked_sub(1).map(|before| &items[before]), items.get(at + 1)) {
        (_, Some(next)) => Span { start: items[at].span.start, end: next.span.start },
        (Some(before), None) => Span { start: content_end(text, before), end: content_end(text, &items[at]) },
        (None, None) => Span { start: items[at].span.start, end: content_end(text, &items[at]) },
    }
}

/// An entry with a dash goes with its lines; the last one of a list takes the key with it.
fn cut_block(text: &str, key: &Node, items: &[Node], at: usize) -> Option<Span> {
    let (mut start, _) = dash_before(text, items[at].span.start)?;
    if items.len() == 1 {
        start = line_start(text, key.span.start);
        let between = text.get(key.span.end as usize..items[0].span.start as usize)?;
        if !between.trim_start().starts_with(':') || line_start(text, key.span.start) != key.span.start {
            return None;
        }
    }
    let end = line_end(text, content_end(text, &items[at]));
    let with_feed = if (end as usize) < text.len() { end + 1 } else { end };
    Some(Span { start, end: with_feed })
}

fn is_flow(text: &str, node: &Node) -> bool {
    matches!(text.as_bytes().get(node.span.start as usize), Some(b'[' | b'{'))
}

/// Where what is written of a node ends. The parser ends a block only where the next thing begins.
fn content_end(text: &str, node: &Node) -> u32 {
    match &node.tree {
        Tree::Scalar { .. } => node.span.end,
        _ if is_flow(text, node) => node.span.end,
        Tree::List(items) => items.last().map_or(node.span.start, |last| content_end(text, last)),
        Tree::Map(fields) => {
            fields.last().map_or(node.span.start, |(key, value)| content_end(text, value).max(key.span.end))
        }
    }
}

/// The start of the line that an entry of a block begins on, and the blanks before its dash. None where anything else
/// stands before it.
fn dash_before(text: &str, entry: u32) -> Option<(u32, &str)> {
    let start = line_start(text, entry);
    let before = text.get(start as usize..entry as usize)?;
    let blanks = before.strip_suffix(char::is_whitespace)?.trim_end().strip_suffix('-')?;
    blanks.chars().all(|c| c == ' ').then_some((start, blanks))
}

fn line_start(text: &str, at: u32) -> u32 {
    text.get(..at as usize).and_then(|before| before.rfind('\n')).map_or(0, |feed| bytes(feed + 1))
}

/// The end of the line, without its line feed and carriage return.
fn line_end(text: &str, at: u32) -> u32 {
    let rest = text.get(at as usize..).unwrap_or_default();
    let line = rest.split('\n').next().unwrap_or_default();
    at + bytes(line.len())
}

fn bytes(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn without(text: &str, entry: &str) -> Option<String> {
        let start = bytes(text.find(entry)?);
        let cut = without_entry(text, Span { start, end: start + bytes(entry.len()) })?;
        Some(format!("{}{}", &text[..cut.start as usize], &text[cut.end as usize..]))
    }

    fn with(text: &str, list: &str, entry: &str) -> Option<String> {
        let (at, new) = with_entry(text, list, entry)?;
        Some(format!("{}{new}{}", &text[..at as usize], &text[at as usize..]))
    }

    #[test]
    fn entries_go_and_nothing_else_does() {
        for (text, entry, left) in [
            ("p: [a.a, b.b, c.c] # why\n", "a.a", "p: [b.b, c.c] # why\n"),
            ("p: [a.a, b.b, c.c]\n", "c.c", "p: [a.a, b.b]\n"),
            ("p: [a.a]\nq: 1\n", "a.a", "p: []\nq: 1\n"),
            ("p: [{topic: a.a, range: \"^1\"}, b.b]\n", "a.a", "p: [b.b]\n"),
            (
                "# top\np:\n  # one\n  - a.a # first\n  # two\n  - b.b\nq: 1\n",
                "a.a",
                "# top\np:\n  # one\n  # two\n  - b.b\nq: 1\n",
            ),
            ("p:\n  - topic: a.a\n    range: \"^1\"\n\n  - b.b\n", "a.a", "p:\n\n  - b.b\n"),
            ("p:\n- a.a\n- {topic: b.b}\nq: 1", "b.b", "p:\n- a.a\nq: 1"),
            ("x: 1\np: # list\n  - a.a\nq: 1\n", "a.a", "x: 1\nq: 1\n"),
            ("p:\r\n  - a.a\r\n  - b.b\r\n", "a.a", "p:\r\n  - b.b\r\n"),
        ] {
            assert_eq!(without(text, entry).as_deref(), Some(left), "{text}");
        }
        assert_eq!(without("p: {x: a.a}\n", "a.a"), None);
    }

    #[test]
    fn only_what_is_written_alike_is_repeated() {
        let repeats = |text: &str, entry: &str| {
            let start = bytes(text.rfind(entry).expect("the entry"));
            repeats_entry(text, Span { start, end: start + bytes(entry.len()) })
        };
        assert!(repeats("p: [a.a, b.b, a.a]\n", "a.a"));
        assert!(repeats("p:\n  - {topic: a.a}\n  - {topic: a.a} # again\n", "a.a"));
        assert!(!repeats("p:\n  - a.a\n  - {topic: a.a}\n", "a.a"));
        assert!(!repeats("p: [a.a]\nq: [a.a]\n", "a.a"));
    }

    #[test]
    fn entries_come_in_the_way_the_list_is_written() {
        for (text, more) in [
            ("p: [a.a] # why\n", "p: [a.a, b.b] # why\n"),
            ("p: []\n", "p: [b.b]\n"),
            ("p:\nq: 1\n", "p: [b.b]\nq: 1\n"),
            ("q: 1", "q: 1\np: [b.b]\n"),
            ("p:\n  - a.a # one\n# after\nq: 1\n", "p:\n  - a.a # one\n  - b.b\n# after\nq: 1\n"),
            ("p:\n- topic: a.a\n  optional: true\nq: 1\n", "p:\n- topic: a.a\n  optional: true\n- b.b\nq: 1\n"),
            ("p: [{topic: a.a}]\n", "p: [{topic: a.a}, b.b]\n"),
        ] {
            assert_eq!(with(text, "p", "b.b").as_deref(), Some(more), "{text}");
        }
        assert_eq!(with("p: text\n", "p", "b.b"), None);
        assert_eq!(with("- 1\n", "p", "b.b"), None);
    }
}
