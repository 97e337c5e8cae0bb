//! NATS with a `JetStream` of files that is flushed before each acknowledgement.

use super::{Places, version};
use crate::program::Program;
use crate::request::Target;
use crate::side::{Server, Side, free_port};
use anyhow::Result;
use rustix::process::Signal;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

pub(crate) fn find(places: &Places) -> Option<Side> {
    let program = places.program("bin/nats-server", "nats-server")?;
    let name = format!("NATS JetStream {}", version(&program).ok()?.trim_start_matches('v'));
    Some(Side { name, start: Box::new(move |home| start(&program, home)) })
}

fn start(program: &Path, home: &Path) -> Result<Server> {
    let port = free_port()?;
    let settings = home.join("nats.conf");
    let folder = home.join("data").display().to_string();
    let text =
        format!("listen: \"127.0.0.1:{port}\"\njetstream {{ store_dir: \"{folder}\", sync_interval: always }}\n");
    std::fs::write(&settings, text)?;
    let mut command = Command::new(program);
    command.arg("--config").arg(&settings);
    let start = Instant::now();
    let mut program = Program::start("nats", command, home, Signal::KILL)?;
    program.wait(|| std::net::TcpStream::connect(("127.0.0.1", port)).ok())?;
    let target = Target::Nats(format!("127.0.0.1:{port}").parse()?);
    Ok(Server { program, _beside: None, judge: target.clone(), target, ready_after: start.elapsed() })
}
