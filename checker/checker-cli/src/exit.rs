//! How a command ends.

use checker_report::Status;

/// The exit codes in words, for the end of `--help`.
pub const EXIT_CODES: &str = "\
Exit codes: 0 nothing at or above the floor; 1 findings at or above it; 2 wrong usage or configuration; \
3 the analysis is incomplete, so a clean result would prove nothing; 70 a bug.";

/// The exit codes that pipelines rely on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Nothing at or above the floor.
    Clean,
    /// Findings at or above the floor.
    Findings,
    /// The command line or the configuration is wrong.
    Usage,
    /// Something could not be looked at, so a clean result would prove nothing.
    Incomplete,
    /// A fault of the checker itself.
    Bug,
}

impl Exit {
    /// The number a process ends with.
    pub fn code(self) -> u8 {
        match self {
            Self::Clean => 0,
            Self::Findings => 1,
            Self::Usage => 2,
            Self::Incomplete => 3,
            Self::Bug => 70,
        }
    }
}

impl From<Status> for Exit {
    fn from(status: Status) -> Self {
        match status {
            Status::Pass => Self::Clean,
            Status::Fail => Self::Findings,
            Status::Incomplete => Self::Incomplete,
        }
    }
}
