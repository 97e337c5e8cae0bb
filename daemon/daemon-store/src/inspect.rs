//! Looking over the store's whole file by plain reads, before it is mapped: pages, checksums, the list of free pages.

use crate::error::StoreError;
use crate::files::DATA_FILE;
use crate::key::Keyspace;
use crate::layout::{Meta, NODE_IS_TREE, TREE_BYTES, TREE_OF_NUMBERS, Tree, add_list, metas, u64_of};
use crate::place::locate;
use crate::registry::{Declared, Registry};
use crate::small::decode_small;
use crate::tenant::TenantRow;
use crate::vault::Vault;
use crate::walk::{Flaw, Walk};
use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;

/// No machine maps more.
const MAP_BYTES_MAX: u64 = 1 << 47;
const FREE_LIST: &str = "free pages";
const TREES: &str = "keyspaces";
const META: &str = "meta pages";

/// What was seen of a file.
#[derive(Debug, Default)]
pub(crate) struct Inspection {
    /// What is damaged, one sentence without its full stop each.
    pub(crate) damage: Vec<String>,
    /// Damage beyond what is listed.
    pub(crate) more: u64,
    /// Pages that nothing uses and that are not known to be free: lost room, but no lost content.
    pub(crate) lost_pages: u64,
}

/// A commit of a file, found by its meta page.
pub(crate) struct Commit {
    file: File,
    metas: [Meta; 2],
    meta: Meta,
}

/// Looks over the newest commit of a file that nobody writes to. A file that is not there is sound.
pub(crate) fn inspect(folder: &Path, vault: &Vault) -> Result<Inspection, StoreError> {
    crate::layout::check(folder)?;
    let found = Commit::find(folder, |metas| Some(metas[usize::from(metas[1].transaction > metas[0].transaction)]));
    Ok(found.map(|commit| commit.inspect(vault)).unwrap_or_default())
}

impl Commit {
    /// The commit of this transaction. There is none any more once two others were made after it, so whoever reads
    /// beside a writer asks right after its own transaction began, which keeps the commit's pages from being reused.
    pub(crate) fn of(folder: &Path, transaction: u64) -> Option<Self> {
        Self::find(folder, |metas| metas.iter().find(|meta| meta.transaction == transaction).copied())
    }

    fn find(folder: &Path, choose: impl FnOnce(&[Meta; 2]) -> Option<Meta>) -> Option<Self> {
        let file = File::open(folder.join(DATA_FILE)).ok()?;
        let metas = metas(&file)?;
        let meta = choose(&metas)?;
        Some(Self { file, metas, meta })
    }

    /// Bytes of free pages that nothing may be written to as long as somebody reads this transaction.
    pub(crate) fn kept_bytes(&self, oldest: u64) -> u64 {
        let mut pages = 0;
        Walk::new(&self.file, &self.meta).tree(FREE_LIST, &self.meta.free, &mut |key, list, _| {
            if u64_of(key, 0).is_some_and(|freed_by| freed_by >= oldest) {
                pages += u64_of(list, 0).unwrap_or(0);
            }
            Ok(())
        });
        pages * self.meta.page_bytes
    }

    /// Looks over all of it.
    pub(crate) fn inspect(&self, vault: &Vault) -> Inspection {
        let mut walk = Walk::new(&self.file, &self.meta);
        check_metas(&mut walk, &self.metas, &self.meta);
        let registry = walk_trees(&mut walk, &self.meta, vault);
        let lost_pages = walk.unclaimed();
        let damage = walk.flaws.iter().map(|flaw| tell(flaw, &registry)).collect();
        Inspection { damage, more: walk.more, lost_pages }
    }
}

/// Meta pages carry no checksum; what can be held against them is what LMDB always writes.
fn check_metas(walk: &mut Walk<'_>, metas: &[Meta; 2], newest: &Meta) {
    let [first, second] = [metas[0].transaction, metas[1].transaction];
    let fresh = first == 0 && second == 0;
    if !fresh && (first.abs_diff(second) != 1 || first % 2 != 0) {
        walk.flaw(META, 0, None, format!("transactions {first} and {second} cannot be the last two"));
    }
    for (page, meta) in (0..).zip(metas) {
        let used = (meta.last_page.saturating_add(1)).saturating_mul(meta.page_bytes);
        let map_is_sound = (used..=MAP_BYTES_MAX).contains(&meta.map_bytes);
        if meta.address != 0 || !map_is_sound || meta.free.flags != TREE_OF_NUMBERS || !is_plain(&meta.main) {
            walk.flaw(META, page, None, "it holds what was never written there".to_owned());
        }
    }
    if newest.page_bytes != metas[0].page_bytes || newest.page_bytes != metas[1].page_bytes {
        walk.flaw(META, 0, None, "they do not agree on the size of pages".to_owned());
    }
}

fn is_plain(tree: &Tree) -> bool {
    tree.flags == 0 && tree.pad == 0
}

/// Walks all trees of a commit and gives what is intact of the registry, to name places by.
fn walk_trees(walk: &mut Walk<'_>, meta: &Meta, vault: &Vault) -> Registry {
    let mut free = Vec::new();
    walk.tree(FREE_LIST, &meta.free, &mut |key, value, flags| {
        let number = key.try_into().map_or(u64::MAX, u64::from_ne_bytes);
        let listed = if flags == 0 && number <= meta.transaction { add_list(value, &mut free) } else { None };
        listed.ok_or_else(|| "is no list of pages".to_owned())
    });
    let mut trees = BTreeMap::new();
    walk.tree(TREES, &meta.main, &mut |name, value, flags| {
        let keyspace = Keyspace::ALL.into_iter().find(|keyspace| keyspace.name().as_bytes() == name);
        let tree =
            Tree::read(value).filter(|tree| flags == NODE_IS_TREE && value.len() == TREE_BYTES && is_plain(tree));
        trees.insert(keyspace.ok_or("is no keyspace")?, tree.ok_or("is not the record of a tree")?);
        Ok(())
    });
    let (mut tenants, mut collections) = (Vec::<TenantRow>::new(), Vec::<Declared>::new());
    for (keyspace, tree) in &trees {
        walk.tree(keyspace.name(), tree, &mut |key, sealed, flags| {
            let value = vault.open(*keyspace, key, sealed).ok().filter(|_| flags == 0);
            let value = value.ok_or("does not match its checksum")?;
            match key.first().filter(|_| *keyspace == Keyspace::Meta) {
                Some(b't') => tenants.extend(decode_small::<TenantRow>(*keyspace, key, &value)),
                Some(b'c') => collections.extend(decode_small::<Declared>(*keyspace, key, &value)),
                _ => {}
            }
            Ok(())
        });
    }
    for page in free {
        if let Err(what) = walk.claim(page) {
            walk.flaw(FREE_LIST, page, None, what);
        }
    }
    Registry::of(tenants, collections)
}

fn tell(flaw: &Flaw, registry: &Registry) -> String {
    let Flaw { tree, page, key, what } = flaw;
    let keyspace = Keyspace::ALL.into_iter().find(|keyspace| keyspace.name() == tree);
    let place = keyspace.zip(key.as_deref()).map(|(keyspace, key)| locate(registry, keyspace, key));
    match place {
        Some(place) if what.starts_with("does not") => format!("{place} {what}"),
        Some(place) => format!("page {page} of `{tree}`, from {place} on: {what}"),
        None => format!("page {page} of `{tree}`: {what}"),
    }
}
