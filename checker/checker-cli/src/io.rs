//! Where a command writes.

use checker_report::Color;
use std::io::{IsTerminal, Write};

/// The streams of a command.
pub struct Io<'a> {
    /// What was asked for.
    pub out: &'a mut dyn Write,
    /// What went wrong with the command itself.
    pub err: &'a mut dyn Write,
    /// Whether `out` shows colours.
    pub color: Color,
}

/// Whether a stream shows colours: a terminal does that is not `TERM=dumb`, without `NO_COLOR`.
pub fn color(stream: &impl IsTerminal) -> Color {
    let can = stream.is_terminal() && anstyle_query::term_supports_color() && !anstyle_query::no_color();
    if can { Color::Always } else { Color::Never }
}
