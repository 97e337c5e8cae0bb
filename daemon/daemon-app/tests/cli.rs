//! The binary's command line: what it says and how it ends.

use std::path::Path;
use std::process::{Command, Output};

fn trunkline(args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_trunkline"));
    command.args(args).env_remove("TRUNKLINE_TOKEN").env_remove("TRUNKLINE_URL");
    command.output().expect("the binary runs")
}

#[track_caller]
fn check(args: &[&str], code: i32, says: &str) {
    let output = trunkline(args);
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(code), "{args:?}: {said}");
    assert!(said.contains(says), "{args:?} does not say `{says}`: {said}");
}

#[test]
fn help_names_the_commands_and_the_exit_codes() {
    for says in
        ["new", "types", "dev", "check", "explain", "events", "dead", "store", "bench", "completions", "Exit codes"]
    {
        check(&["--help"], 0, says);
    }
    assert!(!String::from_utf8_lossy(&trunkline(&["--help"]).stdout).contains("worker"));
    check(&["dev", "--help"], 0, "--ready-file");
}

#[test]
fn the_version_is_the_crates() {
    check(&["--version"], 0, env!("CARGO_PKG_VERSION"));
}

#[test]
fn bad_arguments_end_with_2() {
    check(&["no-such-command"], 2, "no-such-command");
    check(&["dev"], 2, "SUITE");
    check(&["dev", ".", "--listen", "nowhere"], 2, "--listen");
    check(&["dev", ".", "--data", "x", "--ephemeral"], 2, "--ephemeral");
    check(&["worker", "--fd", "7", "gl"], 2, "--fd");
    check(&["events", "list"], 2, "TRUNKLINE_TOKEN");
}

#[test]
fn a_folder_that_is_not_there_ends_with_2() {
    check(&["dev", "no/such/folder"], 2, "no/such/folder");
    check(&["check", "no/such/folder"], 2, "no/such/folder");
}

#[test]
fn a_daemon_that_is_not_there_is_named() {
    check(&["events", "list", "--url", "http://127.0.0.1:1", "--token", "t"], 1, "http://127.0.0.1:1");
}

#[test]
fn what_is_no_address_of_a_daemon_ends_with_2() {
    for url in ["here", "ftp://127.0.0.1", "127.0.0.1:8095"] {
        check(&["events", "list", "--url", url, "--token", "t"], 2, &format!("`{url}` is no daemon's address"));
    }
}

#[test]
fn a_broken_suite_is_not_started_and_its_findings_are_printed() {
    let suite = tempfile::tempdir().expect("a folder");
    write(
        suite.path(),
        "broken/plugin.yaml",
        "manifest: 1\nslug: broken\nname: Broken\nversion: 1.0.0\nentry: src/main.js\ncolour: red\n",
    );
    write(suite.path(), "broken/src/main.js", "");
    let data = suite.path().join("data");
    let arguments = ["dev", suite.path().to_str().expect("a path"), "--data", data.to_str().expect("a path")];
    check(&arguments, 1, "colour");
    assert!(!data.exists(), "nothing is made for a suite that is not started");
}

#[test]
fn an_address_in_use_is_named_with_the_way_out() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address").to_string();
    let suite = tempfile::tempdir().expect("a folder");
    write(
        suite.path(),
        "fine/plugin.yaml",
        "manifest: 1\nslug: fine\nname: Fine\nversion: 1.0.0\nentry: src/main.js\n",
    );
    write(suite.path(), "fine/src/main.js", "");
    let path = suite.path().to_str().expect("a path");
    check(&["dev", path, "--ephemeral", "--listen", &address], 2, &address);
    check(&["dev", path, "--ephemeral", "--listen", &address], 2, "--listen");
}

#[test]
fn completions_are_printed() {
    check(&["completions", "bash"], 0, "trunkline");
}

fn write(folder: &Path, path: &str, text: &str) {
    let path = folder.join(path);
    std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
    std::fs::write(path, text).expect("a file");
}
