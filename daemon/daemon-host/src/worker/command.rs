//! How worker processes are started, and some that were started before their plugins were known.

use super::Worker;
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How to start a worker: the host appends `--fd 0 <slug>`, and the socket is the child's standard input.
#[derive(Debug, Clone)]
pub struct WorkerCommand {
    pub(super) program: PathBuf,
    pub(super) args: Vec<OsString>,
    ahead: Arc<Mutex<Vec<(String, Worker)>>>,
}

impl WorkerCommand {
    /// `program` is normally the daemon's own binary, `args` its leading arguments, such as `worker`.
    pub fn new(program: PathBuf, args: Vec<OsString>) -> Self {
        Self { program, args, ahead: Arc::default() }
    }

    /// Starts the process of a plugin that will be loaded soon, so that it is up by then. The first load of the plugin
    /// takes it, and what nobody took when the host has started is ended. It ends with the thread that called this.
    ///
    /// Wants a runtime around it. A process that cannot be started is no error here: the load will say so.
    pub fn start_ahead(&self, slug: &str) {
        if let Ok(worker) = Worker::spawn(self, slug) {
            self.ahead().push((slug.to_owned(), worker));
        }
    }

    /// A process for a plugin: the one that was started ahead, if it lives, else a new one.
    pub(super) fn worker(&self, slug: &str) -> std::io::Result<Worker> {
        let ready = {
            let mut ahead = self.ahead();
            let at = ahead.iter().position(|(of, _)| of == slug);
            at.map(|at| ahead.swap_remove(at).1)
        };
        let alive = ready.and_then(|mut worker| worker.lives().then_some(worker));
        alive.map_or_else(|| Worker::spawn(self, slug), Ok)
    }

    /// Ends what was started ahead and not taken.
    pub(crate) fn end_spare(&self) {
        self.ahead().clear();
    }

    pub(super) fn ahead(&self) -> MutexGuard<'_, Vec<(String, Worker)>> {
        self.ahead.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
