//! Payload schemas: compile and validate JSON Schema 2020-12; judge shapes, fields and other schemas by them.
//!
//! Invariant: nothing is fetched. A `$ref` that leaves the document is an error when the schema is compiled,
//! so a compiled [`Schema`] gives the same verdict everywhere and for ever.

pub mod accepts;
mod compare;
mod error;
mod fields;
mod message;
mod node;
mod parts;
mod schema;
mod shape;

pub use compare::{Change, ChangeKind, Comparison, Verdict, compare};
pub use error::{SchemaError, Violation, payload_fault};
pub use fields::{FieldAnswer, Missing, field};
pub use parts::numbers;
pub use schema::Schema;
pub use shape::{Misfit, misfits};
