//! What is written so that only the holder of a key reads it, and nobody changes it unseen.
//!
//! Pure functions of bytes: keys and nonces are handed in, nothing is drawn, read or kept. The cryptography is that of
//! `RustCrypto`'s crates; this crate is their one owner.

mod sealing;

pub use sealing::{KEY_BYTES, KeyError, KeyId, NONCE_BYTES, Nonce, OVERHEAD_BYTES, SealingKey};
