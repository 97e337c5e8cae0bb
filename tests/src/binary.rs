//! Finds the binaries of this workspace, built once with the profile of the running test.

use crate::report::say;
use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

/// A build that failed is not tried again by every test.
type Built = OnceLock<Result<PathBuf, String>>;

/// The `trunkline` binary. `TRUNKLINE_BIN` names another one to test instead.
#[must_use]
pub fn trunkline() -> &'static Path {
    static BUILT: Built = OnceLock::new();
    once(&BUILT, || match std::env::var_os("TRUNKLINE_BIN") {
        Some(path) => Ok(PathBuf::from(path)),
        None => build("trunkline"),
    })
}

/// The small `trunkline-check` binary.
#[must_use]
pub fn trunkline_check() -> &'static Path {
    static BUILT: Built = OnceLock::new();
    once(&BUILT, || build("trunkline-check"))
}

fn once(kept: &'static Built, build: impl FnOnce() -> Result<PathBuf>) -> &'static Path {
    let path = kept.get_or_init(|| build().map_err(|error| format!("{error:#}")));
    path.as_ref().unwrap_or_else(|error| panic!("{error}"))
}

/// The TypeScript compiler: what `TRUNKLINE_TSC` names, or `tsc` on the path.
#[must_use]
pub fn tsc() -> Option<PathBuf> {
    let named = std::env::var_os("TRUNKLINE_TSC").filter(|path| !path.is_empty()).map(PathBuf::from);
    let tsc = named.unwrap_or_else(|| PathBuf::from("tsc"));
    if Command::new(&tsc).arg("--version").output().is_ok_and(|output| output.status.success()) {
        return Some(tsc);
    }
    say("skipped: there is no TypeScript compiler; `TRUNKLINE_TSC=$(.ci/tsc)` installs and names one");
    None
}

/// The folder of the workspace.
#[must_use]
pub fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the tests crate lies in the workspace")
}

/// The suite that the project ships.
#[must_use]
pub fn ledger_example() -> PathBuf {
    workspace().join("ledger-example")
}

/// Selects the whole workspace, as `cargo test --workspace` does, so that dependencies are not built again with
/// other features.
fn build(name: &str) -> Result<PathBuf> {
    let own = std::env::current_exe().context("find the running test")?;
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(workspace()).args(["build", "--workspace", "--bin", name]);
    cargo.arg("--message-format=json-render-diagnostics");
    cargo.args(profile(&own));
    if let Some(target) = target_dir(&own) {
        cargo.arg("--target-dir").arg(target);
    }
    let output = cargo.stderr(Stdio::inherit()).output().context("run cargo build")?;
    ensure!(output.status.success(), "cargo build of {name} failed: {}", output.status);
    executable(&output.stdout, name).with_context(|| format!("cargo named no executable for {name}"))
}

/// A test lies in `<target>/<profile>/deps`, an ordinary binary in `<target>/<profile>`.
fn profile(own: &Path) -> Vec<String> {
    let folders = own.ancestors().skip(1).filter_map(Path::file_name);
    match folders.into_iter().find(|name| *name != OsStr::new("deps")).and_then(OsStr::to_str) {
        None | Some("debug") => Vec::new(),
        Some(name) => vec!["--profile".to_owned(), name.to_owned()],
    }
}

/// The target folder is the one that cargo marked as a cache.
fn target_dir(own: &Path) -> Option<&Path> {
    own.ancestors().skip(1).find(|folder| folder.join("CACHEDIR.TAG").is_file())
}

fn executable(messages: &[u8], name: &str) -> Option<PathBuf> {
    let lines = messages.split(|byte| *byte == b'\n');
    let artifacts = lines.filter_map(|line| serde_json::from_slice::<Value>(line).ok());
    let mut found = artifacts.filter(|message| message["target"]["name"] == name);
    found.find_map(|message| message["executable"].as_str().map(PathBuf::from))
}
