//! TL502: what a call publishes cannot fit the topic's schema.

use crate::context::Context;
use crate::finding::Finding;
use crate::nearest::nearest;
use crate::rule::{Check, Rule};
use crate::schemas::TopicSchema;
use checker_report::Severity;
use contract_graph::{Emission, Reach};
use contract_model::shape::Shape;
use contract_schema::{Misfit, misfits};
use std::collections::BTreeSet;

pub(crate) const RULE: Rule = Rule {
    id: "TL502",
    name: "literal-violates-schema",
    severity: Severity::Error,
    since: "0.1.0",
    follows: None,
    text: include_str!("tl502.md"),
    check: Check::Suite(check),
};

/// The most misfits of one payload that are told.
const MISFITS_MAX: usize = 5;

fn check(cx: &Context<'_>) -> Vec<Finding> {
    cx.whole.emissions().flat_map(|emission| judge(cx, emission)).collect()
}

fn judge(cx: &Context<'_>, emission: &Emission<'_>) -> Vec<Finding> {
    let (Some(fact), Reach::Exact(names) | Reach::Vouched(names)) = (emission.fact, &emission.reach) else {
        return Vec::new();
    };
    let schemas: Option<Vec<(&str, &TopicSchema<'_>)>> =
        names.iter().map(|name| Some((name.as_str(), cx.schemas.topic(name)?))).collect();
    let Some(schemas) = schemas.filter(|schemas| !schemas.is_empty()) else { return Vec::new() };
    let mut seen = BTreeSet::new();
    let mut found = Vec::new();
    for payload in cases(&fact.payloads) {
        // Of several topics, which one it is is not known: it must break them all.
        let broken: Vec<Vec<Misfit>> =
            schemas.iter().map(|(_, schema)| misfits(&schema.file.schema, payload)).collect();
        if broken.iter().any(Vec::is_empty) {
            continue;
        }
        let (topic, schema) = schemas[0];
        for misfit in broken.iter().flatten().take(MISFITS_MAX) {
            if seen.insert((misfit.pointer.clone(), misfit.message.clone())) {
                found.push(finding(cx, emission, topic, schema, misfit));
            }
        }
    }
    found
}

/// Where a payload is one of several objects that are all written out, each is judged by itself.
fn cases(payloads: &[Shape]) -> impl Iterator<Item = &Shape> {
    use contract_model::shape::Form;
    payloads.iter().flat_map(|payload| {
        let all = payload.alternatives();
        let split = all.iter().all(|one| matches!(one.form, Form::Object(_)));
        if split { all } else { std::slice::from_ref(payload) }
    })
}

fn finding(
    cx: &Context<'_>,
    emission: &Emission<'_>,
    topic: &str,
    schema: &TopicSchema<'_>,
    misfit: &Misfit,
) -> Finding {
    let Some(fact) = emission.fact else { return Finding::new(emission.slug, emission.location.clone(), "") };
    let place = misfit.at.as_ref().map(|origin| cx.suite.view(emission.plugin).place(origin));
    let message = format!("`{}` publishes `{topic}`, and {}", emission.slug, misfit.message);
    let finding = Finding::new(emission.slug, place.unwrap_or_else(|| fact.location.clone()), message)
        .topic(topic)
        .within(fact)
        .role(format!("{} {} {}", misfit.keyword, misfit.pointer, misfit.field.as_deref().unwrap_or_default()))
        .label(label(misfit))
        .related(schema.file.at(&spoken(misfit)), "the schema says so")
        .related(fact.location.clone(), "published here");
    match near(schema, misfit) {
        Some(name) => finding.help(format!("did you mean `{name}`?")),
        None => finding.help("the daemon refuses such an event when it is published: mend the payload or the schema"),
    }
}

fn label(misfit: &Misfit) -> String {
    match (misfit.keyword.as_str(), &misfit.field) {
        ("required", Some(field)) => format!("`{field}` is missing"),
        ("additionalProperties", Some(_)) => "no such field in the schema".to_owned(),
        _ => "does not fit the schema".to_owned(),
    }
}

/// JSON pointer to what the schema says.
fn spoken(misfit: &Misfit) -> String {
    format!("{}/{}", misfit.schema_pointer, misfit.keyword)
}

/// The field that an unknown name was probably meant to be.
fn near<'s>(schema: &'s TopicSchema<'_>, misfit: &Misfit) -> Option<&'s str> {
    let written = misfit.field.as_deref().filter(|_| misfit.keyword == "additionalProperties")?;
    let source = schema.file.schema.source();
    let node = if misfit.schema_pointer.is_empty() { source } else { source.pointer(&misfit.schema_pointer)? };
    nearest(written, node.get("properties")?.as_object()?.keys().map(String::as_str))
}
