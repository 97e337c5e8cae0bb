//! The commands as a pipeline sees them.

mod baseline;
mod common;
mod docs;
mod evolution;
mod exit_codes;
mod fix;
mod formats;
mod golden;
mod kept;
mod live;
mod loading;
mod query;
mod refused;
mod unread;
mod usage;
mod verify_trace;
mod watch;
