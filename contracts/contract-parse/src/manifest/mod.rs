//! plugin.yaml and suite.yaml: strict, with places, and with as much of the rest as can be read.

mod edit;
mod entries;
mod plugin;
mod policy;
mod suite;
mod topics;
mod values;

pub use edit::{Document, repeats_entry, with_entry, without_entry};
pub(crate) use plugin::parse_manifest;
pub use suite::parse_suite_manifest;
