//! What the commands answer to what they cannot do, and to how they are asked.

use crate::common::{Ended, check, run, suite, write};
use tempfile::TempDir;

/// The folder of a suite as an argument.
fn text(folder: &TempDir) -> &str {
    folder.path().to_str().expect("UTF-8")
}

fn assert_refused(line: &[&str], says: &str) {
    let Ended { code, out, err } = run(line);
    assert_eq!((code, out.as_str()), (2, ""), "{line:?}: {err}");
    assert!(err.contains(says), "{line:?}: {err}");
}

#[test]
fn what_is_asked_for_wrongly_is_named_with_the_way_out() {
    let (clean, broken) = (suite("clean"), suite("broken"));
    let elsewhere = tempfile::tempdir().expect("folder");
    let file = elsewhere.path().join("report").display().to_string();
    let lock = format!("{broken}/contracts.lock");
    for (line, says) in [
        (vec!["check", &clean, "--today", "2026-13-01"], "no such day; write it as 2027-03-31"),
        (vec!["baseline", &clean, "--today", "now"], "no such day"),
        (vec!["check", &clean, "--docs-url", "docs.example"], "begins with https:// or http://"),
        (vec!["check", &clean, "--root", text(&elsewhere)], "does not hold the suite"),
        (vec!["check", &clean, "--root", "no/such"], "does not hold the suite"),
        (vec!["check", &clean, "--out", &format!("text={file}"), "--out", &format!("json={file}")], "is given twice"),
        (
            vec!["check", &broken, "--baseline", &format!("{broken}/contracts.baseline")],
            &format!("`baseline {broken} --update` makes one"),
        ),
        (vec!["check", &broken, "--baseline", "none"], &format!("`baseline {broken} --update --file none` makes one")),
        (vec!["check", &broken, "--baseline", &broken], "is no file"),
        (vec!["why", "GL.Posted", &clean], "GL.Posted"),
        (vec!["why", "gl.*.nothing", &clean], "nobody in the suite names a topic under `gl.*.nothing`"),
        (vec!["trace", "gl:", &clean], "topic"),
        (vec!["graph", &broken, "--composition", "ar"], "suite.yaml names full, ar-alone"),
        (vec!["watch", "no/such"], "`no/such` is not a folder; name the folder"),
    ] {
        assert_refused(&line, says);
    }
    assert!(!elsewhere.path().join("report").exists(), "nothing is written where half of it would be lost");
    let ended = run(&["check", &broken, "--locked"]);
    assert!(
        ended.code == 2 && ended.err.contains(&format!("`check {broken} --write-lock` makes one")),
        "{}",
        ended.err
    );
    let ended = run(&["check", &broken, "--write-lock"]);
    assert!(ended.code == 1 && ended.err.contains(&format!("`{lock}` is not written")), "{}", ended.err);
}

#[test]
fn a_pattern_asks_about_every_topic_under_it() {
    let (clean, broken) = (suite("clean"), suite("broken"));
    let ended = run(&["why", "gl.journal.*", &clean]);
    let one_by_one = ["gl.journal.posted", "gl.journal.rejected"].map(|topic| run(&["why", topic, &clean]).out);
    assert_eq!((ended.code, ended.out), (0, one_by_one.join("\n")));
    assert!(run(&["why", "gl.journal.postd", &broken]).out.contains("not known, an unresolved call may publish it"));
}

#[test]
fn a_graph_may_be_of_one_composition() {
    let broken = suite("broken");
    let alone = run(&["graph", &broken, "--composition", "ar-alone", "--format", "mermaid"]);
    assert_eq!(alone.code, 0, "{}", alone.err);
    assert!(alone.out.contains("[\"ar\"]") && !alone.out.contains("[\"gl\"]"), "{}", alone.out);
}

#[test]
fn json_has_one_name_everywhere() {
    let (clean, lock) = (suite("clean"), tempfile::tempdir().expect("folder"));
    let lock = lock.path().join("lock").display().to_string();
    assert_eq!(run(&["check", &clean, &format!("--write-lock={lock}")]).code, 0);
    for line in [
        vec!["rules"],
        vec!["query", "size(topics)", &clean],
        vec!["can-enable", "gl@1.2.0", "--from", &clean, "--into", &lock],
        vec!["diff", &clean, &clean],
        vec!["graph", &clean],
        vec!["facts", &clean],
        vec!["why", "gl.journal.posted", &clean],
        vec!["trace", "gl", &clean],
    ] {
        let long = run(&[line.as_slice(), &["--format", "json"]].concat());
        assert_eq!(long.code, 0, "{line:?}: {}", long.err);
        assert!(serde_json::from_str::<serde_json::Value>(&long.out).is_ok(), "{}", long.out);
        assert_eq!(run(&[line.as_slice(), &["--json"]].concat()).out, long.out);
    }
}

#[test]
fn a_terminal_is_shown_no_links() {
    let page = run(&["explain", "TL201"]).out;
    assert!(page.contains("nearly another one, TL203 is reported beside this"), "{page}");
    assert!(page.contains("```yaml gl/plugin.yaml\n"), "{page}");
    for rule in checker_cli::REGISTRY {
        let page = run(&["explain", rule.id]).out;
        assert!(!page.contains("](") || rule.text.matches("](").count() > page.matches("](").count(), "{page}");
    }
}

/// Edits of several files each stand under the name of theirs.
#[test]
fn every_edit_that_is_shown_says_where() {
    let out = run(&["check", &suite("broken"), "--today", "2026-11-21"]).out;
    let help = out.split("help: did you mean `gl.journal.posted`?").nth(1).expect("a suggestion");
    let help = help.split("\n\n").next().expect("its edits");
    assert!(help.starts_with("\n  |\n2 | $app.onEvent"), "first the finding's own file: {help}");
    assert!(help.contains("--> ar/plugin.yaml:8:1"), "{help}");
}

/// A version that was refused is none, least of all 0.0.0.
#[test]
fn a_version_that_cannot_be_read_is_not_made_up() {
    let (clean, other) = (suite("clean"), tempfile::tempdir().expect("folder"));
    for file in [
        "suite.yaml",
        "ar/plugin.yaml",
        "ar/src/main.js",
        "ar/src/topics.js",
        "gl/src/main.js",
        "gl/plugin.yaml",
        "gl/contracts/payload.json",
    ] {
        let text = std::fs::read_to_string(format!("{clean}/{file}")).expect("read");
        write(other.path(), file, text.replace("version: 1.2.0", "version: one").as_bytes());
    }
    let diff = run(&["diff", &clean, text(&other)]);
    assert_eq!((diff.code, diff.out.as_str()), (3, "~ plugin gl 1.2.0 -> unreadable\n"), "{}", diff.err);
    let since = check(other.path(), &["--base", &clean]);
    assert!(!since.out.contains("0.0.0"), "{}", since.out);
}

/// What a contract says besides its payloads does not make these other ones.
#[test]
fn a_difference_says_of_payloads_what_became_of_payloads() {
    let (clean, other) = (suite("clean"), tempfile::tempdir().expect("folder"));
    for file in ["gl/src/main.js", "gl/plugin.yaml", "gl/contracts/payload.json"] {
        let text = std::fs::read_to_string(format!("{clean}/{file}")).expect("read");
        write(other.path(), file, text.replace("ok: gl.journal.posted", "ok: gl.journal.booked").as_bytes());
    }
    let diff = run(&["diff", &clean, text(&other)]).out;
    let lines: Vec<&str> = diff.lines().filter(|line| line.contains("post.request")).collect();
    assert_eq!(lines[0], "~ topic gl.journal.post.request (request of gl)", "{diff}");
}
