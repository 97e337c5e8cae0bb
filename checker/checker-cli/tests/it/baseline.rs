//! The file of findings that are known: what it lets pass, what it does not, and how it shrinks.

use crate::common::{Ended, MANIFEST, check, copy, plugin, read, run, text, write};
use serde_json::Value;
use tempfile::TempDir;

const FILE: &str = "contracts.baseline";
const DAY: &str = "--today=2026-11-21";

fn baseline(suite: &TempDir, more: &[&str]) -> Ended {
    let line: Vec<&str> = ["baseline", text(suite.path()), DAY].into_iter().chain(more.iter().copied()).collect();
    run(&line)
}

/// Checks against the baseline of the suite.
fn checked(suite: &TempDir, more: &[&str]) -> Ended {
    let file = format!("--baseline={}", suite.path().join(FILE).display());
    check(suite.path(), &[DAY, &file].into_iter().chain(more.iter().copied()).collect::<Vec<_>>())
}

fn add(suite: &TempDir, path: &str, code: &str) {
    write(suite.path(), path, (read(suite.path(), path) + code).as_bytes());
}

/// A suite with findings of every severity, all of them known.
fn known() -> TempDir {
    let suite = copy("broken");
    let ended = baseline(&suite, &["--update"]);
    assert_eq!(ended.code, 0, "{}", ended.err);
    assert!(ended.out.ends_with("contracts.baseline: 0 known, 13 new, 0 gone, written\n"), "{}", ended.out);
    suite
}

#[test]
fn what_is_known_passes_wherever_it_moves() {
    let suite = known();
    for more in [vec![], vec!["--deny-warnings"], vec!["--fail-on", "info"], vec!["--strict"]] {
        let ended = checked(&suite, &more);
        assert_eq!(ended.code, 0, "{more:?}: {}", ended.out);
        assert!(
            ended.out.contains("14 findings are known and not shown") && ended.out.contains("new 0"),
            "{}",
            ended.out
        );
    }
    let main = read(suite.path(), "ar/src/main.js");
    write(suite.path(), "ar/src/main.js", format!("// Two\n// lines above.\n{main}").as_bytes());
    assert_eq!(checked(&suite, &[]).code, 0);
    assert_eq!(baseline(&suite, &["--check"]).code, 0);
    assert_eq!(check(suite.path(), &[DAY]).code, 1, "without the file everything counts");
}

#[test]
fn what_is_new_fails_and_is_all_that_is_shown() {
    let suite = known();
    add(&suite, "ar/src/main.js", "$app.onEvent('gl.journal.lost', e => $app.log('info', e.topic));\n");
    let ended = checked(&suite, &[]);
    assert_eq!(ended.code, 1);
    assert!(ended.out.contains("`gl.journal.lost`") && !ended.out.contains("[TL203]"), "{}", ended.out);
    let report: Value = serde_json::from_str(&checked(&suite, &["--out", "json"]).out).expect("JSON");
    let findings = report["findings"].as_array().expect("findings");
    let new: Vec<&Value> =
        findings.iter().filter(|one| one["baseline"] == "new" && one["suppressed"].is_null()).collect();
    assert!(new.iter().all(|one| one["topic"] == "gl.journal.lost"), "{new:?}");
    assert_eq!(report["summary"]["new"], new.len());
    assert!(findings.iter().any(|one| one["topic"] == "gl.journal.postd"), "json leaves nothing out");
    let github = checked(&suite, &["--out", "github"]).out;
    assert!(
        github.lines().filter(|line| line.starts_with("::")).all(|line| line.contains("gl.journal.lost")),
        "{github}"
    );
    let differs = baseline(&suite, &["--check"]);
    assert!(differs.code == 1 && differs.out.contains("+ TL302 ar/src/main.js:3:1 "), "{}", differs.out);
    assert_eq!(baseline(&suite, &[]).code, 0, "looking is no failure");
}

#[test]
fn what_is_gone_must_leave_the_file_and_nothing_comes_in_with_it() {
    let suite = known();
    let before = read(suite.path(), FILE);
    let mended = read(suite.path(), "gl/src/main.js").replace("publsh", "publish");
    write(suite.path(), "gl/src/main.js", mended.as_bytes());
    let ended = checked(&suite, &[]);
    assert_eq!(ended.code, 1);
    assert!(ended.out.contains("error[TL905]") && ended.out.contains("contracts.baseline:13"), "{}", ended.out);
    add(&suite, "ar/src/main.js", "$app.onEvent('gl.journal.lost', e => $app.log('info', e.topic));\n");
    let before = format!("{before}# Until the bank has moved.\n");
    write(suite.path(), FILE, before.as_bytes());
    let pruned = baseline(&suite, &["--prune"]);
    assert!(pruned.code == 0 && pruned.out.contains("- TL310 of gl\n"), "{}{}", pruned.out, pruned.err);
    let gone = before.lines().find(|line| line.contains("TL310")).expect("the entry");
    assert_eq!(read(suite.path(), FILE), before.replace(&format!("{gone}\n"), ""));
    let ended = checked(&suite, &[]);
    assert!(ended.code == 1 && !ended.out.contains("TL905") && ended.out.contains("gl.journal.lost"), "{}", ended.out);
    assert_eq!(baseline(&suite, &["--update"]).code, 0);
    assert_eq!((checked(&suite, &[]).code, baseline(&suite, &["--check"]).code), (0, 0));
}

/// Findings that nothing tells apart are counted, not lumped together.
#[test]
fn one_more_of_the_same_is_new() {
    let call = "$app.routerAdd('GET', '/api/gl/x', () => { $app.realtime().publsh('gl.a.b', {}); });\n";
    let suite = plugin(MANIFEST, call);
    assert_eq!(baseline(&suite, &["--update"]).code, 0);
    assert_eq!(checked(&suite, &[]).code, 0);
    let twice = call.replace(" });\n", " $app.realtime().publsh('gl.a.b', {}); });\n");
    write(suite.path(), "gl/src/main.js", twice.as_bytes());
    let ended = checked(&suite, &[]);
    assert!(ended.code == 1 && ended.out.contains("new 1"), "{}", ended.out);
    assert_eq!(baseline(&suite, &["--update"]).code, 0);
    write(suite.path(), "gl/src/main.js", call.as_bytes());
    assert!(checked(&suite, &[]).out.contains("TL905"));
}

#[test]
fn sarif_tells_new_from_unchanged_and_absent() {
    let suite = known();
    let mended = read(suite.path(), "gl/src/main.js").replace("publsh", "publish");
    write(suite.path(), "gl/src/main.js", mended.as_bytes());
    add(&suite, "ar/src/main.js", "$app.onEvent('gl.journal.lost', e => $app.log('info', e.topic));\n");
    let log: Value = serde_json::from_str(&checked(&suite, &["--out", "sarif"]).out).expect("JSON");
    let results = log["runs"][0]["results"].as_array().expect("results");
    let of = |state: &str| results.iter().filter(|one| one["baselineState"] == state).collect::<Vec<_>>();
    assert_eq!(of("new").len() + of("unchanged").len() + of("absent").len(), results.len());
    assert!(of("unchanged").iter().any(|one| one["ruleId"] == "TL606"));
    assert!(of("new").iter().any(|one| one["ruleId"] == "TL302"));
    assert_eq!(of("absent").iter().map(|one| &one["ruleId"]).collect::<Vec<_>>(), ["TL310"]);
    let without: Value = serde_json::from_str(&check(suite.path(), &["--out", "sarif"]).out).expect("JSON");
    assert!(without["runs"][0]["results"][0].get("baselineState").is_none());
}

#[test]
fn a_suite_that_cannot_be_read_changes_no_file() {
    let suite = known();
    let before = read(suite.path(), FILE);
    write(suite.path(), "gl/src/main.js", b"cosnt x = 1;");
    for more in ["--update", "--prune", "--check"] {
        let ended = baseline(&suite, &[more]);
        assert!(ended.code == 3 && ended.err.contains("could not be read"), "{more}: {} {}", ended.code, ended.err);
    }
    assert_eq!(checked(&suite, &[]).code, 3);
    assert_eq!(read(suite.path(), FILE), before);
}

#[test]
fn what_is_wrong_with_the_file_is_said() {
    let suite = copy("broken");
    for more in [vec![], vec!["--prune"], vec!["--check"]] {
        let ended = baseline(&suite, &more);
        assert!(ended.code == 2 && ended.err.contains("there is no baseline `"), "{more:?}: {}", ended.err);
    }
    let ended = checked(&suite, &[]);
    assert!(ended.code == 2 && ended.err.contains(" --update` makes one"), "{}", ended.err);
    write(suite.path(), FILE, b"# known\n<<<<<<< HEAD\n");
    let ended = checked(&suite, &[]);
    assert!(ended.code == 2 && ended.err.contains("line 2 is no entry"), "{}", ended.err);
    assert!(baseline(&suite, &["--update"]).err.contains("line 2"), "a file that is something else is not overwritten");
    assert_eq!(baseline(&suite, &["--update", "--prune"]).code, 2);
}

#[test]
fn the_difference_is_told_as_json_and_the_file_may_lie_anywhere() {
    let suite = copy("broken");
    let other = tempfile::tempdir().expect("folder");
    let file = other.path().join("known.txt");
    let ended = baseline(&suite, &["--update", "--file", text(&file), "--format", "json"]);
    let difference: Value = serde_json::from_str(&ended.out).expect("JSON");
    assert_eq!(difference["schema"], "trunkline.baseline/1");
    assert_eq!((&difference["known"], &difference["written"]), (&Value::from(0), &Value::from(true)));
    assert_eq!(difference["new"].as_array().map(Vec::len), Some(13));
    assert!(!suite.path().join(FILE).exists());
    assert_eq!(check(suite.path(), &[DAY, "--baseline", text(&file)]).code, 0);
}
