//! Where a command writes.

use checker_report::Color;
use std::io::Write;

/// The streams of a command.
pub struct Io<'a> {
    /// What was asked for.
    pub out: &'a mut dyn Write,
    /// What went wrong with the command itself.
    pub err: &'a mut dyn Write,
    /// Whether `out` shows colours.
    pub color: Color,
}
