//! JavaScript and TypeScript modules.

pub(crate) mod syntax;
