//! The store's file read as plain bytes before it is mapped: a map over a file that ends too early kills its reader.
//!
//! Source of the layout: `mdb.c` of LMDB 0.9.70 (`MDB_page`, `MDB_meta`, `MDB_db`, `MDB_node`), as vendored by
//! lmdb-master-sys. Pages 0 and 1 are meta pages; the one with the larger transaction id is in force and names the
//! last page in use. The file may be shorter than that, if the free list holds every page that is missing: a page
//! taken and given back within one transaction is never written.

use crate::error::StoreError;
use crate::files::DATA_FILE;
use std::collections::BTreeSet;
use std::fs::File;
use std::io::ErrorKind;
use std::os::unix::fs::FileExt;
use std::path::Path;

/// A page's header, before its content.
pub(crate) const HEAD_BYTES: usize = 16;
pub(crate) const FLAGS_AT: usize = 10;
pub(crate) const LOWER_AT: usize = 12;
pub(crate) const UPPER_AT: usize = 14;
pub(crate) const FLAG_BRANCH: u16 = 0x01;
pub(crate) const FLAG_LEAF: u16 = 0x02;
pub(crate) const FLAG_OVERFLOW: u16 = 0x04;
const FLAG_META: u16 = 0x08;
pub(crate) const NODE_BYTES: usize = 8;
pub(crate) const NODE_IS_LARGE: u16 = 0x01;
pub(crate) const NODE_IS_TREE: u16 = 0x02;
/// What LMDB notes of a tree: in a meta page, or under the tree's name in the main tree.
pub(crate) const TREE_BYTES: usize = 48;
/// Keys of this tree are numbers of the machine's own order.
pub(crate) const TREE_OF_NUMBERS: u16 = 0x08;
const META_BYTES: usize = 16 + 136;
pub(crate) const MAGIC: u32 = 0xBEEF_C0DE;
const VERSION: u32 = 1;
pub(crate) const NO_PAGE: u64 = u64::MAX;
const PAGE_BYTES: std::ops::RangeInclusive<u64> = 512..=65_536;
/// What is told of a file too short to say itself.
const PAGE_BYTES_USUAL: u64 = 4_096;
/// Deeper trees hold more than any disk.
pub(crate) const DEPTH_MAX: u32 = 32;
/// A commit that is just being written changes one meta page once.
const STABLE_TRIES_MAX: u32 = 8;

/// A meta page: where the trees of a commit are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Meta {
    pub(crate) address: u64,
    pub(crate) map_bytes: u64,
    pub(crate) page_bytes: u64,
    pub(crate) free: Tree,
    pub(crate) main: Tree,
    pub(crate) last_page: u64,
    pub(crate) transaction: u64,
}

/// What LMDB notes of a tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tree {
    /// In the free list's, the size of pages; else zero.
    pub(crate) pad: u32,
    pub(crate) flags: u16,
    pub(crate) depth: u16,
    pub(crate) branch_pages: u64,
    pub(crate) leaf_pages: u64,
    pub(crate) overflow_pages: u64,
    pub(crate) entries: u64,
    pub(crate) root: u64,
}

impl Tree {
    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        Some(Self {
            pad: u32_of(bytes, 0)?,
            flags: u16_of(bytes, 4)?,
            depth: u16_of(bytes, 6)?,
            branch_pages: u64_of(bytes, 8)?,
            leaf_pages: u64_of(bytes, 16)?,
            overflow_pages: u64_of(bytes, 24)?,
            entries: u64_of(bytes, 32)?,
            root: u64_of(bytes, 40)?,
        })
    }
}

/// Refuses a file that is shorter than what its newest commit uses, or whose meta pages are not LMDB's. A file that is
/// not there or is empty is a store yet to be made.
pub(crate) fn check(folder: &Path) -> Result<(), StoreError> {
    let path = folder.join(DATA_FILE);
    let file = match File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(StoreError::io(format!("open {}", path.display()), error)),
    };
    // Before the file is measured: beside a daemon that goes on writing it may only have grown meanwhile.
    let metas = metas(&file);
    let found = file.metadata().map_err(|e| StoreError::io(format!("measure {}", path.display()), e))?.len();
    if found == 0 {
        return Ok(());
    }
    let truncated = |expected: u64| StoreError::Truncated { file: path.clone(), expected, found };
    let damaged = || StoreError::damaged(format!("the file {} (its first pages are not the store's)", path.display()));
    if found < META_BYTES as u64 {
        return Err(truncated(2 * PAGE_BYTES_USUAL));
    }
    let first = read_meta(&file, 0).ok_or_else(damaged)?;
    if found < 2 * first.page_bytes {
        return Err(truncated(2 * first.page_bytes));
    }
    let [first, second] = metas.ok_or_else(damaged)?;
    let meta = if second.transaction > first.transaction { second } else { first };
    if !meta.is_plausible() || second.page_bytes != first.page_bytes {
        return Err(damaged());
    }
    let expected = (meta.last_page + 1).saturating_mul(meta.page_bytes);
    let pages = Pages { file: &file, meta, found };
    if found >= expected || pages.missing_are_free() { Ok(()) } else { Err(truncated(expected)) }
}

impl Meta {
    fn is_plausible(self) -> bool {
        let root = |page: u64| page == NO_PAGE || (2..=self.last_page).contains(&page);
        self.last_page >= 1 && root(self.free.root) && root(self.main.root)
    }
}

/// Both meta pages, as they are when nobody is just writing one of them.
pub(crate) fn metas(file: &File) -> Option<[Meta; 2]> {
    let read = || {
        let first = read_meta(file, 0)?;
        Some([first, read_meta(file, first.page_bytes)?])
    };
    let mut seen = read();
    for _ in 0..STABLE_TRIES_MAX {
        let again = read();
        if again == seen {
            break;
        }
        seen = again;
    }
    seen
}

fn read_meta(file: &File, at: u64) -> Option<Meta> {
    let mut bytes = [0; META_BYTES];
    file.read_exact_at(&mut bytes, at).ok()?;
    if u16_of(&bytes, FLAGS_AT)? & FLAG_META == 0 || u32_of(&bytes, 16)? != MAGIC || u32_of(&bytes, 20)? != VERSION {
        return None;
    }
    let free = Tree::read(&bytes[40..])?;
    let page_bytes = u64::from(free.pad);
    let sound = PAGE_BYTES.contains(&page_bytes) && page_bytes.is_power_of_two();
    sound.then_some(Meta {
        address: u64_of(&bytes, 24)?,
        map_bytes: u64_of(&bytes, 32)?,
        page_bytes,
        free,
        main: Tree::read(&bytes[40 + TREE_BYTES..])?,
        last_page: u64_of(&bytes, 136)?,
        transaction: u64_of(&bytes, 144)?,
    })
}

/// The pages of a file that seems too short.
struct Pages<'a> {
    file: &'a File,
    meta: Meta,
    found: u64,
}

impl Pages<'_> {
    /// Whether the free list holds every page between the file's end and the last page in use.
    fn missing_are_free(&self) -> bool {
        let mut free = BTreeSet::new();
        if self.meta.free.root == NO_PAGE || self.collect(self.meta.free.root, DEPTH_MAX, &mut free).is_none() {
            return false;
        }
        (self.found / self.meta.page_bytes..=self.meta.last_page).all(|page| free.contains(&page))
    }

    /// Adds the page numbers that a subtree of the free list holds; none where it cannot be read.
    fn collect(&self, page: u64, depth: u32, free: &mut BTreeSet<u64>) -> Option<()> {
        let bytes = self.page(page)?;
        let flags = u16_of(&bytes, FLAGS_AT)?;
        let count = (usize::from(u16_of(&bytes, LOWER_AT)?).checked_sub(16)?) / 2;
        for index in 0..count {
            let node = bytes.get(usize::from(u16_of(&bytes, 16 + 2 * index)?)..)?;
            let (low, high) = (u64::from(u16_of(node, 0)?), u64::from(u16_of(node, 2)?));
            let (top, key_bytes) = (u16_of(node, 4)?, usize::from(u16_of(node, 6)?));
            if flags & FLAG_BRANCH != 0 {
                self.collect(low | high << 16 | u64::from(top) << 32, depth.checked_sub(1)?, free)?;
            } else if flags & FLAG_LEAF != 0 {
                let data = node.get(NODE_BYTES + key_bytes..)?;
                let length = usize::try_from(low | high << 16).ok()?;
                if top & NODE_IS_LARGE == 0 {
                    add_list(data.get(..length)?, free)?;
                } else {
                    add_list(&self.bytes(u64_of(data, 0)? * self.meta.page_bytes + HEAD_BYTES as u64, length)?, free)?;
                }
            } else {
                return None;
            }
        }
        Some(())
    }

    fn page(&self, number: u64) -> Option<Vec<u8>> {
        let bytes =
            self.bytes(number.checked_mul(self.meta.page_bytes)?, usize::try_from(self.meta.page_bytes).ok()?)?;
        (u64_of(&bytes, 0)? == number).then_some(bytes)
    }

    fn bytes(&self, at: u64, length: usize) -> Option<Vec<u8>> {
        if at.checked_add(length as u64)? > self.found {
            return None;
        }
        let mut bytes = vec![0; length];
        self.file.read_exact_at(&mut bytes, at).ok()?;
        Some(bytes)
    }
}

/// A list of page numbers, its length first.
pub(crate) fn add_list(list: &[u8], free: &mut impl Extend<u64>) -> Option<()> {
    let count = usize::try_from(u64_of(list, 0)?).ok()?;
    for index in 1..=count {
        free.extend([u64_of(list, index.checked_mul(8)?)?]);
    }
    Some(())
}

fn part<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at.checked_add(N)?)?.try_into().ok()
}

pub(crate) fn u16_of(bytes: &[u8], at: usize) -> Option<u16> {
    part(bytes, at).map(u16::from_ne_bytes)
}

pub(crate) fn u32_of(bytes: &[u8], at: usize) -> Option<u32> {
    part(bytes, at).map(u32::from_ne_bytes)
}

pub(crate) fn u64_of(bytes: &[u8], at: usize) -> Option<u64> {
    part(bytes, at).map(u64::from_ne_bytes)
}
