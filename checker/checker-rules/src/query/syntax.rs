//! What the parser of CEL says, in words for those who write expressions and not grammars.

/// One of its messages as a sentence without a full stop.
pub(super) fn plain(message: &str) -> String {
    let message = message.trim_start_matches("Syntax error: ");
    if let Some(levels) = between(message, "Recursion limit of ", " exceeded") {
        return format!("the expression is nested deeper than {levels} levels");
    }
    if let Some(text) = between(message, "token recognition error at: '", "'") {
        return unread(text);
    }
    let found = ["mismatched input '", "extraneous input '", "no viable alternative at input '", "missing "]
        .iter()
        .find_map(|start| between(message, start, "'"));
    match found {
        Some("<EOF>") => {
            "the expression ends where it should go on: a value or a closing bracket is missing".to_owned()
        }
        Some(_) if message.starts_with("missing ") => match between(message, "missing '", "'") {
            Some(missing) => format!("a `{missing}` is missing here"),
            None => "something is missing here".to_owned(),
        },
        Some(text) => format!("`{}` makes no sense here", text.trim()),
        None => "the expression cannot be read from here on".to_owned(),
    }
}

/// What is no word of the language at all.
fn unread(text: &str) -> String {
    let text = text.trim();
    match text.chars().next() {
        Some('"' | '\'') => "a text begins here and does not end".to_owned(),
        Some('=') => "`=` is not an operator; compare with `==`".to_owned(),
        Some('&') => "`&` is not an operator; write `&&`".to_owned(),
        Some('|') => "`|` is not an operator; write `||`".to_owned(),
        _ => format!("`{text}` is not part of the language"),
    }
}

fn between<'t>(text: &'t str, start: &str, end: &str) -> Option<&'t str> {
    let rest = &text[text.find(start)? + start.len()..];
    // A quoted piece may hold quotes itself.
    let stop = if end == "'" && rest.starts_with('\'') { rest[1..].find(end)? + 1 } else { rest.find(end)? };
    Some(&rest[..stop])
}
