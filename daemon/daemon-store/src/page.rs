//! One page of a tree, taken apart: whatever its bytes are, the answer is its nodes or what is wrong with it.

use crate::layout::{
    FLAG_BRANCH, FLAG_LEAF, FLAGS_AT, HEAD_BYTES, LOWER_AT, NODE_BYTES, NODE_IS_LARGE, UPPER_AT, u16_of,
};

/// A node of a page.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Node<'p> {
    pub(crate) key: &'p [u8],
    pub(crate) content: Content<'p>,
}

/// What a node holds.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Content<'p> {
    /// The page below it.
    Child(u64),
    /// A value, with the node's flags.
    Value(&'p [u8], u16),
    /// The first page of a value of so many bytes.
    Large(u64, usize),
}

/// The nodes of a page in order, if it is one of the kind that its place calls for and its nodes fill its upper part
/// without gap and overlap.
pub(crate) fn nodes(bytes: &[u8], is_leaf: bool) -> Result<Vec<Node<'_>>, &'static str> {
    let head = |at| u16_of(bytes, at).map(usize::from).ok_or("it has no head");
    if head(FLAGS_AT)? != usize::from(if is_leaf { FLAG_LEAF } else { FLAG_BRANCH }) {
        return Err("it is of another kind than its place calls for");
    }
    let (lower, upper) = (head(LOWER_AT)?, head(UPPER_AT)?);
    if lower < HEAD_BYTES || !lower.is_multiple_of(2) || upper < lower || upper > bytes.len() {
        return Err("its bounds are not those of a page");
    }
    let mut nodes = Vec::with_capacity((lower - HEAD_BYTES) / 2);
    let mut places = Vec::with_capacity(nodes.capacity());
    for pointer in (HEAD_BYTES..lower).step_by(2) {
        let start = head(pointer)?;
        let (node, length) = node(bytes, start, is_leaf).ok_or("a node reaches over its end")?;
        nodes.push(node);
        places.push((start, start + length.next_multiple_of(2)));
    }
    places.sort_unstable();
    let end = places.iter().try_fold(upper, |at, (start, end)| (*start == at).then_some(*end));
    if end == Some(bytes.len()) { Ok(nodes) } else { Err("its nodes overlap or leave a gap") }
}

/// The node at a place, and its bytes.
fn node(bytes: &[u8], start: usize, is_leaf: bool) -> Option<(Node<'_>, usize)> {
    let bytes = bytes.get(start..)?;
    let (low, high) = (u64::from(u16_of(bytes, 0)?), u64::from(u16_of(bytes, 2)?));
    let (flags, key_bytes) = (u16_of(bytes, 4)?, usize::from(u16_of(bytes, 6)?));
    let after_key = NODE_BYTES + key_bytes;
    let key = bytes.get(NODE_BYTES..after_key)?;
    if !is_leaf {
        return Some((Node { key, content: Content::Child(low | high << 16 | u64::from(flags) << 32) }, after_key));
    }
    let value_bytes = usize::try_from(low | high << 16).ok()?;
    if flags == NODE_IS_LARGE {
        let first = crate::layout::u64_of(bytes, after_key)?;
        return Some((Node { key, content: Content::Large(first, value_bytes) }, after_key + size_of::<u64>()));
    }
    let end = after_key.checked_add(value_bytes)?;
    Some((Node { key, content: Content::Value(bytes.get(after_key..end)?, flags) }, end))
}
