//! What runs inside a plugin's process: boa, the host bindings and their budgets.
//!
//! One process is one plugin: [`main`] serves it over a socket pair, one frame at a time. The modules in reading
//! order: `serve` (the life of a worker), `engine` (one realm, one handler call), `ahead` (what
//! the items of a lane read together), `app` (what plugin code sees),
//! `kit` (what tests see besides), `unit` (what a call read and wants), `value` (how values cross), `fault` (how exceptions cross).
//!
//! Invariant: this crate opens no file and no connection. All it has is the stream to its parent.

mod ahead;
mod alloc;
mod app;
mod called;
mod coerce;
mod confine;
mod engine;
mod entropy;
mod fault;
mod filters;
mod host;
mod kit;
mod link;
mod modules;
mod money;
mod prelude;
mod refusal;
mod runtime;
mod schemas;
mod serve;
mod stack;
mod stopwatch;
mod syscalls;
mod throw;
mod unit;
mod value;

pub use alloc::{CappedAlloc, EXIT_MEMORY, give_back};
pub use confine::{ConfineError, Layer, confine, end_with_parent};

/// TypeScript declarations of everything that plugin code may call. `trunkline types` fills its empty interfaces.
pub const SURFACE: &str = concat!(
    include_str!("surface/suite.d.ts"),
    "\n",
    include_str!("surface/app.d.ts"),
    "\n",
    include_str!("surface/verbs.d.ts"),
    "\n",
    include_str!("surface/events.d.ts"),
    "\n",
    include_str!("surface/records.d.ts"),
    "\n",
    include_str!("surface/capabilities.d.ts"),
    "\n",
    include_str!("surface/jobs.d.ts"),
    "\n",
    include_str!("surface/fetch.d.ts"),
    "\n",
    include_str!("surface/globals.d.ts"),
);
/// TypeScript declarations of what files of tests may call besides.
pub const KIT: &str = include_str!("kit.d.ts");

pub use serve::{EXIT_CONFINE, EXIT_PROTOCOL, main, serve, stream_on_stdin};
