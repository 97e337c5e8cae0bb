//! `seed.json`: what a fresh tenant starts with, sent through the real HTTP interface.
//!
//! Steps are sent in their order, and those of a plugin that does not run are kept until it does: they hold up nobody
//! else's.

use crate::dev::tokens::DevFile;
use crate::remote::Client;
use anyhow::{Context, bail};
use daemon_host::{Host, PluginState, PluginStatus};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeSet;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

const FILE: &str = "seed.json";

/// How often to look whether a plugin runs now for which steps are kept.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// One request.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Step {
    method: String,
    path: String,
    #[serde(default)]
    body: Option<Value>,
}

impl Step {
    /// The plugin that is asked, where the path says one: by a verb of its own or by one of its collections.
    fn plugin(&self) -> Option<&str> {
        let below = self.path.strip_prefix("/api/")?;
        let collection = below.strip_prefix("collections/").and_then(|name| name.split('_').next());
        collection.or_else(|| below.split(['/', '?']).next())
    }
}

/// The steps of a suite's seed, and who sends them.
pub(super) struct Seed {
    path: PathBuf,
    steps: Vec<Step>,
    client: Arc<Client>,
}

/// Steps that are not sent yet, because plugins do not run.
pub(super) struct Kept {
    steps: usize,
    plugins: BTreeSet<String>,
    /// One of those plugins is still starting.
    starts: bool,
}

impl Seed {
    /// The suite's seed; none where all of it has been sent, or there is none.
    pub(super) fn left(suite: &Path, dev: &DevFile, url: &str) -> anyhow::Result<Option<Self>> {
        let path = suite.join(FILE);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error).with_context(|| format!("read `{}`", path.display())),
        };
        let steps: Vec<Step> = serde_json::from_str(&text)
            .with_context(|| format!("`{}` must be a list of {{method, path, body}}", path.display()))?;
        let client = Arc::new(Client::new(url, dev.demo_token()));
        Ok((0..steps.len()).any(|at| !dev.is_seeded(at)).then_some(Self { path, steps, client }))
    }

    /// Sends what can be sent, and gives what is kept, if anything is. A run that was interrupted goes on where it stopped.
    pub(super) async fn send(&self, dev: &mut DevFile, host: &Host) -> anyhow::Result<Option<Kept>> {
        let plugins = host.plugins();
        let mut kept = Kept { steps: 0, plugins: BTreeSet::new(), starts: false };
        for (at, step) in self.steps.iter().enumerate() {
            match waits_for(step, &plugins) {
                _ if dev.is_seeded(at) => {}
                Some(plugin) => kept.add(plugin),
                None => {
                    self.take(at, step).await?;
                    dev.set_seeded(at)?;
                }
            }
        }
        Ok((kept.steps > 0).then_some(kept))
    }

    async fn take(&self, at: usize, step: &Step) -> anyhow::Result<()> {
        let (client, request) = (self.client.clone(), step.clone());
        let sent =
            tokio::task::spawn_blocking(move || client.send(&request.method, &request.path, request.body.as_ref()));
        let (status, answer) = sent.await.context("seed the tenant")??;
        if !(200..300).contains(&status) {
            let Step { method, path: to, .. } = step;
            let file = self.path.display();
            bail!("step {} of `{file}`, {method} {to}, was answered {status}: {answer}", at + 1);
        }
        Ok(())
    }
}

/// The plugin that a step has to wait for.
fn waits_for<'p>(step: &Step, plugins: &'p [PluginStatus]) -> Option<&'p PluginStatus> {
    let slug = step.plugin()?;
    plugins.iter().find(|plugin| plugin.slug == slug && plugin.state.refusal().is_some())
}

impl Kept {
    fn add(&mut self, plugin: &PluginStatus) {
        self.steps += 1;
        self.starts |= plugin.state == PluginState::Starting;
        self.plugins.insert(plugin.slug.clone());
    }

    /// Whether it is worth waiting a moment more.
    pub(super) fn waits_for_a_start(&self) -> bool {
        self.starts
    }

    /// Says what is kept, and for whom.
    pub(super) fn tell(&self, err: &mut dyn Write) -> io::Result<()> {
        let plugins: Vec<String> = self.plugins.iter().map(|slug| format!("`{slug}`")).collect();
        let (plugins, runs) = (plugins.join(", "), if plugins.len() == 1 { "which does" } else { "which do" });
        let (steps, wait) = if self.steps == 1 { ("step", "waits") } else { ("steps", "wait") };
        writeln!(
            err,
            "warning: {} {steps} of `{FILE}` {wait} for {plugins}, {runs} not run; the rest is seeded",
            self.steps
        )
    }
}

/// Steps that are kept while the daemon serves.
pub(super) struct Later(pub(super) Option<Seed>);

impl Later {
    /// Comes when it is time to look again; never where nothing is kept.
    pub(super) async fn look(&self) {
        match self.0 {
            Some(_) => tokio::time::sleep(LOOK_EVERY).await,
            None => std::future::pending().await,
        }
    }

    /// Sends what can be sent now, and says when that was the rest. A step that is refused ends it until the next start.
    pub(super) async fn go_on(&mut self, dev: &mut DevFile, host: &Host, err: &mut dyn Write) -> io::Result<()> {
        let Some(seed) = &self.0 else { return Ok(()) };
        match seed.send(dev, host).await {
            Ok(Some(_)) => return Ok(()),
            Ok(None) => writeln!(err, "all of `{FILE}` is seeded now")?,
            Err(error) => writeln!(err, "error: {error:#}; the rest is seeded at the next start")?,
        }
        self.0 = None;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_for_the_plugin_that_its_path_names() {
        let plugin = |path: &str| {
            let step = Step { method: "POST".to_owned(), path: path.to_owned(), body: None };
            step.plugin().map(str::to_owned)
        };
        assert_eq!(plugin("/api/gl/entities").as_deref(), Some("gl"));
        assert_eq!(plugin("/api/pay-roll?x=1").as_deref(), Some("pay-roll"));
        assert_eq!(plugin("/api/collections/pay-roll_runs/records").as_deref(), Some("pay-roll"));
        assert_eq!(plugin("/healthz"), None);
    }
}
