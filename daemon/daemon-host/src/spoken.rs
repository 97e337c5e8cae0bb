//! What plugins log, on its way into the daemon's own log.

use crate::plugin::Plugin;
use daemon_frame::{Done, LogLine};
use std::borrow::Cow;
use std::fmt::Write as _;

/// Logs the lines of a call. The worker has counted and cut them; here it holds even if the worker was subverted.
pub(crate) fn log(plugin: &Plugin, done: &Done) {
    let lines_max = usize::try_from(plugin.budget.log_lines_max).unwrap_or(usize::MAX);
    done.logs.iter().take(lines_max).for_each(|one| line(plugin.slug(), one));
    let dropped = done.logs_dropped + done.logs.len().saturating_sub(lines_max) as u64;
    if dropped > 0 {
        tracing::warn!(target: "plugin", plugin = plugin.slug(), dropped, "log lines over the limit were dropped");
    }
}

/// Logs one line of a plugin.
pub(crate) fn line(slug: &str, line: &LogLine) {
    let fields = line.fields.to_string();
    let (message, fields) = (on_one_line(&line.message), on_one_line(&fields));
    match line.level.as_str() {
        "error" => tracing::error!(target: "plugin", plugin = slug, fields = &*fields, "{message}"),
        "warn" => tracing::warn!(target: "plugin", plugin = slug, fields = &*fields, "{message}"),
        "debug" => tracing::debug!(target: "plugin", plugin = slug, fields = &*fields, "{message}"),
        _ => tracing::info!(target: "plugin", plugin = slug, fields = &*fields, "{message}"),
    }
}

/// A text that can neither move the cursor of who reads the log nor pass for a line of its own.
fn on_one_line(text: &str) -> Cow<'_, str> {
    if !text.contains(char::is_control) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for char in text.chars() {
        if char.is_control() {
            let _ = write!(out, "{}", char.escape_debug());
        } else {
            out.push(char);
        }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_move_a_cursor_is_written_out() {
        assert_eq!(on_one_line("\u{1b}[2J a\r\nfaked\u{9b}"), "\\u{1b}[2J a\\r\\nfaked\\u{9b}");
        assert!(matches!(on_one_line("Zürich \\ \"x\""), Cow::Borrowed(_)));
    }
}
