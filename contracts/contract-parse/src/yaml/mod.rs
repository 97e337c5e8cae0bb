//! YAML as a tree in which every node knows its bytes, and readers over it.

mod fields;
mod tree;

pub(crate) use fields::{Fields, list_items};
pub(crate) use tree::{Node, Tree, parse};
