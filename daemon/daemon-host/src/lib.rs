//! Supervises workers, owns the unit of work and mediates every binding.
//!
//! Invariant: plugin code never runs here, only in worker processes (W5). Effects reach the store in one
//! decision a unit of work, and nobody is answered before it is synced.

mod api;

pub use api::{
    DeadLetterView, ExternalEvent, HostError, Identity, Outcome, PluginStatus, Published, ReplyBody, Route, StoryNode, VerbReply,
    VerbRequest,
};
