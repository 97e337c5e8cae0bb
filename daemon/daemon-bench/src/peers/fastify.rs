//! Fastify on Node with `SQLite` at synchronous FULL: what one would write by hand for a document with an outbox.

use super::Places;
use crate::program::Program;
use crate::request::Target;
use crate::side::{Server, Side, answers, free_port};
use anyhow::Result;
use rustix::process::Signal;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

const SERVER: &str = include_str!("fastify.mjs");

pub(crate) fn find(places: &Places) -> Option<Side> {
    let node = places.node()?;
    let (modules, version) = places.package("fastify")?;
    let name = format!("Fastify {version}, node:sqlite FULL");
    Some(Side { name, start: Box::new(move |home| start(&node, &modules, home)) })
}

fn start(node: &Path, modules: &Path, home: &Path) -> Result<Server> {
    let file = home.join("server.mjs");
    std::fs::write(&file, SERVER)?;
    let port = free_port()?.to_string();
    let mut command = Command::new(node);
    command.args([&file, modules, Path::new(&port), &home.join("bench.db")]);
    let start = Instant::now();
    let mut program = Program::start("fastify", command, home, Signal::KILL)?;
    let address = format!("127.0.0.1:{port}");
    program.wait(|| answers(&format!("http://{address}/bench/count")).then_some(()))?;
    let ready_after = start.elapsed();
    let target = Target::Http { address: address.parse()?, token: None };
    Ok(Server { program, _beside: None, judge: target.clone(), target, ready_after })
}
