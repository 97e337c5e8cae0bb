//! What a test says about the work it did, past the capture of the test runner.

use std::io::Write as _;

/// Prints one line to standard error.
///
/// A proof that prints nothing looks the same whether it did much or nothing, so each one says what it did.
pub fn say(line: &str) {
    // A closed standard error is no reason to fail a test.
    drop(writeln!(std::io::stderr(), "{line}"));
}
