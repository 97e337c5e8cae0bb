//! The exit codes that pipelines rely on.

mod common;

use common::{Ended, run, suite};
use std::fs;
use std::path::Path;

const MANIFEST: &str = "manifest: 1\nslug: gl\nname: General Ledger\nversion: 1.0.0\nentry: src/main.js\n";

/// A suite of one plugin with this manifest and this module.
fn plugin(manifest: &str, module: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("folder");
    write(folder.path(), "gl/plugin.yaml", manifest.as_bytes());
    write(folder.path(), "gl/src/main.js", module.as_bytes());
    folder
}

fn write(folder: &Path, path: &str, text: &[u8]) {
    let path = folder.join(path);
    fs::create_dir_all(path.parent().expect("parent")).expect("create");
    fs::write(path, text).expect("write");
}

fn check(folder: &Path, more: &[&str]) -> Ended {
    let line: Vec<&str> = ["check", folder.to_str().expect("UTF-8")].into_iter().chain(more.iter().copied()).collect();
    run(&line)
}

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

#[test]
fn rules_are_listed_and_explained() {
    let explained = run(&["explain", "dangling-subscription"]);
    assert_eq!(explained.code, 0);
    assert!(explained.out.starts_with("TL201 dangling-subscription (error"), "{}", explained.out);
    assert_eq!(run(&["explain", "TL000"]).code, 2);
    for format in ["text", "md", "json"] {
        let listed = run(&["rules", "--format", format]);
        assert!(listed.code == 0 && listed.out.contains("TL907"), "{format}");
    }
}

#[cfg(unix)]
#[test]
fn links_are_not_followed_out_of_the_suite() {
    let outside = tempfile::tempdir().expect("folder");
    fs::write(outside.path().join("secret.js"), "export const x = 1;").expect("write");
    let one = plugin(MANIFEST, "import { x } from './secret.js';\n$app.log('info', String(x));");
    std::os::unix::fs::symlink(outside.path().join("secret.js"), one.path().join("gl/src/secret.js")).expect("link");
    assert!(check(one.path(), &[]).out.contains("TL705"));
}
