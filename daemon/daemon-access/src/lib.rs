//! Identity, tenants, tokens, roles and permissions.
//!
//! Invariants: who calls, and in which tenant, comes only from a token that was verified here; no header and no
//! body names either. A token is stored as its hash and shown once.

mod access;
mod addresses;
mod audit;
mod caller;
mod error;
mod members;
mod roles;
mod stored;
mod sweep;
mod token;
mod tokens;

pub use access::{Access, Issued, TokenRequest, User};
pub use audit::{Noted, What};
pub use caller::{Caller, SCOPE_ADMIN, SCOPE_EVENTS_PUBLISH};
pub use error::AccessError;
pub use members::Member;
pub use tokens::{TokenView, Tokens};
