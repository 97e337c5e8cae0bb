//! Manifests and JavaScript or TypeScript sources to facts with spans; never fails.
//!
//! Invariant: texts in, facts out. No file system, no clock; whatever is wrong becomes a [`Problem`].

mod facts;

pub use facts::{
    Fact, FactKind, Guard, ParsedPlugin, PluginSource, Problem, ProblemKind, Provenance, SourceFile, Suppression,
    TopicValue,
};
