//! The commands as a pipeline sees them.

mod common;
mod docs;
mod evolution;
mod exit_codes;
mod fix;
mod formats;
mod golden;
mod loading;
mod watch;
