//! What the formats look like, to the byte.

mod common;

use common::{run, suite};
use contract_schema::Schema;

const DAY: &str = "--today=2026-11-21";

fn check(name: &str, more: &[&str]) -> String {
    let suite = suite(name);
    let line: Vec<&str> = ["check", &suite, DAY].into_iter().chain(more.iter().copied()).collect();
    run(&line).out
}

#[test]
fn text() {
    insta::assert_snapshot!(check("broken", &[]));
}

#[test]
fn json() {
    insta::assert_snapshot!(check("broken", &["--out", "json"]));
}

#[test]
fn a_clean_suite_is_one_line() {
    insta::assert_snapshot!(check("clean", &[]), @"findings 0/0/0, new 0, suppressed 0, unproven 0, resolved sites 5/5 (100%), 2 plugins, 7 files");
}

#[test]
fn facts() {
    insta::assert_snapshot!(run(&["facts", &suite("clean")]).out);
}

#[test]
fn why() {
    insta::assert_snapshot!(run(&["why", "gl.journal.posted", "--suite", &suite("clean")]).out);
}

#[test]
fn graphs() {
    for format in ["dot", "mermaid", "json"] {
        let ended = run(&["graph", &suite("clean"), "--format", format]);
        assert_eq!(ended.code, 0, "{}", ended.err);
        insta::assert_snapshot!(format!("graph_{format}"), ended.out);
    }
}

#[test]
fn json_follows_its_schema() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/src/reference/check-output.schema.json");
    let schema = Schema::compile(&std::fs::read_to_string(path).expect("schema"), "schema").expect("compiles");
    for name in ["clean", "broken"] {
        let report = serde_json::from_str(&check(name, &["--out", "json"])).expect("JSON");
        assert_eq!(schema.validate(&report), Ok(()), "{name}");
    }
}

#[test]
fn any_number_of_threads_gives_the_same_bytes() {
    for format in ["text", "json"] {
        let one = check("broken", &["--out", format, "--threads", "1"]);
        for threads in ["2", "3", "8"] {
            assert_eq!(check("broken", &["--out", format, "--threads", threads]), one);
        }
    }
}
