//! `trace`: how each topic of a plugin's code was resolved, or where it was lost.

use super::place::SuiteFolder;
use super::shape::Shape;
use super::unread;
use crate::exit::Exit;
use crate::io::Io;
use crate::load::load_suite;
use checker_rules::nearest;
use contract_graph::{PluginView, overlap};
use contract_model::{Location, TopicPattern};
use contract_parse::{Fact, FactKind, Guard, Provenance, TopicValue};
use serde::Serialize;
use std::fmt::Write as _;

/// Arguments of `trace`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "\
Examples:
  trace gl --suite ledger-example
  trace gl:gl.journal.posted --suite ledger-example
  trace gl --suite ledger-example --json")]
pub struct TraceArgs {
    /// The plugin's slug, and a topic or pattern if only its places are asked for
    #[arg(value_name = "PLUGIN[:TOPIC]")]
    pub what: String,
    /// The suite
    #[command(flatten)]
    pub suite: SuiteFolder,
    #[command(flatten)]
    shape: Shape,
}

/// The document `trunkline.trace/1`.
#[derive(Serialize)]
struct Traced<'a> {
    schema: &'static str,
    plugin: &'a str,
    /// The topic or pattern that was asked for.
    topic: Option<&'a str>,
    sites: Vec<Site<'a>>,
    /// Where no place is about the topic: one that the code names and that is spelt nearly so.
    meant: Option<&'a str>,
    /// Modules that were not looked at: tests, and what the entry does not import.
    excluded: Vec<String>,
}

/// A place that publishes, subscribes, requests or replies.
#[derive(Serialize)]
struct Site<'a> {
    kind: FactKind,
    topic: Option<&'a TopicValue>,
    location: &'a Location,
    /// How the topic was resolved, step by step.
    evidence: &'a [String],
    provenance: Provenance,
    reachable: Option<bool>,
    guard: Guard,
    /// The handler that it stands in.
    handler: Option<&'a str>,
}

pub(super) fn run(args: &TraceArgs, io: &mut Io<'_>) -> anyhow::Result<Exit> {
    let suite = load_suite(args.suite.path())?;
    let (slug, topic) = match args.what.split_once(':') {
        Some((slug, topic)) => (slug, Some(TopicPattern::new(topic)?)),
        None => (args.what.as_str(), None),
    };
    let Some(view) = suite.plugin(slug) else {
        let slugs: Vec<&str> = suite.views().map(PluginView::slug).collect();
        anyhow::bail!("the suite has no plugin `{slug}`; there are {}", slugs.join(", "));
    };
    let traced = traced(view, topic.as_ref().map(TopicPattern::as_str));
    io.out.write_all(args.shape.of(&traced, in_words)?.as_bytes())?;
    unread::of_plugins(std::iter::once(view), io)
}

fn traced<'a>(view: PluginView<'a>, topic: Option<&'a str>) -> Traced<'a> {
    let about = view.parsed.facts.iter().filter(|fact| is_site(fact) && is_about(fact, topic));
    let sites: Vec<Site<'a>> = about.map(site).collect();
    let meant = topic.filter(|_| sites.is_empty()).and_then(|topic| nearest(topic, known(view)));
    let excluded = view.parsed.excluded.iter().map(|module| view.path(module)).collect();
    Traced { schema: "trunkline.trace/1", plugin: view.slug(), topic, sites, meant, excluded }
}

fn site(fact: &Fact) -> Site<'_> {
    Site {
        kind: fact.kind,
        topic: fact.topic.as_ref(),
        location: &fact.location,
        evidence: &fact.evidence,
        provenance: fact.provenance,
        reachable: fact.reachable,
        guard: fact.guard,
        handler: fact.within.as_deref(),
    }
}

fn in_words(traced: &Traced<'_>) -> String {
    let mut out = String::new();
    for site in &traced.sites {
        describe(&mut out, site);
    }
    if traced.sites.is_empty() {
        let about = traced.topic.map(|topic| format!(" `{topic}`")).unwrap_or_default();
        let hint = traced.meant.map(|name| format!("; did you mean `{name}`?")).unwrap_or_default();
        let _ = writeln!(out, "no place in the code of `{}` publishes or subscribes{about}{hint}", traced.plugin);
    }
    for module in &traced.excluded {
        let _ = writeln!(out, "not looked at: {module}, a test or not imported from the entry");
    }
    out
}

/// The topics and patterns that a plugin's code names.
fn known(view: PluginView<'_>) -> impl Iterator<Item = &str> {
    let topics = view.parsed.facts.iter().filter_map(|fact| fact.topic.as_ref());
    topics.flat_map(|topic| match topic {
        TopicValue::Exact(names) => names.iter().map(String::as_str).collect(),
        TopicValue::Pattern(pattern) => vec![pattern.as_str()],
        TopicValue::Unknown(_) => Vec::new(),
    })
}

fn is_site(fact: &Fact) -> bool {
    matches!(fact.kind, FactKind::Publish | FactKind::Subscribe | FactKind::Request | FactKind::Reply)
}

/// What is not known may be about any topic.
fn is_about(fact: &Fact, topic: Option<&str>) -> bool {
    let (Some(topic), Some(value)) = (topic, &fact.topic) else { return topic.is_none() };
    match value {
        TopicValue::Exact(names) => names.iter().any(|name| overlap(name, topic)),
        TopicValue::Pattern(pattern) => overlap(pattern, topic),
        TopicValue::Unknown(_) => true,
    }
}

fn describe(out: &mut String, site: &Site<'_>) {
    let at = site.location;
    let kind = match site.kind {
        FactKind::Subscribe => "subscribes",
        FactKind::Request => "requests",
        FactKind::Reply => "replies to",
        _ => "publishes",
    };
    let _ = writeln!(out, "{}:{}:{} {kind} {}", at.file, at.line, at.column, value(site));
    for step in site.evidence {
        let _ = writeln!(out, "  {step}");
    }
    for circumstance in circumstances(site) {
        let _ = writeln!(out, "  {circumstance}");
    }
}

fn value(site: &Site<'_>) -> String {
    match site.topic {
        Some(TopicValue::Exact(names)) => names.iter().cloned().collect::<Vec<_>>().join(" or "),
        Some(TopicValue::Pattern(pattern)) => format!("something under {pattern}"),
        Some(TopicValue::Unknown(why)) => format!("something that is not known: {why}"),
        None => "something that is not known".to_owned(),
    }
}

/// What stands between the entry and the place.
fn circumstances(site: &Site<'_>) -> Vec<String> {
    let guard = match site.guard {
        Guard::None => None,
        Guard::Config => Some("under a condition on the configuration"),
        Guard::Branch => Some("under a condition"),
        Guard::Loop => Some("in a loop"),
        Guard::Test => Some("in a test, so it proves nothing"),
    };
    let vouched =
        (site.provenance == Provenance::Annotated).then_some("taken on the author's word, enforced when it runs");
    let dead = (site.reachable == Some(false)).then_some("never reached from the entry, so it proves nothing");
    let within = site.handler.map(|within| format!("in the handler {within}"));
    let words = [vouched, guard, dead].into_iter().flatten().map(str::to_owned);
    words.chain(within).collect()
}
