//! Fields of objects.

use super::{Answer, Comparison, Pair};
use crate::node::{Node, escape, name_matches};
use serde_json::Value;
use std::collections::BTreeSet;

impl Comparison {
    pub(super) fn compare_fields(&mut self, pair: &Pair<'_, '_>) -> Answer {
        if !pair.producer.types.contains("object") || !speaks_of_fields(pair.consumer) {
            return Answer::Yes;
        }
        let missing = required(pair);
        if matches!(missing, Answer::No(_)) {
            return missing;
        }
        let mut names: BTreeSet<String> = pair.producer.parts.iter().flat_map(declared).collect();
        names.extend(declared(pair.consumer));
        let listed = names.iter().map(|name| self.compare_name(pair, name)).collect::<Vec<_>>();
        Answer::all(listed).and(self.compare_others(pair)).and(missing)
    }

    fn compare_name(&mut self, pair: &Pair<'_, '_>, name: &str) -> Answer {
        let Some(sent) = sent(pair, name) else { return Answer::Yes };
        let pointer = format!("{}/{}", pair.pointer, escape(name));
        let wanted = wanted(pair.consumer, name);
        if wanted.iter().any(|schema| schema.value == &Value::Bool(false)) {
            // A field that cannot be sent is no trouble.
            if super::Flat::of(&sent).never {
                return Answer::Yes;
            }
            return pair.no(format!("the producer may send the field `{name}`, which the consumer does not take"));
        }
        Answer::all(wanted.iter().map(|schema| self.compare(&sent, schema, &pointer)).collect::<Vec<_>>())
    }

    /// Names that neither side lists.
    fn compare_others(&mut self, pair: &Pair<'_, '_>) -> Answer {
        let Some(wanted) = pair.consumer.child("additionalProperties") else { return Answer::Yes };
        let closed = |part: &Node<'_>| part.get("additionalProperties") == Some(&Value::Bool(false));
        if pair.producer.parts.iter().any(closed) {
            return self.compare_patterns(pair, &wanted);
        }
        let others: Vec<Node<'_>> =
            pair.producer.parts.iter().filter_map(|part| part.child("additionalProperties")).collect();
        if wanted.value == &Value::Bool(false) {
            return pair.no("the producer may send further fields, which the consumer does not take");
        }
        if others.is_empty() {
            return if super::is_true(&wanted) {
                Answer::Yes
            } else {
                pair.no("the producer may send further fields of any kind")
            };
        }
        self.compare(&others, &wanted, &format!("{}/*", pair.pointer))
    }

    /// Names that the producer allows by pattern, in an object that is closed otherwise.
    fn compare_patterns(&mut self, pair: &Pair<'_, '_>, wanted: &Node<'_>) -> Answer {
        let patterns: Vec<(&str, Node<'_>)> =
            pair.producer.parts.iter().flat_map(|part| part.by_name("patternProperties")).collect();
        let pointer = format!("{}/*", pair.pointer);
        let answers = patterns.into_iter().map(|(pattern, schema)| {
            let wanted = pair.consumer.named("patternProperties", pattern).unwrap_or_else(|| wanted.clone());
            if wanted.value == &Value::Bool(false) {
                return pair.no(format!("the producer may send fields that match `{pattern}`"));
            }
            self.compare(&[schema], &wanted, &pointer)
        });
        Answer::all(answers.collect::<Vec<_>>())
    }
}

fn speaks_of_fields(node: &Node<'_>) -> bool {
    ["properties", "patternProperties", "additionalProperties", "required"].iter().any(|one| node.get(one).is_some())
}

fn required(pair: &Pair<'_, '_>) -> Answer {
    let always = pair.producer.required();
    let wanted = pair.consumer.get("required").and_then(Value::as_array).into_iter().flatten();
    match wanted.filter_map(Value::as_str).find(|name| !always.contains(name)) {
        Some(name) => pair.no(format!("the consumer demands the field `{name}`, which the producer need not send")),
        None => Answer::Yes,
    }
}

fn declared(node: &Node<'_>) -> Vec<String> {
    node.by_name("properties").map(|(name, _)| name.to_owned()).collect()
}

/// What the producer sends under a name; none where it declares nothing of that name.
fn sent<'s>(pair: &Pair<'_, 's>, name: &str) -> Option<Vec<Node<'s>>> {
    let all: Vec<Node<'s>> = pair.producer.parts.iter().flat_map(|part| own(part, name)).collect();
    let declared = pair.producer.parts.iter().any(|part| {
        part.named("properties", name).is_some()
            || part.by_name("patternProperties").any(|(pattern, _)| name_matches(pattern, name))
            || part.child("additionalProperties").is_some_and(|more| more.value.is_object())
    });
    (declared && !all.iter().any(|schema| schema.value == &Value::Bool(false))).then_some(all)
}

/// The schemas that a value under a name must fit.
fn own<'s>(part: &Node<'s>, name: &str) -> Vec<Node<'s>> {
    let mut all: Vec<Node<'s>> = part.named("properties", name).into_iter().collect();
    all.extend(
        part.by_name("patternProperties").filter(|(pattern, _)| name_matches(pattern, name)).map(|(_, schema)| schema),
    );
    if all.is_empty() {
        all.extend(part.child("additionalProperties"));
    }
    all
}

fn wanted<'s>(consumer: &Node<'s>, name: &str) -> Vec<Node<'s>> {
    own(consumer, name)
}
