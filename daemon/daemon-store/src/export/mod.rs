//! A tenant's own data in a form that any program reads: lines of JSON.
//!
//! The first line is the head, the last one the end with counts and a SHA-256 over all lines before it. In between there
//! is one line each for the collections in which the tenant has records, its records, events, jobs and dead letters.

mod read;
mod write;

pub use read::check_export;
pub use write::export_tenant;

use contract_model::TenantId;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The version of the lines.
const EXPORT_FORM: u32 = 1;

/// What a line is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ExportKind {
    /// The first line.
    Head,
    /// The definition of a collection.
    Collection,
    /// A record, with its automatic fields.
    Record,
    /// An event.
    Event,
    /// An event that is a job.
    Job,
    /// A delivery that was given up.
    DeadLetter,
    /// The last line.
    End,
    /// Whoever wrote it could not go on.
    Failed,
}

/// One line.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ExportLine<T> {
    /// What it is about.
    pub kind: ExportKind,
    /// The record's collection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub collection: Option<String>,
    /// The thing itself.
    pub value: T,
}

/// What an export says of itself before anything else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportHead {
    /// The version of its form.
    pub export: u32,
    /// The store it was taken from.
    pub store: String,
    /// The tenant.
    pub tenant: TenantId,
    /// The tenant's display name.
    pub name: String,
    /// When it was begun, milliseconds since 1970.
    pub made_ms: u64,
    /// The last unit of work in it, among those of all tenants.
    pub position: u64,
    /// The last event of the log then, among those of all tenants.
    pub sequence: u64,
}

/// What an export says of itself after everything else.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportEnd {
    /// Lines by what they are about.
    pub counts: BTreeMap<ExportKind, u64>,
    /// SHA-256 over all lines before, with their line feeds, hexadecimal.
    pub sha256: String,
}

/// An export that is whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Export {
    /// Its first line.
    #[serde(flatten)]
    pub head: ExportHead,
    /// Its last line.
    #[serde(flatten)]
    pub end: ExportEnd,
}
