//! What was found in the code of plugins, kept in a folder from one start to the next.
//!
//! A file of it is taken for what it says only if it was written by the same analysis from the same texts and is whole.
//! Anything else is as if it were not there: the code is analysed again.

use contract_model::canonical::sha256_hex;
use contract_parse::{Analyses, Analysis, PluginSource};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use tempfile::NamedTempFile;

/// The analysis that this program is built with: another one may find something else in the same texts.
const ANALYSIS: &str = env!("TRUNKLINE_ANALYSIS");
const ENDING: &str = "json";
/// The largest file that is read, in MiB. What is found in a plugin at the limits of its texts is smaller.
const FILE_MIB_MAX: u64 = 64;

/// Analyses in a folder: one file for each plugin, named by a hash of the plugin's folder.
///
/// Two lines of JSON: `{"of": …, "sha256": …}`, the texts and the analysis it comes from and the hash of the line below;
/// then the analysis.
#[derive(Debug)]
pub struct KeptAnalyses {
    folder: PathBuf,
    /// What was looked for, by file name: none where what is there holds, else what is to be written.
    seen: Mutex<BTreeMap<String, Option<Vec<u8>>>>,
}

impl KeptAnalyses {
    /// Those in a folder, which need not exist. Nothing is written before [`Self::save`].
    pub fn at(folder: PathBuf) -> Self {
        Self { folder, seen: Mutex::default() }
    }

    /// Writes what was found anew, and removes what belongs to no plugin that was read.
    pub fn save(self) -> io::Result<()> {
        let seen = self.seen.into_inner().unwrap_or_else(PoisonError::into_inner);
        let new: Vec<_> = seen.iter().filter_map(|(name, bytes)| Some((name, bytes.as_deref()?))).collect();
        if !new.is_empty() {
            std::fs::create_dir_all(&self.folder)?;
        }
        for (name, bytes) in new {
            // Whoever reads it meanwhile finds the old one or the new one, whole.
            let mut file = begun(&self.folder)?;
            file.write_all(bytes)?;
            file.persist(self.folder.join(name)).map_err(|error| error.error)?;
        }
        remove_others(&self.folder, &seen.into_keys().collect())
    }

    fn note(&self, name: String, bytes: Option<Vec<u8>>) {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).insert(name, bytes);
    }
}

impl Analyses for KeptAnalyses {
    fn recall(&self, source: &PluginSource) -> Option<Analysis> {
        let name = file_name(source);
        let found = read(&self.folder.join(&name)).and_then(|bytes| recalled(&bytes, source))?;
        self.note(name, None);
        Some(found)
    }

    fn keep(&self, source: &PluginSource, analysis: &Analysis) {
        // What cannot be written down is found out again.
        if let Ok(bytes) = written(source, analysis) {
            self.note(file_name(source), Some(bytes));
        }
    }
}

fn file_name(source: &PluginSource) -> String {
    format!("{}.{ENDING}", &sha256_hex(source.folder.as_bytes())[..32])
}

/// The analysis and all texts, each with its length, so that no two sources are one.
fn identity(source: &PluginSource) -> String {
    let mut all = Vec::new();
    let texts = source.files.iter().flat_map(|file| [&file.path, &file.text]);
    for part in [ANALYSIS, &source.folder].into_iter().chain(texts.map(String::as_str)) {
        all.extend((part.len() as u64).to_le_bytes());
        all.extend(part.as_bytes());
    }
    sha256_hex(&all)
}

fn written(source: &PluginSource, analysis: &Analysis) -> serde_json::Result<Vec<u8>> {
    let body = serde_json::to_vec(analysis)?;
    let head = serde_json::json!({"of": identity(source), "sha256": sha256_hex(&body)});
    Ok([serde_json::to_vec(&head)?, body].join(&b'\n'))
}

fn recalled(bytes: &[u8], source: &PluginSource) -> Option<Analysis> {
    let end = bytes.iter().position(|byte| *byte == b'\n')?;
    let (head, body) = (&bytes[..end], &bytes[end + 1..]);
    let head: serde_json::Value = serde_json::from_slice(head).ok()?;
    let holds = head["of"] == identity(source) && head["sha256"] == sha256_hex(body);
    holds.then(|| serde_json::from_slice(body).ok())?
}

fn read(path: &Path) -> Option<Vec<u8>> {
    // Reading what is no file, such as a pipe, might never end.
    let metadata = path.symlink_metadata().ok()?;
    (metadata.is_file() && metadata.len() <= FILE_MIB_MAX << 20).then(|| std::fs::read(path).ok())?
}

/// A file to write to, which a kill may leave behind. It ends like the others, so that the next save removes it.
fn begun(folder: &Path) -> io::Result<NamedTempFile> {
    tempfile::Builder::new().suffix(&format!(".{ENDING}")).tempfile_in(folder)
}

fn remove_others(folder: &Path, names: &BTreeSet<String>) -> io::Result<()> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    for entry in entries {
        let path = entry?.path();
        let is_one = path.extension().is_some_and(|ending| ending == ENDING);
        let is_wanted = path.file_name().and_then(|name| name.to_str()).is_some_and(|name| names.contains(name));
        if is_one && !is_wanted {
            std::fs::remove_file(path)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_kill_leaves_behind_goes_with_the_next_save() {
        let folder = tempfile::tempdir().expect("folder");
        let (_, left) = begun(folder.path()).expect("begun").keep().expect("left behind");
        assert!(left.exists());
        KeptAnalyses::at(folder.path().to_owned()).save().expect("saved");
        assert!(!left.exists());
    }
}
