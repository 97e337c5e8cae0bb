//! Which fields a schema's values can have: `schema`, then `path answer` lines.

use contract_schema::{FieldAnswer, Schema, field};

#[track_caller]
fn check(schema: &str, want: &[(&str, &str)]) {
    let schema = Schema::compile(schema, "test").expect("a schema");
    for (path, want) in want {
        let got = match field(&schema, path) {
            FieldAnswer::Possible => "possible".to_owned(),
            FieldAnswer::Unnamed(missing) => format!("unnamed {}", missing.name),
            FieldAnswer::Impossible(missing) => format!("impossible {}", missing.name),
        };
        assert_eq!(&got, want, "{path}");
    }
}

#[test]
fn open_and_closed_objects() {
    check(
        r#"{"properties": {"total": {"type": "integer"}}}"#,
        &[("/total", "possible"), ("/totl", "unnamed totl"), ("/total/x", "impossible x")],
    );
    check(
        r#"{"properties": {"total": {}}, "additionalProperties": false}"#,
        &[("/total/anything", "possible"), ("/totl", "impossible totl"), ("", "possible")],
    );
    check(r#"{"type": "object"}"#, &[("/a/b", "possible")]);
    check("true", &[("/a", "possible")]);
    check(r#"{"properties": {"a": false, "b": {}}}"#, &[("/a", "impossible a")]);
    check(
        r#"{"additionalProperties": {"properties": {"x": {}}, "additionalProperties": false}}"#,
        &[("/any/x", "possible"), ("/any/y", "impossible y")],
    );
    check(
        r#"{"patternProperties": {"^x-": {}}, "properties": {"a": {}}, "additionalProperties": false}"#,
        &[("/x-team", "possible"), ("/y-team", "impossible y-team")],
    );
}

#[test]
fn lists_and_texts() {
    let lines = r##"{"properties": {"lines": {"type": "array", "items": {"$ref": "#/$defs/line"}}, "name": {"type": "string"}},
        "$defs": {"line": {"type": "object", "properties": {"amount": {}}, "additionalProperties": false}}}"##;
    check(
        lines,
        &[
            ("/lines/*/amount", "possible"),
            ("/lines/0/amount", "possible"),
            ("/lines/*/amout", "impossible amout"),
            ("/lines/length", "possible"),
            ("/lines/amount", "impossible amount"),
            ("/name/length", "possible"),
            ("/name/0", "possible"),
            ("/name/first", "impossible first"),
        ],
    );
    check(
        r#"{"properties": {"pair": {"prefixItems": [{"type": "string"}, {"properties": {"x": {}}, "additionalProperties": false}]}}}"#,
        &[("/pair/1/x", "possible"), ("/pair/1/y", "impossible y"), ("/pair/*/x", "possible")],
    );
}

#[test]
fn combined_schemas() {
    check(
        r#"{"allOf": [{"properties": {"a": {}}}, {"properties": {"b": {}}}]}"#,
        &[("/a", "possible"), ("/b", "possible"), ("/c", "unnamed c")],
    );
    check(
        r#"{"allOf": [{"properties": {"a": {}}}], "properties": {"b": {}}, "unevaluatedProperties": false}"#,
        &[("/a", "possible"), ("/b", "possible"), ("/c", "impossible c")],
    );
    check(
        r#"{"oneOf": [{"properties": {"a": {}}, "additionalProperties": false}, {"properties": {"b": {}}, "additionalProperties": false}]}"#,
        &[("/a", "possible"), ("/b", "possible"), ("/c", "impossible c")],
    );
    check(
        r#"{"anyOf": [{"required": ["a"]}, {"required": ["b"]}], "properties": {"a": {}}, "additionalProperties": false}"#,
        &[("/a", "possible"), ("/b", "impossible b")],
    );
    check(
        r#"{"properties": {"kind": {}}, "if": {"properties": {"kind": {"const": "x"}}}, "then": {"properties": {"extra": {}}}}"#,
        &[("/extra", "possible"), ("/other", "unnamed other")],
    );
    check(
        r##"{"$ref": "#/$defs/node", "$defs": {"node": {"properties": {"next": {"$ref": "#/$defs/node"}, "v": {}}, "additionalProperties": false}}}"##,
        &[("/next/next/v", "possible"), ("/next/next/w", "impossible w")],
    );
    check(r##"{"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/a"}}}"##, &[("/x", "possible")]);
}
