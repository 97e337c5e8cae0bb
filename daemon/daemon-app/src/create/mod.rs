//! `trunkline new`: a suite or a plugin to begin with, which passes the check and runs as it is.

mod template;

use crate::exit::Failure;
use crate::types;
use anyhow::{Context, anyhow};
use contract_model::{PluginSlug, TopicName};
use std::io::Write;
use std::path::{Path, PathBuf};
use template::{Names, PLUGIN, SUITE, Template};

const AFTER_HELP: &str = "\
Examples:
  trunkline new suite shop && trunkline dev shop
  trunkline new plugin billing --suite shop --ts";

/// What to make.
#[derive(Debug, Clone, clap::Subcommand)]
#[command(after_help = AFTER_HELP)]
pub(crate) enum NewCommand {
    /// Make a folder with a suite of one plugin, which has the suite's name.
    Suite {
        /// The folder; its last part is the name.
        name: PathBuf,
        /// Write the plugin in TypeScript.
        #[arg(long)]
        ts: bool,
    },
    /// Make a plugin in a suite and name it in suite.yaml.
    Plugin {
        /// The plugin's slug and folder.
        name: String,
        /// Write the plugin in TypeScript.
        #[arg(long)]
        ts: bool,
        /// The suite's folder.
        #[arg(long, value_name = "DIR", default_value = ".")]
        suite: PathBuf,
    },
}

pub(crate) fn run(command: &NewCommand, out: &mut dyn Write) -> Result<(), Failure> {
    match command {
        NewCommand::Suite { name, ts } => suite(name, *ts, out),
        NewCommand::Plugin { name, ts, suite } => plugin(name, *ts, suite, out),
    }
}

fn suite(folder: &Path, ts: bool, out: &mut dyn Write) -> Result<(), Failure> {
    let name = folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let names = Names::of(&named(&name)?, ts);
    let mut all = files(SUITE, "", &names);
    all.extend(files(PLUGIN, &format!("{name}/"), &names));
    make(folder, &all)?;
    types::write_for(folder, &name)?;
    let place = folder.display();
    Ok(writeln!(
        out,
        "{place} is a suite with the plugin {name}\n\n  trunkline check {place}\n  trunkline test {place}\n  trunkline dev {place}"
    )?)
}

fn plugin(name: &str, ts: bool, suite: &Path, out: &mut dyn Write) -> Result<(), Failure> {
    let names = Names::of(&named(name)?, ts);
    if !suite.is_dir() {
        return Err(Failure::usage(anyhow!(
            "`{}` is not a folder; `--suite` names that of the suite",
            suite.display()
        )));
    }
    let taken = checker_cli::load_suite(suite).ok().and_then(|all| Some(all.plugin(name)?.path("plugin.yaml")));
    if let Some(place) = taken {
        return Err(Failure::usage(anyhow!("the suite has a plugin `{name}` already: {place}")));
    }
    let manifest = suite.join("suite.yaml");
    // Before anything is written: a plugin that the suite does not know would be half of the work.
    let listed = std::fs::read_to_string(&manifest).ok().map(|text| with_plugin(&text, name)).transpose()?;
    let folder = suite.join(name);
    make(&folder, &files(PLUGIN, "", &names))?;
    if let Some(Some(text)) = listed {
        std::fs::write(&manifest, text)
            .with_context(|| format!("`{}` cannot be written; add `{name}` to its `plugins`", manifest.display()))?;
    }
    types::write_for(suite, name)?;
    let place = suite.display();
    Ok(writeln!(
        out,
        "{} is a plugin of the suite\n\n  trunkline check {place}\n  trunkline test {place}\n  trunkline dev {place}",
        folder.display()
    )?)
}

/// A name that can be a plugin's slug and the first segment of its topics.
fn named(name: &str) -> Result<PluginSlug, Failure> {
    let slug = PluginSlug::new(name).map_err(Failure::usage)?;
    TopicName::new(&format!("{slug}.item.added")).map_err(|_| {
        Failure::usage(anyhow!("`{name}` cannot begin a topic: put single `-` between letters and digits only"))
    })?;
    Ok(slug)
}

/// suite.yaml with one plugin more; none where it leaves finding them to the folders.
fn with_plugin(text: &str, name: &str) -> Result<Option<String>, Failure> {
    let (manifest, problems) = contract_parse::parse_suite_manifest("suite.yaml", text);
    if let Some(problem) = problems.first() {
        let (line, why) = (problem.location.line, &problem.message);
        return Err(Failure::usage(anyhow!("suite.yaml:{line} must be repaired first: {why}")));
    }
    if manifest.plugins.is_none() {
        return Ok(None);
    }
    let edit = contract_parse::with_entry(text, "plugins", name).ok_or_else(|| {
        Failure::usage(anyhow!(
            "`plugins` of suite.yaml is written in a way that cannot be added to; write it as a list"
        ))
    })?;
    let at = usize::try_from(edit.0).unwrap_or(usize::MAX).min(text.len());
    Ok(Some(format!("{}{}{}", &text[..at], edit.1, &text[at..])))
}

/// The filled files of a template, below a folder.
fn files(template: &[Template], below: &str, names: &Names) -> Vec<(String, String)> {
    let wanted = template.iter().filter(|one| names.takes(one.path));
    wanted.map(|one| (format!("{below}{}", names.fill(one.path)), names.fill(one.text))).collect()
}

/// Makes a folder that is not there yet, with these files. What fails half-way leaves nothing behind.
fn make(folder: &Path, files: &[(String, String)]) -> Result<(), Failure> {
    let place = folder.display();
    if folder.symlink_metadata().is_ok() {
        return Err(Failure::usage(anyhow!("`{place}` is there already; nothing was changed, take another name")));
    }
    let written = write(folder, files);
    if written.is_err() {
        // What was made of it is all ours.
        let _ = std::fs::remove_dir_all(folder);
    }
    written.with_context(|| format!("`{place}` cannot be made")).map_err(Failure::usage)
}

fn write(folder: &Path, files: &[(String, String)]) -> std::io::Result<()> {
    for (path, text) in files {
        let path = folder.join(path);
        std::fs::create_dir_all(path.parent().unwrap_or(folder))?;
        std::fs::write(path, text)?;
    }
    Ok(())
}
