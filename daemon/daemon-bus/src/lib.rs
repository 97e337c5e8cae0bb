//! The delivery rules as a pure step from input to effects.
//!
//! Invariant: no IO, no clock, no threads (W3). Time comes in with every step and jitter from a seed, so the
//! same inputs give the same effects, in the daemon as in the simulator.

mod answer;
mod bus;
pub mod conformance;
mod delayed;
mod effect;
mod input;
mod jitter;
mod lane;
mod line;
mod member;
mod pump;
mod quota;
mod share;
mod subscription;
pub mod transport;

pub use bus::{Bus, Gauges};
pub use effect::Effect;
pub use input::{Failure, Input};
pub use quota::Allowance;
pub use subscription::{Lane, ParkedLane, RetryRules, StoredRetry, Subscription};
