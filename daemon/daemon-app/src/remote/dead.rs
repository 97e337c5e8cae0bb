//! `trunkline dead list | show | retry | drop`.

use crate::exit::Failure;
use crate::remote::{Client, Target, View, query, segment, text};
use anyhow::anyhow;
use serde_json::Value;
use std::io::Write;

/// Commands about dead letters.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum DeadCommand {
    /// Lists dead letters.
    List {
        #[command(flatten)]
        target: Target,
        #[command(flatten)]
        view: View,
    },
    /// Shows a dead letter and its event.
    Show {
        #[command(flatten)]
        target: Target,
        /// Prints JSON.
        #[arg(long)]
        json: bool,
        /// The dead letter's id.
        id: String,
    },
    /// Offers a dead letter's event to its subscription again.
    Retry {
        #[command(flatten)]
        target: Target,
        /// The dead letter's id.
        id: String,
    },
    /// Gives a dead letter up.
    Drop {
        #[command(flatten)]
        target: Target,
        /// The dead letter's id.
        id: String,
    },
}

const PATH: &str = "/api/_admin/dead-letters";

/// Runs one of them.
pub(crate) fn run(command: DeadCommand, out: &mut dyn Write) -> Result<(), Failure> {
    match command {
        DeadCommand::List { target, view } => {
            let query = query(&[("tenant", view.tenant.as_deref())]);
            list(&Client::of(&target)?.call("GET", &format!("{PATH}{query}"))?, view.json, out)
        }
        DeadCommand::Show { target, json, id } => show(&Client::of(&target)?, json, &id, out),
        DeadCommand::Retry { target, id } => {
            Client::of(&target)?.call("POST", &format!("{PATH}/{}/retry", segment(&id)))?;
            Ok(writeln!(out, "{id} is offered again")?)
        }
        DeadCommand::Drop { target, id } => {
            Client::of(&target)?.call("DELETE", &format!("{PATH}/{}", segment(&id)))?;
            Ok(writeln!(out, "{id} is given up")?)
        }
    }
}

fn list(letters: &Value, json: bool, out: &mut dyn Write) -> Result<(), Failure> {
    if json {
        return Ok(writeln!(out, "{letters:#}")?);
    }
    for letter in letters.as_array().into_iter().flatten() {
        let [id, topic, subscription, tenant, reason] =
            ["id", "topic", "subscription", "tenant", "reason"].map(|name| text(letter, name));
        let attempts = letter["attempts"].as_u64().unwrap_or_default();
        writeln!(out, "{id}  {tenant}  {topic}  {subscription}  {attempts} attempts  {reason}")?;
    }
    Ok(())
}

fn show(client: &Client, json: bool, id: &str, out: &mut dyn Write) -> Result<(), Failure> {
    let letters = client.call("GET", PATH)?;
    let letter = letters.as_array().into_iter().flatten().find(|letter| text(letter, "id") == id);
    let letter = letter.ok_or_else(|| anyhow!("there is no dead letter `{id}`; `trunkline dead list` lists them"))?;
    let query = query(&[("tenant", letter["tenant"].as_str())]);
    let event = client.call("GET", &format!("/api/events/{}{query}", segment(text(letter, "event"))))?;
    if json {
        return Ok(writeln!(out, "{:#}", serde_json::json!({"letter": letter, "event": event}))?);
    }
    told(letter, &event, out)
}

/// What an operator must know to decide: who failed, how often, where, and on what.
fn told(letter: &Value, event: &Value, out: &mut dyn Write) -> Result<(), Failure> {
    let [topic, tenant, plugin, version] = ["topic", "tenant", "plugin", "version"].map(|name| text(letter, name));
    writeln!(out, "dead letter   {}", text(letter, "id"))?;
    writeln!(out, "event         {} on {topic} of tenant {tenant}", text(letter, "event"))?;
    writeln!(out, "plugin        {plugin} {version}")?;
    writeln!(out, "subscription  {}", text(letter, "subscription"))?;
    writeln!(out, "attempts      {}", letter["attempts"])?;
    writeln!(out, "given up      {}", text(letter, "time"))?;
    writeln!(out, "reason        {}", text(letter, "reason"))?;
    for line in letter["stack"].as_array().into_iter().flatten() {
        writeln!(out, "              {}", line.as_str().unwrap_or_default())?;
    }
    Ok(writeln!(out, "\npayload\n{:#}", event["data"])?)
}
