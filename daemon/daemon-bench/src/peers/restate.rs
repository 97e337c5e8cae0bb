//! Restate with a handler in Node: an invocation is logged and flushed before and after the handler runs.

use super::{Places, version};
use crate::program::Program;
use crate::request::Target;
use crate::side::{Server, Side, answers, free_port};
use anyhow::Result;
use rustix::process::Signal;
use serde_json::json;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

const HANDLER: &str = include_str!("restate.mjs");
const SETTINGS: &str = include_str!("restate.toml");

/// Asks how many invocations are completed; they are kept for a day.
pub(crate) const COMPLETED: &str = "SELECT count(*) AS n FROM sys_invocation WHERE status = 'completed'";

/// The programs and the folder of packages that it takes.
struct Installed {
    server: PathBuf,
    node: PathBuf,
    modules: PathBuf,
}

pub(crate) fn find(places: &Places) -> Option<Side> {
    let inside = "node_modules/@restatedev/restate-server-linux-x64/bin/restate-server";
    let server = places.program(inside, "restate-server")?;
    let (modules, _) = places.package("@restatedev/restate-sdk")?;
    let name = format!("Restate {}", version(&server).ok()?);
    let installed = Installed { server, node: places.node()?, modules };
    Some(Side { name, start: Box::new(move |home| start(&installed, home)) })
}

fn start(installed: &Installed, home: &Path) -> Result<Server> {
    let [node, ingress, admin, handler] = [free_port()?, free_port()?, free_port()?, free_port()?];
    let settings = home.join("restate.toml");
    let text = SETTINGS.replace("{home}", &home.display().to_string()).replace("{node}", &node.to_string());
    std::fs::write(&settings, text.replace("{ingress}", &ingress.to_string()).replace("{admin}", &admin.to_string()))?;
    let beside = handle(installed, handler, home)?;
    let mut command = Command::new(&installed.server);
    command.arg("--config-file").arg(&settings);
    let start = Instant::now();
    let mut program = Program::start("restate", command, home, Signal::KILL)?;
    // The admin port answers before the partitions can take the registration.
    program.wait(|| register(admin, handler).ok())?;
    let health = format!("http://127.0.0.1:{ingress}/restate/health");
    program.wait(|| answers(&health).then_some(()))?;
    let ready_after = start.elapsed();
    let target = Target::Http { address: format!("127.0.0.1:{ingress}").parse()?, token: None };
    let judge = Target::Http { address: format!("127.0.0.1:{admin}").parse()?, token: None };
    Ok(Server { program, _beside: Some(beside), target, judge, ready_after })
}

fn handle(installed: &Installed, port: u16, home: &Path) -> Result<Program> {
    let file = home.join("handler.mjs");
    std::fs::write(&file, HANDLER)?;
    let mut command = Command::new(&installed.node);
    command.args([&file, &installed.modules, Path::new(&port.to_string())]);
    let mut program = Program::start("handler", command, home, Signal::KILL)?;
    program.wait(|| std::net::TcpStream::connect(("127.0.0.1", port)).ok())?;
    Ok(program)
}

fn register(admin: u16, handler: u16) -> Result<()> {
    let body = json!({"uri": format!("http://127.0.0.1:{handler}"), "force": true}).to_string();
    ureq::post(&format!("http://127.0.0.1:{admin}/deployments")).content_type("application/json").send(&body)?;
    Ok(())
}
