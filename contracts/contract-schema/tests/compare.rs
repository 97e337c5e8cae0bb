//! What changes of schemas mean.

use contract_schema::{ChangeKind, Comparison, Verdict, compare};
use serde_json::{Value, json};

fn lines(found: &Comparison) -> String {
    let line = |verdict: Verdict| match verdict {
        Verdict::Compatible => "yes",
        Verdict::Unknown => "unknown",
        Verdict::Incompatible => "no",
    };
    let changes = found.changes.iter().map(|change| {
        format!("{} {} {}/{}", change.path, change.kind.as_str(), line(change.backward), line(change.forward))
    });
    changes.collect::<Vec<_>>().join("\n")
}

/// What is found from old to new; and that the way back finds the mirror of it.
#[track_caller]
#[expect(clippy::needless_pass_by_value, reason = "cases read better with `json!` in place")]
fn check(old: Value, new: Value, want: &str) {
    let found = compare(&old, &new);
    assert_eq!(lines(&found), want);
    let back = compare(&new, &old);
    assert_eq!((back.backward(), back.forward()), (found.forward(), found.backward()), "{}", lines(&back));
    let mut mirrored: Vec<(String, ChangeKind)> =
        back.changes.iter().map(|change| (change.path.clone(), change.kind.mirror())).collect();
    mirrored.sort();
    let mut kinds: Vec<(String, ChangeKind)> =
        found.changes.iter().map(|change| (change.path.clone(), change.kind)).collect();
    kinds.sort();
    assert_eq!(mirrored, kinds);
}

/// An object with these fields and nothing else.
#[expect(clippy::needless_pass_by_value, reason = "cases read better with `json!` in place")]
fn closed(fields: Value, required: &[&str]) -> Value {
    json!({"type": "object", "properties": fields, "required": required, "additionalProperties": false})
}

#[test]
fn fields_come_and_go() {
    let one = json!({"a": {"type": "string"}});
    let two = json!({"a": {"type": "string"}, "b": {"type": "integer"}});
    check(closed(one.clone(), &[]), closed(two.clone(), &[]), "/b property_added_to_closed yes/no");
    check(
        closed(one.clone(), &[]),
        closed(two.clone(), &["b"]),
        "/b required_added no/yes\n/b property_added_to_closed yes/no",
    );
    let open = |fields: &Value| json!({"type": "object", "properties": fields});
    check(open(&one), open(&two), "/b property_added_to_open unknown/yes");
    check(
        open(&one),
        json!({"properties": {"a": {"type": "string"}, "b": true}, "type": "object"}),
        "/b property_added_to_open yes/yes",
    );
    let partly =
        |fields: &Value| json!({"type": "object", "properties": fields, "additionalProperties": {"type": "integer"}});
    check(partly(&one), partly(&two), "/b property_added_to_partly_open yes/yes");
    check(partly(&json!({})), partly(&one), "/a property_added_to_partly_open no/no");
}

#[test]
fn types_widen_and_narrow() {
    check(json!({"type": "string"}), json!({"type": ["string", "null"]}), " type_widened yes/no");
    check(json!({"type": "integer"}), json!({"type": "number"}), " type_widened yes/no");
    check(json!({"type": "string"}), json!({"type": "integer"}), " type_changed no/no");
    check(
        json!({"type": ["string", "null"]}),
        json!({"anyOf": [{"type": "string"}, {"type": "null"}]}),
        " sum_added unknown/yes",
    );
    check(json!(true), json!({"type": "object"}), " type_narrowed no/yes");
    check(json!(false), json!({}), " schema_opened yes/no");
    check(json!({}), json!(true), "");
}

#[test]
fn listed_values() {
    check(json!({"enum": ["a", "b"]}), json!({"enum": ["a", "b", "c"]}), " enum_extended yes/no");
    check(json!({"enum": ["a", "b"]}), json!({"enum": ["a", "c"]}), " enum_extended yes/no\n enum_narrowed no/yes");
    check(json!({"const": 1}), json!({"const": 1.0}), "");
    check(json!({"enum": ["a"]}), json!({"type": "string"}), " enum_removed yes/no");
    check(json!({"enum": ["a", 1]}), json!({"type": "string"}), " enum_removed no/no");
    check(json!({"type": "boolean"}), json!({"enum": [true, false]}), "");
    check(json!({"enum": ["a", "bb"], "maxLength": 1}), json!({"enum": ["a"]}), "");
}

#[test]
fn limits() {
    let at = |limits: Value| {
        let mut schema = json!({"type": "integer"});
        schema.as_object_mut().expect("object").extend(limits.as_object().cloned().expect("object"));
        schema
    };
    check(at(json!({"minimum": 0})), at(json!({"minimum": 1})), " limit_tightened no/yes");
    check(at(json!({"minimum": 1})), at(json!({"exclusiveMinimum": 0})), "");
    check(at(json!({"maximum": 9})), at(json!({})), " limit_loosened yes/no");
    check(at(json!({"multipleOf": 2})), at(json!({"multipleOf": 4})), " multiple_tightened no/yes");
    check(at(json!({"multipleOf": 2})), at(json!({"multipleOf": 3})), " multiple_changed unknown/unknown");
    check(at(json!({"minLength": 3})), at(json!({})), "");
    check(
        json!({"type": "number", "minimum": 0}),
        json!({"type": "number", "exclusiveMinimum": 0}),
        " limit_tightened no/yes",
    );
    check(json!({"type": "string"}), json!({"type": "string", "minLength": 0}), "");
    check(
        json!({"type": "string", "pattern": "^a"}),
        json!({"type": "string", "pattern": "^b"}),
        " pattern_changed unknown/unknown",
    );
    check(json!({"type": "string"}), json!({"type": "string", "format": "date"}), " format_added no/yes");
    check(json!({"type": "string"}), json!({"type": "string", "format": "iban"}), " format_added unknown/yes");
}

#[test]
fn items() {
    let list = |items: Value| json!({"type": "array", "items": items});
    check(list(json!({"type": "string"})), list(json!({"type": ["string", "null"]})), "/* type_widened yes/no");
    check(
        json!({"type": "array", "prefixItems": [{"type": "string"}], "items": false}),
        json!({"type": "array", "prefixItems": [{"type": "string"}, {"type": "integer"}], "items": false}),
        "/1 schema_opened yes/no",
    );
    check(json!({"type": "array"}), json!({"type": "array", "uniqueItems": true}), " unique_added no/yes");
    check(json!({"type": "array"}), json!({"type": "array", "contains": {"type": "string"}}), " contains_added no/yes");
    check(json!({"type": "array"}), json!({"type": "array", "contains": true, "minContains": 0}), "");
}

#[test]
fn references_are_followed_and_moved_definitions_change_nothing() {
    let old =
        json!({"$ref": "#/$defs/a", "$defs": {"a": {"type": "object", "properties": {"next": {"$ref": "#/$defs/a"}}}}});
    let new =
        json!({"$ref": "#/$defs/b", "$defs": {"b": {"type": "object", "properties": {"next": {"$ref": "#/$defs/b"}}}}});
    check(old.clone(), new, "");
    let closer = json!({"$ref": "#/$defs/a", "$defs": {"a": {"type": "object", "required": ["x"], "properties": {"next": {"$ref": "#/$defs/a"}}}}});
    check(old, closer, "/next/x required_added no/yes\n/x required_added no/yes");
    check(
        json!({"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}),
        json!({"allOf": [{"$ref": "#/$defs/base"}, {"required": ["a"]}], "$defs": {"base": {"type": "object", "properties": {"a": {"type": "string"}}}}}),
        "",
    );
    check(
        json!({"allOf": [{"properties": {"a": {"type": "string"}}}], "unevaluatedProperties": false}),
        json!({"properties": {"a": {"type": "string"}}, "additionalProperties": false}),
        "",
    );
}

#[test]
fn forms() {
    let of = |kind: &str| json!({"type": "object", "required": ["kind"], "properties": {"kind": {"const": kind}}});
    check(json!({"oneOf": [of("a"), of("b")]}), json!({"oneOf": [of("b"), of("a"), of("c")]}), " sum_extended yes/no");
    check(json!({"oneOf": [of("a"), of("b")]}), json!({"anyOf": [of("a"), of("b")]}), "");
    let wider = json!({"type": "object", "required": ["kind"], "properties": {"kind": {"enum": ["b", "d"]}}});
    check(json!({"anyOf": [of("a"), of("b")]}), json!({"anyOf": [of("a"), wider]}), "/kind enum_extended yes/no");
    let overlapping = json!({"oneOf": [{"type": "object", "required": ["a"]}, {"type": "object", "required": ["b"]}]});
    check(overlapping, json!({"oneOf": [{"type": "object", "required": ["a"]}]}), " sum_changed unknown/unknown");
    check(json!({"not": {"type": "string"}}), json!({"not": {"type": ["string", "null"]}}), " exclusion_added no/yes");
    check(
        json!({"if": {"required": ["a"]}, "then": {"required": ["b"]}}),
        json!({"if": {"required": ["a"]}, "then": {"required": ["c"]}}),
        "/b required_removed yes/no\n/c required_added no/yes",
    );
    check(json!({}), json!({"if": {"required": ["a"]}, "then": {"required": ["b"]}}), " exclusion_added unknown/yes");
}

#[test]
fn words_change_nothing() {
    check(
        json!({"title": "A", "x-owner": 1}),
        json!({"title": "B"}),
        " annotation_changed yes/yes\n annotation_changed yes/yes",
    );
}

#[test]
fn what_cannot_be_compared_is_unknown_and_ends() {
    let dynamic =
        |name: &str| json!({"type": "object", "properties": {"a": {"$dynamicRef": name}}, "$dynamicAnchor": "n"});
    check(dynamic("#n"), json!({"type": "object", "properties": {"a": true}}), "/a undecided unknown/unknown");
    let twice = json!({"allOf": [{"$ref": "#"}, {"$ref": "#"}], "type": "object"});
    let found = compare(&twice, &json!({"type": "object"}));
    assert_eq!(found.backward(), Verdict::Unknown, "{}", lines(&found));
}
