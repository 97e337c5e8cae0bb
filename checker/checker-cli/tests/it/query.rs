//! Questions in CEL at the command's edge.

use crate::common::{MANIFEST, plugin, run, suite, text};
use serde_json::{Value, json};

#[test]
fn an_answer_is_a_line_an_item() {
    let clean = suite("clean");
    for (expression, out) in [
        (
            "topics",
            "gl.journal.post.request (live) ar -> gl\ngl.journal.posted (live) gl -> ar\ngl.journal.rejected (live) gl -> nobody\n",
        ),
        ("plugins", "ar 1.0.0 ar\ngl 1.2.0 gl\n"),
        ("plugins.map(p, p.slug)", "ar\ngl\n"),
        (
            "facts.filter(f, f.kind == 'subscribe' && f.topic.under('gl.**')).map(f, f.file)",
            "ar/src/main.js\ngl/src/main.js\n",
        ),
        ("size(facts) > 3", "true\n"),
        ("topics.filter(t, t.name == 'none')", ""),
        ("plugins.map(p, {p.slug: size(p.owns)})", "{\"ar\":0}\n{\"gl\":3}\n"),
    ] {
        let ended = run(&["query", expression, &clean]);
        assert_eq!((ended.out.as_str(), ended.code), (out, 0), "{expression}: {}", ended.err);
    }
    let facts = run(&["query", "facts.filter(f, f.kind == 'reply')", "--suite", &clean]);
    assert_eq!(facts.out.lines().count(), 2, "{}", facts.out);
    assert!(facts.out.starts_with("gl/src/main.js:3:5 gl reply gl.journal.post.request outcome="), "{}", facts.out);
}

#[test]
fn json_is_the_value_itself() {
    let ended = run(&["query", "topic('gl.journal.posted')", &suite("clean"), "--format", "json"]);
    let topic: Value = serde_json::from_str(&ended.out).expect("JSON");
    assert_eq!((&topic["owner"], &topic["consumers"]), (&json!("gl"), &json!(["ar"])));
}

#[test]
fn a_pipeline_can_fail_on_an_answer() {
    let clean = suite("clean");
    for (expression, code) in [
        ("topics.filter(t, t.external)", 0),
        ("topics.filter(t, t.live)", 1),
        ("topics.exists(t, t.external)", 0),
        ("topics.exists(t, t.live)", 1),
        ("size(topics)", 0),
    ] {
        assert_eq!(run(&["query", expression, &clean, "--fail-if-any"]).code, code, "{expression}");
        assert_eq!(run(&["query", expression, &clean]).code, 0, "{expression}");
    }
}

#[test]
fn a_question_may_be_about_one_composition() {
    let broken = suite("broken");
    let ask = |more: &[&str]| run(&[&["query", "plugins.map(p, p.slug)", &broken], more].concat());
    assert_eq!(ask(&[]).out, "ap\nar\ngl\n");
    assert_eq!(ask(&["--composition", "ar-alone"]).out, "ar\n");
    let none = ask(&["--composition", "ar"]);
    assert!(none.code == 2 && none.err.contains("suite.yaml names full, ar-alone"), "{}", none.err);
}

#[test]
fn a_mistake_is_shown_at_its_place() {
    let clean = suite("clean");
    for (expression, says, marked) in [
        ("facts.map(f, f.topicz)", "did you mean `topic`?", "              ^^^^^^^"),
        ("facts.map(f,", "ends where it should go on", "1 | facts.map(f,"),
        ("fact.kind", "there is no variable `fact`", "^^^^"),
    ] {
        let ended = run(&["query", expression, &clean]);
        assert_eq!((ended.code, ended.out.as_str()), (2, ""), "{expression}");
        assert!(ended.err.starts_with("error: ") && ended.err.contains(says), "{}", ended.err);
        assert!(ended.err.contains(marked), "{}", ended.err);
    }
    assert_eq!(run(&["query"]).code, 2);
    assert_eq!(run(&["query", "facts", &clean, "--suite", &clean]).code, 2);
}

/// An answer over half a suite is no answer.
#[test]
fn what_could_not_be_read_is_said() {
    let half = plugin(MANIFEST, "cosnt x = 1;");
    let ended = run(&["query", "facts", text(half.path()), "--fail-if-any"]);
    assert!(ended.code == 3 && ended.err.contains("`gl` could not be read whole"), "{} {}", ended.code, ended.err);
}

#[test]
fn the_variables_are_listed() {
    let ended = run(&["query", "--variables"]);
    assert_eq!(ended.code, 0);
    for part in ["facts: a list", "topics: a list", "plugins: a list", "  consumers ", "under(PATTERN)"] {
        assert!(ended.out.contains(part), "{part}");
    }
}

#[test]
fn the_suite_stands_after_the_subject_or_as_an_option() {
    let clean = crate::common::suite("clean");
    for line in [["why", "gl.journal.posted"], ["trace", "ar"], ["canvas", "ar"]] {
        let after = crate::common::run(&[line[0], line[1], &clean]);
        let option = crate::common::run(&[line[0], line[1], "--suite", &clean]);
        assert_eq!((after.code, &after.out), (0, &option.out), "{}", after.err);
    }
}
