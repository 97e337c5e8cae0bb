//! Reading server-sent events, and going on where a broken connection left off.

use crate::exit::Failure;
use crate::remote::{Client, refusal};
use anyhow::{Context, anyhow};
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::time::Duration;

/// Failed connections in a row after which following is given up.
const TRIES_MAX: u32 = 5;
const PAUSE: Duration = Duration::from_secs(1);

/// Calls `each` with every event from `after` on, or from now. Ends only with an error.
pub(crate) fn follow(
    client: &Client,
    query: &str,
    mut after: Option<u64>,
    mut each: impl FnMut(&Value) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut failed = 0;
    loop {
        match read(client, query, &mut after, &mut each) {
            Ok(()) => failed = 0,
            Err(Broken::Connection(error)) if failed + 1 >= TRIES_MAX => return Err(error.into()),
            // Without a first connection there is nothing to go on with.
            Err(Broken::Connection(error)) if after.is_none() => return Err(error.into()),
            Err(Broken::Connection(_)) => failed += 1,
            Err(Broken::End(failure)) => return Err(failure),
        }
        std::thread::sleep(PAUSE);
    }
}

/// Why a stream ended.
enum Broken {
    /// It may be tried again.
    Connection(anyhow::Error),
    /// It may not.
    End(Failure),
}

fn read(
    client: &Client,
    query: &str,
    after: &mut Option<u64>,
    each: &mut impl FnMut(&Value) -> Result<(), Failure>,
) -> Result<(), Broken> {
    let resume = after.map(|after| after.to_string());
    let headers: Vec<(&str, &str)> = resume.iter().map(|after| ("last-event-id", after.as_str())).collect();
    let path = format!("/api/realtime{query}");
    let mut answer = client.open("GET", &path, None, &headers, None).map_err(Broken::Connection)?;
    let status = answer.status().as_u16();
    if status != 200 {
        let text = answer.body_mut().read_to_string().unwrap_or_default();
        let problem = serde_json::from_str(&text).unwrap_or(Value::String(text));
        return Err(Broken::End(refusal(status, &problem).into()));
    }
    let mut kind = String::new();
    for line in BufReader::new(answer.body_mut().as_reader()).lines() {
        // A broken stream is not the end of the story: it goes on where it left off.
        let Ok(line) = line else { return Ok(()) };
        match line.split_once(": ") {
            Some(("id", id)) => *after = id.parse().ok().or(*after),
            Some(("event", name)) => name.clone_into(&mut kind),
            Some(("data", _)) if kind == "error" => return Ok(()),
            Some(("data", data)) => event(data, each).map_err(Broken::End)?,
            _ => {}
        }
    }
    Ok(())
}

fn event(data: &str, each: &mut impl FnMut(&Value) -> Result<(), Failure>) -> Result<(), Failure> {
    let event: Value = serde_json::from_str(data).context("the daemon sent an event that is not JSON")?;
    if event.is_object() { each(&event) } else { Err(anyhow!("the daemon sent something that is no event").into()) }
}
