//! The records of collections in the API's description, each with the shape of its fields.

use contract_model::collection::{Collection, Field, FieldType};
use contract_model::limits::RECORDS_PAGE_MAX;
use serde_json::{Map, Value, json};

/// The shape of a record of each collection, by its name, and that of a change to one.
pub(super) fn schemas(collections: &[Collection]) -> Map<String, Value> {
    let whole = collections.iter().map(|collection| (collection.name.clone(), record(collection)));
    let changeable = collections.iter().filter(|collection| !collection.append_only);
    whole.chain(changeable.map(|collection| (changes_of(collection), changes(collection)))).collect()
}

fn changes_of(collection: &Collection) -> String {
    format!("{}.changes", collection.name)
}

/// Some of the fields; the others stay as they are.
fn changes(collection: &Collection) -> Value {
    let mut shape = record(collection);
    if let Some(shape) = shape.as_object_mut() {
        shape.remove("required");
    }
    shape
}

/// The paths of a collection.
pub(super) fn paths(collection: &Collection) -> Vec<(String, Value)> {
    let base = format!("/api/collections/{}/records", collection.name);
    let shape = json!({"$ref": format!("#/components/schemas/{}", collection.name)});
    let changes = json!({"$ref": format!("#/components/schemas/{}", changes_of(collection))});
    let one = |summary: &str, body: Option<&Value>, answer: &Value| operation(collection, summary, body, answer);
    let mut list = one("A page of records.", None, &page(&shape));
    list["parameters"] = list_parameters();
    let create = one("Makes a record.", Some(&shape), &shape);
    let mut record = json!({"parameters": [parameter("id", "path", &json!({"type": "string"}))]});
    record["get"] = one("One record.", None, &shape);
    if !collection.append_only {
        let summary = "Changes the given fields; `If-Match` names the revision that is meant.";
        record["patch"] = one(summary, Some(&changes), &shape);
        record["delete"] = one("Deletes the record; `If-Match` names the revision that is meant.", None, &json!(true));
    }
    let batch = operation(
        collection,
        "Several operations, all or none.",
        Some(&batch()),
        &json!({
            "type": "object", "required": ["items"], "properties": {"items": {"type": "array", "items": {"anyOf": [shape, {"type": "null"}]}}},
        }),
    );
    vec![
        (base.clone(), json!({"get": list, "post": create})),
        (format!("{base}/{{id}}"), record),
        (format!("{base}/batch"), json!({"post": batch})),
    ]
}

fn operation(collection: &Collection, summary: &str, body: Option<&Value>, answer: &Value) -> Value {
    let content = |schema: &Value| json!({"application/json": {"schema": schema}});
    let mut out = json!({
        "summary": summary,
        "tags": [collection.name],
        "security": [{"token": []}],
        "responses": {
            "2XX": {"description": "Done; a change is on disk.", "content": content(answer)},
            "default": {"description": "A refusal.", "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}},
        },
    });
    if let Some(body) = body {
        out["requestBody"] = json!({"required": true, "content": content(body)});
    }
    out
}

fn parameter(name: &str, place: &str, schema: &Value) -> Value {
    json!({"name": name, "in": place, "required": place == "path", "schema": schema})
}

fn list_parameters() -> Value {
    let text = json!({"type": "string"});
    let limit = json!({"type": "integer", "minimum": 0, "maximum": RECORDS_PAGE_MAX});
    let mut out: Vec<Value> = ["filter", "sort", "cursor", "expand"].map(|name| parameter(name, "query", &text)).into();
    out.push(parameter("limit", "query", &limit));
    out.push(parameter("count", "query", &json!({"enum": ["true", "false", "exact"]})));
    out.into()
}

fn page(shape: &Value) -> Value {
    json!({
        "type": "object",
        "required": ["items", "cursor"],
        "properties": {
            "items": {"type": "array", "items": shape}, "cursor": {"type": ["string", "null"]}, "count": {"type": "integer"},
        },
    })
}

fn batch() -> Value {
    let operation = json!({
        "type": "object",
        "required": ["op"],
        "properties": {
            "op": {"enum": ["create", "update", "delete"]}, "id": {"type": "string"}, "record": {"type": "object"},
            "revision": {"type": "integer"},
        },
    });
    json!({"type": "object", "required": ["operations"], "properties": {"operations": {"type": "array", "items": operation}}})
}

fn record(collection: &Collection) -> Value {
    let mut properties: Map<String, Value> =
        collection.fields.iter().map(|field| (field.name.clone(), shape(field))).collect();
    let automatic = [
        ("id", json!({"type": "string"})),
        ("created", json!({"type": "string", "format": "date-time"})),
        ("updated", json!({"type": "string", "format": "date-time"})),
        ("revision", json!({"type": "integer", "minimum": 1})),
        ("expand", json!({"type": "object"})),
    ];
    properties.extend(automatic.map(|(name, shape)| (name.to_owned(), shape)));
    let required = collection.fields.iter().filter(|field| field.required && field.default.is_none());
    let required: Vec<&str> = required.map(|field| field.name.as_str()).collect();
    json!({"type": "object", "required": required, "properties": properties, "additionalProperties": false})
}

fn shape(field: &Field) -> Value {
    let (kind, format) = match field.kind {
        FieldType::String | FieldType::Decimal | FieldType::Reference => ("string", None),
        FieldType::Date => ("string", Some("date")),
        FieldType::Datetime => ("string", Some("date-time")),
        FieldType::Email => ("string", Some("email")),
        FieldType::Url => ("string", Some("uri")),
        FieldType::Integer | FieldType::Money => ("integer", Some("int64")),
        FieldType::Number => ("number", None),
        FieldType::Boolean => ("boolean", None),
        FieldType::List => ("array", None),
        FieldType::Json => return json!(true),
        FieldType::Select => return select(field),
    };
    let mut out = json!({"type": if field.required { json!(kind) } else { json!([kind, "null"]) }});
    let bounds = if kind == "array" { ["minItems", "maxItems"] } else { ["minimum", "maximum"] };
    for (name, bound) in bounds.into_iter().zip([field.min, field.max]) {
        if let Some(bound) = bound {
            out[name] = bound.into();
        }
    }
    if let Some(max) = field.max_length {
        out["maxLength"] = max.into();
    }
    if let Some(format) = format {
        out["format"] = format.into();
    }
    out
}

fn select(field: &Field) -> Value {
    let values = field.values.iter().map(|value| Value::from(value.as_str()));
    json!({"enum": values.chain((!field.required).then_some(Value::Null)).collect::<Vec<_>>()})
}
