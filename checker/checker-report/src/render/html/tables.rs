//! The topics as a table and every plugin's canvas.

use super::findings::ticked;
use crate::wiring::Ends;
use crate::{Direction, Edge, PluginCard, TopicCard, Wiring};
use contract_model::topic::pattern_matches;
use maud::{Markup, html};
use std::collections::BTreeSet;

pub(super) fn topics(wiring: &Wiring) -> Markup {
    let ends = Ends::of(wiring);
    html! {
        h2 { "Topics" }
        div class="scroll" { table {
            thead { tr { @for name in ["topic", "kind", "version", "owner", "published by", "consumed by", "state"] { th { (name) } } } }
            tbody { @for topic in &wiring.topics { (row(&ends, topic)) } }
        } }
    }
}

fn row(all: &Ends<'_>, topic: &TopicCard) -> Markup {
    // What falls under a pattern is a topic of its own, and no end of the pattern.
    let edges = |direction| all.at(&topic.name, direction).filter(|edge| covers(edge, &topic.name));
    let ends = |direction| edges(direction).map(|edge| edge.plugin.as_str()).collect::<BTreeSet<&str>>();
    let (publishers, consumers) = (ends(Direction::Publishes), ends(Direction::Consumes));
    let state = topic.verdict.as_str();
    let ends_of = |direction, slugs: &BTreeSet<&str>| {
        let doubt = if direction == Direction::Publishes { "perhaps" } else { "optional" };
        let firm: BTreeSet<&str> = edges(direction).filter(|edge| edge.firm).map(|edge| edge.plugin.as_str()).collect();
        slugs_with(slugs, |slug| (!firm.contains(slug)).then_some(doubt))
    };
    let words = |slugs: &BTreeSet<&str>| slugs.iter().copied().collect::<Vec<_>>().join(" ");
    let owner = topic.owner.as_deref().unwrap_or_default();
    let search = format!("{} {state} {owner} {} {}", topic.name, words(&publishers), words(&consumers));
    html! {
        tr data-search=(search) {
            td { a href="#graph" data-topic=(topic.name) { code { (topic.name) } } }
            td { (topic.kind.unwrap_or("–")) @if topic.visibility == Some("public") { " " span class="tag" { "public" } } }
            td { (topic.version.as_deref().unwrap_or("–")) }
            td { (slugs(&topic.owner.as_deref().into_iter().collect())) }
            td { @if let Some(reason) = &topic.external { span class="tag" title=(reason) { "outside" } " " } (ends_of(Direction::Publishes, &publishers)) }
            td { (ends_of(Direction::Consumes, &consumers)) }
            td { span class={ "state " (state) } { (state) } @if topic.deprecated.is_some() { " " span class="tag" { "deprecated" } } }
        }
    }
}

/// Whether an edge is one of the topic itself, by name or by pattern.
fn covers(edge: &Edge, topic: &str) -> bool {
    edge.topic == topic || pattern_matches(&edge.topic, topic)
}

fn slugs(slugs: &BTreeSet<&str>) -> Markup {
    slugs_with(slugs, |_| None)
}

/// Links to plugins, each with a tag where there is one.
fn slugs_with(slugs: &BTreeSet<&str>, tag: impl Fn(&str) -> Option<&'static str>) -> Markup {
    html! {
        @if slugs.is_empty() { "–" }
        @for (at, slug) in slugs.iter().enumerate() {
            @if at > 0 { ", " }
            a href={ "#plugin-" (slug) } { (slug) }
            @if let Some(tag) = tag(slug) { " " span class="tag" { (tag) } }
        }
    }
}

pub(super) fn plugins(wiring: &Wiring) -> Markup {
    let ends = Ends::of(wiring);
    html! {
        h2 { "Plugins" }
        @for plugin in &wiring.plugins { (canvas(wiring, &ends, plugin)) }
    }
}

fn canvas(wiring: &Wiring, ends: &Ends<'_>, plugin: &PluginCard) -> Markup {
    let slug = plugin.slug.as_str();
    let owned: Vec<&TopicCard> = wiring.topics.iter().filter(|topic| topic.owner.as_deref() == Some(slug)).collect();
    let description = plugin.about.get("description").map_or("", String::as_str);
    let requires: Vec<String> = plugin.requires.iter().map(|(slug, range)| format!("`{slug}` {range}")).collect();
    let provides: Vec<String> = plugin.provides.iter().map(|(name, version)| format!("`{name}` {version}")).collect();
    let code = |text: &String| format!("`{text}`");
    html! {
        details class="plugin" id={ "plugin-" (slug) } data-search={ (slug) " " (plugin.name) " " (description) } {
            summary { b { (slug) } " " (plugin.name) @if let Some(version) = &plugin.version { " " span class="tag" { (version) } } }
            @if !description.is_empty() { p { (description) } }
            div class="lists" {
                (list("Owns", owned.iter().map(|topic| code(&topic.name)).collect()))
                (list("Publishes", wiring.of_plugin(slug, Direction::Publishes).map(|edge| end(ends, edge, Direction::Consumes)).collect()))
                (list("Consumes", wiring.of_plugin(slug, Direction::Consumes).map(|edge| end(ends, edge, Direction::Publishes)).collect()))
                (list("Starts work", plugin.entrances.iter().map(code).collect()))
                (list("Requires", requires))
                (list("Provides", provides))
                (list("Uses", plugin.uses.iter().map(code).collect()))
                (list("Allows itself", plugin.allowances.clone()))
            }
        }
    }
}

fn end(ends: &Ends<'_>, edge: &Edge, direction: Direction) -> String {
    let facing: BTreeSet<&str> = ends.at(&edge.topic, direction).map(|edge| edge.plugin.as_str()).collect();
    let facing: Vec<&str> = facing.into_iter().collect();
    let way = if direction == Direction::Consumes { "→" } else { "←" };
    let sure = if edge.firm { "" } else { ", not certain" };
    if facing.is_empty() {
        format!("`{}`{sure}", edge.topic)
    } else {
        format!("`{}` {way} {}{sure}", edge.topic, facing.join(", "))
    }
}

fn list(title: &str, items: Vec<String>) -> Markup {
    html! {
        @if !items.is_empty() { div { h4 { (title) } ul { @for item in items { li { (ticked(&item)) } } } } }
    }
}
