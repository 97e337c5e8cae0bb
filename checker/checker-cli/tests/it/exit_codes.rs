//! The exit codes that pipelines rely on.

use crate::common::{MANIFEST, check, plugin, run, suite, write};
use std::fs;

#[test]
fn the_floor_decides() {
    let unheard = format!("{MANIFEST}topics:\n  gl.a.b: {{kind: event}}\npublishes: [gl.a.b]\n");
    let warns = plugin(&unheard, "$app.onAttach(() => $app.realtime().publish('gl.a.b', {}));");
    for (more, code) in [
        (vec![], 0),
        (vec!["--deny-warnings"], 1),
        (vec!["--fail-on", "warn"], 1),
        (vec!["--fail-on", "never"], 0),
        (vec!["--strict"], 1),
        (vec!["--fail-on", "sometimes"], 2),
        (vec!["--out", "yaml"], 2),
        (vec!["--out", "json="], 2),
        (vec!["--today", "tomorrow"], 2),
        (vec!["--threads", "0"], 2),
    ] {
        assert_eq!(check(warns.path(), &more).code, code, "{more:?}");
    }
}

#[test]
fn suites_end_as_they_should() {
    assert_eq!(run(&["check", &suite("clean")]).code, 0);
    assert_eq!(run(&["check", &suite("broken")]).code, 1);
    assert_eq!(run(&["check", &suite("broken"), "--fail-on", "never"]).code, 0);
}

#[test]
fn a_module_that_cannot_be_parsed_makes_the_result_incomplete() {
    let broken = plugin(MANIFEST, "cosnt x = 1;");
    for more in [vec![], vec!["--fail-on", "never"]] {
        assert_eq!(check(broken.path(), &more).code, 3);
    }
    let bytes = plugin(MANIFEST, "");
    write(bytes.path(), "gl/src/main.js", b"const x = '\xff\xfe';");
    let ended = check(bytes.path(), &[]);
    assert_eq!(ended.code, 3);
    assert!(ended.out.contains("is not UTF-8"), "{}", ended.out);
}

#[test]
fn an_unreadable_manifest_is_a_finding() {
    let ended = check(plugin("manifest: [", "").path(), &[]);
    assert_eq!(ended.code, 1);
    assert!(ended.out.contains("TL101"), "{}", ended.out);
}

#[test]
fn a_folder_without_plugins_is_a_usage_error() {
    let empty = tempfile::tempdir().expect("folder");
    let ended = check(empty.path(), &[]);
    assert_eq!(ended.code, 2);
    assert!(ended.err.contains("holds no plugin"), "{}", ended.err);
    let missing = check(&empty.path().join("none"), &[]);
    assert_eq!(missing.code, 2);
    assert!(missing.err.contains("is not a folder"), "{}", missing.err);
}

#[test]
fn a_folder_that_is_a_plugin_is_a_suite_of_one() {
    let one = plugin(MANIFEST, "$app.log('info', 'ready');");
    let ended = check(&one.path().join("gl"), &[]);
    assert_eq!(ended.code, 0, "{}", ended.out);
    assert!(ended.out.contains("1 plugins"), "{}", ended.out);
}

#[test]
fn one_run_writes_several_formats() {
    let one = plugin(MANIFEST, "$app.log('info', 'ready');");
    let file = one.path().join("report.json");
    let sink = format!("json={}", file.display());
    let ended = check(one.path(), &["--out", &sink, "--out", "text"]);
    assert_eq!(ended.code, 0);
    assert!(ended.out.starts_with("findings 0/0/0"), "{}", ended.out);
    assert!(fs::read_to_string(file).expect("report").starts_with('{'));
    let nowhere = format!("json={}", one.path().join("none/report.json").display());
    assert_eq!(check(one.path(), &["--out", &nowhere]).code, 2);
}

/// Of several settings the last one wins: profile, `rules`, then `overrides` for the file.
#[test]
fn severities_may_depend_on_the_path() {
    let manifest = format!("{MANIFEST}topics:\n  gl.a.b: {{kind: event}}\npublishes: [gl.a.b]\n");
    let suite =
        plugin(&manifest, "import './old/moved.js';\n$app.onAttach(() => $app.realtime().publish('gl.a.b', {}));\n");
    write(
        suite.path(),
        "gl/src/old/moved.js",
        b"$app.routerAdd('GET', '/api/gl/x', () => $app.realtime().publish('gl.c.d', {}));\n",
    );
    for (settings, code) in [
        ("", 1),
        ("overrides: [{files: ['gl/src/old/**'], rules: {TL304: warn, TL202: info}, reason: moves out}]\n", 0),
        ("overrides: [{files: ['gl/src/*'], rules: {TL304: warn}}]\n", 1),
        ("overrides: [{files: ['gl/src/old/**'], rules: {published-not-declared: off, TL202: info}}]\n", 0),
        ("rules: {TL304: warn}\noverrides: [{files: ['**/moved.js'], rules: {TL304: error}}]\n", 1),
        (
            "overrides: [{files: ['**'], rules: {TL304: warn}}, {files: ['gl/src/old/*.js'], rules: {TL304: error}}]\n",
            1,
        ),
        ("overrides: [{files: ['gl/src/old/**'], rules: {TL999: warn}}]\n", 1),
    ] {
        write(suite.path(), "suite.yaml", settings.as_bytes());
        let ended = check(suite.path(), &[]);
        assert_eq!(ended.code, code, "{settings}: {}", ended.out);
    }
    write(suite.path(), "suite.yaml", b"overrides: [{files: ['gl/src/old/**'], rules: {TL304: off, TL202: info}}]\n");
    let json = check(suite.path(), &["--out", "json"]).out;
    assert!(json.contains("suite.yaml switches TL304 off for this file"), "what is off stays in the report: {json}");
}

/// The number of suppressed findings is a note: it is told and fails nothing.
#[test]
fn a_note_fails_nothing() {
    let unheard = format!(
        "{MANIFEST}topics:\n  gl.a.b: {{kind: event}}\npublishes: [gl.a.b]\nallow:\n  - {{rule: TL202, topic: gl.a.b, \
         reason: the archive comes next month, owner: finance}}\n  - {{rule: TL106, topic: gl.a.b, reason: has no payload to describe, owner: finance}}\n"
    );
    let suite = plugin(&unheard, "$app.onAttach(() => $app.realtime().publish('gl.a.b', {}));");
    let ended = check(suite.path(), &["--fail-on", "info"]);
    assert!(ended.code == 0 && ended.out.contains("TL909"), "{} {}", ended.code, ended.out);
}

#[test]
fn rules_are_listed_and_explained() {
    let explained = run(&["explain", "dangling-subscription"]);
    assert_eq!(explained.code, 0);
    assert!(explained.out.starts_with("TL201 dangling-subscription (error"), "{}", explained.out);
    assert_eq!(run(&["explain", "TL000"]).code, 2);
    for (slip, meant) in
        [("TL20l", "TL201"), ("TLZ01", ""), ("dangling-subscripton", "dangling-subscription"), ("near", "near-miss")]
    {
        let ended = run(&["explain", slip]);
        let hint =
            if meant.is_empty() { "`rules` lists them all".to_owned() } else { format!("did you mean `{meant}`?") };
        assert!(ended.code == 2 && ended.err.contains(&hint), "{slip}: {}", ended.err);
    }
    for format in ["text", "md", "json"] {
        let listed = run(&["rules", "--format", format]);
        assert!(listed.code == 0 && listed.out.contains("TL907"), "{format}");
    }
}

#[test]
fn what_looks_after_exceptions_cannot_be_switched_off() {
    let stale =
        format!("{MANIFEST}allow:\n  - {{rule: TL202, topic: gl.a.b, reason: heard by the archive, owner: finance}}\n");
    let one = plugin(&stale, "$app.log('info', 'ready');");
    write(one.path(), "suite.yaml", b"rules: {TL901: off}\noverrides: [{files: [gl/**], rules: {TL902: off}}]\n");
    let ended = check(one.path(), &[]);
    assert!(ended.code == 1 && ended.out.contains("error[TL901]"), "{}", ended.out);
    assert!(ended.out.contains("error[TL904]: TL901 looks after exceptions"), "{}", ended.out);
    assert!(ended.out.contains("error[TL904]: TL902 looks after exceptions"), "{}", ended.out);
    write(one.path(), "suite.yaml", b"rules: {TL901: warn}\n");
    assert_eq!(check(one.path(), &[]).code, 0);
}

#[test]
fn topics_that_nobody_names_are_told_with_what_was_meant() {
    let clean = suite("clean");
    let why = run(&["why", "gl.journal.postd", "--suite", &clean]);
    assert!(why.out.contains("nobody in the suite names it; did you mean `gl.journal.posted`?"), "{}", why.out);
    let why = run(&["why", "gl.journal.posted", "--suite", &clean]);
    assert!(!why.out.contains("nobody in the suite"), "{}", why.out);
    let trace = run(&["trace", "ar:gl.journal.postd", "--suite", &clean]);
    assert!(trace.out.contains("subscribes `gl.journal.postd`; did you mean `gl.journal.posted`?"), "{}", trace.out);
}

/// Each command with a line that ends well and one that is wrong.
#[test]
fn every_command_ends_with_a_code_of_the_table() {
    let (clean, broken) = (suite("clean"), suite("broken"));
    let lines: [(&[&str], u8); 28] = [
        (&["why", "gl.journal.posted", "--suite", &clean], 0),
        (&["why", "gl.journal.posted", "--suite", "/no/such/folder"], 2),
        (&["trace", "gl", "--suite", &clean], 0),
        (&["trace", "nobody", "--suite", &clean], 2),
        (&["canvas", "gl", "--suite", &clean], 0),
        (&["canvas", "nobody", "--suite", &clean], 2),
        (&["graph", &clean], 0),
        (&["graph", &clean, "--format", "png"], 2),
        (&["graph", &clean, "--format", "html", "--collapse", "plugin"], 2),
        (&["graph", &clean, "--depth", "1"], 2),
        (&["facts", &clean], 0),
        (&["facts", "/no/such/folder"], 2),
        (&["rules"], 0),
        (&["rules", "--format", "xml"], 2),
        (&["explain", "TL201"], 0),
        (&["explain", "TL000"], 2),
        (&["fix", &clean, "--dry-run"], 0),
        (&["fix", &broken, "--dry-run", "--rule", "TL000"], 2),
        (&["catalog", "export", &clean], 0),
        (&["catalog", "import"], 2),
        (&["query", "facts", &clean], 0),
        (&["query", "fact", &clean], 2),
        (&["query", "facts", "/no/such/folder"], 2),
        (&["baseline", &clean], 2),
        (&["baseline", "/no/such/folder", "--update"], 2),
        (&["verify-trace", "/no/such/file", &clean], 2),
        (&["watch", "/no/such/folder"], 2),
        (&["nonsense"], 2),
    ];
    for (line, code) in lines {
        let ended = run(line);
        assert_eq!(ended.code, code, "{line:?}: {}", ended.err);
        assert_eq!(ended.err.is_empty(), code == 0, "{line:?}: {}", ended.err);
    }
}

#[test]
fn help_is_there_for_every_command() {
    for command in [
        "check",
        "explain",
        "rules",
        "facts",
        "why",
        "trace",
        "graph",
        "canvas",
        "fix",
        "watch",
        "catalog",
        "query",
        "baseline",
        "verify-trace",
    ] {
        let help = run(&[command, "--help"]).err;
        assert!(help.contains("Usage:"), "{command}: {help}");
        assert!(command == "catalog" || help.contains("Examples:"), "{command}: {help}");
    }
}

#[test]
fn an_output_that_cannot_be_written_is_named() {
    let one = plugin(MANIFEST, "$app.log('info', 'ready');");
    for sink in ["json=/no/such/folder/x.json".to_owned(), format!("md={}", one.path().display())] {
        let ended = check(one.path(), &["--out", &sink]);
        assert_eq!(ended.code, 2);
        assert!(ended.err.contains("cannot write"), "{}", ended.err);
    }
}
