//! What the formats look like, to the byte.

use crate::common::{run, suite};
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

/// Every format that looks the same everywhere. Of SARIF the rules' texts are left out: they are the rules' own.
#[test]
fn formats_for_code_hosts() {
    let root = format!("--root={}", suite("broken"));
    for format in ["sarif", "junit", "github", "gitlab", "md"] {
        let out = check("broken", &["--out", format, &root]);
        let out = if format == "sarif" { without_texts(&out) } else { out };
        insta::assert_snapshot!(format!("format_{format}"), out);
    }
}

fn without_texts(sarif: &str) -> String {
    let mut log: serde_json::Value = serde_json::from_str(sarif).expect("JSON");
    for rule in log["runs"][0]["tool"]["driver"]["rules"].as_array_mut().expect("rules") {
        for text in ["fullDescription", "help"] {
            rule.as_object_mut().expect("a rule").remove(text);
        }
    }
    serde_json::to_string_pretty(&log).expect("JSON")
}

#[test]
fn html_is_one_page_of_the_same_parts() {
    let page = check("broken", &["--out", "html"]);
    let body = page.split_once("<body>").and_then(|(_, body)| body.split_once("<script>")).expect("a body").0;
    insta::assert_snapshot!("format_html", body.replace("><", ">\n<"));
}

#[test]
fn canvas() {
    insta::assert_snapshot!(run(&["canvas", "gl", "--suite", &suite("clean")]).out);
}

#[test]
fn trace() {
    insta::assert_snapshot!(run(&["trace", "ap", "--suite", &suite("broken")]).out);
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
fn why_and_trace_for_programs() {
    let clean = suite("clean");
    insta::assert_snapshot!("why_json", run(&["why", "gl.journal.posted", "--suite", &clean, "--json"]).out);
    let broken = suite("broken");
    insta::assert_snapshot!("why_nobody_json", run(&["why", "gl.journal.post", "--suite", &broken, "--json"]).out);
    insta::assert_snapshot!("trace_json", run(&["trace", "ap", "--suite", &broken, "--json"]).out);
}

#[test]
fn graphs() {
    for format in ["dot", "mermaid", "json", "asyncapi"] {
        let ended = run(&["graph", &suite("clean"), "--format", format]);
        assert_eq!(ended.code, 0, "{}", ended.err);
        insta::assert_snapshot!(format!("graph_{format}"), ended.out);
    }
    for format in ["dot", "mermaid", "json"] {
        let between =
            run(&["graph", &suite("broken"), "--format", format, "--collapse=plugin", "--highlight=findings"]);
        insta::assert_snapshot!(format!("graph_between_{format}"), between.out);
    }
    let near = run(&["graph", &suite("clean"), "--format", "dot", "--focus", "gl.journal.rejected", "--depth", "1"]);
    insta::assert_snapshot!("graph_near", near.out);
    assert_eq!(run(&["graph", &suite("clean"), "--focus", "gl.no.such"]).code, 2);
    assert!(run(&["graph", &suite("clean"), "--format", "html"]).out.contains("<svg"));
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
    for format in ["text", "json", "sarif", "junit", "github", "gitlab", "md", "html"] {
        let one = check("broken", &["--out", format, "--threads", "1"]);
        for threads in ["2", "3", "8"] {
            assert_eq!(check("broken", &["--out", format, "--threads", threads]), one);
        }
    }
}
