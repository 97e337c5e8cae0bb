//! What a rule says, before it becomes a diagnostic.

use crate::context::Context;
use crate::name::RuleName;
use checker_report::{Diagnostic, Edit, Identity, Related, Severity, Suggestion, find_within, fingerprint};
use contract_graph::PluginView;
use contract_model::Location;
use contract_model::span::Span;
use contract_parse::{Document, Fact, Problem, ProblemKind};
use std::cell::OnceCell;

/// One finding under construction.
#[derive(Debug, Clone)]
pub(crate) struct Finding {
    pub(crate) plugin: String,
    pub(crate) topic: Option<String>,
    pub(crate) location: Location,
    pub(crate) message: String,
    severity: Option<Severity>,
    label: String,
    related: Vec<Related>,
    suggestion: Option<Suggestion>,
    role: String,
    symbol: String,
    is_note: bool,
}

impl Finding {
    pub(crate) fn new(plugin: &str, location: Location, message: impl Into<String>) -> Self {
        Self {
            plugin: plugin.to_owned(),
            topic: None,
            location,
            message: message.into(),
            severity: None,
            label: String::new(),
            related: Vec::new(),
            suggestion: None,
            role: String::new(),
            symbol: String::new(),
            is_note: false,
        }
    }

    pub(crate) fn topic(mut self, topic: &str) -> Self {
        self.topic = Some(topic.to_owned());
        self
    }

    /// What stands under the marked place.
    pub(crate) fn label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    /// The part the place plays; tells apart two findings of one rule, plugin and topic.
    pub(crate) fn role(mut self, role: impl Into<String>) -> Self {
        self.role = role.into();
        self
    }

    /// The handler that the place lies in.
    pub(crate) fn within(self, fact: &Fact) -> Self {
        self.symbol(fact.within.as_deref().unwrap_or_default())
    }

    /// What the place lies in, by name.
    pub(crate) fn symbol(mut self, symbol: &str) -> Self {
        symbol.clone_into(&mut self.symbol);
        self
    }

    pub(crate) fn severity(mut self, severity: Severity) -> Self {
        self.severity = Some(severity);
        self
    }

    /// It speaks of the report itself and fails nothing.
    pub(crate) fn note(mut self) -> Self {
        self.is_note = true;
        self
    }

    /// The part the place plays, as [`Finding::role`] was told.
    pub(crate) fn part(&self) -> &str {
        &self.role
    }

    /// A further place, unless it is the finding's own.
    pub(crate) fn related(mut self, location: Location, message: impl Into<String>) -> Self {
        if location != self.location {
            self.related.push(Related { message: message.into(), location });
        }
        self
    }

    /// A way to repair it, in words and where possible in edits.
    pub(crate) fn suggest(mut self, message: impl Into<String>, edits: Vec<Edit>) -> Self {
        self.suggestion = Some(Suggestion { message: message.into(), edits });
        self
    }

    /// A way to repair it that only words can say.
    pub(crate) fn help(self, message: impl Into<String>) -> Self {
        self.suggest(message, Vec::new())
    }

    pub(crate) fn into_diagnostic(mut self, rule: RuleName) -> Diagnostic {
        // There are as many as a large suite has places, and most name one further place where a list that grew has room
        // for four.
        self.related.shrink_to_fit();
        let identity = Identity {
            rule: rule.id,
            plugin: &self.plugin,
            topic: self.topic.as_deref().unwrap_or_default(),
            role: &self.role,
            symbol: &self.symbol,
        };
        Diagnostic {
            rule: rule.id,
            name: rule.name,
            severity: self.severity.unwrap_or(rule.severity),
            message: self.message,
            fingerprint: fingerprint(identity),
            plugin: self.plugin,
            topic: self.topic,
            location: self.location,
            related: self.related,
            suggestion: self.suggestion,
            baseline: checker_report::Baseline::New,
            suppressed: None,
            label: self.label,
            is_note: self.is_note,
            is_told: false,
            also: Vec::new(),
        }
    }
}

/// The problems of these kinds, in suite.yaml and in every plugin, as findings.
pub(crate) fn from_problems(cx: &Context<'_>, kinds: &[ProblemKind]) -> Vec<Finding> {
    let of_suite = cx.suite.problems.iter().map(|problem| ("", problem));
    let of_plugins = cx.suite.views().flat_map(|view| view.parsed.problems.iter().map(move |p| (view.slug(), p)));
    of_suite
        .chain(of_plugins)
        .filter(|(_, problem)| kinds.contains(&problem.kind))
        .map(|(p, q)| from_problem(p, q))
        .collect()
}

pub(crate) fn from_problem(plugin: &str, problem: &Problem) -> Finding {
    let finding = Finding::new(plugin, problem.location.clone(), problem.message.as_str())
        .role(format!("{} {}", problem.location.file, problem.message));
    match &problem.help {
        None => finding,
        Some((help, None)) => finding.help(help.as_str()),
        Some((help, Some(text))) => {
            finding.suggest(help.as_str(), vec![Edit { location: problem.location.clone(), text: text.clone() }])
        }
    }
}

/// Edits that put `new` in the place of `old` at each of these places, where `old` is written there as such.
pub(crate) fn renames(cx: &Context<'_>, places: &[&Location], old: &str, new: &str) -> Vec<Edit> {
    let edit = |at: &&Location| {
        let location = find_within(cx.suite.text(&at.file)?, at, old)?;
        Some(Edit { location, text: new.to_owned() })
    };
    places.iter().filter_map(edit).collect()
}

/// The edit that takes an entry out of a list of a plugin's manifest; none where no plain cut can.
pub(crate) fn taken_out(view: PluginView<'_>, entry: Span) -> Vec<Edit> {
    let text = view.parsed.texts.get("plugin.yaml").map_or("", String::as_str);
    let cut = contract_parse::without_entry(text, entry);
    cut.map(|span| Edit { location: view.at(span), text: String::new() }).into_iter().collect()
}

/// What adds entries to the lists of a plugin's manifest. It is read when the first one is to be added, and only once.
pub(crate) struct Additions<'a> {
    view: PluginView<'a>,
    manifest: OnceCell<Document<'a>>,
}

impl<'a> Additions<'a> {
    pub(crate) fn to(view: PluginView<'a>) -> Self {
        Self { view, manifest: OnceCell::new() }
    }

    /// The edit that adds an entry to a list.
    pub(crate) fn put_in(&self, list: &str, entry: &str) -> Vec<Edit> {
        let added = self.document().with_entry(list, entry);
        let edit = |(at, text)| Edit { location: self.view.at(Span { start: at, end: at }), text };
        added.map(edit).into_iter().collect()
    }

    /// Where a list of the manifest begins; its first line where it has no such list.
    pub(crate) fn place_of(&self, list: &str) -> Location {
        self.document().key(list).map_or_else(|| self.view.top(), |span| self.view.at(span))
    }

    fn document(&self) -> &Document<'a> {
        let text = self.view.parsed.texts.get("plugin.yaml").map_or("", String::as_str);
        self.manifest.get_or_init(|| Document::of(text))
    }
}
