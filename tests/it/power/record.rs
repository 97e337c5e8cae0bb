//! What was recorded, and the folder as a power cut would leave it at any moment of it.

use rand::RngExt as _;
use rand::rngs::StdRng;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

const SECTOR_BYTES: usize = 512;
const HEAD_BYTES: usize = 21;

/// What a disk is taken to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Disk {
    /// What was synced is kept.
    Honest,
    /// It says that it synced, and did not.
    IgnoresSyncs,
    /// It keeps what files hold, and forgets at any time which there were.
    ForgetsNames,
}

/// One thing that was done to a file, and where the record of it ends.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) ends: u64,
    what: What,
    file: PathBuf,
}

#[derive(Debug)]
enum What {
    Create { emptied: bool },
    Write { at: usize, bytes: Vec<u8>, durable: bool },
    Truncate { length: usize },
    Rename { to: PathBuf },
    Unlink,
    Sync,
}

/// Reads the steps of a record; what its process had not finished to write down is left out.
pub(super) fn read(record: &[u8]) -> Vec<Step> {
    let (mut steps, mut at) = (Vec::new(), 0);
    while let Some((step, ends)) = step(record, at) {
        at = ends;
        steps.push(step);
    }
    steps
}

fn step(record: &[u8], at: usize) -> Option<(Step, usize)> {
    let head = record.get(at..at + HEAD_BYTES)?;
    let number = |from: usize| Some(u64::from_le_bytes(head[from..from + 8].try_into().ok()?));
    let name_length = usize::try_from(u32::from_le_bytes(head[1..5].try_into().ok()?)).ok()?;
    let (place, length) = (usize::try_from(number(5)?).ok()?, usize::try_from(number(13)?).ok()?);
    let (name_at, data_at) = (at + HEAD_BYTES, at + HEAD_BYTES + name_length);
    let path = |bytes: &[u8]| PathBuf::from(String::from_utf8_lossy(bytes).into_owned());
    let (file, data) = (path(record.get(name_at..data_at)?), record.get(data_at..data_at + length)?);
    let what = match head[0] {
        b'c' => What::Create { emptied: place == 1 },
        b'w' | b'd' => What::Write { at: place, bytes: data.to_vec(), durable: head[0] == b'd' },
        b't' => What::Truncate { length: place },
        b'r' => What::Rename { to: path(data) },
        b'u' => What::Unlink,
        b's' => What::Sync,
        other => panic!("a record of kind {other} at {at}"),
    };
    let ends = data_at + length;
    Some((Step { ends: ends as u64, what, file }, ends))
}

/// A file with what was synced of it, and every write since.
#[derive(Debug, Default, Clone)]
struct Content {
    synced: Vec<u8>,
    unsynced: Vec<(usize, Vec<u8>)>,
}

/// A change of names or lengths. A journal of the file system keeps them in order; each sync keeps all before it.
#[derive(Debug, Clone)]
enum Change {
    Name(PathBuf, Option<usize>),
    Length(usize, usize),
}

/// The folder with what is kept for sure, and what may be.
#[derive(Debug)]
struct Folder {
    disk: Disk,
    contents: Vec<Content>,
    /// As the process sees it.
    names: BTreeMap<PathBuf, usize>,
    /// As it is kept for sure.
    kept: BTreeMap<PathBuf, usize>,
    changes: Vec<Change>,
}

impl Folder {
    fn take(&mut self, step: &Step) {
        let file = self.names.get(&step.file).copied();
        match (&step.what, file) {
            (What::Create { .. }, None) => {
                self.contents.push(Content::default());
                self.name(step.file.clone(), Some(self.contents.len() - 1));
            }
            (What::Create { emptied: true }, Some(file)) => self.cut_to(file, 0),
            (What::Truncate { length }, Some(file)) => self.cut_to(file, *length),
            (What::Write { at, bytes, durable }, Some(file)) => {
                self.contents[file].unsynced.push((*at, bytes.clone()));
                if *durable && self.disk != Disk::IgnoresSyncs {
                    self.sync(file);
                }
            }
            (What::Write { .. }, None) => panic!("a write to {}, which nobody made", step.file.display()),
            (What::Rename { to }, Some(file)) => {
                self.name(step.file.clone(), None);
                self.name(to.clone(), Some(file));
            }
            (What::Unlink, Some(_)) => self.name(step.file.clone(), None),
            (What::Sync, file) if self.disk != Disk::IgnoresSyncs => match file {
                Some(file) => self.sync(file),
                None => self.settle(),
            },
            _ => {}
        }
    }

    /// What was written beyond the new end, and is not on the disk yet, never comes there.
    fn cut_to(&mut self, file: usize, length: usize) {
        self.contents[file].unsynced.retain(|(at, bytes)| at + bytes.len() <= length);
        self.changes.push(Change::Length(file, length));
    }

    fn name(&mut self, path: PathBuf, file: Option<usize>) {
        match file {
            Some(file) => self.names.insert(path.clone(), file),
            None => self.names.remove(&path),
        };
        self.changes.push(Change::Name(path, file));
    }

    fn sync(&mut self, file: usize) {
        self.settle();
        let content = &mut self.contents[file];
        for (at, bytes) in std::mem::take(&mut content.unsynced) {
            put(&mut content.synced, at, &bytes);
        }
    }

    fn settle(&mut self) {
        if self.disk == Disk::ForgetsNames {
            return;
        }
        for change in std::mem::take(&mut self.changes) {
            apply(&change, &mut self.kept, &mut self.contents);
        }
    }

    /// Writes down what a cut leaves: the names up to some change, and of each write that was not synced any sectors.
    fn write_to(&mut self, folder: &Path, under: &Path, random: &mut StdRng) {
        let survive = random.random_range(0..=self.changes.len());
        for change in self.changes.drain(..survive).collect::<Vec<_>>() {
            apply(&change, &mut self.kept, &mut self.contents);
        }
        std::fs::create_dir_all(folder).expect("a folder");
        for (path, file) in &self.kept {
            let Ok(name) = path.strip_prefix(under) else { continue };
            let path = folder.join(name);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            std::fs::write(path, self.contents[*file].cut(random)).expect("a file of the image");
        }
    }
}

fn apply(change: &Change, kept: &mut BTreeMap<PathBuf, usize>, contents: &mut [Content]) {
    match change {
        Change::Name(path, Some(file)) => drop(kept.insert(path.clone(), *file)),
        Change::Name(path, None) => drop(kept.remove(path)),
        Change::Length(file, length) => contents[*file].synced.resize(*length, 0),
    }
}

impl Content {
    fn cut(&self, random: &mut StdRng) -> Vec<u8> {
        let mut image = self.synced.clone();
        // None of it, all of it, or a part.
        let kept = random.random_range(0..4);
        for (at, bytes) in &self.unsynced {
            for (number, sector) in bytes.chunks(SECTOR_BYTES).enumerate() {
                if kept == 1 || (kept > 1 && random.random_range(0..3) > 0) {
                    put(&mut image, at + number * SECTOR_BYTES, sector);
                }
            }
        }
        image
    }
}

fn put(file: &mut Vec<u8>, at: usize, bytes: &[u8]) {
    if file.len() < at + bytes.len() {
        file.resize(at + bytes.len(), 0);
    }
    file[at..at + bytes.len()].copy_from_slice(bytes);
}

/// Makes the image of a cut after so many steps.
pub(super) fn image(steps: &[Step], disk: Disk, under: &Path, folder: &Path, random: &mut StdRng) {
    let (names, kept) = Default::default();
    let mut recorded = Folder { disk, contents: Vec::new(), names, kept, changes: Vec::new() };
    for step in steps {
        recorded.take(step);
    }
    recorded.write_to(folder, under, random);
}
