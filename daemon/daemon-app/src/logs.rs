//! Logging to standard error.

use checker_cli::Color;
use std::io;
use tracing_subscriber::EnvFilter;

/// Starts logging: from this level on, or what `TRUNKLINE_LOG` says.
pub(crate) fn start(level: &str) {
    let filter = EnvFilter::try_from_env("TRUNKLINE_LOG").unwrap_or_else(|_| EnvFilter::new(level));
    let colours = checker_cli::color(&io::stderr()) == Color::Always;
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).with_ansi(colours).init();
}
