//! What the functions of `app` take. A name that is not known, or a value of another kind, would else be passed over, and
//! the test would show something else than it says.

use super::misuse::misuse;
use daemon_frame::AppError;
use serde_json::{Map, Value};

/// What a value may be.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Any,
    Text,
    /// A text; a number counts as one.
    Word,
    /// A duration, or milliseconds.
    Span,
    Count,
    Yes,
    Fields,
    Texts,
    Caller,
    List,
}

impl Kind {
    /// What it is called where something else was given.
    fn misfit(self, given: &Value) -> Option<&'static str> {
        let (fits, name) = match self {
            Self::Any => (true, ""),
            Self::Text => (given.is_string(), "a text"),
            Self::Word => (given.is_string() || given.is_number(), "a text or a number"),
            Self::Span => (given.is_string() || given.is_u64(), "a duration such as \"2s\", or milliseconds"),
            Self::Count => (given.is_u64(), "a whole number from 0"),
            Self::Yes => (given.is_boolean(), "true or false"),
            Self::Fields => (given.is_object(), "an object"),
            Self::Texts => (are_texts(given.as_object().map(|fields| fields.values())), "an object of texts"),
            Self::Caller => (is_caller(given), "{user: text, roles: [text, …]}"),
            Self::List => (given.is_array(), "a list"),
        };
        (!fits).then_some(name)
    }
}

fn are_texts<'v>(values: Option<impl Iterator<Item = &'v Value>>) -> bool {
    values.is_some_and(|mut values| values.all(Value::is_string))
}

fn is_caller(given: &Value) -> bool {
    let fits = |(name, value): (&String, &Value)| match name.as_str() {
        "user" => value.is_string(),
        "roles" => are_texts(value.as_array().map(|roles| roles.iter())),
        _ => false,
    };
    given.as_object().is_some_and(|fields| fields.iter().all(fits))
}

type Arguments = &'static [(&'static str, Kind)];

/// The functions, the name and kind of each argument and option, and how many of the first must be there.
const FUNCTIONS: [(&str, usize, Arguments); 20] = [
    (
        "call",
        2,
        &[
            ("method", Kind::Text),
            ("path", Kind::Text),
            ("body", Kind::Any),
            ("headers", Kind::Texts),
            ("as", Kind::Caller),
            ("idempotencyKey", Kind::Word),
        ],
    ),
    (
        "publish",
        1,
        &[
            ("topic", Kind::Text),
            ("payload", Kind::Any),
            ("from", Kind::Text),
            ("replyTo", Kind::Text),
            ("id", Kind::Text),
            ("key", Kind::Word),
            ("idempotencyKey", Kind::Word),
            ("delay", Kind::Span),
            ("headers", Kind::Fields),
        ],
    ),
    ("events", 0, &[("topic", Kind::Text)]),
    ("save", 2, &[("collection", Kind::Text), ("record", Kind::Fields)]),
    ("record", 2, &[("collection", Kind::Text), ("id", Kind::Text)]),
    ("records", 1, &[("collection", Kind::Text), ("filter", Kind::Any), ("sort", Kind::Text), ("limit", Kind::Count)]),
    ("deadLetters", 0, &[]),
    ("jobs", 0, &[]),
    ("now", 0, &[]),
    ("advance", 1, &[("by", Kind::Span)]),
    ("hold", 0, &[("topic", Kind::Text)]),
    ("release", 0, &[("order", Kind::Text)]),
    ("duplicate", 0, &[("topic", Kind::Text)]),
    ("slow", 2, &[("topic", Kind::Text), ("by", Kind::Span)]),
    ("config", 1, &[("settings", Kind::Fields), ("plugin", Kind::Text)]),
    ("enable", 1, &[("plugin", Kind::Text)]),
    ("disable", 1, &[("plugin", Kind::Text), ("force", Kind::Yes)]),
    ("stub", 2, &[("method", Kind::Text), ("url", Kind::Text), ("answers", Kind::List)]),
    ("fetches", 0, &[("url", Kind::Text)]),
    ("crash", 0, &[]),
];

/// Whether a function of `app` is called as it is to be.
pub(super) fn check(what: &str, args: &Map<String, Value>) -> Result<(), AppError> {
    let Some((_, needed, all)) = FUNCTIONS.iter().find(|(name, ..)| *name == what) else { return Ok(()) };
    for (name, kind) in &all[..*needed] {
        if args.get(*name).is_none_or(Value::is_null) {
            let wanted = kind.misfit(&Value::Null).unwrap_or("given");
            return Err(misuse(&format!("app.{what}: {name} is missing; it must be {wanted}")));
        }
    }
    for (name, given) in args {
        let Some((_, kind)) = all.iter().find(|(known, _)| known == name) else {
            let options: Vec<&str> = all[*needed..].iter().map(|(name, _)| *name).collect();
            let known = if options.is_empty() { "no options".to_owned() } else { options.join(", ") };
            return Err(misuse(&format!("app.{what} has no option `{name}`; it knows {known}")));
        };
        if let Some(wanted) = kind.misfit(given).filter(|_| !given.is_null()) {
            return Err(misuse(&format!("app.{what}: {name} must be {wanted}, not {}", short(given))));
        }
    }
    Ok(())
}

fn short(value: &Value) -> String {
    const SHOWN_CHARS_MAX: usize = 80;
    let text = value.to_string();
    match text.char_indices().nth(SHOWN_CHARS_MAX) {
        None => text,
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_function_of_the_kit_is_in_the_table() {
        let kit = include_str!("../../../daemon-worker/src/kit.js");
        let asked: std::collections::BTreeSet<&str> =
            kit.split("ask(\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
        let known: std::collections::BTreeSet<&str> = FUNCTIONS.iter().map(|(name, ..)| *name).collect();
        assert_eq!(asked, known);
    }

    #[test]
    fn what_is_called_wrongly_is_told() {
        let told = |what: &str, args: Value| {
            let args = args.as_object().cloned().expect("an object");
            check(what, &args).map_err(|error| error.message).err().unwrap_or_default()
        };
        let call = |more: Value| {
            let mut args = json!({"method": "GET", "path": "/x"});
            args.as_object_mut().expect("an object").extend(more.as_object().cloned().expect("an object"));
            told("call", args)
        };
        assert_eq!(call(json!({"body": null, "headers": null, "as": {"user": "ann", "roles": []}})), "");
        assert!(call(json!({"boddy": 1})).contains("no option `boddy`; it knows body, headers, as, idempotencyKey"));
        assert!(call(json!({"as": {"role": []}})).contains("as must be {user: text, roles: [text, …]}"));
        assert!(call(json!({"as": "ann"})).contains("not \"ann\""));
        assert!(call(json!({"headers": {"a": 1}})).contains("an object of texts"));
        assert!(told("save", json!({"collection": "a"})).contains("record is missing; it must be an object"));
        assert!(told("now", json!({"x": 1})).contains("it knows no options"));
    }
}
