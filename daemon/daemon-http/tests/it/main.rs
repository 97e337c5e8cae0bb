//! The HTTP face over real sockets, on a host that is played.

mod answers;
mod bodies;
mod client;
mod events;
mod host;
mod limits;
mod lines;
mod metrics;
mod ndjson;
mod realtime;
mod verbs;
mod world;
