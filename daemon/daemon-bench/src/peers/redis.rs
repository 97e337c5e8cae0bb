//! Redis with its log of commands flushed before each acknowledgement.

use super::Places;
use crate::program::Program;
use crate::request::Target;
use crate::side::{Server, Side, free_port};
use anyhow::Result;
use rustix::process::Signal;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

pub(crate) fn find(places: &Places) -> Option<Side> {
    let program = places.program("bin/redis-server", "redis-server")?;
    let told = Command::new(&program).arg("--version").output().ok()?;
    let told = String::from_utf8_lossy(&told.stdout).into_owned();
    let version = told.split_whitespace().find_map(|word| word.strip_prefix("v=")).unwrap_or_default();
    let name = format!("Redis {version} streams");
    Some(Side { name, start: Box::new(move |home| start(&program, home)) })
}

fn start(program: &Path, home: &Path) -> Result<Server> {
    let port = free_port()?;
    let data = home.join("data");
    std::fs::create_dir_all(&data)?;
    let mut command = Command::new(program);
    command.args(["--bind", "127.0.0.1", "--port", &port.to_string(), "--dir"]).arg(&data);
    command.args(["--appendonly", "yes", "--appendfsync", "always", "--save", ""]);
    let start = Instant::now();
    let mut program = Program::start("redis", command, home, Signal::KILL)?;
    program.wait(|| std::net::TcpStream::connect(("127.0.0.1", port)).ok())?;
    let target = Target::Redis(format!("127.0.0.1:{port}").parse()?);
    Ok(Server { program, _beside: None, judge: target.clone(), target, ready_after: start.elapsed() })
}
