//! The harness: builds and starts the real binary, talks to it over HTTP, kills it, and knows the right answers.
//!
//! Invariant: nothing here links a `daemon-*` library. What is tested is what is shipped. The checker is linked where
//! thousands of suites are judged in one run; `check_cli` holds that the binary says the same.

pub mod ablation;
pub mod binary;
pub mod books;
pub mod chaos;
pub mod client;
pub mod daemon;
pub mod door;
pub mod example;
pub mod fuzz;
pub mod intents;
pub mod leaving;
pub mod lines;
pub mod load;
pub mod mutation;
pub mod oracle;
pub mod outside;
pub mod process;
pub mod report;
pub mod small_disk;
pub mod stream;
pub mod suite;
pub mod wait;

pub use client::{Answer, Client};
pub use daemon::{Daemon, Start};
pub use suite::Suite;
pub use wait::{wait_for_growth, wait_until};
