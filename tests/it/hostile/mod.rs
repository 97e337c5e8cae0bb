//! Plugins that mean harm, one file of `tests/hostile` each: every one is contained with the verdict in its head, and a
//! quiet tenant beside them notices nothing.

mod canary;
mod case;

mod field;
mod files;

use canary::Canary;
use case::{Case, Verdict};
use field::Field;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};
use tests::daemon::run;
use tests::report::say;
use tests::{Suite, binary};

/// Fewer cases than this, and the folder was not found or not read.
const CASES_MIN: usize = 90;
/// How long the canary is left alone between two families, so that its rest is measured all along the run.
const REST: Duration = Duration::from_millis(400);

#[test]
fn every_case_is_contained_and_a_quiet_tenant_beside_it_notices_nothing() {
    let began = Instant::now();
    let cases = Case::all();
    let live: Vec<&Case> = cases.iter().filter(|case| !case.is_checked()).collect();
    let field = Field::of(&live);
    let before = field.daemon_state();
    let canary = Canary::start(field.quiet().clone());
    std::thread::sleep(4 * REST);
    let mut wrong = Vec::new();
    let mut family = "";
    for case in &live {
        if case.family() != family {
            family = case.family();
            canary.rest(true);
            std::thread::sleep(REST);
            canary.rest(false);
        }
        if let Err(why) = field.attack(case) {
            say(&format!("not contained as it says: {}: {why}", case.path));
            wrong.push(format!("{}: {why}", case.path));
        }
    }
    let pulse = canary.end();
    say(&format!("hostile plugins: {} cases in {:.0?}, {pulse}", live.len(), began.elapsed()));
    assert!(wrong.is_empty(), "{} cases were not contained as they say:\n{}", wrong.len(), wrong.join("\n"));
    pulse.refute_harm().expect("the quiet tenant noticed nothing");
    field.quiet_data_is_untouched(pulse.calls());
    field.nothing_was_forged();
    field.daemon_is_as(&before);
    assert!(cases.len() >= CASES_MIN, "only {} cases were found", cases.len());
}

/// The same attacks in the canary's own plugin, so without a process of their own, and without a deadline.
#[test]
fn without_containment_the_canary_is_hurt_and_the_judge_sees_it() {
    let cases = Case::all();
    let named = |path: &str| cases.iter().find(|case| case.path == path).expect("the case");
    let attacks = [named("loops/while-true.js"), named("loops/exponential-calls.js")];
    let field = Field::of_canary_with(&attacks);
    let canary = Canary::start(field.quiet().clone());
    std::thread::sleep(4 * REST);
    canary.rest(false);
    field.attack_from_within(attacks.len());
    let pulse = canary.end();
    say(&format!("hostile plugins, uncontained: {pulse}"));
    let harm = pulse.refute_harm().expect_err("an attack from within hurts");
    assert!(harm.contains("p99") || harm.contains("failed"), "{harm}");
}

#[test]
fn what_the_checker_can_see_is_refused_before_it_runs() {
    let cases = Case::all();
    let checked: Vec<&Case> = cases.iter().filter(|case| case.is_checked()).collect();
    assert!(!checked.is_empty());
    for case in &checked {
        let suite = field::with_plugin(Suite::new(), &[case]);
        let ran = run(Command::new(binary::trunkline()).arg("check").arg(suite.path()).args(["--out", "json"]));
        let report: serde_json::Value = serde_json::from_str(&ran.out).unwrap_or_default();
        let places: Vec<String> = report["findings"].as_array().into_iter().flatten().map(place).collect();
        let held = case.expected.iter().any(|verdict| match verdict {
            Verdict::Checked(wanted) => places.iter().any(|place| place.starts_with(wanted.as_str())),
            _ => false,
        });
        assert!(held, "{}: {:?} is not among {places:#?} {}", case.path, case.expected, ran.err);
        refuses_to_run(suite.path(), &case.path);
    }
    say(&format!("hostile plugins: {} refused by the checker", checked.len()));
}

/// Rule, line and column of a finding.
fn place(finding: &serde_json::Value) -> String {
    let at = &finding["location"];
    format!("{} {}:{}", finding["rule"].as_str().unwrap_or_default(), at["line"], at["column"])
}

#[track_caller]
fn refuses_to_run(suite: &Path, what: &str) {
    let ran = run(Command::new(binary::trunkline()).arg("dev").arg(suite).args([
        "--ephemeral",
        "--no-watch",
        "--listen",
        "127.0.0.1:0",
    ]));
    assert_eq!(ran.exit, Some(1), "{what}: {}{}", ran.out, ran.err);
}
