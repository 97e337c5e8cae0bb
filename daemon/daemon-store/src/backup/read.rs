//! Reading a backup: nothing of it is believed before it was checked.

use super::frame::{FrameReader, Kind};
use super::write::Sum;
use super::{BACKUP_FORM, Backup, BackupEnd, BackupHead, MAGIC, unusable};
use crate::error::StoreError;
use crate::folder::{STORE_FORMAT, parse_key};
use crate::key::{KEY_BYTES_MAX, Keyspace};
use crate::vault::Vault;
use contract_trust::KeyId;
use std::collections::BTreeMap;
use std::io::Read;

/// Gets each entry: its keyspace, its key without that, its value as it lies on disk.
pub(super) type Visit<'v> = dyn FnMut(Keyspace, &[u8], &[u8]) -> Result<(), StoreError> + 'v;

/// Gives what opens the values of a backup that was sealed with this key, if they are to be opened.
pub(super) type VaultFor<'v> = dyn Fn(Option<KeyId>) -> Result<Option<Vault>, StoreError> + 'v;

/// Reads a backup from its beginning to its end and says what is in it, if all of it is as it was written.
///
/// It wants no key: values that are sealed are held to the sums alone.
pub fn check_backup(from: &mut dyn Read) -> Result<Backup, StoreError> {
    read(from, &|wanted| Ok(wanted.is_none().then(Vault::default)), &mut |_, _, _| Ok(()))
}

/// Reads a backup and shows every entry, in the order of keyspaces and keys. What was shown is only to be relied on
/// when this returns.
pub(super) fn read(from: &mut dyn Read, vault: &VaultFor<'_>, visit: &mut Visit<'_>) -> Result<Backup, StoreError> {
    let mut reader = FrameReader::new(from);
    if reader.exactly(MAGIC.len())? != MAGIC {
        return Err(unusable("it does not begin as one"));
    }
    let head = match next(&mut reader)? {
        (Kind::Head, content) => read_head(&content)?,
        _ => return Err(unusable("its head is missing")),
    };
    let wanted = head.key.as_deref().map(|id| parse_key(id).ok_or_else(|| unusable("its head is unreadable")));
    let mut entries = Entries { vault: vault(wanted.transpose()?)?, sums: BTreeMap::new(), last: None, visit };
    loop {
        let sum = reader.sum();
        let at = reader.bytes;
        match next(&mut reader)? {
            (Kind::Entries, content) => entries.take(&content, at)?,
            (Kind::End, content) => {
                let end: BackupEnd = serde_json::from_slice(&content).map_err(|_| unusable("its end is unreadable"))?;
                reader.end()?;
                let found = entries.sums.into_iter().map(|(keyspace, sum)| (keyspace.name().to_owned(), sum.finish()));
                let mut found: BTreeMap<_, _> = found.collect();
                for keyspace in Keyspace::ALL {
                    found.entry(keyspace.name().to_owned()).or_insert_with(|| Sum::default().finish());
                }
                if end.sha256 != sum || end.keyspaces != found {
                    return Err(unusable("its sums are not those of its entries"));
                }
                return Ok(Backup { head, end, bytes: reader.bytes });
            }
            _ => return Err(unusable(format!("a part is out of its place at byte {at}"))),
        }
    }
}

fn next(reader: &mut FrameReader<'_>) -> Result<(Kind, Vec<u8>), StoreError> {
    match reader.frame()? {
        (Kind::Failed, why) => Err(StoreError::BrokenOff { why: String::from_utf8_lossy(&why).into_owned() }),
        frame => Ok(frame),
    }
}

fn read_head(content: &[u8]) -> Result<BackupHead, StoreError> {
    let head: BackupHead = serde_json::from_slice(content).map_err(|_| unusable("its head is unreadable"))?;
    if head.backup != BACKUP_FORM || head.format > STORE_FORMAT {
        let BackupHead { backup, format, version, .. } = head;
        return Err(unusable(format!(
            "version {version} wrote it in form {backup} of a store of format {format}, this version knows form \
             {BACKUP_FORM} and formats up to {STORE_FORMAT}; use the newer version"
        )));
    }
    Ok(head)
}

/// The entries read so far.
struct Entries<'v, 'f> {
    vault: Option<Vault>,
    sums: BTreeMap<Keyspace, Sum>,
    last: Option<(Keyspace, Vec<u8>)>,
    visit: &'v mut Visit<'f>,
}

impl Entries<'_, '_> {
    fn take(&mut self, content: &[u8], at: u64) -> Result<(), StoreError> {
        let malformed = || unusable(format!("an entry is malformed in the part at byte {at}"));
        let mut rest = content;
        while let Some((keyspace, after)) = rest.split_first() {
            let keyspace = *Keyspace::ALL.get(usize::from(*keyspace)).ok_or_else(malformed)?;
            let (key, after) = part(after).ok_or_else(malformed)?;
            let (sealed, after) = part(after).ok_or_else(malformed)?;
            if !(1..=KEY_BYTES_MAX).contains(&key.len()) {
                return Err(malformed());
            }
            if let Some(vault) = &self.vault {
                vault.open(keyspace, key, sealed).map_err(|_| malformed())?;
            }
            if self.last.as_ref().is_some_and(|last| (last.0, last.1.as_slice()) >= (keyspace, key)) {
                return Err(unusable(format!("its entries are not in their order in the part at byte {at}")));
            }
            self.sums.entry(keyspace).or_default().add(key, sealed);
            self.last = Some((keyspace, key.to_vec()));
            (self.visit)(keyspace, key, sealed)?;
            rest = after;
        }
        Ok(())
    }
}

/// What a length says, and what follows it.
fn part(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let length = usize::try_from(u32::from_le_bytes(bytes.first_chunk().copied()?)).ok()?;
    bytes[size_of::<u32>()..].split_at_checked(length)
}
