//! Logging to standard error.

use std::io::{self, IsTerminal};
use tracing_subscriber::EnvFilter;

/// Starts logging: from this level on, or what `TRUNKLINE_LOG` says.
pub(crate) fn start(level: &str) {
    let filter = EnvFilter::try_from_env("TRUNKLINE_LOG").unwrap_or_else(|_| EnvFilter::new(level));
    let colours = shows_colours(&io::stderr());
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).with_ansi(colours).init();
}

/// Colours are for terminals, and only where `NO_COLOR` is not set.
pub(crate) fn shows_colours(stream: &impl IsTerminal) -> bool {
    stream.is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}
