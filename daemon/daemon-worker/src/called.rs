//! Which function of the API is running, so that whatever refuses a wrong use of it, however deep, can say whose.

use boa_engine::{JsError, JsNativeError};
use std::cell::Cell;
use std::fmt;

/// A function of the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Function {
    /// The object that has it, as plugin code writes it; empty for a global.
    pub(crate) of: &'static str,
    /// Its name.
    pub(crate) name: &'static str,
}

impl fmt::Display for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let dot = if self.of.is_empty() { "" } else { "." };
        write!(f, "{}{dot}{}", self.of, self.name)
    }
}

thread_local! {
    /// A worker runs plugin code in one thread, and a function ends before the one that called it.
    static RUNNING: Cell<Option<Function>> = const { Cell::new(None) };
}

/// Puts back what ran before, also where the engine panics.
struct Before(Option<Function>);

impl Drop for Before {
    fn drop(&mut self) {
        RUNNING.set(self.0);
    }
}

/// Runs a function of the API.
pub(crate) fn run<T>(function: Function, work: impl FnOnce() -> T) -> T {
    let _before = Before(RUNNING.replace(Some(function)));
    work()
}

/// The innermost that is running.
pub(crate) fn running() -> Option<Function> {
    RUNNING.get()
}

/// What is said of a wrong use, with the name of the function unless it stands there already.
pub(crate) fn named(message: String) -> String {
    match running().map(|function| function.to_string()) {
        Some(name) if !message.contains(&name) => format!("{name}: {message}"),
        _ => message,
    }
}

/// A wrong use of the API, with the function's name: a plain `TypeError`, since no program should go by it.
pub(crate) fn misuse(message: impl Into<String>) -> JsError {
    JsNativeError::typ().with_message(named(message.into())).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_innermost_is_named_until_it_ends_however_it_ends() {
        let (outer, inner) = (Function { of: "$app.dao()", name: "saveRecord" }, Function { of: "$app", name: "hash" });
        assert_eq!(named("no".to_owned()), "no");
        run(outer, || {
            assert_eq!(named("no".to_owned()), "$app.dao().saveRecord: no");
            let panicked = std::panic::catch_unwind(|| run(inner, || panic!("{}", named("no".to_owned()))));
            assert_eq!(
                panicked.expect_err("panics").downcast_ref::<String>().map(String::as_str),
                Some("$app.hash: no")
            );
            assert_eq!(named("$app.dao().saveRecord takes no".to_owned()), "$app.dao().saveRecord takes no");
        });
        assert_eq!(running(), None);
    }
}
