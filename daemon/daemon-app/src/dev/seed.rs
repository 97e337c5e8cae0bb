//! `seed.json`: what a fresh tenant starts with, sent through the real HTTP interface.

use crate::dev::tokens::DevFile;
use crate::remote::Client;
use anyhow::{Context, bail};
use serde::Deserialize;
use serde_json::Value;
use std::path::{Path, PathBuf};

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

/// The steps of a seed that have not been sent.
pub(super) struct Seed {
    path: PathBuf,
    steps: Vec<Step>,
}

impl Seed {
    /// What is left of the suite's seed; none where all of it has been sent, or there is none.
    pub(super) fn left(suite: &Path, dev: &DevFile) -> anyhow::Result<Option<Self>> {
        let path = suite.join(FILE);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error).with_context(|| format!("read `{}`", path.display())),
        };
        let steps: Vec<Step> = serde_json::from_str(&text)
            .with_context(|| format!("`{}` must be a list of {{method, path, body}}", path.display()))?;
        Ok((steps.len() > dev.seeded()).then_some(Self { path, steps }))
    }

    /// Sends it. A run that was interrupted goes on where it stopped.
    pub(super) fn send(self, mut dev: DevFile, client: &Client) -> anyhow::Result<DevFile> {
        for (at, step) in self.steps.iter().enumerate().skip(dev.seeded()) {
            let (status, answer) = client.send(&step.method, &step.path, step.body.as_ref())?;
            if !(200..300).contains(&status) {
                let Step { method, path: to, .. } = step;
                let file = self.path.display();
                bail!("step {} of `{file}`, {method} {to}, was answered {status}: {answer}", at + 1);
            }
            dev.set_seeded(at + 1)?;
        }
        Ok(dev)
    }
}
