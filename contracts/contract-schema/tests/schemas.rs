//! Schemas in, verdicts out.

use contract_schema::Schema;
use serde_json::{Value, json};

/// The sentences a value earns under a schema, one a line; empty when it fits.
#[track_caller]
#[expect(clippy::needless_pass_by_value, reason = "cases read better with `json!` in place")]
fn check(schema: Value, value: Value, want: &str) {
    let schema = Schema::compile_value(&schema, "test").expect("a schema");
    let got = match schema.validate(&value) {
        Ok(()) => String::new(),
        Err(list) => list.iter().map(|one| one.message.clone()).collect::<Vec<_>>().join("\n"),
    };
    assert_eq!(got, want);
    assert_eq!(schema.is_valid(&value), want.is_empty());
}

#[track_caller]
fn check_refused(text: &str, want: &str) {
    let error = Schema::compile(text, "a.json").expect_err("refused").to_string();
    assert!(error.contains(want), "{error}");
}

#[test]
fn a_text_has_one_schema_while_somebody_holds_it() {
    let texts: Vec<String> = (0..200_i64).map(|least| format!(r#"{{"minimum": {least}}}"#)).collect();
    let compile = |text: &String| Schema::compile(text, "a.json").expect("a schema");
    let held: Vec<Schema> = texts.iter().step_by(2).map(compile).collect();
    for (least, text) in (0..).zip(&texts) {
        let again = compile(text);
        let is_held = held.iter().any(|one| std::ptr::eq(one.source(), again.source()));
        assert_eq!(is_held, least % 2 == 0, "{text}");
        assert!(again.is_valid(&json!(least)) && !again.is_valid(&json!(least - 1)), "{text}");
    }
}

#[test]
fn messages_name_place_rule_and_value() {
    let line = json!({"type": "object", "required": ["debit"], "additionalProperties": false,
        "properties": {"debit": {"type": "integer", "minimum": 0}, "memo": {"type": ["string", "null"]}}});
    let schema = json!({"type": "object", "properties": {"lines": {"type": "array", "items": line, "minItems": 1}}});
    check(schema.clone(), json!({"lines": [{"debit": 33.5}]}), "`/lines/0/debit` must be an integer, got 33.5");
    check(schema.clone(), json!({"lines": [{}]}), "`/lines/0` lacks the required field \"debit\"");
    check(schema.clone(), json!({"lines": [{"debit": -1}]}), "`/lines/0/debit` must be at least 0, got -1");
    check(schema.clone(), json!({"lines": []}), "`/lines` must have at least 1 items");
    check(
        schema.clone(),
        json!({"lines": [{"debit": 1, "dbit": 1}]}),
        "`/lines/0` has fields the schema does not know: `dbit`",
    );
    check(
        schema.clone(),
        json!({"lines": [{"debit": 1, "memo": 3}]}),
        "`/lines/0/memo` must be null or a string, got 3",
    );
    check(schema, json!([]), "the value must be an object, got []");
}

#[test]
fn a_float_without_fraction_is_an_integer() {
    check(json!({"type": "integer"}), json!(1.0), "");
    check(json!({"type": "integer"}), json!(9_007_199_254_740_993_i64), "");
    check(json!({"type": "integer"}), json!(u64::MAX), "");
}

#[test]
fn formats_are_checked_and_unknown_keywords_are_free() {
    check(
        json!({"format": "date", "x-note": 1}),
        json!("2026-02-30"),
        "the value must be a valid date, got \"2026-02-30\"",
    );
    check(json!({"format": "date"}), json!("2026-02-28"), "");
    check(json!({"example": 1, "mood": "good"}), json!(3), "");
}

#[test]
fn references_stay_inside() {
    check(
        json!({"$ref": "#/$defs/amount", "$defs": {"amount": {"type": "integer"}}}),
        json!("x"),
        "the value must be an integer, got \"x\"",
    );
    check_refused(r#"{"$ref": "https://example.com/x.json"}"#, "refers to something outside itself");
    check_refused(r#"{"$ref": "other.json"}"#, "refers to something outside itself");
    check_refused(r##"{"$ref": "#/$defs/missing"}"##, "refers to something outside itself or missing");
}

#[test]
fn what_is_no_schema_is_refused_with_its_place() {
    check_refused("{", "`a.json` is not JSON at line 1");
    check_refused(r#"{"type": "strng"}"#, "at `/type`");
    check_refused(r#"{"properties": {"a": {"type": "integr"}}}"#, "at `/properties/a/type`");
    check_refused(r#"{"$schema": "http://json-schema.org/draft-07/schema#"}"#, "another dialect");
    check_refused("[]", "not valid JSON Schema");
    check_refused(r#"{"pattern": "("}"#, "a.json");
}

#[test]
fn schemas_are_shared_between_threads() {
    fn shared<T: Clone + Send + Sync + 'static>(_: &T) {}
    shared(&Schema::compile("true", "any").expect("a schema"));
}

#[test]
fn of_what_may_be_secret_no_message_holds_anything() {
    let text = json!("SECRET");
    let list = json!(["SECRET", "SECRET"]);
    let object = json!({"name": "SECRET"});
    let cases = [
        (json!({"type": "integer"}), &text),
        (json!({"enum": [1, "other"]}), &text),
        (json!({"const": "other"}), &text),
        (json!({"minLength": 99}), &text),
        (json!({"maxLength": 1}), &text),
        (json!({"pattern": "^x"}), &text),
        (json!({"format": "date"}), &text),
        (json!({"anyOf": [{"type": "integer"}, {"minLength": 99}]}), &text),
        (json!({"oneOf": [{"type": "integer"}, {"minLength": 99}]}), &text),
        (json!({"oneOf": [{"type": "string"}, {"minLength": 1}]}), &text),
        (json!({"not": {"type": "string"}}), &text),
        (json!(false), &text),
        (json!({"contains": {"type": "integer"}}), &list),
        (json!({"contains": {"type": "string"}, "maxContains": 1}), &list),
        (json!({"uniqueItems": true}), &list),
        (json!({"maxItems": 1}), &list),
        (json!({"prefixItems": [true], "items": false}), &list),
        (json!({"unevaluatedItems": false}), &list),
        (json!({"items": {"maxLength": 2}}), &list),
        (json!({"maxProperties": 0}), &object),
        (json!({"additionalProperties": false}), &object),
        (json!({"unevaluatedProperties": false}), &object),
        (json!({"additionalProperties": {"pattern": "^x"}}), &object),
        (json!({"propertyNames": {"maxLength": 2}}), &object),
        (json!({"dependentRequired": {"name": ["other"]}}), &object),
        (json!({"required": ["other"]}), &object),
    ];
    for (source, value) in cases {
        let schema = Schema::compile_value(&source, "settings").expect("a schema");
        let violations = schema.validate_secret(value).expect_err("it breaks the schema");
        assert!(!violations.is_empty(), "{source}");
        assert!(violations.iter().all(|one| !one.message.contains("SECRET")), "{source}: {violations:?}");
    }
}
