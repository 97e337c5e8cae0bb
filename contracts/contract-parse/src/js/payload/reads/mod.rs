//! Which fields of their payloads handlers read, and where a payload goes where it cannot be followed.
//!
//! Forward from the handler's argument: each name that holds a part of the payload is followed to all its uses,
//! through destructuring, other names, loops, list methods and the plugin's own functions. A path that is read
//! stands for everything below it.

mod flow;
mod methods;
mod patterns;
mod track;

pub(crate) use flow::{Flow, Read};
pub(crate) use track::pointer;
