//! TL507: an amount of money as a binary fraction.

use crate::context::Context;
use crate::finding::Finding;
use crate::money::is_amount;
use crate::rule::{Check, Rule};
use crate::schemas::TopicSchema;
use checker_report::Severity;
use contract_graph::Emission;
use contract_model::shape::{Form, Numeric, Origin, Shape};
use contract_schema::numbers;
use std::collections::BTreeMap;

pub(crate) const RULE: Rule = Rule {
    id: "TL507",
    name: "money-as-float",
    severity: Severity::Warning,
    since: "0.1.0",
    follows: None,
    text: include_str!("tl507.md"),
    check: Check::Suite(check),
};

fn check(cx: &Context<'_>) -> Vec<Finding> {
    let schemas = cx.schemas.topics().flat_map(|(topic, schema)| declared(topic, schema));
    schemas.chain(cx.whole.emissions().flat_map(|emission| computed(cx, emission))).collect()
}

/// Fields of a schema that hold amounts and may be fractions.
fn declared(topic: &str, schema: &TopicSchema<'_>) -> Vec<Finding> {
    let fields = numbers(&schema.file.schema).into_iter().filter(|(_, name)| is_amount(name));
    fields
        .map(|(pointer, name)| {
            let message = format!("the amount `{name}` of `{topic}` is a `number`, so it may be a binary fraction");
            Finding::new(schema.file.plugin.slug(), schema.file.at(&pointer), message)
                .topic(topic)
                .role(pointer)
                .label("0.1 + 0.2 is not 0.3")
                .help("make it an `integer` of minor units, or a decimal in a `string`")
        })
        .collect()
}

/// Amounts that a call publishes as fractions, as they are written or computed.
fn computed(cx: &Context<'_>, emission: &Emission<'_>) -> Vec<Finding> {
    let Some(fact) = emission.fact else { return Vec::new() };
    let mut places: BTreeMap<(String, u32), (&Shape, &str)> = BTreeMap::new();
    for payload in &fact.payloads {
        walk(payload, "", &mut |name, shape| {
            if let Some(Origin { file, span }) = &shape.at {
                places.insert((file.to_string(), span.start), (shape, name));
            }
        });
    }
    let topic = fact.topic.as_ref().and_then(|topic| match topic {
        contract_parse::TopicValue::Exact(names) => names.first().cloned(),
        _ => None,
    });
    let view = cx.suite.view(emission.plugin);
    let found = places.into_values().filter_map(|(shape, name)| {
        let message = match &shape.form {
            Form::Number(Numeric::Exact(number)) => format!("the amount `{name}` is the binary fraction {number}"),
            _ => format!("the amount `{name}` is computed with binary fractions"),
        };
        let finding = Finding::new(emission.slug, view.place(shape.at.as_ref()?), message)
            .within(fact)
            .role(format!("{name} {}", fact.within.as_deref().unwrap_or_default()))
            .label("cents get lost here")
            .related(fact.location.clone(), "published here")
            .help("count in minor units and round once: `Math.round(net * 119 / 100)`, or use `$app.money`");
        Some(match &topic {
            Some(topic) => finding.topic(topic),
            None => finding,
        })
    });
    found.collect()
}

/// Visits every amount that is a fraction, with its name.
fn walk<'s>(shape: &'s Shape, name: &'s str, visit: &mut impl FnMut(&'s str, &'s Shape)) {
    match &shape.form {
        Form::Number(Numeric::Fraction) if is_amount(name) => visit(name, shape),
        Form::Number(Numeric::Exact(number)) if is_amount(name) && is_fraction(number.as_f64()) => visit(name, shape),
        Form::OneOf(all) => all.iter().for_each(|one| walk(one, name, visit)),
        Form::List(list) => list.items.iter().chain(list.rest.as_deref()).for_each(|item| walk(item, name, visit)),
        Form::Object(object) => object.fields.iter().for_each(|(name, field)| walk(&field.value, name, visit)),
        _ => {}
    }
}

fn is_fraction(number: Option<f64>) -> bool {
    number.is_some_and(|number| number.fract() != 0.0)
}
