//! Manifests and JavaScript or TypeScript sources to facts with spans; never fails.
//!
//! Invariant: texts in, facts out. No file system, no clock; whatever is wrong becomes a [`Problem`].
//!
//! The way through: `manifest` reads YAML over `yaml`; `js` parses modules, resolves values and extracts
//! facts; `blank` erases types so that a TypeScript module runs as it stands.

mod analysis;
mod blank;
mod collections;
mod facts;
mod hidden;
mod js;
mod json_place;
mod manifest;
mod plugin;
mod range;
mod report;
mod resolve;
mod runnable;
mod yaml;

pub use analysis::{Analyses, Analysis};
pub use blank::blank_types;
pub use facts::{
    Condition, Ending, EndingPath, Fact, FactKind, Guard, HandlerCode, Late, Opaque, ParsedPlugin, PluginSource,
    Problem, ProblemKind, Provenance, RecordUse, ResultUse, SourceFile, Suppression, TopicValue, UNREAD,
};
pub use js::form::Form;
pub use js::surface::{HostMembers, host_members};
pub use json_place::place_in_json;
pub use manifest::{Document, parse_suite_manifest, repeats_entry, with_entry, without_entry};
pub use plugin::{module_graph, parse_plugin, parse_plugin_recalling, parse_plugin_without};
pub use range::parse_range;
pub use resolve::resolve_import;
pub use runnable::runnable;
