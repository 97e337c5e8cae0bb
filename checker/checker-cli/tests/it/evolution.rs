//! What became of a suite: against git, against a folder, and into an installation.

use crate::common::{Ended, run};
use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use std::process::Command;

const DAY: &str = "--today=2026-11-21";

fn write(folder: &Path, path: &str, text: &str) {
    let path = folder.join(path);
    fs::create_dir_all(path.parent().expect("parent")).expect("create");
    fs::write(path, text).expect("write");
}

/// Two plugins: gl posts, ar hears it and reads `lines`.
fn books(folder: &Path, version: &str, fields: &[&str]) {
    let gl = format!(
        "manifest: 1\nslug: gl\nname: GL\nversion: {version}\nentry: main.js\ntopics:\n  gl.journal.posted: \
         {{kind: event, version: {version}, schema: posted.json}}\npublishes: [gl.journal.posted]\n"
    );
    let properties: serde_json::Map<String, Value> =
        fields.iter().map(|name| ((*name).to_owned(), json!({"type": "string"}))).collect();
    let schema = json!({"type": "object", "properties": properties, "additionalProperties": false});
    write(folder, "gl/plugin.yaml", &gl);
    write(folder, "gl/posted.json", &schema.to_string());
    write(
        folder,
        "gl/main.js",
        "$app.routerAdd('POST', '/api/gl/run', () => {\n  $app.realtime().publish('gl.journal.posted', {});\n});\n",
    );
    write(
        folder,
        "ar/plugin.yaml",
        "manifest: 1\nslug: ar\nname: AR\nversion: 1.0.0\nentry: main.js\nconsumes:\n  - {topic: gl.journal.posted, range: '>=1 <3'}\n",
    );
    write(
        folder,
        "ar/main.js",
        "$app.onEvent('gl.journal.posted', function stamp(e) {\n  $app.log('info', e.payload.lines);\n});\n",
    );
}

fn git(folder: &Path, arguments: &[&str]) {
    let who = ["-c", "user.name=t", "-c", "user.email=t@example.test", "-c", "commit.gpgsign=false"];
    let output = Command::new("git").arg("-C").arg(folder).args(who).args(arguments).output().expect("git");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// A repository whose folder `suites/books` holds the suite, committed.
fn repository() -> tempfile::TempDir {
    let root = tempfile::tempdir().expect("folder");
    books(&root.path().join("suites/books"), "1.0.0", &["id", "lines", "note"]);
    git(root.path(), &["init", "-q", "-b", "main"]);
    git(root.path(), &["add", "."]);
    git(root.path(), &["commit", "-q", "-m", "first"]);
    root
}

fn path(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

fn check(suite: &Path, more: &[&str]) -> Ended {
    let line: Vec<&str> = ["check", path(suite), DAY].into_iter().chain(more.iter().copied()).collect();
    run(&line)
}

/// Rule, severity and baseline of each finding.
fn findings(ended: &Ended) -> Vec<(String, String, String)> {
    let report: Value = serde_json::from_str(&ended.out).expect("JSON");
    let text = |finding: &Value, key: &str| finding[key].as_str().expect("text").to_owned();
    let list = report["findings"].as_array().expect("list");
    list.iter().map(|one| (text(one, "rule"), text(one, "severity"), text(one, "baseline"))).collect()
}

fn has(found: &[(String, String, String)], rule: &str, severity: &str) -> bool {
    found.iter().any(|one| one.0 == rule && one.1 == severity)
}

#[test]
fn a_field_that_is_read_may_not_go_and_one_that_is_not_is_a_warning() {
    let root = repository();
    let suite = root.path().join("suites/books");
    books(&suite, "2.0.0", &["id", "note"]);
    let ended = check(&suite, &["--base", "git:main", "--out", "json"]);
    assert_eq!(ended.code, 1, "{}{}", ended.out, ended.err);
    let found = findings(&ended);
    assert!(has(&found, "TL603", "error") && !has(&found, "TL604", "error"), "{found:?}");
    books(&suite, "2.0.0", &["id", "lines"]);
    let ended = check(&suite, &["--base", "git:main", "--out", "json"]);
    let found = findings(&ended);
    assert!(ended.code == 0 && has(&found, "TL603", "warning"), "{found:?}");
    books(&suite, "1.0.1", &["id", "note"]);
    let ended = check(&suite, &["--base", "git:main"]);
    assert!(ended.out.contains("it deserves 2.0.0"), "{}", ended.out);
}

#[test]
fn findings_of_the_base_are_existing_and_may_pass() {
    let root = repository();
    let suite = root.path().join("suites/books");
    let dangling = "$app.onEvent('gl.journal.lost', function lost(e) {});\n";
    write(&suite, "ar/main.js", dangling);
    git(root.path(), &["commit", "-q", "-a", "-m", "dangling"]);
    write(&suite, "ar/main.js", &format!("// A line above.\n{dangling}"));
    let all = findings(&check(&suite, &["--base", "git:main", "--out", "json"]));
    assert!(!all.is_empty() && all.iter().all(|one| one.2 == "existing"), "{all:?}");
    assert_eq!(check(&suite, &["--base", "git:main"]).code, 1);
    assert_eq!(check(&suite, &["--base", "git:main", "--fail-on-new"]).code, 0);
    write(&suite, "ar/main.js", &format!("{dangling}$app.onEvent('gl.journal.gone', function gone(e) {{}});\n"));
    assert_eq!(check(&suite, &["--base", "git:main", "--fail-on-new"]).code, 1);
}

#[test]
fn a_base_may_be_a_folder_or_lie_before_the_suite() {
    let root = repository();
    let suite = root.path().join("suites/books");
    let copy = tempfile::tempdir().expect("folder");
    books(copy.path(), "1.0.0", &["id", "lines", "note"]);
    books(&suite, "2.0.0", &["id", "note"]);
    assert!(check(&suite, &["--base", path(copy.path())]).out.contains("TL603"));
    let other = root.path().join("suites/new");
    books(&other, "1.0.0", &["id", "lines"]);
    let ended = check(&other, &["--base", "git:main", "--out", "json"]);
    assert!(findings(&ended).iter().all(|one| one.2 == "new"), "{}{}", ended.out, ended.err);
    assert_eq!(ended.code, 0, "{}", ended.err);
}

#[test]
fn what_is_wrong_with_a_base_is_said() {
    let root = repository();
    let suite = root.path().join("suites/books");
    let outside = tempfile::tempdir().expect("folder");
    books(outside.path(), "1.0.0", &["id"]);
    for (suite, base, want) in [
        (suite.as_path(), "git:nowhere", "no revision `nowhere`"),
        (suite.as_path(), "git:", "names no revision"),
        (suite.as_path(), "git:--help", "no revision `--help`"),
        (outside.path(), "git:main", "is in no git repository"),
        (suite.as_path(), "elsewhere", "is not a folder"),
    ] {
        let ended = check(suite, &["--base", base]);
        assert_eq!(ended.code, 2, "{base}");
        assert!(ended.err.contains(want), "{base}: {}", ended.err);
    }
}

#[test]
fn the_order_of_upgrades_is_printed_and_follows_the_schema() {
    let root = repository();
    let suite = root.path().join("suites/books");
    books(&suite, "2.0.0", &["id", "note"]);
    write(
        &suite,
        "ar/main.js",
        "$app.onEvent('gl.journal.posted', function stamp(e) {\n  $app.log('info', e.payload.id);\n});\n",
    );
    let text = check(&suite, &["--base", "git:main"]).out;
    assert!(text.contains("rollout: upgrade in this order\n  1. `gl`\n"), "{text}");
    let json = check(&suite, &["--base", "git:main", "--out", "json"]).out;
    let report: Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(report["rollout"][1]["plugins"], json!(["ar"]));
    let schema = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/src/reference/check-output.schema.json");
    let schema = contract_schema::Schema::compile(&fs::read_to_string(schema).expect("schema"), "s").expect("compiles");
    assert_eq!(schema.validate(&report), Ok(()));
}

#[test]
fn recorded_events_are_held_against_the_schemas() {
    let root = repository();
    let suite = root.path().join("suites/books");
    let log = root.path().join("log.jsonl");
    let event = |data: Value| json!({"id": "e-7", "type": "gl.journal.posted", "data": data}).to_string() + "\n";
    fs::write(&log, event(json!({"id": "J-1"}))).expect("write");
    assert_eq!(check(&suite, &["--replay", path(&log)]).code, 0);
    fs::write(&log, event(json!({"id": 1}))).expect("write");
    let ended = check(&suite, &["--replay", path(&log)]);
    assert!(ended.code == 1 && ended.out.contains("TL610") && ended.out.contains("e-7"), "{}", ended.out);
    fs::write(&log, "{}\n").expect("write");
    assert!(check(&suite, &["--replay", path(&log)]).err.contains("line 1: is no CloudEvent"));
}

#[test]
fn a_difference_is_told_in_three_formats() {
    let root = repository();
    let suite = root.path().join("suites/books");
    books(&suite, "2.0.0", &["id", "note"]);
    for format in ["text", "md", "json"] {
        let ended = run(&["diff", "git:main", path(&suite), "--out", format]);
        assert_eq!(ended.code, 0, "{}", ended.err);
        insta::assert_snapshot!(format!("diff_{format}"), ended.out);
    }
    let same = run(&["diff", "git:main", "git:main", "--suite", path(&suite)]);
    assert_eq!(same.out, "nothing changed in topics, contracts and wiring\n");
    assert_eq!(run(&["diff", &crate::common::suite("clean"), &crate::common::suite("clean")]).out, same.out);
}

/// Asks whether `gl` of this folder fits into the installation.
fn can_enable(from: &Path, plugin: &str, lock: &Path) -> Ended {
    run(&["can-enable", plugin, "--from", path(from), "--into", path(lock), DAY])
}

#[test]
fn a_lock_is_canonical_and_written_only_where_the_check_passes() {
    let root = repository();
    let suite = root.path().join("suites/books");
    let lock = suite.join("contracts.lock");
    assert_eq!(check(&suite, &["--write-lock"]).code, 0);
    let first = fs::read_to_string(&lock).expect("lock");
    insta::assert_snapshot!("lock", first);
    write(&suite, "ar/main.js", &format!("\n\n{}", fs::read_to_string(suite.join("ar/main.js")).expect("text")));
    assert_eq!(check(&suite, &["--write-lock"]).code, 0);
    assert_eq!(fs::read_to_string(&lock).expect("lock"), first);
    fs::remove_file(&lock).expect("remove");
    write(&suite, "ar/main.js", "$app.onEvent('gl.journal.lost', function lost(e) {});\n");
    assert_eq!(check(&suite, &["--write-lock"]).code, 1);
    assert!(!lock.exists());
}

#[test]
fn can_enable_answers_yes_no_and_unknown() {
    let root = repository();
    let suite = root.path().join("suites/books");
    let lock = root.path().join("contracts.lock");
    let write_lock = format!("--write-lock={}", lock.display());
    assert_eq!(check(&suite, &[&write_lock]).code, 0);
    let yes = can_enable(&suite, "gl@1.0.0", &lock);
    assert_eq!((yes.code, yes.out.starts_with("yes: `gl` 1.0.0")), (0, true), "{}{}", yes.out, yes.err);
    books(&suite, "1.1.0", &["id", "lines", "note", "memo"]);
    assert_eq!(can_enable(&suite, "gl@1.1.0", &lock).code, 0);
    books(&suite, "2.0.0", &["id", "note"]);
    let no = can_enable(&suite, "gl@2.0.0", &lock);
    assert!(no.code == 1 && no.out.contains("no [TL603]"), "{}", no.out);
    books(&suite, "3.0.0", &["id", "lines", "note"]);
    let no = can_enable(&suite, "gl@3.0.0", &lock);
    assert!(no.code == 1 && no.out.contains("no [TL606]"), "{}", no.out);
    books(&suite, "1.1.0", &["id", "lines", "note"]);
    let schema = fs::read_to_string(suite.join("gl/posted.json")).expect("schema");
    write(&suite, "gl/posted.json", &schema.replace("\"lines\":{", "\"lines\":{\"format\":\"iban\","));
    let unknown = can_enable(&suite, "gl@1.1.0", &lock);
    assert!(unknown.code == 3 && unknown.out.contains("unknown [TL603]"), "{} {}", unknown.code, unknown.out);
    write(&suite, "gl/main.js", "cosnt x = 1;");
    let blind = can_enable(&suite, "gl@1.1.0", &lock);
    assert!(blind.out.contains("unknown [TL704]"), "{}", blind.out);
    let usage = can_enable(&suite, "gl@9.9.9", &lock);
    assert!(usage.code == 2 && usage.err.contains("holds version 1.1.0"), "{}", usage.err);
}

/// That a topic has no schema is known, and hinders nothing.
#[test]
fn what_is_only_bad_style_is_no_doubt() {
    let root = repository();
    let suite = root.path().join("suites/books");
    let lock = root.path().join("contracts.lock");
    assert_eq!(check(&suite, &[&format!("--write-lock={}", lock.display())]).code, 0);
    let manifest = "manifest: 1\nslug: fa\nname: FA\nversion: 1.0.0\nentry: main.js\ntopics:\n  fa.asset.added: {kind: event, visibility: public}\npublishes: [fa.asset.added]\n";
    write(&suite, "fa/plugin.yaml", manifest);
    write(&suite, "fa/main.js", "$app.onAttach(() => $app.realtime().publish('fa.asset.added', {}));\n");
    let strict = check(&suite, &["--strict", "--out", "text"]);
    assert!(strict.code == 1 && strict.out.contains("error[TL106]"), "{}", strict.out);
    let yes = can_enable(&suite, "fa@1.0.0", &lock);
    assert_eq!((yes.code, yes.out.as_str()), (0, "yes: `fa` 1.0.0 can be enabled\n"));
}

#[test]
fn a_plugin_that_may_publish_anything_is_unknown() {
    let root = repository();
    let suite = root.path().join("suites/books");
    let lock = root.path().join("contracts.lock");
    assert_eq!(check(&suite, &[&format!("--write-lock={}", lock.display())]).code, 0);
    write(&suite, "fa/plugin.yaml", "manifest: 1\nslug: fa\nname: FA\nversion: 1.0.0\nentry: main.js\n");
    write(
        &suite,
        "fa/main.js",
        "$app.routerAdd('POST', '/api/fa/run', e => {\n  $app.realtime().publish(e.body.topic, {});\n});\n",
    );
    let unknown = can_enable(&suite, "fa@1.0.0", &lock);
    assert!(unknown.code == 3 && unknown.out.contains("unknown [TL701]"), "{} {}", unknown.code, unknown.out);
}

/// A suite of `bank`, which hears a request that nobody makes yet, with this code; and `pay`, which makes it.
fn asked_by_pay(bank: &str) -> Ended {
    let root = tempfile::tempdir().expect("folder");
    let lock = root.path().join("contracts.lock");
    let manifest = |slug: &str, more: &str| {
        format!("manifest: 1\nslug: {slug}\nname: {slug}\nversion: 1.0.0\nentry: main.js\n{more}")
    };
    let consumes =
        "publishes: [pay.run.done]\nconsumes: [{topic: pay.run.request, optional: true, reason: pay comes later}]\n";
    write(root.path(), "bank/plugin.yaml", &manifest("bank", consumes));
    write(root.path(), "bank/main.js", bank);
    assert_eq!(check(root.path(), &[&format!("--write-lock={}", lock.display()), "--fail-on", "never"]).code, 0);
    let topics = "topics:\n  pay.run.request: {kind: request, schema: any.json, replies: {ok: pay.run.done}}\n  \
                  pay.run.done: {kind: reply, schema: any.json, publishers: [bank]}\npublishes: [pay.run.request]\n";
    write(root.path(), "pay/any.json", "{}");
    write(root.path(), "pay/plugin.yaml", &manifest("pay", topics));
    let code =
        "$app.routerAdd('POST', '/api/pay/run', e => { $app.request('pay.run.request', {}, { timeout: '5s' }); });\n";
    write(root.path(), "pay/main.js", code);
    can_enable(root.path(), "pay@1.0.0", &lock)
}

#[test]
fn a_lock_keeps_whether_handlers_answer() {
    let silent = asked_by_pay("$app.onEvent('pay.run.request', e => $app.log('info', e.topic));");
    assert!(silent.code == 1 && silent.out.contains("no [TL403]"), "{}{}", silent.out, silent.err);
    let answering = asked_by_pay("$app.onEvent('pay.run.request', e => { e.reply({}); });");
    assert_eq!(answering.code, 0, "{}{}", answering.out, answering.err);
}

#[test]
fn a_lock_keeps_timeouts() {
    let lock = |contract: &str, call: &str| {
        let root = tempfile::tempdir().expect("folder");
        let topics = format!(
            "topics:\n  gl.sum.request: {{kind: request, replies: {{ok: gl.sum.done}}{contract}}}\n  gl.sum.done: {{kind: reply}}\n"
        );
        let manifest = format!(
            "{}{topics}publishes: [gl.sum.request, gl.sum.done]\nconsumes: [gl.sum.request]\n",
            crate::common::MANIFEST
        );
        write(root.path(), "gl/plugin.yaml", &manifest);
        let code = format!(
            "$app.onEvent('gl.sum.request', e => {{ e.reply({{}}); }});\n$app.routerAdd('POST', '/api/gl/run', e => {{ {call} }});\n"
        );
        write(root.path(), "gl/src/main.js", &code);
        check(root.path(), &["--write-lock", "--fail-on", "never"]);
        fs::read_to_string(root.path().join("contracts.lock")).expect("a lock")
    };
    let bare = lock("", "$app.request('gl.sum.request', {});");
    assert!(bare.contains("\"endless\": true") && !bare.contains("\"timeout\""), "{bare}");
    assert!(!lock("", "$app.request('gl.sum.request', {}, { timeout: '5s' });").contains("endless"));
    assert!(lock(", timeout: 5s", "$app.request('gl.sum.request', {});").contains("\"timeout\": \"5000ms\""));
}

/// Puts other code into `ar`, writes the lock, takes `note` out of the schema and asks whether that `gl` fits.
fn without_note(handler: &str) -> Ended {
    let root = repository();
    let suite = root.path().join("suites/books");
    let lock = root.path().join("contracts.lock");
    let schema = |properties: Value| {
        let schema = json!({"type": "object", "properties": properties, "additionalProperties": false});
        write(&suite, "gl/posted.json", &schema.to_string());
    };
    let text = json!({"type": "string"});
    let line = json!({"type": "object", "properties": {"amount": text, "note": text}, "additionalProperties": false});
    let lines = |line: &Value| json!({"id": text, "lines": {"type": "array", "items": line}});
    schema(lines(&line));
    write(&suite, "ar/main.js", handler);
    let written = check(&suite, &[&format!("--write-lock={}", lock.display())]);
    assert_eq!(written.code, 0, "{}", written.out);
    books(&suite, "2.0.0", &[]);
    schema(lines(&json!({"type": "object", "properties": {"amount": text}, "additionalProperties": false})));
    can_enable(&suite, "gl@2.0.0", &lock)
}

#[test]
fn a_lock_keeps_what_is_read_within_lists_and_what_is_not_followed() {
    let head = "$app.onEvent('gl.journal.posted', function stamp(e) {\n";
    let nested =
        without_note(&format!("{head}  for (const line of e.payload.lines) $app.log('info', line.note);\n}});\n"));
    assert!(nested.code == 1 && nested.out.contains("no [TL603] `/lines/*/note`"), "{}{}", nested.out, nested.err);
    let beside =
        without_note(&format!("{head}  for (const line of e.payload.lines) $app.log('info', line.amount);\n}});\n"));
    assert_eq!(beside.code, 0, "{}{}", beside.out, beside.err);
    let opaque = without_note(&format!("{head}  globalThis.audit(e.payload);\n}});\n"));
    assert!(opaque.code == 3 && opaque.out.contains("unknown [TL603] `/lines/*/note`"), "{}{}", opaque.out, opaque.err);
    assert!(opaque.out.contains("which `ar` may read in code that is not followed"), "{}", opaque.out);
    let part = without_note(&format!("{head}  globalThis.audit(e.payload.id);\n}});\n"));
    assert_eq!(part.code, 0, "{}{}", part.out, part.err);
    let shared = format!(
        "function note(e) {{ return e.payload.lines.map(line => line.note); }}\n{head}  $app.log('info', note(e));\n}});\n"
    );
    let shared = without_note(&shared);
    assert!(shared.code == 1 && shared.out.contains("no [TL603]"), "{}{}", shared.out, shared.err);
}

#[test]
fn a_locked_check_fails_where_the_sources_went_on() {
    let root = repository();
    let suite = root.path().join("suites/books");
    let missing = check(&suite, &["--locked"]);
    assert!(missing.code == 2 && missing.err.contains("there is no lock `"), "{}", missing.err);
    assert_eq!(check(&suite, &["--write-lock"]).code, 0);
    let same = check(&suite, &["--locked"]);
    assert!(same.code == 0 && same.err.is_empty(), "{}", same.err);
    let main = fs::read_to_string(suite.join("ar/main.js")).expect("text");
    write(&suite, "ar/main.js", &format!("// A line above.\n{main}"));
    assert_eq!(check(&suite, &["--locked"]).code, 0, "a moved line changes no contract");
    write(&suite, "ar/main.js", &main.replace("e.payload.lines", "e.payload.note"));
    let other = check(&suite, &["--locked"]);
    assert_eq!(other.code, 1, "{}", other.out);
    for part in ["-          \"path\": \"/lines\",", "+          \"path\": \"/note\",", "is not what the sources give"]
    {
        assert!(other.err.contains(part), "{part}: {}", other.err);
    }
    let lock = suite.join("contracts.lock");
    let text = fs::read_to_string(&lock).expect("lock");
    let compact = serde_json::from_str::<Value>(&text).expect("JSON").to_string();
    fs::write(&lock, compact).expect("write");
    write(&suite, "ar/main.js", &main);
    assert_eq!(check(&suite, &["--locked"]).code, 0, "the same in another form");
    fs::write(&lock, "{}").expect("write");
    assert!(check(&suite, &["--locked"]).err.contains("is no lock"));
    assert_eq!(check(&suite, &["--locked", "--write-lock"]).code, 2);
}

#[test]
fn what_enters_from_outside_and_is_heard_no_more_is_told() {
    let state = |consumes: &str, code: &str| {
        let root = tempfile::tempdir().expect("folder");
        let external = "external: [{topic: bank.statement.received, reason: the bank posts it}]\n";
        write(root.path(), "suite.yaml", &format!("name: books\nplugins: [gl]\n{external}"));
        write(root.path(), "gl/plugin.yaml", &format!("{}{consumes}", crate::common::MANIFEST));
        write(root.path(), "gl/src/main.js", code);
        root
    };
    let before = state(
        "consumes: [bank.statement.received]\n",
        "$app.onEvent('bank.statement.received', function book(e) { $app.log('info', e.topic); });\n",
    );
    let after = state("", "$app.log('info', 'ready');\n");
    let ended = check(after.path(), &["--base", path(before.path())]);
    assert!(
        ended.out.contains("TL611") && ended.out.contains("it still enters from outside"),
        "{}{}",
        ended.out,
        ended.err
    );
}
