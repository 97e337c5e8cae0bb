//! What of a plugin its tests have reached: verbs, handlers and topics.

use checker_cli::Suite;
use contract_graph::PluginView;
use contract_model::TopicPattern;
use contract_parse::{FactKind, TopicValue};
use daemon_host::{HandlerUsage, HostMetrics, Used};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// What one rehearsal has reached.
#[derive(Default)]
pub(super) struct Reached {
    calls: BTreeSet<(String, String)>,
    published: BTreeSet<(String, String)>,
    handled: BTreeSet<(String, String)>,
    /// By plugin and handler.
    used: BTreeMap<(String, String), Used>,
}

impl Reached {
    pub(super) fn called(&mut self, method: &str, target: &str) {
        let path = target.split('?').next().unwrap_or_default();
        self.calls.insert((method.to_owned(), path.to_owned()));
    }

    pub(super) fn note(&mut self, metrics: &HostMetrics) {
        let edges = |all: &[(String, String, u64)]| {
            all.iter().map(|(plugin, topic, _)| (plugin.clone(), topic.clone())).collect::<Vec<_>>()
        };
        self.published.extend(edges(&metrics.published));
        self.handled.extend(edges(&metrics.handled));
        for plugin in &metrics.plugins {
            for HandlerUsage { handler, most } in &plugin.handlers {
                let known = self.used.entry((plugin.slug.clone(), handler.clone())).or_default();
                *known = known.at_most(*most);
            }
        }
    }
}

/// What of a plugin there is, and whether it was reached; by name.
#[derive(Debug, Serialize)]
pub(super) struct Coverage {
    pub(super) plugin: String,
    /// `METHOD path`.
    pub(super) verbs: BTreeMap<String, bool>,
    /// `topic` or `topic (handler)` of each subscription.
    pub(super) handlers: BTreeMap<String, bool>,
    /// Topics that it may publish.
    pub(super) publishes: BTreeMap<String, bool>,
    /// The most that a call of each handler used, of what does not depend on the machine.
    pub(super) used: BTreeMap<String, Spent>,
}

/// What a call used at most.
#[derive(Debug, Default, Clone, Copy, Serialize)]
pub(super) struct Spent {
    events: u64,
    records: u64,
    records_read: u64,
    log_lines: u64,
}

impl Coverage {
    /// Nothing is reached yet.
    pub(super) fn of(suite: &Suite, slug: &str) -> Self {
        let mut all = Self {
            plugin: slug.to_owned(),
            verbs: BTreeMap::new(),
            handlers: BTreeMap::new(),
            publishes: BTreeMap::new(),
            used: BTreeMap::new(),
        };
        if let Some(view) = suite.plugin(slug) {
            all.verbs = verbs(view).map(|name| (name, false)).collect();
            all.handlers = handlers(view).into_iter().map(|name| (name, false)).collect();
            let names = view.manifest().into_iter().flat_map(|manifest| &manifest.publishes);
            all.publishes = names.flat_map(|entry| entry.value.names()).map(|name| (name.to_owned(), false)).collect();
        }
        all
    }

    /// Adds what a rehearsal has reached.
    pub(super) fn add(&mut self, reached: Reached) {
        for ((_, handler), most) in reached.used.iter().filter(|((plugin, _), _)| *plugin == self.plugin) {
            let spent = self.used.entry(handler.clone()).or_default();
            spent.events = spent.events.max(most.events);
            spent.records = spent.records.max(most.records);
            spent.records_read = spent.records_read.max(most.records_read);
            spent.log_lines = spent.log_lines.max(most.log_lines);
        }
        let own = |edges: BTreeSet<(String, String)>| {
            let own = edges.into_iter().filter(|(plugin, _)| *plugin == self.plugin);
            own.map(|(_, topic)| topic).collect::<Vec<_>>()
        };
        let (published, handled) = (own(reached.published), own(reached.handled));
        for (name, is_reached) in &mut self.verbs {
            *is_reached |= reached.calls.iter().any(|(method, path)| is_call_of(name, method, path));
        }
        for (name, is_reached) in &mut self.handlers {
            let pattern = TopicPattern::new(name.split(' ').next().unwrap_or_default()).ok();
            *is_reached |= pattern.is_some_and(|pattern| handled.iter().any(|topic| pattern.matches(topic)));
        }
        for (name, is_reached) in &mut self.publishes {
            *is_reached |= published.contains(name);
        }
    }

    /// A line for each handler that did anything: what a call of it used at most.
    pub(super) fn spent(&self) -> impl Iterator<Item = String> {
        self.used.iter().filter_map(|(handler, spent)| {
            let Spent { events, records, records_read, log_lines } = *spent;
            let parts = [(records_read, "read"), (records, "changed"), (events, "events"), (log_lines, "log lines")];
            let parts: Vec<String> =
                parts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")).collect();
            (!parts.is_empty()).then(|| format!("{handler}: {}", parts.join(", ")))
        })
    }

    /// The kinds of things with how many there are and how many were reached, and the names of those that were not.
    pub(super) fn lines(&self) -> Vec<(&'static str, usize, usize, Vec<&str>)> {
        let kinds = [("verbs", &self.verbs), ("handlers", &self.handlers), ("topics published", &self.publishes)];
        kinds
            .into_iter()
            .map(|(kind, all)| {
                let missing: Vec<&str> =
                    all.iter().filter(|(_, reached)| !**reached).map(|(name, _)| name.as_str()).collect();
                (kind, all.len() - missing.len(), all.len(), missing)
            })
            .filter(|(_, _, of, _)| *of > 0)
            .collect()
    }
}

fn verbs(view: PluginView<'_>) -> impl Iterator<Item = String> {
    view.running(FactKind::Verb).filter_map(|fact| {
        Some(format!("{} {}", fact.detail.get("method")?.to_ascii_uppercase(), fact.detail.get("path")?))
    })
}

fn handlers(view: PluginView<'_>) -> BTreeSet<String> {
    let named = |topic: &str, handler: &Option<String>| match handler {
        Some(handler) => format!("{topic} ({handler})"),
        None => topic.to_owned(),
    };
    let mut all = BTreeSet::new();
    for fact in view.running(FactKind::Subscribe) {
        match &fact.topic {
            Some(TopicValue::Exact(topics)) => all.extend(topics.iter().map(|topic| named(topic, &fact.handler))),
            Some(TopicValue::Pattern(pattern)) => drop(all.insert(named(pattern, &fact.handler))),
            Some(TopicValue::Unknown(_)) | None => {}
        }
    }
    all
}

/// Whether a call goes to a verb; `{name}` in the verb's path is any segment.
fn is_call_of(verb: &str, method: &str, path: &str) -> bool {
    let Some((own_method, own_path)) = verb.split_once(' ') else { return false };
    let (mut own, mut asked) = (own_path.split('/'), path.split('/'));
    let fits = loop {
        match (own.next(), asked.next()) {
            (None, None) => break true,
            (Some(one), Some(other)) if one == other || (one.starts_with('{') && !other.is_empty()) => {}
            _ => break false,
        }
    };
    own_method == method && fits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_is_any_segment() {
        assert!(is_call_of("POST /api/ap/bills/{id}/approve", "POST", "/api/ap/bills/A.1/approve"));
        assert!(!is_call_of("POST /api/ap/bills/{id}/approve", "GET", "/api/ap/bills/A.1/approve"));
        assert!(!is_call_of("GET /api/ap/bills/{id}", "GET", "/api/ap/bills/"));
        assert!(!is_call_of("GET /api/ap/bills", "GET", "/api/ap/bills/1"));
    }
}
