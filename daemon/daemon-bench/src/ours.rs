//! This program's side: `dev` on a suite, a child process of this very binary.

use crate::program::Program;
use crate::request::Target;
use crate::side::{Server, Side};
use anyhow::{Context, Result};
use rustix::process::Signal;
use serde_json::Value;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

const SUITE: [(&str, &str); 6] = [
    ("bench/plugin.yaml", include_str!("suite/bench/plugin.yaml")),
    ("bench/schema.json", include_str!("suite/bench/schema.json")),
    ("bench/contracts/bench.item.added.json", include_str!("suite/bench/contracts/bench.item.added.json")),
    ("bench/contracts/bench.echo.request.json", include_str!("suite/bench/contracts/bench.echo.request.json")),
    ("bench/contracts/bench.echo.refused.json", include_str!("suite/bench/contracts/bench.echo.refused.json")),
    ("bench/src/main.js", include_str!("suite/bench/src/main.js")),
];

/// Writes the suite of the smallest verbs that can be measured to `folder`.
pub(crate) fn write_suite(folder: &Path) -> Result<()> {
    for (path, text) in SUITE {
        let path = folder.join(path);
        std::fs::create_dir_all(path.parent().context("a parent")?)?;
        std::fs::write(path, text)?;
    }
    Ok(())
}

const LEDGER: &str = include_str!("suite/ledger.yaml");

/// Writes a suite of the plugin `gl` of another suite alone to `folder`: nobody hears what it posts, as nobody hears its
/// peer in a database.
pub(crate) fn write_ledger(suite: &Path, folder: &Path) -> Result<()> {
    let from = suite.join("gl");
    copy_folder(&from, &folder.join("gl")).with_context(|| format!("--suite: copy {}", from.display()))?;
    Ok(std::fs::write(folder.join("suite.yaml"), LEDGER)?)
}

fn copy_folder(from: &Path, to: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let to = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_folder(&entry.path(), &to)?;
        } else {
            std::fs::copy(entry.path(), to)?;
        }
    }
    Ok(())
}

/// This program on a suite.
pub(crate) fn side(suite: &Path) -> Side {
    let suite = suite.to_path_buf();
    let name = concat!("Trunkline ", env!("CARGO_PKG_VERSION")).to_owned();
    Side { name, start: Box::new(move |home| start(&suite, home)) }
}

fn start(suite: &Path, home: &Path) -> Result<Server> {
    let ready = home.join("ready.json");
    forget(&ready)?;
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("dev").arg(suite).args(["--listen", "127.0.0.1:0", "--no-watch", "--data"]).arg(home.join("data"));
    command.arg("--ready-file").arg(&ready);
    let start = Instant::now();
    let mut program = Program::start("trunkline", command, home, Signal::KILL)?;
    // The ready-file is written whole, so what can be read is complete.
    let facts = program.wait(|| std::fs::read(&ready).ok())?;
    let ready_after = start.elapsed();
    let target = target(&facts)?;
    Ok(Server { program, _beside: None, judge: target.clone(), target, ready_after })
}

fn forget(ready: &Path) -> Result<()> {
    match std::fs::remove_file(ready) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
        _ => Ok(()),
    }
}

fn target(ready: &[u8]) -> Result<Target> {
    let facts: Value = serde_json::from_slice(ready).context("read the ready-file")?;
    let text = |pointer: &str| {
        let found = facts.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
        found.with_context(|| format!("{pointer} in the ready-file"))
    };
    let address = text("/url")?.trim_start_matches("http://").parse()?;
    Ok(Target::Http { address, token: Some(text("/tenants/demo/token")?) })
}
