//! How the program ends, and what it says when it ends badly.

use std::fmt;
use std::io::{self, Write};
use std::process::ExitCode;

/// The documented exit codes.
pub(crate) const HELP: &str = "\
Exit codes: 0 done; 1 the command failed, or the suite has errors; 2 wrong usage or configuration: arguments, \
no such folder, an address or a data folder in use; 3 the analysis is incomplete; 70 a bug; 130 ended by a second signal.

`trunkline dev SUITE` starts a daemon; the commands that talk to one read TRUNKLINE_URL and TRUNKLINE_TOKEN. \
TRUNKLINE_LOG (such as info, or daemon_host=debug) says what is logged to standard error; warnings by default.";

/// The command could not do what was asked.
pub(crate) const FAILED: u8 = 1;
/// The arguments or the surroundings are wrong.
pub(crate) const USAGE: u8 = 2;

/// An error together with the exit code it ends in.
#[derive(Debug)]
pub(crate) struct Failure {
    code: u8,
    error: anyhow::Error,
}

impl Failure {
    /// Wrong arguments or surroundings: exit code 2.
    pub(crate) fn usage(error: impl Into<anyhow::Error>) -> Self {
        Self { code: USAGE, error: error.into() }
    }

    /// The text has been said already; only the exit code is left.
    pub(crate) fn told(code: u8) -> Self {
        Self { code, error: anyhow::anyhow!("") }
    }

    /// Says what is wrong and gives the exit code.
    pub(crate) fn report(self, err: &mut dyn Write) -> ExitCode {
        let closed = |cause: &(dyn std::error::Error + 'static)| {
            cause.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
        };
        // Who closes the pipe, as `head` does, has seen enough.
        if self.error.chain().any(closed) {
            return ExitCode::SUCCESS;
        }
        let text = format!("{:#}", self.error);
        if !text.is_empty() {
            // Where standard error is closed there is nobody to tell.
            let _ = writeln!(err, "error: {text}");
        }
        ExitCode::from(self.code)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#}", self.error)
    }
}

impl<E: Into<anyhow::Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self { code: FAILED, error: error.into() }
    }
}
