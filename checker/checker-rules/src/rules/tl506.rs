//! TL506: a schema says something that cannot be compared.

use crate::context::Context;
use crate::finding::Finding;
use crate::rule::{Check, Rule};
use crate::schemas::FileSchema;
use checker_report::Severity;
use contract_schema::accepts::{Answer, accepts, undecided};

pub(crate) const RULE: Rule = Rule {
    id: "TL506",
    name: "undecidable-schema",
    severity: Severity::Warning,
    since: "0.1.0",
    follows: None,
    text: include_str!("tl506.md"),
    check: Check::Suite(check),
};

fn check(cx: &Context<'_>) -> Vec<Finding> {
    let own = cx.schemas.topics().flat_map(|(topic, schema)| keywords(topic, &schema.file));
    own.chain(cx.schemas.wanted().flat_map(|(entry, consumer)| {
        let heard = cx.schemas.under(&entry.value.topic).into_iter();
        heard.filter_map(|(topic, producer)| pair(topic, consumer, &producer.file)).collect::<Vec<_>>()
    }))
    .collect()
}

/// Keywords of a topic's schema that no comparison understands.
fn keywords(topic: &str, file: &FileSchema<'_>) -> Vec<Finding> {
    let found = undecided(&file.schema).into_iter().map(|(pointer, keyword)| {
        let message = format!(
            "the schema of `{topic}` uses `{keyword}`, with which no later version can be shown to be compatible"
        );
        Finding::new(file.plugin.slug(), file.at(&pointer), message)
            .topic(topic)
            .role(pointer)
            .label("outside of what can be compared")
            .help("say it with types, ranges, fields, items, `enum` and `oneOf` told apart by a `const`, or check it in code")
    });
    found.collect()
}

/// A consumer's schema that cannot be compared with the producer's.
fn pair(topic: &str, consumer: &FileSchema<'_>, producer: &FileSchema<'_>) -> Option<Finding> {
    let Answer::Unknown(reason) = accepts(&consumer.schema, &producer.schema) else { return None };
    let slug = consumer.plugin.slug();
    let message = format!("whether `{slug}` takes every `{topic}` is not known: {}", reason.why);
    let finding = Finding::new(slug, consumer.at(&reason.consumer_pointer), message)
        .topic(topic)
        .role(format!("pair {}", reason.pointer))
        .label("what the consumer takes")
        .related(producer.at(&reason.producer_pointer), "what the producer sends");
    Some(finding.help("write both sides alike here, or in keywords that can be compared"))
}
