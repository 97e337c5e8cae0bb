//! `why`: one topic, from all sides.

use super::place::SuiteFolder;
use super::unread;
use crate::exit::Exit;
use crate::io::Io;
use crate::load::load_suite;
use crate::wiring::{kind, visibility};
use checker_rules::nearest;
use contract_graph::{Composition, Emission, Graph, PluginView, Suite, Verdict, Via, is_pattern};
use contract_model::{Location, TopicName, TopicPattern};
use std::collections::BTreeSet;
use std::fmt::{self, Write as _};

/// Arguments of `why`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "\
Examples:
  why gl.journal.posted --suite ledger-example
  why 'gl.journal.*' --suite ledger-example")]
pub struct WhyArgs {
    /// The topic, or a pattern for every topic under it
    pub topic: String,
    /// The suite
    #[command(flatten)]
    pub suite: SuiteFolder,
}

pub(super) fn run(args: &WhyArgs, io: &mut Io<'_>) -> anyhow::Result<Exit> {
    let suite = load_suite(args.suite.path())?;
    let graph = Graph::whole(&suite);
    let texts: Vec<String> = asked(&graph, &args.topic)?.iter().map(|topic| topic_text(&graph, topic)).collect();
    io.out.write_all(texts.join("\n").as_bytes())?;
    unread::ending(&suite, io)
}

/// The topic asked for, or of a pattern the topics of the suite under it, sorted.
fn asked(graph: &Graph<'_>, written: &str) -> anyhow::Result<BTreeSet<String>> {
    let pattern = TopicPattern::new(written)?;
    if pattern.as_exact().is_some() {
        return Ok(BTreeSet::from([written.to_owned()]));
    }
    let under: BTreeSet<String> =
        names(graph).filter(|name| !is_pattern(name) && pattern.matches(name)).map(str::to_owned).collect();
    anyhow::ensure!(!under.is_empty(), "nobody in the suite names a topic under `{written}`");
    Ok(under)
}

/// What is known of a topic, in lines.
pub(crate) fn topic_text(graph: &Graph<'_>, topic: &str) -> String {
    let mut text = format!("{topic}\n");
    // Writing into a String does not fail.
    let _ = describe(&mut text, graph, topic);
    let _ = verdicts(&mut text, graph.suite(), topic);
    text
}

fn describe(text: &mut String, graph: &Graph<'_>, topic: &str) -> fmt::Result {
    match graph.contract(topic) {
        None => writeln!(text, "  contract: none")?,
        Some(owned) => {
            let place = place(&owned.plugin.at(owned.contract.name.span));
            let (kind, visibility) = (kind(owned.contract.kind), visibility(owned.contract.visibility));
            writeln!(text, "  contract: {kind} of `{}`, {visibility}, at {place}", owned.plugin.slug())?;
        }
    }
    if let Some(external) = graph.suite().external(topic) {
        writeln!(text, "  external: {} ({})", external.topic, external.reason)?;
    }
    for emission in graph.emissions().filter(|emission| emission.reach.maybe(topic)) {
        publisher(text, emission, topic)?;
    }
    if !is_named(graph, topic) {
        let meant = nearest(topic, names(graph));
        let hint = meant.map(|name| format!("; did you mean `{name}`?")).unwrap_or_default();
        writeln!(text, "  nobody in the suite names it{hint}")?;
    }
    for consumer in graph.consumers_of(topic) {
        let optional = if consumer.is_optional() { ", optional" } else { "" };
        writeln!(
            text,
            "  consumed by `{}` as {}{optional} at {}",
            consumer.slug,
            consumer.topic,
            place(&consumer.location)
        )?;
    }
    Ok(())
}

/// Whether anybody owns, publishes or consumes just this, or the suite names it external.
fn is_named(graph: &Graph<'_>, topic: &str) -> bool {
    graph.contract(topic).is_some() || graph.suite().external(topic).is_some() || names(graph).any(|name| name == topic)
}

/// Every topic and pattern that somebody of the suite names.
fn names<'g>(graph: &'g Graph<'_>) -> impl Iterator<Item = &'g str> {
    let external = graph.suite().manifest.external.iter().map(|entry| entry.value.topic.as_str());
    let manifests = graph.plugins().filter_map(PluginView::manifest);
    let owned = manifests.flat_map(|manifest| manifest.topics.keys()).map(TopicName::as_str);
    let published = graph.emissions().filter(|emission| emission.reach.is_sure());
    let published = published.flat_map(|emission| emission.reach.patterns());
    external.chain(owned).chain(published).chain(graph.consumers().map(|consumer| consumer.topic.as_str()))
}

fn publisher(text: &mut String, emission: &Emission<'_>, topic: &str) -> fmt::Result {
    let how = if emission.reach.surely(topic) { "published" } else { "perhaps published" };
    let because = if emission.via == Via::Unread { ", whose manifest cannot be read," } else { "" };
    writeln!(text, "  {how} by `{}`{because} at {}", emission.slug, place(&emission.location))?;
    for step in emission.fact.iter().flat_map(|fact| &fact.evidence) {
        writeln!(text, "    {step}")?;
    }
    Ok(())
}

fn verdicts(text: &mut String, suite: &Suite, topic: &str) -> fmt::Result {
    for composition in Composition::all(suite) {
        let graph = Graph::build(suite, composition);
        let verdict = match graph.verdict(topic) {
            Verdict::Live if graph.happening().contains(topic) || graph.enters_from_outside(topic) => "live".to_owned(),
            Verdict::Live => "published, but nothing that enters the suite leads there".to_owned(),
            Verdict::Dangling => "nobody publishes it".to_owned(),
            Verdict::Unproven { blocking, further } => match blocking.len() + further {
                1 => "not known, an unresolved call may publish it".to_owned(),
                calls => format!("not known, {calls} unresolved calls may publish it"),
            },
        };
        match &graph.composition().name {
            Some(name) => writeln!(text, "  in composition `{name}`: {verdict}")?,
            None => writeln!(text, "  verdict: {verdict}")?,
        }
    }
    Ok(())
}

fn place(at: &Location) -> String {
    format!("{}:{}:{}", at.file, at.line, at.column)
}
