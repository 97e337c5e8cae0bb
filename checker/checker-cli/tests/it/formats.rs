//! The formats of other people hold what their own schemas say, and what their readers expect.

use crate::common::{MANIFEST, copy, plugin, read, run, suite, text, write};
use serde_json::Value;
use std::io::Write as _;
use std::process::{Command, Stdio};

const DAY: &str = "--today=2026-11-21";
const SUITES: [&str; 2] = ["broken", "clean"];

fn check(name: &str, format: &str, more: &[&str]) -> String {
    let suite = suite(name);
    let root = format!("--root={suite}");
    let line = ["check", &suite, DAY, &root, "--out", format].into_iter().chain(more.iter().copied());
    run(&line.collect::<Vec<_>>()).out
}

fn schema(name: &str) -> String {
    format!("{}/tests/schemas/{name}", env!("CARGO_MANIFEST_DIR"))
}

fn sarif(name: &str) -> Value {
    serde_json::from_str(&check(name, "sarif", &[])).expect("JSON")
}

#[test]
fn sarif_follows_its_schema() {
    let schema = std::fs::read_to_string(schema("sarif-2.1.0.json")).expect("schema");
    // One pattern holds a bracket that strict engines want escaped; it means the same.
    let schema = serde_json::from_str(&schema.replace("{2}]?$", "{2}\\\\]?$")).expect("JSON");
    let validator = jsonschema::validator_for(&schema).expect("compiles");
    for log in SUITES.map(sarif).into_iter().chain([sarif_against_a_baseline()]) {
        let errors: Vec<String> = validator.iter_errors(&log).map(|e| format!("{} {e}", e.instance_path())).collect();
        assert!(errors.is_empty(), "{errors:#?}");
    }
    assert!(!validator.is_valid(&serde_json::json!({"version": "2.1.0", "runs": [{}]})), "the schema refuses nothing");
}

/// With findings of all three states.
fn sarif_against_a_baseline() -> Value {
    let suite = copy("broken");
    let file = suite.path().join("known");
    assert_eq!(run(&["baseline", text(suite.path()), DAY, "--update", "--file", text(&file)]).code, 0);
    let mended = read(suite.path(), "gl/src/main.js").replace("publsh", "publish");
    write(suite.path(), "gl/src/main.js", mended.as_bytes());
    let ended = run(&["check", text(suite.path()), DAY, "--baseline", text(&file), "--out", "sarif"]);
    serde_json::from_str(&ended.out).expect("JSON")
}

/// A code host refuses the whole log for one result without a place.
#[test]
fn what_is_gone_has_a_place_too() {
    let log = sarif_against_a_baseline();
    let results = log["runs"][0]["results"].as_array().expect("results");
    let gone: Vec<&Value> = results.iter().filter(|one| one["baselineState"] == "absent").collect();
    assert_eq!(gone.len(), 1);
    assert_eq!(gone[0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"], "known");
    assert_eq!(gone[0]["locations"][0]["physicalLocation"]["region"]["startLine"], 13);
    assert_eq!((&gone[0]["kind"], &gone[0]["level"]), (&Value::from("pass"), &Value::from("none")));
}

#[test]
fn a_report_for_people_sets_what_is_known_apart() {
    let suite = copy("broken");
    let file = suite.path().join("known");
    assert_eq!(run(&["baseline", text(suite.path()), DAY, "--update", "--file", text(&file)]).code, 0);
    let shown = |format: &str| run(&["check", text(suite.path()), DAY, "--baseline", text(&file), "--out", format]).out;
    let md = shown("md");
    assert!(md.contains("✅ The wiring holds") && md.contains("<b>14 known and no reason to fail</b>"), "{md}");
    assert!(!md.contains("<details open>"), "{md}");
    assert!(shown("html").contains("14 known and no reason to fail"));
}

#[test]
fn sarif_keeps_what_is_suppressed_and_points_everywhere() {
    let log = sarif("broken");
    let run = &log["runs"][0];
    let results = run["results"].as_array().expect("results");
    let suppressed: Vec<&Value> = results.iter().filter(|result| !result["suppressions"].is_null()).collect();
    assert!(suppressed.iter().any(|one| one["suppressions"][0]["kind"] == "inSource"), "{suppressed:#?}");
    assert!(suppressed.iter().any(|one| one["suppressions"][0]["kind"] == "external"), "{suppressed:#?}");
    assert!(results.iter().any(|one| one["relatedLocations"].is_array() && one["fixes"].is_array()));
    for result in results {
        let rule = &run["tool"]["driver"]["rules"]
            [usize::try_from(result["ruleIndex"].as_u64().expect("an index")).expect("small")];
        assert_eq!(rule["id"], result["ruleId"]);
        assert!(
            rule["helpUri"].as_str().is_some_and(
                |uri| uri.starts_with("https://") && uri.contains(result["ruleId"].as_str().expect("an id"))
            )
        );
        assert!(result["partialFingerprints"]["primaryLocationLineHash"].is_string());
        assert!(result["locations"][0]["physicalLocation"]["region"]["startLine"].as_u64() >= Some(1));
    }
}

#[test]
#[expect(clippy::print_stdout, reason = "a skipped test says why")]
fn junit_follows_its_schema() {
    if Command::new("xmllint").arg("--version").stderr(Stdio::null()).status().is_err() {
        println!("skipped: there is no xmllint on this machine; .ci/run installs it");
        return;
    }
    for name in SUITES {
        let mut lint = Command::new("xmllint");
        lint.args(["--noout", "--schema", &schema("junit-10.xsd"), "-"]);
        let mut child = lint.stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("xmllint runs");
        let xml = check(name, "junit", &[]);
        child.stdin.take().expect("stdin").write_all(xml.as_bytes()).expect("written");
        let ended = child.wait_with_output().expect("ends");
        assert!(ended.status.success(), "{name}: {}", String::from_utf8_lossy(&ended.stderr));
    }
}

#[test]
fn junit_fails_what_fails_the_suite() {
    let failures = |more: &[&str]| check("broken", "junit", more).matches("<failure").count();
    assert!(failures(&[]) > 0);
    assert!(failures(&["--deny-warnings"]) > failures(&[]));
    assert_eq!(failures(&["--fail-on", "never"]), 0);
    assert!(check("broken", "junit", &["--fail-on", "never"]).contains("TL201"), "below the floor is not hidden");
}

#[test]
fn junit_is_never_clean_where_something_could_not_be_read() {
    let half = plugin(MANIFEST, "cosnt x = 1;");
    let line = ["check", text(half.path()), DAY, "--fail-on", "never", "--out", "junit"];
    let ended = run(&line);
    assert!(ended.code == 3 && ended.out.contains("<error message=\"something could not be read"), "{}", ended.out);
    assert!(!check("clean", "junit", &[]).contains("<error"));
}

#[test]
fn github_shows_ten_of_each_level_errors_first_and_loses_nothing() {
    let commands = |out: &str| -> Vec<String> {
        out.lines()
            .filter(|line| line.starts_with("::"))
            .map(|line| line[2..].split(' ').next().unwrap_or_default().to_owned())
            .collect()
    };
    let levels = commands(&check("broken", "github", &[]));
    let of = |level: &str| levels.iter().filter(|one| *one == level).count();
    // Eight errors: a name that is nearly another one is told with the subscription that dangles by it.
    assert_eq!((of("error"), of("warning"), of("notice")), (7, 5, 1));
    assert!(check("broken", "github", &[]).contains("title=TL201 dangling-subscription and TL203 near-miss"));
    assert!(levels.is_sorted_by_key(|level| ["error", "warning", "notice"].iter().position(|one| one == level)));
    let out = check("broken", "github", &["--strict"]);
    assert_eq!(commands(&out).iter().filter(|one| *one == "error").count(), 10);
    let report: Value = serde_json::from_str(&check("broken", "json", &["--strict"])).expect("JSON");
    let open =
        report["findings"].as_array().expect("findings").iter().filter(|one| one["suppressed"].is_null()).count();
    let listed = out.lines().filter(|line| line.starts_with("error TL")).count();
    let told_beside = out.matches(" and TL").count();
    assert_eq!((commands(&out).len() + listed + told_beside, listed), (open, 1), "{out}");
    assert!(out.contains("1 more; GitHub shows 10 annotations of a level a step:\n"), "{out}");
    assert!(out.lines().last().is_some_and(|line| line.starts_with("findings 12/")), "{out}");
}

#[test]
fn gitlab_fingerprints_are_unique() {
    let entries: Value = serde_json::from_str(&check("broken", "gitlab", &[])).expect("JSON");
    let entries = entries.as_array().expect("a list");
    let mut fingerprints: Vec<&str> = entries.iter().filter_map(|entry| entry["fingerprint"].as_str()).collect();
    fingerprints.sort_unstable();
    fingerprints.dedup();
    assert_eq!(fingerprints.len(), entries.len());
    for entry in entries {
        assert!(["critical", "minor", "info"].contains(&entry["severity"].as_str().expect("severity")));
        assert!(entry["location"]["lines"]["begin"].as_u64() >= Some(1) && entry["location"]["path"].is_string());
    }
}

/// What a page would load from elsewhere. A link that a reader may follow is none.
#[test]
fn html_loads_nothing() {
    for name in SUITES {
        let page = check(name, "html", &[]);
        for word in ["<link", "<img", "<iframe", "src=", "@import", "url(", "fetch(", "XMLHttpRequest"] {
            assert!(!page.contains(word), "{name}: {word}");
        }
        assert!(page.contains("default-src 'none'"));
    }
    let page = check("broken", "html", &[]);
    for word in ["TL201", "gl.journal.posted", "id=\"plugin-gl\"", "<svg", "id=\"search\""] {
        assert!(page.contains(word), "{word}");
    }
}

#[test]
fn paths_are_those_of_the_repository() {
    let suite = suite("broken");
    let root = format!("--root={}", env!("CARGO_MANIFEST_DIR"));
    for format in ["sarif", "github", "gitlab", "md", "junit"] {
        let out = run(&["check", &suite, DAY, &root, "--out", format]).out;
        assert!(out.contains("tests/suites/broken/ar/src/main.js"), "{format}");
        assert!(!out.contains(env!("CARGO_MANIFEST_DIR")), "{format} names the machine's own paths");
    }
}
