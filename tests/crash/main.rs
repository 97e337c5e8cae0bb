//! Kills the daemon and its workers at random moments under posting load, and asks what is left.
//!
//! `TRUNKLINE_KILLS` sets how many kills (default 50), `TRUNKLINE_SEED` repeats the moments of a run.

mod driver;
mod kills;
mod older_copy;
