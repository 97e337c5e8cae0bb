//! Values as topics, and as texts for people.

use crate::facts::TopicValue;
use crate::js::index::Handler;
use crate::js::strings::Strings;
use crate::js::value::{Host, Value};
use contract_model::TextSet;

/// A value as topics: wildcards that stand in the code are patterns of their own.
pub(crate) fn topics(value: &Value<'_>) -> Vec<TopicValue> {
    match value {
        Value::Unknown(why) => return vec![TopicValue::Unknown(why.to_string())],
        Value::Never => return vec![TopicValue::Unknown("a name that is defined by itself".to_owned())],
        Value::Host(Host::Payload(..) | Host::EventMethod(..)) => {
            return vec![TopicValue::Unknown("it comes from the event that is being handled".to_owned())];
        }
        _ => {}
    }
    match value.as_strings().to_topic() {
        TopicValue::Exact(set) => exact_and_patterns(&set),
        TopicValue::Unknown(why) => {
            let reason = value.parts().iter().find_map(|part| match part {
                Value::Unknown(why) => Some(why.to_string()),
                _ => None,
            });
            vec![TopicValue::Unknown(reason.unwrap_or(why))]
        }
        pattern @ TopicValue::Pattern(_) => vec![pattern],
    }
}

/// One topic for the exact ones among them, one for each pattern.
pub(crate) fn exact_and_patterns(written: &TextSet) -> Vec<TopicValue> {
    if !written.is_empty() && !written.iter().any(|one| one.contains('*')) {
        return vec![TopicValue::Exact(written.clone())];
    }
    let (patterns, exact): (Vec<_>, Vec<_>) = written.iter().cloned().partition(|one| one.contains('*'));
    let all = (!exact.is_empty()).then(|| TopicValue::Exact(exact.into())).into_iter();
    all.chain(patterns.into_iter().map(TopicValue::Pattern)).collect()
}

/// What is known of a value, or why nothing is.
pub(crate) fn shown_value(value: &Value<'_>) -> Result<String, String> {
    if let Value::Unknown(why) = value {
        return Err(why.to_string());
    }
    match value.as_strings().to_topic() {
        TopicValue::Exact(set) => Ok(set.join(" | ")),
        TopicValue::Pattern(pattern) => Ok(pattern),
        TopicValue::Unknown(why) => Err(why),
    }
}

/// What the code itself says of an annotated place; nothing where it says nothing.
pub(crate) fn proved(value: &Strings) -> Option<TopicValue> {
    Some(value.to_topic()).filter(|topic| !matches!(topic, TopicValue::Unknown(_)))
}

pub(crate) fn shown_text(value: &Strings) -> String {
    match value.exact() {
        Some(texts) => texts.join("|"),
        None => "?".to_owned(),
    }
}

/// Addresses that may be asked, with a blank between them; `?` where not even the host of one is known.
pub(crate) fn shown_address(value: &Strings) -> String {
    let whole = value.exact().is_some();
    let names_host = |opening: &&str| {
        let host = opening.split_once("://").map(|(_, rest)| rest);
        host.is_some_and(|rest| whole || rest.contains(['/', '?', '#']))
    };
    let openings = value.openings();
    if openings.iter().all(names_host) { openings.into_iter().collect::<Vec<_>>().join(" ") } else { "?".to_owned() }
}

/// The topics of a handler of events.
pub(crate) fn handler_topics(handler: &Handler) -> Vec<TopicValue> {
    topics(&Value::Text(handler.name.clone()))
}
