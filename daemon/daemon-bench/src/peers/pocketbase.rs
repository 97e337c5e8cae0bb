//! `PocketBase`: `SQLite` in WAL mode with synchronous NORMAL, so what it acknowledges is not flushed. Hooks in goja.

use super::{Places, version};
use crate::program::Program;
use crate::request::Target;
use crate::side::{Server, Side, answers, free_port};
use anyhow::Result;
use rustix::process::Signal;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

const HOOKS: &str = include_str!("pocketbase.pb.js");

pub(crate) fn find(places: &Places) -> Option<Side> {
    let program = places.program("bin/pocketbase", "pocketbase")?;
    let name = format!("PocketBase {}", version(&program).ok()?);
    Some(Side { name, start: Box::new(move |home| start(&program, home)) })
}

fn start(program: &Path, home: &Path) -> Result<Server> {
    let hooks = home.join("hooks");
    std::fs::create_dir_all(&hooks)?;
    std::fs::write(hooks.join("bench.pb.js"), HOOKS)?;
    let address = format!("127.0.0.1:{}", free_port()?);
    let mut command = Command::new(program);
    command.args(["serve", "--http", &address, "--hooksWatch=false", "--automigrate=false", "--dir"]);
    command.arg(home.join("data")).arg("--hooksDir").arg(hooks);
    let start = Instant::now();
    let mut program = Program::start("pocketbase", command, home, Signal::KILL)?;
    let health = format!("http://{address}/api/health");
    program.wait(|| answers(&health).then_some(()))?;
    let ready_after = start.elapsed();
    let target = Target::Http { address: address.parse()?, token: None };
    Ok(Server { program, _beside: None, judge: target.clone(), target, ready_after })
}
