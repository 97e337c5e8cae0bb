//! The publisher/subscriber graph of a suite: who is heard by whom, and what is live.
//!
//! A [`Suite`] is read once; a [`Graph`] is built for one composition of it, or for the whole suite. All answers come
//! in an order that depends on names and places only, never on hashing or on the order files were read in.
//!
//! Reading order: `suite` is what was read, `pattern` and `owners` help to look things up, `emission` and `consumer`
//! say what publishes and what listens, `graph` joins them; `lookup`, `topics`, `verdict`, `liveness` and `dependence`
//! ask it questions, `trusted` and `verify` compare it with a running daemon, `moved` two readings of a plugin.
//!
//! Invariant: this crate is the only one that knows petgraph.

mod consumer;
mod dependence;
mod emission;
pub mod evolution;
mod graph;
mod liveness;
mod lookup;
mod moved;
mod owners;
mod pattern;
mod reads;
mod suite;
mod topics;
mod trusted;
mod verdict;
mod verify;
mod waits;

pub use consumer::Consumer;
pub use dependence::{Dependence, Tie};
pub use emission::{Emission, Reach, Via};
pub use evolution::Evolution;
pub use graph::{ByTopic, Composition, Graph};
pub use liveness::{Island, Liveness, Loop};
pub use moved::Moved;
pub use owners::Owned;
pub use pattern::{is_pattern, overlap};
pub use reads::Reads;
pub use suite::{PluginView, Suite, can_run};
pub use topics::{Topic, TopicUse};
pub use trusted::{Promise, Trusted, TrustedUse};
pub use verdict::Verdict;
pub use verify::{Direction, ObservedEdge, StaticEdge, Verification};
pub use waits::Wait;
