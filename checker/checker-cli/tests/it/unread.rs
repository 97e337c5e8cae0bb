//! What a manifest that cannot be read does to the rest of a suite: nothing is proved by what is not known.

use crate::common::{MANIFEST, copy_of, read, run, text, write};
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;

/// Sound suites of several plugins, from the root of the workspace.
const SUITES: [&str; 3] = ["ledger-example", "tests/suites/clinic", "tests/suites/shopfloor"];

#[test]
fn nothing_but_the_manifest_itself_is_an_error() {
    for suite in SUITES {
        let folder = workspace(suite);
        for plugin in plugins(&folder) {
            for spoil in [appended, emptied] {
                let broken = copy_of(&folder);
                spoil(broken.path(), &plugin);
                let base = ["check", text(broken.path()), "--out", "json", "--base", text(&folder)];
                for line in [&base[..4], &base[..]] {
                    let rules = errors(line);
                    assert_eq!(rules, BTreeSet::from(["TL101".to_owned()]), "{suite} without {plugin}: {line:?}");
                }
            }
        }
    }
}

#[test]
fn a_subscription_that_only_it_may_feed_is_unproven() {
    let broken = copy_of(&workspace("ledger-example"));
    appended(broken.path(), "gl");
    let ended = run(&["check", text(broken.path())]);
    assert_eq!(ended.code, 1);
    for line in [
        "warning[TL213]: whether anybody publishes `gl.journal.posted` for `ap` is not known",
        "`gl` may publish it: this manifest cannot be read",
        "warning[TL606]: whether `gl` is enabled in ^1, as `ap` requires, is not known",
        "live only if a plugin that cannot be read publishes it",
        "repair that manifest, and check again",
    ] {
        assert!(ended.out.contains(line), "{line}\n{}", ended.out);
    }
    assert_eq!(run(&["check", text(broken.path()), "--strict"]).code, 1);
}

/// A typo under the name of a plugin that was read stays what it is: the other one may not publish there.
#[test]
fn what_the_readable_own_stays_proved() {
    let broken = copy_of(&workspace("ledger-example"));
    appended(broken.path(), "ar");
    let manifest = read(broken.path(), "ap/plugin.yaml");
    let wrong = manifest.replace("topic: gl.journal.posted", "topic: gl.journal.postd");
    assert_ne!(manifest, wrong);
    write(broken.path(), "ap/plugin.yaml", wrong.as_bytes());
    let rules = errors(&["check", text(broken.path()), "--out", "json"]);
    assert!(rules.contains("TL203"), "{rules:?}");
}

#[test]
fn a_request_that_only_it_may_answer_is_unproven() {
    let folder = tempfile::tempdir().expect("a folder");
    let requires = "publishes: [ap.pay.request]\ntopics: {ap.pay.request: {kind: event}}\n\
                    capabilities: {consumes: [{name: fx.rate}]}\n";
    let manifest = MANIFEST.replace("slug: gl", "slug: ap").replace("General Ledger", "Payables") + requires;
    let manifest = manifest.replace("kind: event", "kind: request, replies: {ok: ap.paid}, timeout: 5s");
    write(folder.path(), "ap/plugin.yaml", manifest.as_bytes());
    let code = b"$app.onAttach(() => { $app.request('ap.pay.request', {}, {timeout: '2s'}); });";
    write(folder.path(), "ap/src/main.js", code);
    let before = run(&["check", text(folder.path())]);
    for line in
        ["error[TL401]: `ap` requests `ap.pay.request`, and no", "error[TL606]: `ap` uses the capability `fx.rate`"]
    {
        assert!(before.out.contains(line), "{line}\n{}", before.out);
    }
    emptied(folder.path(), "bank");
    let after = run(&["check", text(folder.path())]);
    for line in [
        "warning[TL401]: whether anybody answers `ap.pay.request`, which `ap` requests, is not known",
        "`bank` may, and its manifest cannot be read",
        "warning[TL606]: whether anybody provides the capability `fx.rate`, which `ap` uses, is not known",
    ] {
        assert!(after.out.contains(line), "{line}\n{}", after.out);
    }
}

#[test]
fn an_answer_that_may_lack_something_says_so() {
    let broken = copy_of(&workspace("ledger-example"));
    appended(broken.path(), "gl");
    let folder = text(broken.path());
    for line in [
        &["facts", folder][..],
        &["graph", folder],
        &["why", "gl.journal.posted", folder],
        &["trace", "gl", folder],
        &["canvas", "gl", folder],
        &["query", "topics.size()", folder],
        &["catalog", "export", folder],
        &["diff", folder, folder],
    ] {
        let ended = run(line);
        assert_eq!(ended.code, 3, "{line:?}: {}", ended.err);
        assert!(ended.err.contains("`gl` could not be read whole"), "{line:?}: {}", ended.err);
    }
    assert_eq!(run(&["trace", "ap", folder]).code, 0, "of `ap` everything was read");
}

fn appended(suite: &Path, plugin: &str) {
    let manifest = format!("{plugin}/plugin.yaml");
    let text = read(suite, &manifest) + "\ntopics: [unclosed\n";
    write(suite, &manifest, text.as_bytes());
}

fn emptied(suite: &Path, plugin: &str) {
    write(suite, &format!("{plugin}/plugin.yaml"), b"# Nothing.\n");
}

/// The rules of the errors that are not suppressed.
fn errors(line: &[&str]) -> BTreeSet<String> {
    let ended = run(line);
    let report: Value = serde_json::from_str(&ended.out).unwrap_or_else(|_| panic!("{line:?}: {}", ended.err));
    let findings = report["findings"].as_array().expect("findings");
    let errors = findings.iter().filter(|one| one["severity"] == "error" && one["suppressed"].is_null());
    errors.map(|one| one["rule"].as_str().expect("a rule").to_owned()).collect()
}

fn workspace(path: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}

/// The folders that hold a manifest.
fn plugins(suite: &Path) -> BTreeSet<String> {
    let entries = std::fs::read_dir(suite).expect("a folder").map(|entry| entry.expect("an entry").path());
    let held = entries.filter(|path| path.join("plugin.yaml").is_file());
    held.map(|path| path.file_name().expect("a name").to_string_lossy().into_owned()).collect()
}
