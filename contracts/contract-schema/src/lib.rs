//! Payload schemas: compile and validate JSON Schema 2020-12.
//!
//! Invariant: nothing is fetched. A `$ref` that leaves the document is an error when the schema is compiled,
//! so a compiled [`Schema`] gives the same verdict everywhere and for ever.

mod compare;
mod error;
mod message;
mod schema;

pub use compare::{Change, ChangeKind, Comparison, Verdict, compare};
pub use error::{SchemaError, Violation};
pub use schema::Schema;
