//! The key that a store is encrypted with: from a file, or from the environment.

use crate::exit::Failure;
use anyhow::anyhow;
use daemon_store::StoreKey;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

const VARIABLE: &str = "TRUNKLINE_STORE_KEY";
const OPTION: &str = "--key-file";

/// Where the key of a store is found.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct KeyArgs {
    /// File with the key that the store is encrypted with, 64 hexadecimal digits. `TRUNKLINE_STORE_KEY` may hold the
    /// digits themselves.
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
}

impl KeyArgs {
    /// The key, if one is given.
    pub(crate) fn key(&self) -> Result<Option<StoreKey>, Failure> {
        if let Some(path) = &self.key_file {
            return read(path).map(Some);
        }
        match std::env::var(VARIABLE) {
            Ok(digits) if !digits.is_empty() => {
                StoreKey::parse(&digits).map(Some).map_err(|error| Failure::usage(anyhow!("{VARIABLE}: {error}")))
            }
            Ok(_) | Err(std::env::VarError::NotPresent) => Ok(None),
            Err(error) => Err(Failure::usage(anyhow!("{VARIABLE}: {error}"))),
        }
    }

    /// How a process that is started from this one is told of the same key: the variable it inherits.
    pub(crate) fn line(&self) -> Vec<OsString> {
        self.key_file.iter().flat_map(|path| [OPTION.into(), path.clone().into()]).collect()
    }
}

/// The key in a file.
pub(crate) fn read(path: &Path) -> Result<StoreKey, Failure> {
    let digits = std::fs::read_to_string(path);
    let digits = digits.map_err(|error| Failure::usage(anyhow!("read the key in {}: {error}", path.display())))?;
    StoreKey::parse(&digits).map_err(|error| Failure::usage(anyhow!("{}: {error}", path.display())))
}
