//! What the pages of the user docs say and no example of theirs shows: shapes, limits, errors and orders, a sentence
//! each. They are tests of plugins, so their clock goes as fast as they like.

mod capabilities;
mod events;
mod hooks;
mod jobs;
mod reservations;
mod verbs;

use std::process::Command;
use tests::daemon::run;
use tests::{Suite, binary};

/// Runs the tests of a suite's plugins.
#[track_caller]
fn hold(suite: &Suite) {
    let ran = run(Command::new(binary::trunkline()).arg("test").arg(suite.path()));
    assert_eq!(ran.exit, Some(0), "{}{}", ran.out, ran.err);
}
