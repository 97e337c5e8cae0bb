//! `trunkline events list | show | tail`.

use crate::exit::Failure;
use crate::remote::{Client, Target, View, query, segment, stream, text, tree};
use serde_json::Value;
use std::io::Write;

/// Commands about events.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum EventsCommand {
    /// Lists events, oldest first.
    List {
        #[command(flatten)]
        target: Target,
        #[command(flatten)]
        view: View,
        /// Only this topic, or topics under this pattern.
        #[arg(long)]
        topic: Option<String>,
        /// Only this story.
        #[arg(long)]
        correlation: Option<String>,
        /// Only events after this sequence.
        #[arg(long)]
        after: Option<u64>,
        /// At most so many.
        #[arg(long, default_value_t = 100)]
        limit: u32,
        /// The newest first.
        #[arg(long)]
        newest: bool,
    },
    /// Shows an event and the story it belongs to, as a tree.
    Show {
        #[command(flatten)]
        target: Target,
        #[command(flatten)]
        view: View,
        /// The event's id.
        id: String,
    },
    /// Follows events as they happen, until interrupted.
    Tail {
        #[command(flatten)]
        target: Target,
        #[command(flatten)]
        view: View,
        /// Topics and patterns, separated by commas.
        #[arg(long)]
        topics: Option<String>,
        /// Starts after this sequence instead of now.
        #[arg(long)]
        after: Option<u64>,
    },
}

/// Runs one of them.
pub(crate) fn run(command: EventsCommand, out: &mut dyn Write) -> Result<(), Failure> {
    match command {
        EventsCommand::List { target, view, topic, correlation, after, limit, newest } => {
            let query = query(&[
                ("topic", topic.as_deref()),
                ("correlation", correlation.as_deref()),
                ("after", after.map(|after| after.to_string()).as_deref()),
                ("limit", Some(&limit.to_string())),
                ("order", newest.then_some("desc")),
                ("tenant", view.tenant.as_deref()),
            ]);
            list(&Client::of(&target)?, &query, view.json, out)
        }
        EventsCommand::Show { target, view, id } => show(&Client::of(&target)?, &view, &id, out),
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

fn list(client: &Client, query: &str, json: bool, out: &mut dyn Write) -> Result<(), Failure> {
    let events = client.call("GET", &format!("/api/events{query}"))?;
    if json {
        writeln!(out, "{events:#}")?;
        return Ok(());
    }
    for event in events.as_array().into_iter().flatten() {
        print_row(event, out)?;
    }
    Ok(())
}

fn show(client: &Client, view: &View, id: &str, out: &mut dyn Write) -> Result<(), Failure> {
    let query = query(&[("tenant", view.tenant.as_deref())]);
    let path = format!("/api/events/{}", segment(id));
    let event = client.call("GET", &format!("{path}{query}"))?;
    let story = client.call("GET", &format!("{path}/story{query}"))?;
    if view.json {
        writeln!(out, "{:#}", serde_json::json!({"event": event, "story": story["story"]}))?;
        return Ok(());
    }
    writeln!(out, "{event:#}\n\nStory {}\n", text(&story, "correlationid"))?;
    Ok(out.write_all(tree::draw(&story["story"], id).as_bytes())?)
}

fn print_row(event: &Value, out: &mut dyn Write) -> std::io::Result<()> {
    let [sequence, time, topic, source, id] =
        ["sequence", "time", "type", "source", "id"].map(|name| text(event, name));
    writeln!(out, "{sequence:>8}  {time}  {topic:<32}  {source:<16}  {id}")
}
