//! `trunkline events list | show | tail | replay`.

use crate::exit::Failure;
use crate::remote::printer::Printer;
use crate::remote::{Client, Target, View, parameter, query, segment, stream, text, tree};
use serde_json::{Value, json};
use std::io::Write;

/// What the daemon gives in one answer at most.
const PAGE: u64 = 1_000;
const NEWEST: u64 = 100;

/// Commands about events.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum EventsCommand {
    /// List events, oldest first.
    List {
        #[command(flatten)]
        target: Target,
        #[command(flatten)]
        view: View,
        #[command(flatten)]
        filter: Filter,
    },
    /// Show an event and the story it belongs to, as a tree.
    Show {
        #[command(flatten)]
        target: Target,
        #[command(flatten)]
        view: View,
        #[command(flatten)]
        wish: Shown,
    },
    /// Follow events as they happen, until interrupted.
    Tail {
        #[command(flatten)]
        target: Target,
        #[command(flatten)]
        view: View,
        /// Topics and patterns, separated by commas.
        #[arg(long, visible_alias = "topic")]
        topics: Option<String>,
        /// Start after this sequence instead of now.
        #[arg(long)]
        after: Option<u64>,
    },
    /// Deliver events once more to a subscription that has handled them; for the admin token.
    Replay {
        #[command(flatten)]
        target: Target,
        #[command(flatten)]
        view: View,
        #[command(flatten)]
        wish: Wish,
    },
}

/// Which event, and which part of its story.
#[derive(Debug, clap::Args)]
pub(crate) struct Shown {
    /// The event's id.
    id: String,
    /// Show of a long story what comes after this sequence.
    #[arg(long)]
    after: Option<u64>,
}

/// What is replayed, or which replay is meant.
#[derive(Debug, clap::Args)]
pub(crate) struct Wish {
    /// The subscription, as plugin/handler.
    #[arg(required_unless_present_any = ["list", "cancel"], requires = "from")]
    subscription: Option<String>,
    /// From this sequence on, or from this time such as 2026-11-01T00:00:00Z.
    #[arg(long)]
    from: Option<String>,
    /// Up to this sequence; the end of the log if not given.
    #[arg(long)]
    until: Option<u64>,
    /// So many events a second; 200 if not given.
    #[arg(long)]
    rate: Option<u32>,
    /// List the replays that have not ended.
    #[arg(long, conflicts_with = "subscription")]
    list: bool,
    /// End this replay.
    #[arg(long, value_name = "ID", conflicts_with_all = ["subscription", "list"])]
    cancel: Option<String>,
}

const REPLAYS: &str = "/api/_admin/replays";

/// Which events are listed.
#[derive(Debug, clap::Args)]
pub(crate) struct Filter {
    /// Only this topic, or topics under this pattern.
    #[arg(long)]
    topic: Option<String>,
    /// Only this story.
    #[arg(long)]
    correlation: Option<String>,
    /// Only events after this sequence.
    #[arg(long)]
    after: Option<u64>,
    /// At most so many; all if not given, or 100 with `--newest`.
    #[arg(long)]
    limit: Option<u64>,
    /// The newest first.
    #[arg(long)]
    newest: bool,
}

/// Runs one of them.
pub(crate) fn run(command: EventsCommand, out: &mut dyn Write) -> Result<(), Failure> {
    match command {
        EventsCommand::List { target, view, filter } => list(&Client::of(&target)?, &view, &filter, out),
        EventsCommand::Show { target, view, wish } => show(&Client::of(&target)?, &view, &wish, out),
        EventsCommand::Replay { target, view, wish } => replay(&Client::of(&target)?, &view, &wish, out),
        EventsCommand::Tail { target, view, topics, after } => {
            let query = query(&[("topics", topics.as_deref()), ("tenant", view.tenant.as_deref())]);
            stream::follow(&Client::of(&target)?, &query, after, |event| {
                let printed = if view.json { writeln!(out, "{event}") } else { print_row(event, out) };
                printed?;
                Ok(out.flush()?)
            })
        }
    }
}

fn replay(client: &Client, view: &View, wish: &Wish, out: &mut dyn Write) -> Result<(), Failure> {
    if let Some(id) = &wish.cancel {
        client.call("DELETE", &format!("{REPLAYS}/{}", segment(id)))?;
        return Ok(writeln!(out, "{id} is cancelled")?);
    }
    let replays = if wish.list {
        client.call("GET", REPLAYS)?
    } else {
        let from = wish.from.as_deref().unwrap_or_default();
        let from = from.parse().map_or_else(|_| Value::from(from), |sequence: u64| Value::from(sequence));
        let body = json!({
            "subscription": wish.subscription, "from": from, "until": wish.until, "tenant": view.tenant, "rate": wish.rate,
        });
        Value::Array(vec![client.post(REPLAYS, &body)?])
    };
    if view.json {
        return Ok(writeln!(out, "{replays:#}")?);
    }
    for one in replays.as_array().into_iter().flatten() {
        let [id, subscription] = ["id", "subscription"].map(|name| text(one, name));
        writeln!(
            out,
            "{id}  {subscription}  after {} until {}  {} delivered",
            one["after"], one["until"], one["events"]
        )?;
    }
    Ok(())
}

/// The log may be longer than one answer: each page says where the next one begins, also one that is not full because it
/// looked at much in vain.
fn list(client: &Client, view: &View, filter: &Filter, out: &mut dyn Write) -> Result<(), Failure> {
    let mut printer = Printer::new(view.json, print_row, out);
    let mut left = filter.limit.unwrap_or(if filter.newest { NEWEST } else { u64::MAX });
    let mut place = filter.after.filter(|_| !filter.newest);
    while left > 0 {
        let (page, next) = client.page(&filter.path(view, place, left.min(PAGE)))?;
        let events = page.as_array().map_or(&[][..], Vec::as_slice);
        events.iter().try_for_each(|event| printer.print(event))?;
        left = left.saturating_sub(events.len() as u64);
        place = next.as_deref().and_then(|next| parameter(next, filter.place())?.parse().ok());
        if place.is_none() {
            break;
        }
    }
    Ok(printer.end()?)
}

impl Filter {
    /// What a page begins with: the one after, or the one before.
    fn place(&self) -> &'static str {
        if self.newest { "before" } else { "after" }
    }

    fn path(&self, view: &View, place: Option<u64>, limit: u64) -> String {
        let after = self.after.filter(|_| self.newest).map(|after| after.to_string());
        let query = query(&[
            ("topic", self.topic.as_deref()),
            ("correlation", self.correlation.as_deref()),
            (self.place(), place.map(|place| place.to_string()).as_deref()),
            ("limit", Some(&limit.to_string())),
            ("order", self.newest.then_some("desc")),
            ("after", after.as_deref()),
            ("tenant", view.tenant.as_deref()),
        ]);
        format!("/api/events{query}")
    }
}

fn show(client: &Client, view: &View, wish: &Shown, out: &mut dyn Write) -> Result<(), Failure> {
    let Shown { id, after } = wish;
    let tenant = ("tenant", view.tenant.as_deref());
    let path = format!("/api/events/{}", segment(id));
    let event = client.call("GET", &format!("{path}{}", query(&[tenant])))?;
    let after = after.map(|after| after.to_string());
    let story = client.call("GET", &format!("{path}/story{}", query(&[tenant, ("after", after.as_deref())])))?;
    if view.json {
        writeln!(out, "{:#}", json!({"event": event, "story": story["story"], "next": story["next"]}))?;
        return Ok(());
    }
    writeln!(out, "{event:#}\n\nStory {}\n", text(&story, "correlationid"))?;
    out.write_all(tree::draw(&story["story"], id).as_bytes())?;
    if let Some(next) = story["next"].as_u64() {
        writeln!(out, "\nThe story goes on: trunkline events show {id} --after {next}")?;
    }
    Ok(())
}

fn print_row(event: &Value, out: &mut dyn Write) -> std::io::Result<()> {
    let [sequence, time, topic, source, id] =
        ["sequence", "time", "type", "source", "id"].map(|name| text(event, name));
    writeln!(out, "{sequence:>8}  {time}  {topic:<32}  {source:<16}  {id}")
}
