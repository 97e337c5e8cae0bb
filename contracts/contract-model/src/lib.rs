//! What every other crate agrees on: names, manifests, events, collections, limits and error codes.
//!
//! Invariant: this crate knows no runtime. No tokio, no file system, no clock, no threads.

pub mod absent;
pub mod canonical;
pub mod cloudevent;
pub mod code;
pub mod collection;
pub mod duration;
pub mod event;
pub mod filter;
pub mod ids;
pub mod job;
pub mod limits;
pub mod manifest;
pub mod memory;
pub mod permission;
pub mod plugin_limit;
pub mod policy;
pub mod reservation;
pub mod schedule;
pub mod shape;
pub mod span;
pub mod subscription;
pub mod suite;
pub mod text_set;
pub mod topic;

pub use code::ErrorCode;
pub use duration::Millis;
pub use event::{Event, EventHead};
pub use ids::{EventId, PluginSlug, RecordId, Sequence, TenantId};
pub use manifest::Manifest;
pub use permission::Permission;
pub use span::{FilePath, Location, Span, Spanned};
pub use subscription::SubscriptionId;
pub use suite::SuiteManifest;
pub use text_set::TextSet;
pub use topic::{TopicName, TopicPattern};
