//! The formats of other people hold what their own schemas say, and what their readers expect.

use crate::common::{run, suite};
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
    for name in SUITES {
        let log = sarif(name);
        let errors: Vec<String> = validator.iter_errors(&log).map(|e| format!("{} {e}", e.instance_path())).collect();
        assert!(errors.is_empty(), "{name}: {errors:#?}");
    }
    assert!(!validator.is_valid(&serde_json::json!({"version": "2.1.0", "runs": [{}]})), "the schema refuses nothing");
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
fn github_shows_ten_errors_first_and_loses_nothing() {
    let out = check("broken", "github", &[]);
    let commands: Vec<&str> = out.lines().filter(|line| line.starts_with("::")).collect();
    assert_eq!(commands.len(), 10);
    let first_warning = commands.iter().position(|line| line.starts_with("::warning")).expect("a warning");
    assert!(commands[..first_warning].iter().all(|line| line.starts_with("::error file=")));
    assert!(commands[first_warning..].iter().all(|line| line.starts_with("::warning")));
    let report: Value = serde_json::from_str(&check("broken", "json", &[])).expect("JSON");
    let open =
        report["findings"].as_array().expect("findings").iter().filter(|one| one["suppressed"].is_null()).count();
    let listed = out.lines().filter(|line| line.starts_with("warning TL") || line.starts_with("info TL")).count();
    assert_eq!(commands.len() + listed, open);
    assert!(out.lines().last().is_some_and(|line| line.starts_with("findings 8/")));
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
