//! The publisher/subscriber graph of a suite: who is heard by whom, and what is live.
//!
//! A [`Suite`] is read once; a [`Graph`] is built for one composition of it, or for the whole suite. All answers come
//! in an order that depends on names and places only, never on hashing or on the order files were read in.
//!
//! Invariant: this crate is the only one that knows petgraph.

mod consumer;
mod emission;
pub mod evolution;
mod graph;
mod liveness;
mod lookup;
mod reads;
mod suite;
mod topics;
mod verdict;
mod waits;

pub use consumer::Consumer;
pub use emission::{Emission, Reach, Via};
pub use evolution::Evolution;
pub use graph::{Composition, Graph};
pub use lookup::Owned;
pub use reads::Reads;
pub use suite::{PluginView, Suite};
pub use topics::{Topic, TopicUse};
pub use verdict::{Verdict, overlap};
pub use waits::Wait;
