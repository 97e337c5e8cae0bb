//! The daemon's HTTP face: verbs, events, realtime, admin, the API's description, and the one table from error code to status.
//!
//! Reading order: `server` accepts and bounds connections, `router` routes them, `verb` and `ndjson` serve
//! plugins, `records` collections, `events` and `realtime` the log, `admin` the operator, `error` says how every refusal looks.
//!
//! Invariants: no other crate knows an HTTP status or a JSON name of the public API (W6). A tenant comes from a
//! verified token and from nowhere else. Every read is bounded in bytes and in time, and no input is answered 500.

mod admin;
mod answers;
mod api;
mod auth;
mod backend;
mod backup;
mod body;
mod cloudevent;
mod direct;
mod error;
mod events;
mod fixed;
mod guard;
mod headers;
mod jobs;
mod json;
mod letters;
mod meter;
mod metrics;
mod ndjson;
mod openapi;
mod plugins;
mod query;
mod quotas;
mod realtime;
mod records;
mod replays;
mod reply;
mod room;
mod router;
mod routes;
mod server;
mod stall;
mod status;
mod tx;
mod users;
mod verb;

pub use api::{Api, ApiConfig, StoreTools};
pub use backend::Backend;
pub use direct::Direct;
pub use server::{Server, ServerConfig, ServerError};
