//! A walk over the trees of one commit, by plain reads of the file: damage is found, and cannot end the process.
//!
//! It holds the trees to what LMDB relies on without looking: pages that name themselves, keys in order and within
//! the bounds that the pages above set, every page used once, and as many pages and entries as the tree's record says.

use crate::key::KEY_BYTES_MAX;
use crate::layout::{
    DEPTH_MAX, FLAG_OVERFLOW, FLAGS_AT, HEAD_BYTES, LOWER_AT, Meta, NO_PAGE, TREE_OF_NUMBERS, Tree, u16_of, u32_of,
    u64_of,
};
use crate::page::{Content, Node, nodes};
use std::cmp::Ordering;
use std::fs::File;
use std::os::unix::fs::FileExt;

/// The most flaws that are kept; the rest is counted.
const FLAWS_MAX: usize = 1000;

/// Something that is not as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Flaw {
    /// The tree's name.
    pub(crate) tree: String,
    pub(crate) page: u64,
    /// The key there, or the least that the page may hold.
    pub(crate) key: Option<Vec<u8>>,
    pub(crate) what: String,
}

/// An entry of a tree: key, value, the node's flags. What is wrong with it, if anything.
pub(crate) type Visit<'v> = dyn FnMut(&[u8], &[u8], u16) -> Result<(), String> + 'v;

pub(crate) struct Walk<'f> {
    file: &'f File,
    page_bytes: u64,
    last_page: u64,
    used: Vec<u64>,
    pub(crate) flaws: Vec<Flaw>,
    pub(crate) more: u64,
}

/// Between which keys a page's keys must lie: from the first one, up to, without, the second one.
#[derive(Clone, Copy, Default)]
struct Bounds<'a> {
    low: Option<&'a [u8]>,
    high: Option<&'a [u8]>,
}

impl<'f> Walk<'f> {
    pub(crate) fn new(file: &'f File, meta: &Meta) -> Self {
        let words = usize::try_from(meta.last_page / 64 + 1).unwrap_or(0);
        let (page_bytes, last_page) = (meta.page_bytes, meta.last_page);
        Self { file, page_bytes, last_page, used: vec![0; words], flaws: Vec::new(), more: 0 }
    }

    /// Walks a tree and shows every entry to `visit`.
    pub(crate) fn tree(&mut self, name: &str, tree: &Tree, visit: &mut Visit<'_>) {
        let flaws = self.flaws.len();
        let mut found = Tree { branch_pages: 0, leaf_pages: 0, overflow_pages: 0, entries: 0, ..*tree };
        if tree.root != NO_PAGE && (tree.depth == 0 || u32::from(tree.depth) > DEPTH_MAX) {
            self.flaw(name, tree.root, None, format!("the tree cannot be {} pages deep", tree.depth));
        } else if tree.root != NO_PAGE {
            let mut descent = Descent { walk: self, name, found: &mut found, visit };
            descent.page(tree.root, tree.depth, Bounds::default());
        } else if tree.depth != 0 {
            self.flaw(name, tree.root, None, "the tree lost its root".to_owned());
        }
        if self.flaws.len() == flaws && found != *tree {
            let Tree { entries, branch_pages, leaf_pages, overflow_pages, .. } = found;
            let pages = branch_pages + leaf_pages + overflow_pages;
            let noted = tree.branch_pages.saturating_add(tree.leaf_pages).saturating_add(tree.overflow_pages);
            let what = format!("{entries} entries on {pages} pages where {} on {noted} were written", tree.entries);
            self.flaw(name, tree.root, None, what);
        }
    }

    /// Marks a page as used.
    pub(crate) fn claim(&mut self, page: u64) -> Result<(), String> {
        if !(2..=self.last_page).contains(&page) {
            return Err(format!("there is no page {page}"));
        }
        let (word, bit) = (usize::try_from(page / 64).unwrap_or(usize::MAX), 1 << (page % 64));
        match self.used.get_mut(word) {
            Some(word) if *word & bit == 0 => {
                *word |= bit;
                Ok(())
            }
            _ => Err(format!("page {page} is used twice")),
        }
    }

    /// How many pages nothing uses and no list of free pages names.
    pub(crate) fn unclaimed(&self) -> u64 {
        let claimed: u64 = self.used.iter().map(|word| u64::from(word.count_ones())).sum();
        (self.last_page - 1).saturating_sub(claimed)
    }

    pub(crate) fn flaw(&mut self, tree: &str, page: u64, key: Option<&[u8]>, what: String) {
        if self.flaws.len() < FLAWS_MAX {
            self.flaws.push(Flaw { tree: tree.to_owned(), page, key: key.map(<[u8]>::to_vec), what });
        } else {
            self.more += 1;
        }
    }

    /// So many bytes from the beginning of a page that names itself.
    fn read(&self, page: u64, length: usize) -> Result<Vec<u8>, String> {
        let mut bytes = vec![0; length];
        let read = self.file.read_exact_at(&mut bytes, page * self.page_bytes);
        read.map_err(|error| format!("it cannot be read: {error}"))?;
        match u64_of(&bytes, 0) {
            Some(number) if number == page => Ok(bytes),
            _ => Err("another page lies in its place".to_owned()),
        }
    }

    /// A value on pages of its own, with the number of those pages.
    fn large(&mut self, first: u64, length: usize) -> Result<(Vec<u8>, u64), String> {
        self.claim(first)?;
        let start = self.read(first, HEAD_BYTES)?;
        let pages = u32_of(&start, LOWER_AT).map_or(0, u64::from);
        if u16_of(&start, FLAGS_AT) != Some(FLAG_OVERFLOW) || pages * self.page_bytes < (HEAD_BYTES + length) as u64 {
            return Err("its pages are not those of a large value".to_owned());
        }
        (first + 1..first.saturating_add(pages)).try_for_each(|page| self.claim(page))?;
        Ok((self.read(first, HEAD_BYTES + length)?.split_off(HEAD_BYTES), pages))
    }
}

/// On the way down one tree.
struct Descent<'w, 'f, 'v> {
    walk: &'w mut Walk<'f>,
    name: &'w str,
    /// What was met of the tree so far.
    found: &'w mut Tree,
    visit: &'w mut Visit<'v>,
}

impl Descent<'_, '_, '_> {
    /// `levels` counts the pages from this one down to a leaf.
    fn page(&mut self, number: u64, levels: u16, bounds: Bounds<'_>) {
        let page_bytes = usize::try_from(self.walk.page_bytes).unwrap_or(0);
        let bytes = self.walk.claim(number).and_then(|()| self.walk.read(number, page_bytes));
        let nodes = bytes.as_deref().map_err(Clone::clone).and_then(|bytes| Ok(nodes(bytes, levels == 1)?));
        match nodes {
            Err(what) => self.walk.flaw(self.name, number, bounds.low, what),
            Ok(nodes) if !self.are_in_order(&nodes, levels, bounds) => {
                self.walk.flaw(self.name, number, bounds.low, "its keys are not in their order".to_owned());
            }
            Ok(nodes) if levels == 1 => {
                self.found.leaf_pages += 1;
                for node in nodes {
                    self.entry(number, node);
                }
            }
            Ok(nodes) => {
                self.found.branch_pages += 1;
                self.children(&nodes, levels, bounds);
            }
        }
    }

    fn children(&mut self, nodes: &[Node<'_>], levels: u16, bounds: Bounds<'_>) {
        for (at, node) in nodes.iter().enumerate() {
            let low = if at == 0 { bounds.low } else { Some(node.key) };
            let high = nodes.get(at + 1).map(|next| next.key).or(bounds.high);
            if let Content::Child(child) = node.content {
                self.page(child, levels - 1, Bounds { low, high });
            }
        }
    }

    fn entry(&mut self, page: u64, node: Node<'_>) {
        self.found.entries += 1;
        let seen = match node.content {
            Content::Value(value, flags) => (self.visit)(node.key, value, flags),
            Content::Large(first, length) => self.walk.large(first, length).and_then(|(value, pages)| {
                self.found.overflow_pages += pages;
                (self.visit)(node.key, &value, 0)
            }),
            Content::Child(_) => Err("a leaf has no pages below it".to_owned()),
        };
        if let Err(what) = seen {
            self.walk.flaw(self.name, page, Some(node.key), what);
        }
    }

    /// The first key of a branch stands for everything below the second one and is never looked at.
    fn are_in_order(&self, nodes: &[Node<'_>], levels: u16, bounds: Bounds<'_>) -> bool {
        let is_leaf = levels == 1;
        let enough = if is_leaf || self.is_of_numbers() { 1 } else { 2 };
        let keys: Vec<&[u8]> = nodes.iter().skip(usize::from(!is_leaf)).map(|node| node.key).collect();
        nodes.len() >= enough
            && keys.iter().all(|key| if self.is_of_numbers() { key.len() == 8 } else { is_key(key) })
            && keys.windows(2).all(|pair| self.compare(pair[0], pair[1]).is_lt())
            && keys.first().zip(bounds.low).is_none_or(|(first, low)| self.compare(first, low).is_ge())
            && keys.last().zip(bounds.high).is_none_or(|(last, high)| self.compare(last, high).is_lt())
    }

    fn is_of_numbers(&self) -> bool {
        self.found.flags == TREE_OF_NUMBERS
    }

    fn compare(&self, left: &[u8], right: &[u8]) -> Ordering {
        if self.is_of_numbers() { u64_of(left, 0).cmp(&u64_of(right, 0)) } else { left.cmp(right) }
    }
}

fn is_key(key: &[u8]) -> bool {
    (1..=KEY_BYTES_MAX).contains(&key.len())
}
