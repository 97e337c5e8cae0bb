//! `trunkline dead list | show | retry | drop`.

use crate::exit::Failure;
use crate::remote::{Client, Target, View, query, segment, text};
use anyhow::{Context, anyhow};
use serde_json::{Value, json};
use std::io::Write;

/// Commands about dead letters.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum DeadCommand {
    /// List dead letters.
    List {
        #[command(flatten)]
        target: Target,
        #[command(flatten)]
        view: View,
        #[command(flatten)]
        filter: Filter,
    },
    /// Show a dead letter and its event.
    Show {
        #[command(flatten)]
        target: Target,
        /// Print JSON.
        #[arg(long)]
        json: bool,
        /// The dead letter's id.
        id: String,
    },
    /// Offer the events of dead letters to their subscriptions again.
    Retry {
        #[command(flatten)]
        target: Target,
        #[command(flatten)]
        which: Which,
        /// Deliver this payload, as JSON, in place of the event's; for one dead letter.
        #[arg(long, value_name = "JSON", requires = "ids")]
        payload: Option<String>,
    },
    /// Give dead letters up.
    Drop {
        #[command(flatten)]
        target: Target,
        #[command(flatten)]
        which: Which,
    },
}

/// What letters are told by.
#[derive(Debug, Default, clap::Args)]
pub(crate) struct Filter {
    /// Only of this topic, or of topics under this pattern.
    #[arg(long)]
    topic: Option<String>,
    /// Only of this plugin.
    #[arg(long)]
    plugin: Option<String>,
    /// Only with this error code.
    #[arg(long)]
    code: Option<String>,
}

/// Letters by their ids, or all that a filter names.
#[derive(Debug, clap::Args)]
pub(crate) struct Which {
    /// The dead letters' ids.
    ids: Vec<String>,
    #[command(flatten)]
    filter: Filter,
    /// Only of this tenant.
    #[arg(long)]
    tenant: Option<String>,
    /// All of them.
    #[arg(long, conflicts_with = "ids")]
    all: bool,
}

const PATH: &str = "/api/_admin/dead-letters";

impl Which {
    /// Everything is meant only where that is said.
    fn check(&self) -> Result<(), Failure> {
        let Filter { topic, plugin, code } = &self.filter;
        let narrowed = [topic, plugin, code, &self.tenant].into_iter().any(Option::is_some);
        if self.ids.is_empty() && !narrowed && !self.all {
            return Err(Failure::usage(anyhow!(
                "which dead letters? Give their ids, or choose them by --topic, --plugin, --code and --tenant, or --all"
            )));
        }
        Ok(())
    }
}

impl Filter {
    fn query(&self, tenant: Option<&str>, all: bool) -> String {
        let Self { topic, plugin, code } = self;
        let narrowed = [("tenant", tenant), ("topic", topic.as_deref()), ("plugin", plugin.as_deref())];
        query(&[&narrowed[..], &[("code", code.as_deref()), ("all", all.then_some("true"))]].concat())
    }
}

/// Runs one of them.
pub(crate) fn run(command: DeadCommand, out: &mut dyn Write) -> Result<(), Failure> {
    match command {
        DeadCommand::List { target, view, filter } => {
            let query = filter.query(view.tenant.as_deref(), false);
            list(&Client::of(&target)?.call("GET", &format!("{PATH}{query}"))?, view.json, out)
        }
        DeadCommand::Show { target, json, id } => show(&Client::of(&target)?, json, &id, out),
        DeadCommand::Retry { target, which, payload } => {
            which.check()?;
            if payload.is_some() && which.ids.len() > 1 {
                return Err(Failure::usage(anyhow!(
                    "--payload takes the place of one event's payload, and {} dead letters are named; retry them one by one",
                    which.ids.len()
                )));
            }
            retry(&Client::of(&target)?, &which, payload.as_deref(), out)
        }
        DeadCommand::Drop { target, which } => {
            which.check()?;
            let client = Client::of(&target)?;
            for id in &which.ids {
                client.call("DELETE", &format!("{PATH}/{}", segment(id)))?;
                writeln!(out, "{id} is given up")?;
            }
            if which.ids.is_empty() {
                let query = which.filter.query(which.tenant.as_deref(), which.all);
                let answer = client.call("DELETE", &format!("{PATH}{query}"))?;
                writeln!(out, "{} given up", answer["count"])?;
            }
            Ok(())
        }
    }
}

fn retry(client: &Client, which: &Which, payload: Option<&str>, out: &mut dyn Write) -> Result<(), Failure> {
    let payload: Option<Value> = payload.map(serde_json::from_str).transpose().context("--payload is not JSON")?;
    for id in &which.ids {
        let path = format!("{PATH}/{}/retry", segment(id));
        match &payload {
            Some(payload) => client.post(&path, &json!({ "payload": payload }))?,
            None => client.call("POST", &path)?,
        };
        writeln!(out, "{id} is offered again")?;
    }
    if which.ids.is_empty() {
        let query = which.filter.query(which.tenant.as_deref(), which.all);
        let answer = client.call("POST", &format!("{PATH}/retry{query}"))?;
        writeln!(out, "{} offered again", answer["count"])?;
        if let Some(left) = answer["left"].as_u64().filter(|left| *left > 0) {
            writeln!(out, "{left} found no room yet and stay; retry them later")?;
        }
    }
    Ok(())
}

fn list(letters: &Value, json: bool, out: &mut dyn Write) -> Result<(), Failure> {
    if json {
        return Ok(writeln!(out, "{letters:#}")?);
    }
    if letters.as_array().is_some_and(Vec::is_empty) {
        return Ok(writeln!(out, "no dead letters")?);
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
