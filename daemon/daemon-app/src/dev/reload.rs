//! Changes of the suite's files, put in force as they are saved.

use super::suite::{Loaded, judge, loaded};
use super::tokens::DevFile;
use super::{not_started, roles};
use checker_cli::{Changes, LiveSuite};
use contract_model::PluginSlug;
use contract_model::manifest::{Manifest, Role};
use contract_parse::ParsedPlugin;
use daemon_access::Access;
use daemon_host::{Host, Reload, Reloaded};
use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;
use tokio::sync::mpsc::{Receiver, Sender, channel};

/// A change that somebody has saved.
pub(super) enum Saved {
    /// The suite as it is now, what the checker says of it, and when it was saved.
    Sound(Box<Loaded>, String, Instant),
    /// The checker does not accept it, or it cannot be read; the text says why.
    Unsound(String),
}

/// The suite's files, watched from before they are read, so that no save falls between the two.
pub(super) struct Files {
    folder: PathBuf,
    changes: Changes,
}

impl Files {
    pub(super) fn of(folder: &Path) -> anyhow::Result<Self> {
        let folder = folder.canonicalize()?;
        let changes = Changes::of(&folder)?;
        Ok(Self { folder, changes })
    }

    /// Gives what is saved, beginning with the suite as it was read.
    pub(super) fn follow(self, live: LiveSuite) -> anyhow::Result<Receiver<Saved>> {
        let Self { folder, changes } = self;
        // One at a time: a save that comes while one is put in force waits with the watcher, and is read with those after it.
        let (send, saved) = channel(1);
        let watcher = std::thread::Builder::new().name("suite-watcher".to_owned());
        watcher.spawn(move || watch(&changes, &folder, live, &send))?;
        Ok(saved)
    }
}

fn watch(changes: &Changes, folder: &Path, mut live: LiveSuite, send: &Sender<Saved>) {
    let mut running = folders(&live.suite().plugins);
    while let Some(changed) = changes.next() {
        let saved = match live.refresh(&changed.paths) {
            Ok(false) => continue,
            Ok(true) => read(&mut live, folder, &mut running, changed.at),
            Err(error) => Saved::Unsound(format!("error: {error}\n")),
        };
        if send.blocking_send(saved).is_err() {
            return;
        }
    }
}

fn folders(plugins: &[ParsedPlugin]) -> BTreeSet<String> {
    plugins.iter().map(|plugin| plugin.folder.clone()).collect()
}

/// A plugin that ran and whose folder is gone is taken out, whoever misses it, suite.yaml too; any other fault keeps
/// what runs as it is.
fn read(live: &mut LiveSuite, folder: &Path, running: &mut BTreeSet<String>, at: Instant) -> Saved {
    let (passes, findings) = judge(live);
    let now = loaded(live.suite(), folder);
    let is_gone = |plugin: &str| !folder.join(plugin).is_dir();
    if !passes && !running.iter().any(|plugin| is_gone(plugin)) {
        return Saved::Unsound(findings);
    }
    let plugins: Vec<ParsedPlugin> = now.plugins.into_iter().filter(|plugin| !is_gone(&plugin.folder)).collect();
    *running = folders(&plugins);
    Saved::Sound(Box::new(Loaded { plugins, ..now }), findings, at)
}

/// Puts a change in force and says what came of it. `behind` is whether the files say something else than what runs;
/// whoever was told that they do is told when they no longer do.
pub(super) async fn put_in_force(
    saved: Saved,
    host: &Host,
    access: &Access,
    dev: &mut DevFile,
    behind: &mut bool,
    err: &mut dyn Write,
) -> anyhow::Result<()> {
    let was_behind = std::mem::replace(behind, true);
    let (now, findings, at) = match saved {
        Saved::Sound(now, findings, at) => (now, findings, at),
        Saved::Unsound(why) => {
            write!(err, "{why}")?;
            return Ok(writeln!(err, "error: the change is not loaded; what runs stays as it was")?);
        }
    };
    write!(err, "{findings}")?;
    let reloaded = match host.reload(&now.plugins, now.terms.clone()).await {
        Ok(reloaded) => reloaded,
        Err(error) => return Ok(writeln!(err, "error: the change is not loaded: {}", error.line())?),
    };
    let manifests = host.manifests();
    teach(access, &manifests, &reloaded);
    dev.grant(access, &roles(&manifests))?;
    let ms = at.elapsed().as_millis();
    for Reloaded { slug, what } in &reloaded {
        match what {
            Reload::Started => writeln!(err, "`{slug}` is started")?,
            Reload::Replaced => writeln!(err, "`{slug}` is reloaded, {ms} ms after it was saved")?,
            Reload::Removed => writeln!(err, "`{slug}` is removed")?,
            Reload::Stopped => writeln!(err, "`{slug}` does not run now; `trunkline plugin list` says why")?,
            Reload::Refused(error) => writeln!(err, "error: {:#}", not_started(error, " and stays as it was"))?,
        }
    }
    *behind = reloaded.iter().any(|one| matches!(one.what, Reload::Refused(_)));
    if was_behind && !*behind && reloaded.is_empty() {
        writeln!(err, "the suite is as it runs again")?;
    }
    Ok(())
}

/// The roles are those of the suite in force: of a plugin that is refused, those of before.
fn teach(access: &Access, manifests: &[Manifest], reloaded: &[Reloaded]) {
    for manifest in manifests {
        let roles: Vec<Role> = manifest.roles.iter().map(|role| role.value.clone()).collect();
        access.teach(&manifest.slug.value, roles);
    }
    let removed = reloaded.iter().filter(|one| matches!(one.what, Reload::Removed));
    for slug in removed.filter_map(|one| PluginSlug::new(&one.slug).ok()) {
        access.forget(&slug);
    }
}
