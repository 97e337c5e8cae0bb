//! Collections as records, and as what may be saved.

use crate::write::{comment, interface, literal, pascal, property};
use contract_model::collection::{Collection, Field, FieldType};

/// The declarations of one collection: the stored record, and the fields that a new one is made of.
pub(crate) fn records(collection: &Collection) -> String {
    let name = pascal(&collection.name);
    let stored: Vec<String> = collection.fields.iter().map(stored).collect();
    let given: Vec<String> = collection.fields.iter().map(given).collect();
    format!(
        "{}{}",
        interface(&format!("{name}Record extends AutomaticFields"), &stored),
        interface(&format!("{name}Fields"), &given)
    )
}

/// The entry of a collection in `Collections` and its like.
pub(crate) fn entry(collection: &Collection) -> String {
    let name = pascal(&collection.name);
    format!("    {}: {{ record: {name}Record; fields: {name}Fields }};", property(&collection.name))
}

/// A field as it is read. One that is neither required nor has a default may be absent, or null where it was saved so.
fn stored(field: &Field) -> String {
    let name = property(&field.name);
    let read = if field.kind == FieldType::Select { options(field, "never") } else { type_of(field.kind).0.to_owned() };
    let read = if field.required || read == "any" { read } else { format!("{read} | null") };
    let always = field.required || field.default.is_some();
    format!("{}    {name}{}: {read};", about(field), if always { "" } else { "?" })
}

/// A field as it is saved. A text from elsewhere is taken for an option too: which one it is only the check knows.
fn given(field: &Field) -> String {
    let name = property(&field.name);
    let taken = match field.kind {
        FieldType::Select => options(field, "(string & {})"),
        kind => type_of(kind).1.to_owned(),
    };
    let taken = if field.required || taken == "any" { taken } else { format!("{taken} | null") };
    let must = field.required && field.default.is_none();
    format!("    {name}{}: {taken};", if must { "" } else { "?" })
}

/// How a field of this type is read, and what it takes.
fn type_of(kind: FieldType) -> (&'static str, &'static str) {
    match kind {
        FieldType::String
        | FieldType::Decimal
        | FieldType::Date
        | FieldType::Email
        | FieldType::Url
        | FieldType::Reference
        | FieldType::Select => ("string", "string"),
        FieldType::Integer | FieldType::Money => ("number", "number | bigint"),
        FieldType::Number => ("number", "number"),
        FieldType::Boolean => ("boolean", "boolean"),
        FieldType::Datetime => ("string", "string | Date"),
        FieldType::Json => ("any", "any"),
        FieldType::List => ("Scalar[]", "readonly Scalar[]"),
    }
}

fn options(field: &Field, or: &str) -> String {
    let mut all: Vec<String> = field.values.iter().map(|value| literal(value)).collect();
    if or != "never" || all.is_empty() {
        all.push(or.to_owned());
    }
    all.join(" | ")
}

fn about(field: &Field) -> String {
    let said = match (field.kind, &field.reference) {
        (_, Some(to)) => format!("The id of a record of `{}`.", to.collection),
        (FieldType::Money, _) => "In minor units.".to_owned(),
        (FieldType::Decimal, _) => "An exact decimal as text.".to_owned(),
        (FieldType::Date, _) => "YYYY-MM-DD.".to_owned(),
        (FieldType::Datetime, _) => "RFC 3339.".to_owned(),
        _ => String::new(),
    };
    comment(&said, "    ")
}
