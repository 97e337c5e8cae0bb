//! The write-ahead log: what is decided becomes durable here, with one flush, before it is moved into the map.
//!
//! A commit of LMDB copies every page on the way to what it changes and takes two flushes. So units of work are
//! appended to a file first, many in a frame ([`frame`]), and moved into the map later, many frames in one commit, in
//! which what was written often is written once. There are two files: one is written to while what stands in the other
//! is moved; then they change places. A start reads what is not yet in the map and lays it over the map ([`recover`]).
//!
//! As in the write-ahead log of `SQLite` and ARIES: nothing is in the map that was not in the log first, and no file is
//! written over before all that it says is in the map, synced.

use crate::files::LOG_FILES;

pub(crate) mod frame;
pub(crate) mod recover;
#[cfg(test)]
mod tests;

use crate::error::StoreError;
use crate::key::Key;
use crate::seal::Sealed;
use crate::vault::{StoreKey, Vault};
use contract_model::limits::STORE_LOG_BYTES_MAX;
use frame::{BLOCK_BYTES, Place};
use recover::{Lost, Recovered, recover};
use std::fs::{File, OpenOptions};
use std::io::ErrorKind;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Records stand in it as they do in the map, which nobody else may read either.
const OWNER_ONLY: u32 = 0o600;
/// A file grows by so much at once, filled with zeros, so that a flush need not write down a new length as well.
const GROWTH_BYTES: u64 = 256 * 1024;
/// Room for a frame that is kept for the next one.
const BUFFER_BYTES_KEPT: usize = 4 * 1024 * 1024;
/// Once a file holds so much it is moved into the map.
pub(crate) const LOG_MOVED_AT_BYTES: u64 = 8 * 1024 * 1024;

/// Where the log's bytes go.
pub(crate) trait Medium {
    /// Writes at a place.
    fn write(&mut self, bytes: &[u8], at: u64) -> std::io::Result<()>;
    /// Everything written is on disk afterwards.
    fn sync(&mut self) -> std::io::Result<()>;
    /// How long it is.
    fn length(&self) -> std::io::Result<u64>;
}

impl Medium for File {
    fn write(&mut self, bytes: &[u8], at: u64) -> std::io::Result<()> {
        self.write_all_at(bytes, at)
    }

    fn sync(&mut self) -> std::io::Result<()> {
        self.sync_data()
    }

    fn length(&self) -> std::io::Result<u64> {
        self.metadata().map(|metadata| metadata.len())
    }
}

/// The log as its one writer has it.
pub(crate) struct Wal<M = File> {
    store: String,
    vault: Vault,
    files: [M; 2],
    lengths: [u64; 2],
    /// The file that is written to.
    active: usize,
    generation: u64,
    end: u64,
    /// Position of the last unit in the log.
    position: u64,
    /// What was written after `end` failed to be synced and must not be taken for a frame.
    is_spoilt: bool,
    buffer: Vec<u8>,
    /// Where the log ended before the last frame.
    #[cfg(test)]
    before_last: (u64, u64),
}

impl Wal {
    /// Reads what the log in a folder says beyond a map that stands at a position, and goes on where it ends.
    pub(crate) fn open(
        folder: &Path,
        store: &str,
        vault: &Vault,
        map_position: u64,
    ) -> Result<(Self, Recovered), StoreError> {
        let recovered = read(folder, store, vault, map_position)?;
        let is_new = !LOG_FILES.iter().all(|name| folder.join(name).exists());
        let open = |name: &str| {
            let path = folder.join(name);
            let file =
                OpenOptions::new().create(true).truncate(false).read(true).write(true).mode(OWNER_ONLY).open(&path);
            file.map_err(|e| StoreError::io(format!("open {}", path.display()), e))
        };
        let files = [open(LOG_FILES[0])?, open(LOG_FILES[1])?];
        if is_new {
            // The names must be there after a power cut, too.
            let named = File::open(folder).and_then(|folder| folder.sync_all());
            named.map_err(|e| StoreError::io(format!("use the data folder {}", folder.display()), e))?;
        }
        let wal =
            Self::new(store, vault.clone(), files, &recovered).map_err(|e| StoreError::io("measure its log", e))?;
        Ok((wal, recovered))
    }
}

impl<M: Medium> Wal<M> {
    pub(crate) fn new(store: &str, vault: Vault, files: [M; 2], recovered: &Recovered) -> std::io::Result<Self> {
        let lengths = [files[0].length()?, files[1].length()?];
        let Recovered { position, file, generation, end, .. } = *recovered;
        let generation = generation.max(1);
        let store = store.to_owned();
        let (active, is_spoilt, buffer) = (file, false, Vec::new());
        Ok(Self {
            store,
            vault,
            files,
            lengths,
            active,
            generation,
            end,
            position,
            is_spoilt,
            buffer,
            #[cfg(test)]
            before_last: (end, position),
        })
    }

    /// Appends a frame that brings the log to a position, and syncs it. After a failure the log ends where it ended.
    pub(crate) fn append<'e>(
        &mut self,
        position: u64,
        entries: impl Iterator<Item = (&'e Key, &'e Option<Sealed>)>,
    ) -> std::io::Result<u64> {
        self.mend()?;
        let place = Place { store: &self.store, generation: self.generation, before: self.position, position };
        frame::encode(place, self.vault.key(), entries, &mut self.buffer);
        let bytes = self.buffer.len() as u64;
        self.grow(self.end + bytes)?;
        self.is_spoilt = true;
        let file = &mut self.files[self.active];
        file.write(&self.buffer, self.end)?;
        file.sync()?;
        self.is_spoilt = false;
        #[cfg(test)]
        {
            self.before_last = (self.end, self.position);
        }
        self.end += bytes;
        self.position = position;
        // One huge unit should not be paid for ever.
        self.buffer.shrink_to(BUFFER_BYTES_KEPT);
        Ok(bytes)
    }

    /// A frame that failed may lie there whole. It was undone, so a start must not find it.
    pub(crate) fn mend(&mut self) -> std::io::Result<()> {
        if self.is_spoilt {
            let file = &mut self.files[self.active];
            file.write(&[0; BLOCK_BYTES], self.end)?;
            file.sync()?;
            self.is_spoilt = false;
        }
        Ok(())
    }

    fn grow(&mut self, end: u64) -> std::io::Result<()> {
        let length = &mut self.lengths[self.active];
        if end > *length {
            let to = end.next_multiple_of(GROWTH_BYTES);
            let zeros = vec![0; usize::try_from(to - *length).unwrap_or(0)];
            self.files[self.active].write(&zeros, *length)?;
            *length = to;
        }
        Ok(())
    }

    /// Writes to the other file from now on. All that it says must be in the map.
    pub(crate) fn switch(&mut self) -> std::io::Result<()> {
        self.mend()?;
        self.active = 1 - self.active;
        self.generation += 1;
        self.end = 0;
        Ok(())
    }

    /// As if the sync of the last frame had failed, after the frame reached the disk.
    #[cfg(test)]
    pub(crate) fn spoil(&mut self) {
        (self.end, self.position) = self.before_last;
        self.is_spoilt = true;
    }

    /// Bytes in the file that is written to.
    pub(crate) fn bytes(&self) -> u64 {
        self.end
    }

    /// Whether nothing more may be written before what stands in the other file is in the map.
    pub(crate) fn is_full(&self) -> bool {
        self.end >= STORE_LOG_BYTES_MAX
    }
}

/// What the log in a folder says beyond a map that stands at a position. Changes nothing.
pub(crate) fn read(folder: &Path, store: &str, vault: &Vault, map_position: u64) -> Result<Recovered, StoreError> {
    Bytes::read(folder)?.recover(store, vault.key(), map_position)
}

/// The log as it lies on disk.
pub(crate) struct Bytes {
    folder: PathBuf,
    files: [Vec<u8>; 2],
}

impl Bytes {
    pub(crate) fn read(folder: &Path) -> Result<Self, StoreError> {
        let read = |name: &str| {
            let path = folder.join(name);
            match std::fs::read(&path) {
                Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
                read => read.map_err(|e| StoreError::io(format!("read {}", path.display()), e)),
            }
        };
        Ok(Self { folder: folder.to_owned(), files: [read(LOG_FILES[0])?, read(LOG_FILES[1])?] })
    }

    pub(crate) fn recover(
        &self,
        store: &str,
        with: Option<&StoreKey>,
        map_position: u64,
    ) -> Result<Recovered, StoreError> {
        let [first, second] = &self.files;
        recover(store, [first, second], map_position, with).map_err(|lost| {
            let files = LOG_FILES.join(" and ");
            let why = match lost {
                Lost::Gap { reached, found } => {
                    format!("{files} hold unit {found}, but nothing leads there from unit {reached}")
                }
                Lost::Unreadable(position) => {
                    format!("{files} hold entries up to unit {position} that were not sealed with the store's key")
                }
            };
            StoreError::damaged(format!("the log of the store in {} ({why}); it", self.folder.display()))
        })
    }
}

/// Takes the files away: all that they say is in the map.
pub(crate) fn remove(folder: &Path) -> std::io::Result<()> {
    for name in LOG_FILES {
        match std::fs::remove_file(folder.join(name)) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    File::open(folder)?.sync_all()
}
