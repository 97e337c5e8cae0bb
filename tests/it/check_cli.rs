//! `check` as a pipeline sees it: exit codes and the JSON of INTERFACES, the same from both binaries.

use serde_json::Value;
use std::path::Path;
use std::process::{Command, Stdio};
use tests::daemon::{Ran, run};
use tests::{Suite, binary};

const ROLES: &str = "roles: [{name: probe.user, billable: false, grants: [probe.use]}]\n";
const PING: &str = "$app.routerAdd(\"GET\", \"/api/probe/ping\", () => \"pong\");\n";
const DEAF: &str = "$app.onEvent(\"other.note.made\", function heard() {});\n";

#[test]
fn a_clean_suite_exits_with_0() {
    let ran = check(&binary::ledger_example(), &[]);
    assert_eq!(ran.exit, Some(0), "{}{}", ran.out, ran.err);
}

#[test]
fn a_dangling_wire_exits_with_1_and_is_placed() {
    let ran = check(dangling().path(), &[]);
    assert_eq!(ran.exit, Some(1), "{}", ran.out);
    assert!(ran.out.contains("TL201") && ran.out.contains("other.note.made"), "{}", ran.out);
}

#[test]
fn no_such_suite_exits_with_2() {
    assert_eq!(check(Path::new("no/such/suite"), &[]).exit, Some(2));
}

#[test]
fn unparsable_source_is_incomplete_and_exits_with_3() {
    let ran = check(Suite::new().plugin("probe", ROLES, "const x = ;\n").path(), &["--out", "json"]);
    assert_eq!(ran.exit, Some(3), "{}", ran.err);
    assert_eq!(report(&ran)["status"], "incomplete");
}

#[test]
fn json_has_the_agreed_shape() {
    let suite = dangling();
    let ran = check(suite.path(), &["--out", "json"]);
    let report = report(&ran);
    assert_eq!(keys(&report), ["allowances", "findings", "schema", "status", "summary", "tool", "unproven"]);
    assert_eq!((&report["schema"], &report["status"]), (&"trunkline.check/1".into(), &"fail".into()));
    let finding = report["findings"].as_array().and_then(|all| all.iter().find(|finding| finding["rule"] == "TL201"));
    let finding = finding.unwrap_or_else(|| panic!("no TL201 in {report}"));
    let fields = ["baseline", "fingerprint", "location", "message", "name", "plugin", "related", "rule", "severity"];
    assert_eq!(keys(finding), [&fields[..], &["suggestion", "suppressed", "topic"]].concat());
    assert_eq!(keys(&finding["location"]), ["column", "end_column", "end_line", "file", "line"]);
    let file = finding["location"]["file"].as_str().expect("a file");
    assert!(file.starts_with("probe/"), "{file} is not relative to the suite");
    assert_eq!(ran.out, check(suite.path(), &["--out", "json"]).out, "two runs print the same");
}

#[test]
fn both_binaries_say_the_same() {
    let suite = dangling();
    let args = ["check".as_ref(), suite.path().as_os_str(), "--out".as_ref(), "json".as_ref()];
    let small = run(Command::new(binary::trunkline_check()).args(args));
    assert_eq!(small.out, check(suite.path(), &["--out", "json"]).out);
}

/// `script` gives a command a terminal.
#[test]
fn colours_are_for_terminals_that_show_them() {
    let suite = dangling();
    for program in [binary::trunkline(), binary::trunkline_check()] {
        let shows_colours = |on_a_terminal: bool, variables: &[(&str, &str)]| {
            let line = format!("'{}' check '{}'", program.display(), suite.path().display());
            let mut command = Command::new(if on_a_terminal { "script" } else { "sh" });
            command.args(["-c", &line]).args(on_a_terminal.then_some(["-q", "/dev/null"]).into_iter().flatten());
            for name in ["NO_COLOR", "CLICOLOR_FORCE", "TERM"] {
                command.env_remove(name);
            }
            let output = command.envs(variables.iter().copied()).stdin(Stdio::null()).output().expect("it runs");
            let said = String::from_utf8_lossy(&output.stdout);
            assert!(said.contains("TL201") && said.contains("other.note.made"), "{said}");
            said.contains('\u{1b}')
        };
        let (xterm, dumb) = (("TERM", "xterm-256color"), ("TERM", "dumb"));
        assert!(shows_colours(true, &[xterm]));
        assert!(!shows_colours(true, &[dumb]), "TERM=dumb");
        assert!(!shows_colours(true, &[xterm, ("NO_COLOR", "1")]), "NO_COLOR");
        assert!(!shows_colours(false, &[xterm]), "no terminal");
        assert!(!shows_colours(false, &[xterm, ("CLICOLOR_FORCE", "1")]), "no terminal, whatever is set");
    }
}

#[test]
fn dev_refuses_with_the_same_findings() {
    let suite = dangling();
    let mut dev = Command::new(binary::trunkline());
    dev.arg("dev").arg(suite.path()).args(["--ephemeral", "--no-watch", "--listen", "127.0.0.1:0"]);
    let ran = run(&mut dev);
    assert_eq!(ran.exit, Some(1), "{}", ran.err);
    let said = format!("{}{}", ran.out, ran.err);
    assert!(said.contains("TL201") && said.contains("other.note.made"), "{said}");
}

#[test]
fn facts_of_the_ledger_suite_name_its_wires() {
    let mut facts = Command::new(binary::trunkline());
    let ran = run(facts.arg("facts").arg(binary::ledger_example()).args(["--format", "json"]));
    assert_eq!(ran.exit, Some(0), "{}", ran.err);
    let facts: Value = serde_json::from_str(&ran.out).expect("JSON");
    assert_eq!(facts["schema"], "trunkline.facts/1");
    let wire = |kind: &str, plugin: &str| {
        let all = facts["facts"].as_array().into_iter().flatten();
        all.filter(|fact| fact["kind"] == kind && fact["plugin"] == plugin).count()
    };
    assert!(wire("subscribe", "gl") > 0 && wire("verb", "ap") > 0, "{}", ran.out);
}

#[test]
fn explain_knows_each_rule_it_reports() {
    let ran = run(Command::new(binary::trunkline()).args(["explain", "TL201"]));
    assert_eq!(ran.exit, Some(0), "{}", ran.err);
    assert!(ran.out.contains("TL201"), "{}", ran.out);
}

fn dangling() -> Suite {
    Suite::new().plugin("probe", &format!("{ROLES}consumes: [other.note.made]\n"), &format!("{PING}{DEAF}"))
}

fn check(suite: &Path, args: &[&str]) -> Ran {
    run(Command::new(binary::trunkline()).arg("check").arg(suite).args(args))
}

fn report(ran: &Ran) -> Value {
    serde_json::from_str(&ran.out).unwrap_or_else(|error| panic!("{error}: {}{}", ran.out, ran.err))
}

fn keys(value: &Value) -> Vec<&str> {
    let mut keys: Vec<&str> = value.as_object().into_iter().flatten().map(|(key, _)| key.as_str()).collect();
    keys.sort_unstable();
    keys
}
