//! Stacks and positions in the author's own source.

use crate::prelude::PRELUDE_PATH;
use crate::value::shows_at_all;
use boa_engine::{Context, JsError, JsObject, js_string};
use daemon_frame::Position;
use std::fmt::{self, Write};

const LINES_MAX: usize = 50;
/// Frames that a mark keeps: it may be held for as long as a promise waits.
const MARKED_MAX: usize = 8;

/// The stack of an exception, innermost first, each line `at name (file:line:column)`.
///
/// The engine only shows its backtrace after the exception itself, so as much as the exception takes is skipped.
/// Both are streamed: a message of a hundred megabytes is never copied. What is thrown and cannot be written out has none.
pub(crate) fn of(error: &JsError, context: &mut Context) -> Vec<String> {
    if error.as_opaque().is_some_and(|thrown| !shows_at_all(thrown, context)) {
        return Vec::new();
    }
    let mut own = Rest::new(usize::MAX);
    let _ = match (error.as_opaque(), error.as_native(), error.as_engine()) {
        (Some(value), _, _) => write!(own, "{}", value.display()),
        (_, Some(native), _) => write!(own, "{native}"),
        (_, _, Some(engine)) => write!(own, "{engine}"),
        _ => Ok(()),
    };
    let mut all = Rest::new(own.seen);
    let _ = write!(all, "{error}");
    all.kept.lines().map(str::trim).filter(|line| is_frame(line)).take(LINES_MAX).map(str::to_owned).collect()
}

fn is_frame(line: &str) -> bool {
    // The module itself has a frame without a name or a place.
    line.starts_with("at ") && line != "at  (native)" && !line.contains(PRELUDE_PATH)
}

/// The innermost place in plugin code.
pub(crate) fn position(stack: &[String]) -> Option<Position> {
    stack.iter().find_map(|line| place(line))
}

/// Where plugin code stands that called the host, innermost first; empty where the engine does not tell.
pub(crate) fn here(context: &mut Context) -> Vec<Position> {
    mark(context).map(|mark| places(&mark, context)).unwrap_or_default()
}

/// Where the plugin code stands that called the host, as far as the engine's own frames tell: found at less cost than by
/// [`here`].
pub(crate) fn caller(context: &Context) -> Option<Position> {
    let frame = context.stack_trace().next()?.position();
    let at = frame.position?;
    Some(Position { file: frame.path.to_string(), line: at.line_number(), column: at.column_number() })
}

/// Notes where plugin code stands, to be read later: writing it out takes time. At an `await` the engine knows only where
/// the function begins that waits.
pub(crate) fn mark(context: &mut Context) -> Option<JsObject> {
    let class = context.intrinsics().constructors().error().constructor();
    let deepest = context.runtime_limits().backtrace_limit();
    context.runtime_limits_mut().set_backtrace_limit(MARKED_MAX);
    let marked = class.construct(&[], None, context).ok();
    context.runtime_limits_mut().set_backtrace_limit(deepest);
    marked
}

/// What a mark says, innermost first.
pub(crate) fn places(mark: &JsObject, context: &mut Context) -> Vec<Position> {
    let stack = mark.get(js_string!("stack"), context).ok();
    let stack = stack.and_then(|stack| Some(stack.as_string()?.to_std_string_lossy())).unwrap_or_default();
    stack.lines().map(str::trim).filter(|line| is_frame(line)).filter_map(place).collect()
}

fn place(line: &str) -> Option<Position> {
    let inside = line.strip_suffix(')')?;
    let (_, inside) = inside.rsplit_once(" (")?;
    let (rest, column) = inside.rsplit_once(':')?;
    let (file, number) = rest.rsplit_once(':')?;
    Some(Position { file: file.to_owned(), line: number.parse().ok()?, column: column.parse().ok()? })
}

/// Keeps what is written after the first `skip` bytes.
struct Rest {
    skip: usize,
    seen: usize,
    kept: String,
}

impl Rest {
    fn new(skip: usize) -> Self {
        Self { skip, seen: 0, kept: String::new() }
    }
}

impl Write for Rest {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let from = self.skip.saturating_sub(self.seen).min(text.len());
        self.seen = self.seen.saturating_add(text.len());
        self.kept.push_str(text.get(from..).unwrap_or_default());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_read_from_the_end_of_a_line() {
        let stack = ["at publish (native)".to_owned(), "at a (b:c) (src/main.js:12:7)".to_owned()];
        assert_eq!(position(&stack), Some(Position { file: "src/main.js".to_owned(), line: 12, column: 7 }));
        assert_eq!(position(&["at f (src/main.js:?:?)".to_owned()]), None);
    }
}
