//! Runs commands as a front end does.

use checker_cli::{Color, Command, Io};
use clap::Parser;
use std::path::Path;
use tempfile::TempDir;

/// A manifest that needs nothing; `entry` is src/main.js.
pub(crate) const MANIFEST: &str = "manifest: 1\nslug: gl\nname: General Ledger\nversion: 1.0.0\nentry: src/main.js\n";

#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

/// What a command gave.
pub(crate) struct Ended {
    pub(crate) code: u8,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// Runs a command line; the suites of `tests/suites` go by their names.
pub(crate) fn run(line: &[&str]) -> Ended {
    let cli = match Cli::try_parse_from(std::iter::once("trunkline").chain(line.iter().copied())) {
        Ok(cli) => cli,
        Err(error) => return Ended { code: 2, out: String::new(), err: error.to_string() },
    };
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let code = checker_cli::run(&cli.command, &mut Io { out: &mut out, err: &mut err, color: Color::Never });
    Ended { code, out: String::from_utf8(out).expect("UTF-8"), err: String::from_utf8(err).expect("UTF-8") }
}

/// The path of a suite under `tests/suites`.
pub(crate) fn suite(name: &str) -> String {
    format!("{}/tests/suites/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// A suite of one plugin `gl` with this manifest and this module.
pub(crate) fn plugin(manifest: &str, module: &str) -> TempDir {
    let folder = tempfile::tempdir().expect("folder");
    write(folder.path(), "gl/plugin.yaml", manifest.as_bytes());
    write(folder.path(), "gl/src/main.js", module.as_bytes());
    folder
}

pub(crate) fn write(folder: &Path, path: &str, text: &[u8]) {
    let path = folder.join(path);
    std::fs::create_dir_all(path.parent().expect("parent")).expect("create");
    std::fs::write(path, text).expect("write");
}

pub(crate) fn read(folder: &Path, path: &str) -> String {
    std::fs::read_to_string(folder.join(path)).expect("read")
}

pub(crate) fn check(folder: &Path, more: &[&str]) -> Ended {
    let line: Vec<&str> = ["check", folder.to_str().expect("UTF-8")].into_iter().chain(more.iter().copied()).collect();
    run(&line)
}

/// A copy of a suite of `tests/suites`.
pub(crate) fn copy(name: &str) -> TempDir {
    copy_of(Path::new(&suite(name)))
}

/// A copy of a folder.
pub(crate) fn copy_of(from: &Path) -> TempDir {
    let to = tempfile::tempdir().expect("folder");
    let mut folders = vec![from.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("folder") {
            let path = entry.expect("entry").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let within = path.strip_prefix(from).expect("within").to_str().expect("UTF-8");
                write(to.path(), within, &std::fs::read(&path).expect("read"));
            }
        }
    }
    to
}

/// A path as text.
pub(crate) fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}
