//! The book shows what the commands print. `UPDATE_DOCS=1 cargo test -p checker-cli` rewrites it.

use clap::CommandFactory;
use std::fmt::Write as _;
use std::process::Command;

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/src/checker/commands.md");

/// What a command prints, run where the suites lie.
fn printed(line: &str) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_trunkline-check"));
    command.args(line.split(' ')).current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/suites"));
    let ended = command.output().expect("trunkline-check runs");
    assert!(ended.stderr.is_empty(), "{line}: {}", String::from_utf8_lossy(&ended.stderr));
    String::from_utf8(ended.stdout).expect("UTF-8")
}

/// The page with every block after a `run` comment filled with what its command prints.
fn filled(page: &str) -> String {
    let mut out = String::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        let _ = writeln!(out, "{line}");
        let Some(command) = line.strip_prefix("<!-- run: ").and_then(|rest| rest.strip_suffix(" -->")) else {
            continue;
        };
        let fence = lines.next().expect("a block follows");
        lines.find(|line| *line == "```").expect("the block ends");
        let _ = write!(out, "{fence}\n{}\n```\n", printed(command).trim_end());
    }
    out
}

#[test]
fn the_commands_print_what_the_book_shows() {
    let page = std::fs::read_to_string(PAGE).expect("the page");
    let filled = filled(&page);
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(PAGE, &filled).expect("written");
    } else {
        assert!(page == filled, "docs/src/checker/commands.md is out of date; run with UPDATE_DOCS=1");
    }
}

#[test]
fn the_book_has_every_command() {
    #[derive(clap::Parser)]
    struct Cli {
        #[command(subcommand)]
        _command: checker_cli::Command,
    }
    let page = std::fs::read_to_string(PAGE).expect("the page");
    for command in Cli::command().get_subcommands() {
        assert!(page.contains(&format!("\n## `{}`\n", command.get_name())), "{}", command.get_name());
    }
}
