//! Whether a consumer's schema takes what a producer's sends.

use contract_schema::Schema;
use contract_schema::accepts::{Answer, accepts, undecided};

fn ask(consumer: &str, producer: &str) -> Answer {
    let compile = |text| Schema::compile(text, "test").expect("a schema");
    accepts(&compile(consumer), &compile(producer))
}

#[track_caller]
fn yes(consumer: &str, producer: &str) {
    assert_eq!(ask(consumer, producer), Answer::Yes, "{consumer} / {producer}");
}

/// A no whose place and reason contain these.
#[track_caller]
fn no(consumer: &str, producer: &str, pointer: &str, why: &str) {
    match ask(consumer, producer) {
        Answer::No(reason) => {
            assert_eq!(reason.pointer, pointer, "{reason:?}");
            assert!(reason.why.contains(why), "{reason:?}");
        }
        other => panic!("{consumer} / {producer}: {other:?}"),
    }
}

#[track_caller]
fn unknown(consumer: &str, producer: &str, keyword: &str) {
    match ask(consumer, producer) {
        Answer::Unknown(reason) => assert!(reason.why.contains(keyword), "{reason:?}"),
        other => panic!("{consumer} / {producer}: {other:?}"),
    }
}

#[test]
fn types() {
    yes(r#"{"type": "number"}"#, r#"{"type": "integer"}"#);
    no(r#"{"type": "integer"}"#, r#"{"type": "number"}"#, "", "a number");
    no(r#"{"type": "string"}"#, r#"{"type": ["string", "null"]}"#, "", "null");
    yes(r#"{"type": ["string", "null"]}"#, r#"{"type": "string"}"#);
    yes("true", r#"{"type": "string"}"#);
    no(r#"{"type": "string"}"#, "true", "", "any type");
    yes(r#"{"type": "string"}"#, r#"{"const": "a"}"#);
    yes(r#"{"enum": ["a", "b", "c"]}"#, r#"{"enum": ["a", "b"]}"#);
    no(r#"{"enum": ["a"]}"#, r#"{"enum": ["a", "b"]}"#, "", "\"b\"");
    no(r#"{"enum": ["a"]}"#, r#"{"type": "string"}"#, "", "only");
    yes(r#"{"enum": [true, false]}"#, r#"{"type": "boolean"}"#);
    no(r#"{"const": true}"#, r#"{"type": "boolean"}"#, "", "false");
}

#[test]
fn limits() {
    yes(r#"{"minimum": 0}"#, r#"{"type": "integer", "minimum": 1}"#);
    no(r#"{"minimum": 0}"#, r#"{"type": "integer"}"#, "", "minimum");
    yes(r#"{"minimum": 0}"#, r#"{"type": "number", "exclusiveMinimum": 0}"#);
    no(r#"{"exclusiveMinimum": 0}"#, r#"{"type": "number", "minimum": 0}"#, "", "exclusiveMinimum");
    yes(r#"{"exclusiveMinimum": 0}"#, r#"{"type": "number", "minimum": 1}"#);
    no(r#"{"maxLength": 10}"#, r#"{"type": "string", "maxLength": 11}"#, "", "maxLength");
    yes(r#"{"minimum": 0}"#, r#"{"type": "string"}"#);
    yes(r#"{"pattern": "^a"}"#, r#"{"type": "string", "pattern": "^a"}"#);
    unknown(r#"{"pattern": "^a"}"#, r#"{"type": "string", "pattern": "^ab"}"#, "pattern");
    no(r#"{"pattern": "^a"}"#, r#"{"type": "string"}"#, "", "pattern");
    yes(r#"{"multipleOf": 1}"#, r#"{"type": "integer"}"#);
    no(r#"{"multipleOf": 5}"#, r#"{"type": "integer"}"#, "", "multiples");
}

#[test]
fn fields() {
    let producer = r#"{"type": "object", "required": ["id"], "properties": {"id": {"type": "string"}, "total": {"type": ["integer", "null"]}}}"#;
    yes(r#"{"type": "object", "required": ["id"], "properties": {"id": {"type": "string"}}}"#, producer);
    no(r#"{"properties": {"total": {"type": "integer"}}}"#, producer, "/total", "null");
    no(r#"{"required": ["total"]}"#, producer, "", "`total`");
    // A name that the producer does not declare is taken as not sent, unless it is forbidden.
    yes(r#"{"properties": {"note": {"type": "string"}}}"#, producer);
    no(r#"{"properties": {"id": {}, "total": {}}, "additionalProperties": false}"#, producer, "", "further fields");
    no(r#"{"properties": {"id": {}}, "additionalProperties": false}"#, producer, "", "`total`");
    let closed = r#"{"properties": {"id": {"type": "string"}}, "additionalProperties": false}"#;
    yes(r#"{"properties": {"id": {}, "more": {}}, "additionalProperties": false}"#, closed);
    yes(r#"{"additionalProperties": {"type": "string"}}"#, closed);
    no(r#"{"additionalProperties": {"type": "integer"}}"#, closed, "/id", "a string");
}

#[test]
fn items() {
    let producer = r#"{"type": "array", "maxItems": 3, "items": {"type": "integer"}}"#;
    yes(r#"{"items": {"type": "number"}, "maxItems": 5}"#, producer);
    no(r#"{"items": {"type": "string"}}"#, producer, "/*", "an integer");
    no(r#"{"minItems": 1}"#, producer, "", "minItems");
    no(r#"{"uniqueItems": true}"#, producer, "", "repeat");
    no(r#"{"prefixItems": [{"type": "string"}]}"#, producer, "/0", "an integer");
    no(r#"{"items": {"type": "string"}}"#, r#"{"type": "array"}"#, "", "does not say");
}

#[test]
fn choices() {
    yes(r#"{"anyOf": [{"type": "string"}, {"type": "null"}]}"#, r#"{"type": ["string", "null"]}"#);
    no(r#"{"type": "string"}"#, r#"{"anyOf": [{"type": "string"}, {"type": "integer"}]}"#, "", "an integer");
    no(r#"{"anyOf": [{"type": "string"}, {"type": "null"}]}"#, r#"{"type": "integer"}"#, "", "none of the forms");
    let tagged = |second: &str| {
        format!(
            r#"{{"oneOf": [
                {{"properties": {{"kind": {{"const": "a"}}, "x": {{"type": "string"}}}}, "required": ["kind"]}},
                {{"properties": {{"kind": {{"const": "b"}}, "x": {{"type": "{second}"}}}}, "required": ["kind"]}}]}}"#
        )
    };
    yes(&tagged("number"), &tagged("integer"));
    no(&tagged("integer"), &tagged("string"), "/x", "a string");
    yes(
        r#"{"anyOf": [{"required": ["a"]}, {"required": ["b"]}]}"#,
        r#"{"type": "object", "anyOf": [{"required": ["a"]}, {"required": ["b"]}]}"#,
    );
    unknown(r#"{"oneOf": [{"minimum": 0}, {"maximum": 9}]}"#, r#"{"type": "integer", "minimum": 5}"#, "oneOf");
}

#[test]
fn references() {
    let tree = r##"{"$ref": "#/$defs/node", "$defs": {"node": {"type": "object", "properties": {"next": {"$ref": "#/$defs/node"}, "v": {"type": "TYPE"}}, "additionalProperties": false}}}"##;
    yes(&tree.replace("TYPE", "number"), &tree.replace("TYPE", "integer"));
    no(&tree.replace("TYPE", "integer"), &tree.replace("TYPE", "number"), "/v", "a number");
}

#[test]
fn what_is_not_decided_is_said() {
    let not = r#"{"not": {"if": {"type": "string"}, "then": {"minLength": 3}}}"#;
    unknown(not, r#"{"type": "string"}"#, "not");
    yes(not, r#"{"not": {"if": {"type": "string"}, "then": {"minLength": 3}}, "title": "x"}"#);
    // What narrows the producer further than can be followed makes no no.
    unknown(r#"{"type": "string"}"#, r#"{"not": {"type": "null"}, "type": ["string", "null"]}"#, "null");
    let schema = Schema::compile(not, "test").expect("a schema");
    assert_eq!(undecided(&schema), [("/not".to_owned(), "not".to_owned())]);
    let nested =
        Schema::compile(r#"{"properties": {"a/b": {"contains": {}, "minContains": 1}}}"#, "test").expect("a schema");
    let pointers: Vec<String> = undecided(&nested).into_iter().map(|(pointer, _)| pointer).collect();
    assert_eq!(pointers, ["/properties/a~1b/contains", "/properties/a~1b/minContains"]);
}
