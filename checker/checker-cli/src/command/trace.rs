//! `trace`: how each topic of a plugin's code was resolved, or where it was lost.

use super::place::SuiteFolder;
use super::unread;
use crate::exit::Exit;
use crate::io::Io;
use crate::load::load_suite;
use checker_rules::nearest;
use contract_graph::{PluginView, overlap};
use contract_model::TopicPattern;
use contract_parse::{Fact, FactKind, Guard, Provenance, TopicValue};
use std::fmt::Write as _;

/// Arguments of `trace`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "\
Examples:
  trace gl --suite ledger-example
  trace gl:gl.journal.posted --suite ledger-example")]
pub struct TraceArgs {
    /// The plugin's slug, and a topic or pattern if only its places are asked for
    #[arg(value_name = "PLUGIN[:TOPIC]")]
    pub what: String,
    /// The suite
    #[command(flatten)]
    pub suite: SuiteFolder,
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
    io.out.write_all(text(view, topic.as_ref().map(TopicPattern::as_str)).as_bytes())?;
    unread::of_plugins(std::iter::once(view), io)
}

fn text(view: PluginView<'_>, topic: Option<&str>) -> String {
    let mut out = String::new();
    let sites: Vec<&Fact> = view.parsed.facts.iter().filter(|fact| is_site(fact) && is_about(fact, topic)).collect();
    for fact in &sites {
        describe(&mut out, fact);
    }
    if sites.is_empty() {
        let about = topic.map(|topic| format!(" `{topic}`")).unwrap_or_default();
        let meant = topic.and_then(|topic| nearest(topic, known(view)));
        let hint = meant.map(|name| format!("; did you mean `{name}`?")).unwrap_or_default();
        let _ = writeln!(out, "no place in the code of `{}` publishes or subscribes{about}{hint}", view.slug());
    }
    for module in &view.parsed.excluded {
        let _ = writeln!(out, "not looked at: {}, a test or not imported from the entry", view.path(module));
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

fn describe(out: &mut String, fact: &Fact) {
    let at = &fact.location;
    let kind = match fact.kind {
        FactKind::Subscribe => "subscribes",
        FactKind::Request => "requests",
        FactKind::Reply => "replies to",
        _ => "publishes",
    };
    let _ = writeln!(out, "{}:{}:{} {kind} {}", at.file, at.line, at.column, value(fact));
    for step in &fact.evidence {
        let _ = writeln!(out, "  {step}");
    }
    for circumstance in circumstances(fact) {
        let _ = writeln!(out, "  {circumstance}");
    }
}

fn value(fact: &Fact) -> String {
    match &fact.topic {
        Some(TopicValue::Exact(names)) => names.iter().cloned().collect::<Vec<_>>().join(" or "),
        Some(TopicValue::Pattern(pattern)) => format!("something under {pattern}"),
        Some(TopicValue::Unknown(why)) => format!("something that is not known: {why}"),
        None => "something that is not known".to_owned(),
    }
}

/// What stands between the entry and the place.
fn circumstances(fact: &Fact) -> Vec<String> {
    let guard = match fact.guard {
        Guard::None => None,
        Guard::Config => Some("under a condition on the configuration"),
        Guard::Branch => Some("under a condition"),
        Guard::Loop => Some("in a loop"),
        Guard::Test => Some("in a test, so it proves nothing"),
    };
    let vouched =
        (fact.provenance == Provenance::Annotated).then_some("taken on the author's word, enforced when it runs");
    let dead = (fact.reachable == Some(false)).then_some("never reached from the entry, so it proves nothing");
    let within = fact.within.as_ref().map(|within| format!("in the handler {within}"));
    let words = [vouched, guard, dead].into_iter().flatten().map(str::to_owned);
    words.chain(within).collect()
}
