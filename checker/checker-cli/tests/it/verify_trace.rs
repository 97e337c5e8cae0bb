//! The static graph against what a daemon saw, at the command's edge.

use crate::common::{Ended, MANIFEST, plugin, run, suite, text, write};
use serde_json::{Value, json};
use tempfile::TempDir;

/// All that the suite `clean` can do: plugin, direction, topic.
const EDGES: [(&str, &str, &str); 5] = [
    ("ar", "consume", "gl.journal.posted"),
    ("ar", "publish", "gl.journal.post.request"),
    ("gl", "consume", "gl.journal.post.request"),
    ("gl", "publish", "gl.journal.posted"),
    ("gl", "publish", "gl.journal.rejected"),
];

fn lines(edges: &[(&str, &str, &str)]) -> String {
    let line = |(plugin, direction, topic): &(&str, &str, &str)| {
        json!({"plugin": plugin, "direction": direction, "topic": topic}).to_string() + "\n"
    };
    edges.iter().map(line).collect()
}

fn verify(trace: &str, suite: &str, more: &[&str]) -> Ended {
    let folder: TempDir = tempfile::tempdir().expect("folder");
    write(folder.path(), "run.jsonl", trace.as_bytes());
    let file = folder.path().join("run.jsonl");
    run(&[&["verify-trace", text(&file), suite], more].concat())
}

#[test]
fn what_happened_and_is_known_is_verified() {
    let ended = verify(&lines(&EDGES), &suite("clean"), &["--exhaustive", "--strict"]);
    assert_eq!(ended.code, 0, "{}{}", ended.out, ended.err);
    assert_eq!(ended.out, "edges observed 5, missed 0, unresolved 0; of the graph 5/5 seen\n");
}

#[test]
fn what_the_analysis_overlooked_is_named() {
    let more = [EDGES.as_slice(), &[("ar", "publish", "gl.journal.posted"), ("gl", "consume", "gl.journal.rejected")]];
    let ended = verify(&lines(&more.concat()), &suite("clean"), &[]);
    assert_eq!(ended.code, 1);
    assert!(ended.out.contains("missed: `ar` publishes `gl.journal.posted`"), "{}", ended.out);
    assert!(ended.out.contains("missed: `gl` consumes `gl.journal.rejected`"), "{}", ended.out);
    assert!(ended.out.contains("missed 2, "), "{}", ended.out);
}

#[test]
fn what_never_happened_fails_only_where_asked() {
    let trace = lines(&EDGES[1..]);
    let ended = verify(&trace, &suite("clean"), &[]);
    assert!(ended.code == 0 && ended.out.contains("never seen: `ar` consumes `gl.journal.posted`"), "{}", ended.out);
    assert_eq!(verify(&trace, &suite("clean"), &["--exhaustive"]).code, 1);
    let json = verify(&trace, &suite("clean"), &["--format", "json"]);
    let document: Value = serde_json::from_str(&json.out).expect("JSON");
    assert_eq!(document["schema"], "trunkline.verification/1");
    assert_eq!(document["never_seen"], json!([{"plugin": "ar", "direction": "consume", "topic": "gl.journal.posted"}]));
    assert_eq!((&document["seen"], &document["expected"], &document["observed"]), (&json!(4), &json!(5), &json!(4)));
}

/// A call whose topic is not known explains anything: that is an unknown, and no proof.
#[test]
fn a_call_that_may_publish_anything_proves_nothing() {
    let code = "$app.routerAdd('POST', '/api/gl/run', e => { $app.realtime().publish(e.body.topic, {}); });\n";
    let open = plugin(MANIFEST, code);
    let trace = lines(&[("gl", "publish", "gl.a.b")]);
    let ended = verify(&trace, text(open.path()), &[]);
    assert!(ended.code == 0 && ended.out.contains("unresolved: `gl` publishes `gl.a.b`"), "{}", ended.out);
    assert_eq!(verify(&trace, text(open.path()), &["--strict"]).code, 1);
}

#[test]
fn a_trace_of_something_else_verifies_nothing() {
    for trace in ["", "[]", "{\"schema\": \"trunkline.facts/1\", \"plugins\": [], \"facts\": []}"] {
        let ended = verify(trace, &suite("clean"), &[]);
        assert!(ended.code == 3 && ended.err.contains("nothing is verified"), "{trace}: {} {}", ended.code, ended.err);
    }
    let ended = verify(&lines(&[("hr", "publish", "hr.a.b")]), &suite("clean"), &[]);
    assert!(ended.code == 3 && ended.out.contains("`hr` is no plugin of the suite"), "{}", ended.out);
    let half = plugin(MANIFEST, "cosnt x = 1;");
    let ended = verify(&lines(&[("gl", "publish", "gl.a.b")]), text(half.path()), &[]);
    assert_ne!(ended.code, 0, "{}", ended.out);
}

#[test]
fn another_version_is_noted_and_a_bad_trace_refused() {
    let facts = json!({"schema": "trunkline.facts/1", "plugins": [{"slug": "gl", "version": "1.1.0", "files": []}],
        "facts": [{"kind": "publish", "plugin": "gl", "topic": {"exact": ["gl.journal.posted"]},
            "provenance": "observed", "count": 2}]});
    let ended = verify(&facts.to_string(), &suite("clean"), &[]);
    assert!(
        ended.code == 0 && ended.out.contains("note: the trace is of `gl` 1.1.0, the suite has 1.2.0"),
        "{}",
        ended.out
    );
    let bad = verify("{\"plugin\": \"gl\"}\n{}\n", &suite("clean"), &[]);
    assert!(bad.code == 2 && bad.err.contains("is no trace: line 1"), "{}", bad.err);
    let none = run(&["verify-trace", "/no/such/file", &suite("clean")]);
    assert!(none.code == 2 && none.err.contains("cannot read `/no/such/file`"), "{}", none.err);
}
