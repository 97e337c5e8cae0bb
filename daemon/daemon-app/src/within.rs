//! How long a backup or an export may read a store.

use contract_model::Millis;
use contract_model::limits::{STORE_READ_MS, STORE_READ_MS_MAX};
use daemon_store::Patience;
use std::ffi::OsString;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// For how long the store may be read.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(crate) struct WithinArgs {
    /// How long it may read the store, at most a day: meanwhile the pages that it reads are not used again.
    #[arg(long, value_name = "DURATION", default_value_t = Millis(STORE_READ_MS), value_parser = bounded)]
    pub(crate) within: Millis,
}

/// Set by a line on standard input.
static TOLD: AtomicBool = AtomicBool::new(false);

impl WithinArgs {
    /// The patience of a process that reads a store for another one, which says on standard input that it is to end. If
    /// nothing is ever said there, it has as long as it was given.
    pub(crate) fn patience(self) -> Patience {
        let listen = || {
            let mut line = String::new();
            if std::io::stdin().read_line(&mut line).is_ok_and(|length| length > 0) {
                TOLD.store(true, Relaxed);
            }
        };
        std::thread::spawn(listen);
        Patience::from(self.within.to_std()).unless(&TOLD)
    }

    /// How a process that is started from this one is told of the same time.
    pub(crate) fn line(self) -> [OsString; 2] {
        ["--within".into(), self.within.to_string().into()]
    }
}

fn bounded(text: &str) -> Result<Millis, String> {
    let within = Millis::parse(text).map_err(|error| error.to_string())?;
    if within.0 > STORE_READ_MS_MAX {
        return Err(format!("`{text}` is more than {} (STORE_READ_MS_MAX)", Millis(STORE_READ_MS_MAX)));
    }
    Ok(within)
}
