//! A disk that is soon full.

use crate::report::say;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A file system of its own, with little room.
pub struct SmallDisk {
    folder: tempfile::TempDir,
}

impl SmallDisk {
    /// Where it is.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// None where none may be mounted, with a word why.
    pub fn new(kib: u64) -> Option<Self> {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let option = format!("size={kib}k");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &option, "tmpfs"]).arg(folder.path()).output();
        match mounted {
            Ok(done) if done.status.success() => Some(Self { folder }),
            Ok(done) => {
                say(&format!("skipped: no file system can be mounted here: {}", String::from_utf8_lossy(&done.stderr)));
                None
            }
            Err(error) => {
                say(&format!("skipped: `mount` cannot be started: {error}"));
                None
            }
        }
    }

    /// A data folder on it.
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Makes it large.
    pub fn make_room(&self) {
        let done = Command::new("mount").args(["-o", "remount,size=256m"]).arg(self.folder.path()).status();
        assert!(done.expect("mount starts").success(), "the disk gets larger");
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        drop(Command::new("umount").arg("-l").arg(self.folder.path()).status());
    }
}
