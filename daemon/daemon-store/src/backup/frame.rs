//! Frames: a kind, the content's length, the content, and a checksum over all three.

use super::unusable;
use crate::error::StoreError;
use sha2::{Digest, Sha256};
use std::io::{ErrorKind, Read, Write};
use xxhash_rust::xxh3::Xxh3;

/// Larger content is never written; a length beyond it is damage, not a reason to ask for memory.
const CONTENT_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Before the content: kind and length.
const HEAD_BYTES: usize = 5;

/// What a frame holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Kind {
    Head = b'H',
    Entries = b'E',
    End = b'T',
    /// The writer could not go on; the content says why.
    Failed = b'X',
}

impl Kind {
    fn of(byte: u8) -> Option<Self> {
        [Self::Head, Self::Entries, Self::End, Self::Failed].into_iter().find(|kind| *kind as u8 == byte)
    }
}

fn checksum(head: &[u8], content: &[u8]) -> [u8; 8] {
    let mut hasher = Xxh3::new();
    hasher.update(head);
    hasher.update(content);
    hasher.digest().to_le_bytes()
}

/// Writes frames and sums up what was written.
pub(crate) struct FrameWriter<'w> {
    out: &'w mut dyn Write,
    digest: Sha256,
    pub(super) bytes: u64,
}

impl<'w> FrameWriter<'w> {
    pub(super) fn new(out: &'w mut dyn Write) -> Self {
        Self { out, digest: Sha256::new(), bytes: 0 }
    }

    /// SHA-256 over everything so far.
    pub(super) fn sum(&self) -> String {
        hex::encode(self.digest.clone().finalize())
    }

    pub(super) fn raw(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        self.out.write_all(bytes).map_err(|e| StoreError::io("write the backup", e))?;
        self.digest.update(bytes);
        self.bytes += bytes.len() as u64;
        Ok(())
    }

    pub(super) fn frame(&mut self, kind: Kind, content: &[u8]) -> Result<(), StoreError> {
        let length = u32::try_from(content.len()).map_err(|_| unusable("a part of it is too large"))?;
        let mut head = [kind as u8; HEAD_BYTES];
        head[1..].copy_from_slice(&length.to_le_bytes());
        self.raw(&head)?;
        self.raw(content)?;
        self.raw(&checksum(&head, content))
    }

    pub(super) fn flush(&mut self) -> Result<(), StoreError> {
        self.out.flush().map_err(|e| StoreError::io("write the backup", e))
    }
}

/// Reads frames and sums up what was read.
pub(super) struct FrameReader<'r> {
    from: &'r mut dyn Read,
    digest: Sha256,
    pub(super) bytes: u64,
}

impl<'r> FrameReader<'r> {
    pub(super) fn new(from: &'r mut dyn Read) -> Self {
        Self { from, digest: Sha256::new(), bytes: 0 }
    }

    /// SHA-256 over everything so far.
    pub(super) fn sum(&self) -> String {
        hex::encode(self.digest.clone().finalize())
    }

    pub(super) fn exactly(&mut self, length: usize) -> Result<Vec<u8>, StoreError> {
        let mut bytes = vec![0; length];
        self.from.read_exact(&mut bytes).map_err(|error| match error.kind() {
            ErrorKind::UnexpectedEof => unusable(format!("it ends too early, after byte {}", self.bytes)),
            _ => StoreError::io("read the backup", error),
        })?;
        self.digest.update(&bytes);
        self.bytes += length as u64;
        Ok(bytes)
    }

    /// The next frame.
    pub(super) fn frame(&mut self) -> Result<(Kind, Vec<u8>), StoreError> {
        let at = self.bytes;
        let damaged = || unusable(format!("it is damaged at byte {at}"));
        let head = self.exactly(HEAD_BYTES)?;
        let kind = Kind::of(head[0]).ok_or_else(damaged)?;
        let length = head[1..].try_into().map(u32::from_le_bytes).map_err(|_| damaged())? as usize;
        if length > CONTENT_BYTES_MAX {
            return Err(damaged());
        }
        let content = self.exactly(length)?;
        if self.exactly(size_of::<u64>())? == checksum(&head, &content) { Ok((kind, content)) } else { Err(damaged()) }
    }

    /// Refuses whatever follows.
    pub(super) fn end(&mut self) -> Result<(), StoreError> {
        let mut more = [0];
        match self.from.read(&mut more) {
            Ok(0) => Ok(()),
            Ok(_) => Err(unusable(format!("something follows after its end, at byte {}", self.bytes))),
            Err(error) => Err(StoreError::io("read the backup", error)),
        }
    }
}
