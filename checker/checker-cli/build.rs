//! Names the analysis that this program is built with, so that what another one found is never taken for its own.

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::path::{Path, PathBuf};

fn main() -> io::Result<()> {
    // All that decides what a text is read as: what reads it, the model that speaks, and the versions of the parser.
    let mut files = BTreeSet::new();
    for folder in ["../../contracts/contract-parse/src", "../../contracts/contract-model/src"] {
        println!("cargo:rerun-if-changed={folder}");
        collect(Path::new(folder), &mut files)?;
    }
    let lock = Path::new("../../Cargo.lock");
    if lock.is_file() {
        println!("cargo:rerun-if-changed={}", lock.display());
        files.insert(lock.to_owned());
    }
    let mut hasher = DefaultHasher::new();
    for file in files {
        (&file, std::fs::read(&file)?).hash(&mut hasher);
    }
    println!("cargo:rustc-env=TRUNKLINE_ANALYSIS={:016x}", hasher.finish());
    Ok(())
}

fn collect(folder: &Path, files: &mut BTreeSet<PathBuf>) -> io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else {
            files.insert(path);
        }
    }
    Ok(())
}
