//! `seed.json`: what a fresh tenant starts with, sent through the real HTTP interface.

use crate::dev::tokens::DevFile;
use crate::remote::Client;
use anyhow::{Context, bail};
use serde::Deserialize;
use serde_json::Value;
use std::path::Path;

const FILE: &str = "seed.json";

/// One request.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Step {
    method: String,
    path: String,
    #[serde(default)]
    body: Option<Value>,
}

/// Sends the steps that have not been sent before. A run that was interrupted goes on where it stopped.
pub(super) fn run(suite: &Path, mut dev: DevFile, client: &Client) -> anyhow::Result<DevFile> {
    let path = suite.join(FILE);
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(dev),
        Err(error) => return Err(error).with_context(|| format!("read `{}`", path.display())),
    };
    let steps: Vec<Step> = serde_json::from_str(&text)
        .with_context(|| format!("`{}` must be a list of {{method, path, body}}", path.display()))?;
    for (at, step) in steps.iter().enumerate().skip(dev.seeded()) {
        let (status, answer) = client.send(&step.method, &step.path, step.body.as_ref())?;
        if !(200..300).contains(&status) {
            let Step { method, path: to, .. } = step;
            bail!("step {} of `{}`, {method} {to}, was answered {status}: {answer}", at + 1, path.display());
        }
        dev.set_seeded(at + 1)?;
    }
    Ok(dev)
}
