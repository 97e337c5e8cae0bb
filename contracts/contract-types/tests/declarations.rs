//! What becomes of schemas and collections.

use contract_graph::Suite;
use contract_parse::{PluginSource, SourceFile, parse_plugin};
use contract_types::declarations;

fn types(files: &[(&str, &str)]) -> String {
    let file = |(path, text): &(&str, &str)| SourceFile { path: (*path).to_owned(), text: (*text).to_owned() };
    let source = PluginSource { folder: "aa".to_owned(), files: files.iter().map(file).collect() };
    let plugin = parse_plugin(&source);
    assert!(plugin.manifest.is_some(), "{:?}", plugin.problems);
    declarations(&Suite::of(vec![plugin]), Some("aa")).expect("the plugin is there")
}

/// The types made of one schema, without what stands around them.
fn of_schema(schema: &str) -> String {
    let manifest = "manifest: 1\nslug: aa\nname: A\nversion: 1.0.0\nentry: main.js\ntopics:\n  aa.b:\n    kind: event\n    version: 1.0.0\n\
                    \x20   schema: b.json\npublishes: [aa.b]\n";
    let all = types(&[("plugin.yaml", manifest), ("main.js", ""), ("b.json", schema)]);
    let (_, types) = all.split_once("namespace Types {\n").expect("the types");
    types
        .strip_suffix("  }\n}\n")
        .expect("the end")
        .lines()
        .map(|line| line.strip_prefix("    ").unwrap_or(line))
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn objects_arrays_unions_and_what_they_say_of_themselves() {
    insta::assert_snapshot!(of_schema(
        r##"{
        "title": "b", "description": "Something was made.", "type": "object", "required": ["id", "when", "extra"],
        "additionalProperties": false,
        "properties": {
            "id": {"type": "string", "description": "Which.\nIn words: */ the id."},
            "when": {"type": "string", "format": "date-time"},
            "kind": {"enum": ["a", "b", 3, null]},
            "one": {"const": "x"},
            "either": {"oneOf": [{"type": "string"}, {"type": "array", "items": {"type": ["integer", "null"]}}]},
            "pair": {"type": "array", "prefixItems": [{"type": "string"}, {"type": "number"}], "items": false},
            "map": {"type": "object", "additionalProperties": {"type": "boolean"}},
            "open": {"type": "object", "properties": {"a": {"type": "string"}}, "additionalProperties": true},
            "none": {"type": "object", "additionalProperties": false},
            "any": {},
            "90+": {"type": "number", "deprecated": true},
            "both": {"allOf": [{"type": "object", "properties": {"a": {"type": "string"}}}, {"$ref": "#/$defs/more"}]},
            "branch": {"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "string"}},
                       "anyOf": [{"required": ["a"]}, {"required": ["b"]}]}
        },
        "$defs": {"more": {"type": "object", "required": ["m"], "properties": {"m": {"type": "integer"}}}}
    }"##
    ));
}

#[test]
fn references_to_themselves_to_anchors_and_nowhere() {
    insta::assert_snapshot!(of_schema(
        r##"{
        "type": "object",
        "properties": {
            "self": {"$ref": "#"},
            "tree": {"$ref": "#/$defs/tree"},
            "named": {"$ref": "#leaf"},
            "lost": {"$ref": "#/$defs/gone"},
            "away": {"$ref": "https://example.test/x.json"}
        },
        "$defs": {
            "tree": {"type": "object", "properties": {"left": {"$ref": "#/$defs/tree"}, "leaf": {"$ref": "#leaf"}}},
            "a/b": {"$anchor": "leaf", "type": "string"}
        }
    }"##
    ));
}

#[test]
fn fields_of_every_type() {
    let schema = r#"{"collections": [{"name": "aa_things", "fields": [
        {"name": "s", "type": "string", "required": true}, {"name": "i", "type": "integer", "default": 1},
        {"name": "n", "type": "number"}, {"name": "d", "type": "decimal"}, {"name": "m", "type": "money", "required": true},
        {"name": "b", "type": "boolean"}, {"name": "day", "type": "date"}, {"name": "at", "type": "datetime"},
        {"name": "j", "type": "json"}, {"name": "o", "type": "select", "values": ["x", "y"]},
        {"name": "r", "type": "reference", "ref": {"collection": "aa_things"}}, {"name": "l", "type": "list"}]}]}"#;
    let manifest = "manifest: 1\nslug: aa\nname: A\nversion: 1.0.0\nentry: main.js\nschema: schema.json\n";
    let all = types(&[("plugin.yaml", manifest), ("main.js", ""), ("schema.json", schema)]);
    let (_, records) = all.split_once("  interface OwnCollections").expect("the collections");
    insta::assert_snapshot!(records.split_once("  interface Config").expect("the end").0);
}

#[test]
fn patterns_are_what_they_match_and_what_the_code_asks_for() {
    let code = "$app.onEvent('aa.x.*', () => 0);";
    let manifest = "manifest: 1\nslug: aa\nname: A\nversion: 1.0.0\nentry: main.js\ntopics:\n  aa.x.y:\n    kind: event\n    version: 1.0.0\n\
                    publishes: [aa.x.y, {pattern: \"aa.z.*\", values: [aa.z.one]}]\nconsumes: [\"aa.**\"]\n";
    let all = types(&[("plugin.yaml", manifest), ("main.js", code)]);
    let (_, topics) = all.split_once("  interface Publishes").expect("the topics");
    insta::assert_snapshot!(topics.split_once("  interface Collections").expect("the end").0);
}
