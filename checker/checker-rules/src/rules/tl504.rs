//! TL504: a consumer says it takes less than the producer sends.

use crate::context::Context;
use crate::finding::Finding;
use crate::rule::{Check, Rule};
use crate::schemas::{FileSchema, TopicSchema};
use checker_report::Severity;
use contract_model::manifest::Consumes;
use contract_model::span::Spanned;
use contract_schema::accepts::{Answer, Reason, accepts};

pub(crate) const RULE: Rule = Rule {
    id: "TL504",
    name: "incompatible-pair",
    severity: Severity::Error,
    since: "0.1.0",
    follows: None,
    text: include_str!("tl504.md"),
    check: Check::Suite(check),
};

fn check(cx: &Context<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for (entry, consumer) in cx.schemas.wanted() {
        for (topic, producer) in cx.schemas.under(&entry.value.topic) {
            if let Answer::No(reason) = accepts(&consumer.schema, &producer.file.schema) {
                found.push(finding(entry, topic, consumer, producer, &reason));
            }
        }
    }
    found
}

fn finding(
    entry: &Spanned<Consumes>,
    topic: &str,
    consumer: &FileSchema<'_>,
    producer: &TopicSchema<'_>,
    reason: &Reason,
) -> Finding {
    let slug = consumer.plugin.slug();
    let place = match reason.pointer.as_str() {
        "" => String::new(),
        pointer => format!(" at `{pointer}`"),
    };
    let message = format!("`{slug}` does not take every `{topic}`{place}: {}", reason.why);
    Finding::new(slug, consumer.at(&reason.consumer_pointer), message)
        .topic(topic)
        .role(reason.pointer.as_str())
        .label("what the consumer takes")
        .related(producer.file.at(&reason.producer_pointer), "what the producer sends")
        .related(consumer.plugin.at(entry.span), "consumed here")
        .help("widen the consumer's schema to what the producer may send, and its handler with it")
}
