//! What of a plugin its tests have reached: verbs, handlers, jobs, outcomes, hooks, methods of
//! capabilities, and topics.

use checker_cli::Suite;
use daemon_host::{HandlerUsage, HostMetrics, Registration, RegistrationKind, Used};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// What one rehearsal has reached.
#[derive(Default)]
pub(super) struct Reached {
    /// What the plugins registered, by slug.
    registered: Vec<(String, Registration)>,
    published: BTreeSet<(String, String)>,
    /// By plugin and handler.
    used: BTreeMap<(String, String), Used>,
}

impl Reached {
    pub(super) fn note(&mut self, metrics: &HostMetrics, registered: Vec<(String, Vec<Registration>)>) {
        self.published.extend(metrics.published.iter().map(|(plugin, topic, _)| (plugin.clone(), topic.clone())));
        self.registered
            .extend(registered.into_iter().flat_map(|(slug, all)| all.into_iter().map(move |one| (slug.clone(), one))));
        for plugin in &metrics.plugins {
            for HandlerUsage { handler, most } in &plugin.handlers {
                let known = self.used.entry((plugin.slug.clone(), handler.clone())).or_default();
                *known = known.at_most(*most);
            }
        }
    }
}

/// Names, and whether they were reached.
type Names = BTreeMap<String, bool>;

/// What of a plugin there is, and whether it was reached; by name.
#[derive(Debug, Default, Serialize)]
pub(super) struct Coverage {
    pub(super) plugin: String,
    /// `METHOD path`.
    pub(super) verbs: Names,
    /// `topic` or `topic (handler)` of each subscription.
    pub(super) handlers: Names,
    /// Kinds of jobs, and names of schedules.
    pub(super) jobs: Names,
    /// Names given to `$app.onOutcome`.
    pub(super) outcomes: Names,
    /// `before create collection`.
    pub(super) hooks: Names,
    /// `capability.method`.
    pub(super) methods: Names,
    /// `attach` and `detach`.
    pub(super) links: Names,
    /// Topics that it may publish.
    pub(super) publishes: Names,
    /// The most that a call of each handler used, of what does not depend on the machine.
    pub(super) used: BTreeMap<String, Spent>,
    /// The same with all that does, such as times.
    #[serde(skip)]
    pub(super) measured: BTreeMap<String, Used>,
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
    /// Nothing is reached yet. What the plugin registers is known once a rehearsal has run it.
    pub(super) fn of(suite: &Suite, slug: &str) -> Self {
        let manifest = suite.plugin(slug).and_then(contract_graph::PluginView::manifest);
        let names = manifest.into_iter().flat_map(|manifest| &manifest.publishes);
        let publishes = names.flat_map(|entry| entry.value.names()).map(|name| (name.to_owned(), false)).collect();
        Self { plugin: slug.to_owned(), publishes, ..Self::default() }
    }

    /// Adds what a rehearsal has reached.
    pub(super) fn add(&mut self, reached: Reached) {
        for ((_, handler), most) in reached.used.iter().filter(|((plugin, _), _)| *plugin == self.plugin) {
            let measured = self.measured.entry(handler.clone()).or_default();
            *measured = measured.at_most(*most);
            let spent = self.used.entry(handler.clone()).or_default();
            spent.events = spent.events.max(most.events);
            spent.records = spent.records.max(most.records);
            spent.records_read = spent.records_read.max(most.records_read);
            spent.log_lines = spent.log_lines.max(most.log_lines);
        }
        for (plugin, one) in reached.registered {
            if plugin == self.plugin {
                *self.kind(one.kind).entry(one.name).or_default() |= one.is_reached;
            }
        }
        for (name, is_reached) in &mut self.publishes {
            *is_reached |= reached.published.contains(&(self.plugin.clone(), name.clone()));
        }
    }

    fn kind(&mut self, kind: RegistrationKind) -> &mut Names {
        match kind {
            RegistrationKind::Verb => &mut self.verbs,
            RegistrationKind::Handler => &mut self.handlers,
            RegistrationKind::Job => &mut self.jobs,
            RegistrationKind::Outcome => &mut self.outcomes,
            RegistrationKind::Hook => &mut self.hooks,
            RegistrationKind::Method => &mut self.methods,
            RegistrationKind::Link => &mut self.links,
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
        let kinds = [
            ("verbs", &self.verbs),
            ("handlers", &self.handlers),
            ("jobs", &self.jobs),
            ("outcomes", &self.outcomes),
            ("record hooks", &self.hooks),
            ("capability methods", &self.methods),
            ("attach and detach hooks", &self.links),
            ("topics published", &self.publishes),
        ];
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
