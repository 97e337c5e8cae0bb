//! `trunkline plugin list | config | limits | enable | disable`.

use crate::exit::Failure;
use crate::remote::{Client, Target, View, segment, text};
use anyhow::anyhow;
use serde_json::{Map, Value};
use std::io::Write;

/// Commands about the plugins of a running daemon.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum PluginCommand {
    /// List the plugins with their states: active, paused, `pending_config`, starting, disabled, error.
    List {
        #[command(flatten)]
        target: Target,
        #[command(flatten)]
        view: View,
    },
    /// Show the settings of a plugin, or change some.
    Config {
        #[command(flatten)]
        target: Target,
        #[command(flatten)]
        view: View,
        #[command(flatten)]
        changes: Changes,
    },
    /// Show what one call of a plugin may use and what its calls used, or change some limits.
    Limits {
        #[command(flatten)]
        target: Target,
        #[command(flatten)]
        view: View,
        #[command(flatten)]
        changes: Changes,
    },
    /// Let a plugin run.
    Enable {
        #[command(flatten)]
        target: Target,
        /// The plugin.
        slug: String,
    },
    /// Stop a plugin. Its data stays, and so do the events that come for it.
    Disable {
        #[command(flatten)]
        target: Target,
        /// The plugin.
        slug: String,
        /// Stop it although a plugin that uses one of its capabilities refuses to let it go.
        #[arg(long)]
        force: bool,
    },
}

/// A plugin, and what of it is to change.
#[derive(Debug, clap::Args)]
pub(crate) struct Changes {
    /// The plugin.
    slug: String,
    /// What to change, as `name=value`; a value that is JSON counts as that, any other as text.
    #[arg(value_name = "NAME=VALUE")]
    set: Vec<String>,
    /// Take one back to its default.
    #[arg(long, value_name = "NAME")]
    unset: Vec<String>,
}

const PATH: &str = "/api/_admin/plugins";

/// Runs one of them.
pub(crate) fn run(command: PluginCommand, out: &mut dyn Write) -> Result<(), Failure> {
    match command {
        PluginCommand::List { target, view } => list(&Client::of(&target)?.call("GET", PATH)?, view.json, out),
        PluginCommand::Config { target, view, changes } => {
            let client = Client::of(&target)?;
            let path = format!("{PATH}/{}/config", segment(&changes.slug));
            if let Some(changes) = changes.body()? {
                state(&client.change("PATCH", &path, Some(&changes))?, &mut std::io::stderr())?;
            }
            settings(&client.call("GET", &path)?, view.json, out)
        }
        PluginCommand::Limits { target, view, changes } => {
            let client = Client::of(&target)?;
            let path = format!("{PATH}/{}/limits", segment(&changes.slug));
            let shown = match changes.body()? {
                None => client.call("GET", &path)?,
                Some(changes) => client.change("PATCH", &path, Some(&changes))?,
            };
            limits(&shown, view.json, out)
        }
        PluginCommand::Enable { target, slug } => {
            state(&Client::of(&target)?.change("POST", &format!("{PATH}/{}/enable", segment(&slug)), None)?, out)
        }
        PluginCommand::Disable { target, slug, force } => {
            let path = format!("{PATH}/{}/disable{}", segment(&slug), if force { "?force=true" } else { "" });
            state(&Client::of(&target)?.change("POST", &path, None)?, out)
        }
    }
}

impl Changes {
    /// What is sent; none where nothing is to change.
    fn body(&self) -> Result<Option<Value>, Failure> {
        let mut changes = Map::new();
        for pair in &self.set {
            let unreadable = || Failure::usage(anyhow!("`{pair}` changes nothing: write NAME=VALUE"));
            let (name, value) = pair.split_once('=').ok_or_else(unreadable)?;
            let value = serde_json::from_str(value).unwrap_or_else(|_| Value::from(value));
            changes.insert(name.to_owned(), value);
        }
        changes.extend(self.unset.iter().map(|name| (name.clone(), Value::Null)));
        Ok((!changes.is_empty()).then_some(Value::Object(changes)))
    }
}

fn list(plugins: &Value, json: bool, out: &mut dyn Write) -> Result<(), Failure> {
    if json {
        return Ok(writeln!(out, "{plugins:#}")?);
    }
    plugins.as_array().into_iter().flatten().try_for_each(|plugin| state(plugin, out))
}

fn state(plugin: &Value, out: &mut dyn Write) -> Result<(), Failure> {
    let [slug, version, state] = ["slug", "version", "state"].map(|field| text(plugin, field));
    let reason = plugin["reason"].as_str().map_or(String::new(), |reason| format!("  {reason}"));
    Ok(writeln!(out, "{slug}  {version}  {state}{reason}")?)
}

fn settings(settings: &Value, json: bool, out: &mut dyn Write) -> Result<(), Failure> {
    if json {
        return Ok(writeln!(out, "{settings:#}")?);
    }
    let is_set = |name: &String| settings["set"].as_array().is_some_and(|set| set.iter().any(|one| one == name));
    for (name, value) in settings["values"].as_object().into_iter().flatten() {
        writeln!(out, "{name} = {value}{}", if is_set(name) { "" } else { "  (default)" })?;
    }
    if let Some(problem) = settings["problem"].as_str() {
        writeln!(out, "{problem}")?;
    }
    Ok(())
}

fn limits(shown: &Value, json: bool, out: &mut dyn Write) -> Result<(), Failure> {
    if json {
        return Ok(writeln!(out, "{shown:#}")?);
    }
    for limit in shown["limits"].as_array().into_iter().flatten() {
        let [name, unit, source] = ["name", "unit", "source"].map(|field| text(limit, field));
        let [value, most, met] = ["value", "most", "met"].map(|field| limit[field].as_u64().unwrap_or(0));
        writeln!(out, "{name:<13} {value:>11} {unit:<8} {source:<8} at most {most} used, met {met} times")?;
    }
    for one in shown["handlers"].as_array().into_iter().flatten() {
        let number = |field: &str| one[field].as_u64().unwrap_or(0);
        writeln!(
            out,
            "{}: {} calls; at most {} ms, {} ms of processor, {} events, {} records changed, {} read, {} bytes out, {} log lines",
            text(one, "handler"),
            number("calls"),
            number("wall_us").div_ceil(1_000),
            number("cpu_us").div_ceil(1_000),
            number("events"),
            number("records"),
            number("records_read"),
            number("bytes_out"),
            number("log_lines"),
        )?;
    }
    Ok(())
}
