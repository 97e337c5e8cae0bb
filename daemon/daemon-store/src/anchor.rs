//! The anchor: a small file beside the store's own that notes after every flush how far the store is.
//!
//! A file that was put back to an earlier state, or lost its newest commit, is sound in itself; only the anchor tells.
//! The note is written after the data was synced and is not synced itself, so it costs no flush: after a power cut it
//! may name an earlier unit than the store holds, never a later one. An orderly close syncs it and says so.

use crate::chain::{LINK_BYTES, Link};
use crate::error::StoreError;
use crate::files::ANCHOR_FILE;
use crate::head::Head;
use contract_model::Sequence;
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use xxhash_rust::xxh3::xxh3_64;

/// How far a store is known to have been on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Note {
    pub(crate) store: String,
    pub(crate) head: Head,
    /// Nothing was written after it: the store was closed in order.
    pub(crate) closed: bool,
}

/// What the anchor says; none where there is none, as beside a store from before there were anchors.
pub(crate) fn read(folder: &Path) -> Result<Option<Note>, StoreError> {
    let path = folder.join(ANCHOR_FILE);
    let bytes = match std::fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(StoreError::io(format!("read {}", path.display()), error)),
    };
    let note = std::str::from_utf8(&bytes).ok().and_then(Note::parse);
    note.map(Some).ok_or_else(|| {
        let remove = "remove it if the store's own file is known to be the newest";
        StoreError::damaged(format!("the file {} ({remove}); it", path.display()))
    })
}

impl Note {
    /// All notes have the same length, so that one can be written over another.
    fn text(&self) -> String {
        let Head { position, sequence, link } = self.head;
        let state = if self.closed { "closed" } else { "opened" };
        let body = format!(
            "anchor 1\nstore {}\nunit {position:020}\nevent {:020}\nlink {}\n{state}\n",
            self.store,
            sequence.0,
            hex::encode(link.0)
        );
        format!("{body}check {:016x}\n", xxh3_64(body.as_bytes()))
    }

    fn parse(text: &str) -> Option<Self> {
        let at = text.rfind("check ")?;
        let (body, check) = text.split_at(at);
        if check != format!("check {:016x}\n", xxh3_64(body.as_bytes())) {
            return None;
        }
        let mut lines = body.strip_prefix("anchor 1\n")?.lines();
        let mut part = |name: &str| lines.next()?.strip_prefix(name)?.strip_prefix(' ');
        let store = part("store")?.to_owned();
        let position = part("unit")?.parse().ok()?;
        let sequence = Sequence(part("event")?.parse().ok()?);
        let mut link = [0; LINK_BYTES];
        hex::decode_to_slice(part("link")?, &mut link).ok()?;
        Some(Self { store, head: Head { position, sequence, link: Link(link) }, closed: lines.next()? == "closed" })
    }

    /// Whether a store that is this far can be the one that was noted.
    pub(crate) fn allows(&self, head: Head) -> bool {
        if self.closed { head == self.head } else { head.position >= self.head.position }
    }
}

pub(crate) struct Anchor {
    file: File,
    last: Mutex<Note>,
}

impl Anchor {
    /// Notes, synced, that the store is open and how far it is, before anything more is written to it.
    pub(crate) fn open(folder: &Path, store: &str, head: Head) -> Result<Self, StoreError> {
        let note = Note { store: store.to_owned(), head, closed: false };
        let path = folder.join(ANCHOR_FILE);
        let file = match OpenOptions::new().write(true).open(&path) {
            // In its place, for which a full disk has room.
            Ok(file) => file.write_all_at(note.text().as_bytes(), 0).and_then(|()| file.sync_data()).map(|()| file),
            Err(error) if error.kind() == ErrorKind::NotFound => create(folder, &note.text()),
            Err(error) => Err(error),
        };
        let file = file.map_err(|e| StoreError::io(format!("write {}", path.display()), e))?;
        Ok(Self { file, last: Mutex::new(note) })
    }

    /// Notes how far the disk is. An older note than could be is a weaker one, not a wrong one, so a note that fails
    /// fails nothing else.
    pub(crate) fn note(&self, head: Head) {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        last.head = head;
        if let Err(error) = self.file.write_all_at(last.text().as_bytes(), 0) {
            tracing::warn!(%error, "the store's anchor was not written");
        }
    }

    /// Notes, synced, that nothing more is written.
    pub(crate) fn close(&self) {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        last.closed = true;
        let closed = self.file.write_all_at(last.text().as_bytes(), 0).and_then(|()| self.file.sync_data());
        if let Err(error) = closed {
            tracing::warn!(%error, "the store's anchor was not closed");
        }
    }
}

/// Takes it away: the next start begins another one.
pub(crate) fn remove(folder: &Path) -> Result<(), StoreError> {
    let path = folder.join(ANCHOR_FILE);
    let removed = match std::fs::remove_file(&path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        removed => removed.and_then(|()| File::open(folder)?.sync_all()),
    };
    removed.map_err(|e| StoreError::io(format!("remove {}", path.display()), e))
}

fn create(folder: &Path, text: &str) -> std::io::Result<File> {
    let draft = folder.join(format!("{ANCHOR_FILE}.new"));
    let mut file = File::create(&draft)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    std::fs::rename(&draft, folder.join(ANCHOR_FILE))?;
    File::open(folder)?.sync_all()?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_is_read_as_it_was_written_and_no_bit_may_change() {
        let head = Head { position: 7, sequence: Sequence(5), link: Link([0xab; LINK_BYTES]) };
        let note = Note { store: "0123".to_owned(), head, closed: true };
        let text = note.text();
        assert_eq!(Note::parse(&text), Some(note.clone()));
        assert_eq!(Note { closed: false, ..note }.text().len(), text.len(), "one is written over another");
        for bit in 0..text.len() * 8 {
            let mut flipped = text.clone().into_bytes();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let parsed = std::str::from_utf8(&flipped).ok().and_then(Note::parse);
            assert_eq!(parsed, None, "bit {bit}");
        }
    }
}
