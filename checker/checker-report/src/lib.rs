//! One [`Diagnostic`] type and one renderer a format.
//!
//! Reading order: `diagnostic` says what a finding is, `report` what one run gives, `render` holds one file a format.
//!
//! Invariant: a renderer only formats. It filters nothing, sorts nothing and knows no rule.

mod diagnostic;
mod fingerprint;
mod place;
mod render;
mod report;

pub use diagnostic::{Baseline, Diagnostic, Edit, Related, Severity, Suggestion, Suppressed};
pub use fingerprint::{Identity, fingerprint};
pub use place::{byte_range, find_within};
pub use render::{Color, Format, Texts, json, text};
pub use report::{AllowanceLine, AllowanceState, Report, RolloutStep, Status, Summary, Tool, Unproven};
