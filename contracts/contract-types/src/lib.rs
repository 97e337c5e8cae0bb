//! What a suite promises, as TypeScript declarations: topics, collections, settings and verbs.
//!
//! They fill the interfaces that the declaration of the surface (`daemon-worker/src/surface/`) leaves empty, all
//! in the namespace `Trunkline`. For one plugin they hold what its manifest lets it use and nothing else, so that an
//! editor completes only what the daemon will take. Reading order: `schema` turns JSON Schema into types, `collection`
//! fields into records, `seen` says what a plugin sees, `suite` puts it together.
//!
//! Invariant: equal suites give equal bytes, in the order of names.

mod collection;
mod schema;
mod seen;
mod suite;
mod write;

pub use suite::declarations;
