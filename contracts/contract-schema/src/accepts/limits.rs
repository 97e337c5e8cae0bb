//! Ranges, lengths, patterns and formats.

use super::{Answer, Pair};
use serde_json::Value;

/// Keywords that are lower or upper limits, and the type they speak of.
const LOWER: [(&str, &str); 4] =
    [("minLength", "string"), ("minItems", "array"), ("minProperties", "object"), ("minimum", "number")];
const UPPER: [(&str, &str); 4] =
    [("maxLength", "string"), ("maxItems", "array"), ("maxProperties", "object"), ("maximum", "number")];

pub(super) fn compare(pair: &Pair<'_, '_>) -> Answer {
    let lower = LOWER.iter().map(|(keyword, of)| bound(pair, keyword, of, |own, limit| own >= limit));
    let upper = UPPER.iter().map(|(keyword, of)| bound(pair, keyword, of, |own, limit| own <= limit));
    let texts = ["pattern", "format"].into_iter().map(|keyword| text(pair, keyword));
    Answer::all(lower.chain(upper).chain(texts).chain([exclusive(pair), multiple(pair), unique(pair)]))
}

fn speaks_of(pair: &Pair<'_, '_>, of: &str) -> bool {
    pair.producer.types.contains(of) || (of == "number" && pair.producer.types.contains("integer"))
}

fn bound(pair: &Pair<'_, '_>, keyword: &str, of: &str, within: fn(f64, f64) -> bool) -> Answer {
    let Some(limit) = pair.consumer.get(keyword).and_then(Value::as_f64).filter(|_| speaks_of(pair, of)) else {
        return Answer::Yes;
    };
    // Counts are never below nought.
    if keyword.starts_with("min") && keyword != "minimum" && limit <= 0.0 {
        return Answer::Yes;
    }
    let strict = match keyword {
        "minimum" => Some("exclusiveMinimum"),
        "maximum" => Some("exclusiveMaximum"),
        _ => None,
    };
    let own = [Some(keyword), strict].into_iter().flatten().flat_map(|one| pair.producer.said(one));
    if own.filter_map(Value::as_f64).any(|own| within(own, limit)) || counted(pair, keyword, limit) {
        return Answer::Yes;
    }
    pair.no(format!("the consumer demands `{keyword}` {limit}, the producer does not keep to it"))
}

/// Required names and first items are counted too.
fn counted(pair: &Pair<'_, '_>, keyword: &str, limit: f64) -> bool {
    #[expect(clippy::cast_precision_loss, reason = "no schema has 2^53 required names")]
    let required = pair.producer.required().len() as f64;
    keyword == "minProperties" && required >= limit
}

fn exclusive(pair: &Pair<'_, '_>) -> Answer {
    let lower = strict(pair, ["exclusiveMinimum", "minimum"], |own, limit| own >= limit, |own, limit| own > limit);
    lower.and(strict(pair, ["exclusiveMaximum", "maximum"], |own, limit| own <= limit, |own, limit| own < limit))
}

/// A limit that is itself excluded: an own one of that kind must reach it, a plain one go beyond it.
fn strict(
    pair: &Pair<'_, '_>,
    [keyword, plain]: [&str; 2],
    reaches: fn(f64, f64) -> bool,
    beyond: fn(f64, f64) -> bool,
) -> Answer {
    let Some(limit) = pair.consumer.get(keyword).and_then(Value::as_f64).filter(|_| speaks_of(pair, "number")) else {
        return Answer::Yes;
    };
    let own = |keyword| pair.producer.said(keyword).filter_map(Value::as_f64);
    if own(keyword).any(|own| reaches(own, limit)) || own(plain).any(|own| beyond(own, limit)) {
        return Answer::Yes;
    }
    pair.no(format!("the consumer demands `{keyword}` {limit}, the producer does not keep to it"))
}

/// Two patterns can only be compared where they are written alike.
fn text(pair: &Pair<'_, '_>, keyword: &str) -> Answer {
    let Some(wanted) = pair.consumer.get(keyword).filter(|_| speaks_of(pair, "string")) else { return Answer::Yes };
    if pair.producer.said(keyword).any(|said| said == wanted) {
        return Answer::Yes;
    }
    if pair.producer.said("pattern").chain(pair.producer.said("format")).next().is_some() {
        return pair.unknown(keyword);
    }
    let shown = wanted.as_str().unwrap_or_default();
    pair.no(format!("the consumer demands the {keyword} `{shown}`, the producer may send any text"))
}

fn multiple(pair: &Pair<'_, '_>) -> Answer {
    let Some(of) = pair.consumer.get("multipleOf").and_then(Value::as_f64).filter(|_| speaks_of(pair, "number")) else {
        return Answer::Yes;
    };
    let whole = !pair.producer.types.contains("number");
    let is_multiple = |own: f64| of != 0.0 && (own / of).fract() == 0.0;
    if pair.producer.said("multipleOf").filter_map(Value::as_f64).any(is_multiple) || (whole && is_multiple(1.0)) {
        return Answer::Yes;
    }
    pair.no(format!("the consumer demands multiples of {of}"))
}

fn unique(pair: &Pair<'_, '_>) -> Answer {
    let demanded = pair.consumer.get("uniqueItems") == Some(&Value::Bool(true)) && speaks_of(pair, "array");
    if !demanded || pair.producer.said("uniqueItems").any(|said| said == &Value::Bool(true)) {
        return Answer::Yes;
    }
    if pair.producer.said("maxItems").filter_map(Value::as_u64).any(|most| most <= 1) {
        return Answer::Yes;
    }
    pair.no("the consumer demands items that differ, the producer may repeat one")
}
