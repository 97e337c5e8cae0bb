//! One [`Diagnostic`] type and one renderer a format.
//!
//! Reading order: `diagnostic` says what a finding is, `report` what one run gives, `wiring` who talks to whom,
//! `sheet` what a format may show of it all. `render` holds one file a format, `draw` one a way to draw the wiring.
//!
//! Invariant: a renderer only formats. It knows no rule and leaves nothing out that its format has room for.

mod diagnostic;
mod draw;
mod fingerprint;
mod gate;
mod lines;
mod place;
mod render;
mod report;
mod sheet;
mod uri;
mod wiring;

pub use diagnostic::{Baseline, Diagnostic, Edit, Related, Severity, Suggestion, Suppressed};
pub use draw::{Drawing, Marks, asyncapi, canvas, dot, graph_json, mermaid};
pub use fingerprint::{Identity, fingerprint};
pub use gate::{FailOn, Gate};
pub use place::{byte_range, find_within};
pub use render::html::graph_html;
pub use render::text::quoted;
pub use render::{Format, json, text};
pub use report::{AllowanceLine, AllowanceState, Known, Report, RolloutStep, Status, Summary, Tool, Unproven};
pub use sheet::{Color, RuleCard, Sheet, Texts};
pub use uri::uri_path;
pub use wiring::{Direction, Edge, PluginCard, TopicCard, Wired, Wiring};
