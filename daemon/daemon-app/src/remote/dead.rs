//! `trunkline dead list | show | retry | drop`.

use crate::exit::Failure;
use crate::remote::printer::Printer;
use crate::remote::{Client, Target, View, query, refusal, segment, text};
use anyhow::{Context, anyhow};
use contract_model::limits::DEAD_LETTERS_PAGE_MAX;
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
        /// Only those after this one.
        #[arg(long, value_name = "ID")]
        after: Option<String>,
        /// At most so many; all if not given.
        #[arg(long)]
        limit: Option<u64>,
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

impl Which {
    /// Has all of them taken, as many at a time as one request takes. Gives how many were, and how many found no room.
    fn take(&self, client: &Client, method: &str, path: &str) -> Result<(u64, u64), Failure> {
        let (mut count, mut after) = (0, None);
        loop {
            let more = [("all", self.all.then_some("true")), ("after", after.as_deref())];
            let answer = client.call(method, &format!("{path}{}", self.filter.query(self.tenant.as_deref(), &more)))?;
            count += answer["count"].as_u64().unwrap_or_default();
            let left = answer["left"].as_u64().unwrap_or_default();
            after = answer["next"].as_str().filter(|_| left == 0).map(str::to_owned);
            if after.is_none() {
                return Ok((count, left));
            }
        }
    }
}

impl Filter {
    fn query(&self, tenant: Option<&str>, more: &[(&str, Option<&str>)]) -> String {
        let Self { topic, plugin, code } = self;
        let narrowed = [("tenant", tenant), ("topic", topic.as_deref()), ("plugin", plugin.as_deref())];
        query(&[&narrowed[..], &[("code", code.as_deref())], more].concat())
    }
}

/// Runs one of them.
pub(crate) fn run(command: DeadCommand, out: &mut dyn Write) -> Result<(), Failure> {
    match command {
        DeadCommand::List { target, view, filter, after, limit } => {
            let limit = limit.unwrap_or(u64::MAX);
            let first = limit.min(DEAD_LETTERS_PAGE_MAX).to_string();
            let page = [("after", after.as_deref()), ("limit", Some(&*first))];
            let path = format!("{PATH}{}", filter.query(view.tenant.as_deref(), &page));
            list(&Client::of(&target)?, path, limit, view.json, out)
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
                let (count, _) = which.take(&client, "DELETE", PATH)?;
                writeln!(out, "{count} given up")?;
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
        let (count, left) = which.take(client, "POST", &format!("{PATH}/retry"))?;
        writeln!(out, "{count} offered again")?;
        if left > 0 {
            writeln!(out, "{left} found no room yet and stay, as does what comes after them; retry them later")?;
        }
    }
    Ok(())
}

/// There may be more than one answer holds: each page says where the next one begins.
fn list(client: &Client, path: String, limit: u64, json: bool, out: &mut dyn Write) -> Result<(), Failure> {
    let mut printer = Printer::new(json, row, out);
    let mut next = Some(path);
    while let Some(path) = next.filter(|_| printer.printed < limit) {
        let (page, more) = client.page(&path)?;
        let room = usize::try_from(limit - printer.printed).unwrap_or(usize::MAX);
        page.as_array().into_iter().flatten().take(room).try_for_each(|letter| printer.print(letter))?;
        next = more;
    }
    printer.end()?;
    if printer.printed == 0 && !json {
        writeln!(out, "no dead letters")?;
    }
    Ok(())
}

fn row(letter: &Value, out: &mut dyn Write) -> std::io::Result<()> {
    let [id, topic, subscription, tenant, reason] =
        ["id", "topic", "subscription", "tenant", "reason"].map(|name| text(letter, name));
    let attempts = letter["attempts"].as_u64().unwrap_or_default();
    writeln!(out, "{id}  {tenant}  {topic}  {subscription}  {attempts} attempts  {reason}")
}

fn show(client: &Client, json: bool, id: &str, out: &mut dyn Write) -> Result<(), Failure> {
    let letter = match client.send("GET", &format!("{PATH}/{}", segment(id)), None)? {
        (404, _) => return Err(anyhow!("there is no dead letter `{id}`; `trunkline dead list` lists them").into()),
        (200..300, letter) => letter,
        (status, answer) => return Err(refusal(status, &answer).into()),
    };
    let query = query(&[("tenant", letter["tenant"].as_str())]);
    let event = client.call("GET", &format!("/api/events/{}{query}", segment(text(&letter, "event"))))?;
    if json {
        return Ok(writeln!(out, "{:#}", json!({"letter": letter, "event": event}))?);
    }
    told(&letter, &event, out)
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
    if letter["replay"] == true {
        writeln!(out, "delivered     as a replay")?;
    }
    match letter.get("payload") {
        Some(payload) => writeln!(out, "\npayload, delivered in place of the event's\n{payload:#}")?,
        None => writeln!(out, "\npayload\n{:#}", event["data"])?,
    }
    Ok(())
}
