//! Where a part of a JSON document stands in its text.

use crate::yaml::{Node, Tree, parse};
use contract_model::span::Span;

/// The place of the part that a JSON pointer names: its key where it has one, else its value. The deepest part on
/// the way where the pointer leads further than the document; the start where the text is no document at all.
pub fn place_in_json(text: &str, pointer: &str) -> Span {
    let Ok(Some(root)) = parse(text) else { return Span::default() };
    let steps = pointer.split('/').skip(1).map(|step| step.replace("~1", "/").replace("~0", "~"));
    let (mut node, mut place) = (&root, Span { start: root.span.start, end: root.span.start + 1 });
    for step in steps {
        let Some((next, at)) = part(node, &step) else { break };
        (node, place) = (next, at);
    }
    place
}

fn part<'n>(node: &'n Node, step: &str) -> Option<(&'n Node, Span)> {
    match &node.tree {
        Tree::Map(entries) => {
            let is_it = |key: &Node| matches!(&key.tree, Tree::Scalar { text, .. } if text == step);
            entries.iter().find(|(key, _)| is_it(key)).map(|(key, value)| (value, key.span))
        }
        Tree::List(items) => items.get(step.parse::<usize>().ok()?).map(|item| (item, item.span)),
        Tree::Scalar { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use super::place_in_json;

    #[test]
    fn a_pointer_leads_to_its_key() {
        let text = "{\n\t\"a/b\": {\"c\": [1, {\"d\": 2}]}\n}";
        let at = |pointer| {
            let span = place_in_json(text, pointer);
            &text[span.start as usize..span.end as usize]
        };
        assert_eq!((at("/a~1b"), at("/a~1b/c/1/d"), at("/a~1b/c/0")), ("\"a/b\"", "\"d\"", "1"));
        assert_eq!((at(""), at("/gone"), at("/a~1b/c/7")), ("{", "{", "\"c\""));
        assert_eq!(place_in_json("{", "/a").start, 0);
    }
}
