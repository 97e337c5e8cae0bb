//! JavaScript of the host's own.

/// What is simpler there than here. Runs once in a fresh realm.
pub(crate) const PRELUDE: &str = include_str!("prelude.js");

/// The name under which the prelude stands in stacks, which leave it out.
pub(crate) const PRELUDE_PATH: &str = "trunkline:prelude";
