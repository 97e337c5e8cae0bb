//! From calls of the host to facts.

mod doubt;
mod evidence;
mod limits;
mod made;
mod reads;
mod records;
mod sent;

use crate::facts::{Fact, FactKind, Opaque, Problem, Provenance, RecordUse, TopicValue};
use crate::js::comments::topics_before;
use crate::js::conditions;
use crate::js::context::Surroundings;
use crate::js::eval::{CallRef, Evaluator};
use crate::js::index::{Index, Site, last_argument};
use crate::js::late::Lateness;
use crate::js::lines::Lines;
use crate::js::payload::Code;
use crate::js::reach::Reach;
use crate::js::registration;
use crate::js::strings::Strings;
use crate::js::summaries::{Outcome, Question, argument_end, assumed, outcomes};
use crate::js::topics::{exact_and_patterns, handler_topics, proved, shown_address, shown_text, topics};
use crate::js::value::{Host, Value};
use contract_model::TextSet;
use contract_model::span::Span;

/// Everything that extraction looks at.
pub(in crate::js) struct Extractor<'x, 'p, 'a> {
    pub(in crate::js) evaluator: &'x mut Evaluator<'p, 'a>,
    pub(in crate::js) index: &'x Index<'a>,
    pub(in crate::js) reach: &'x Reach,
    payloads: &'x Code<'p, 'a>,
    surroundings: Surroundings,
    lateness: Lateness,
    lines: &'x Lines,
    facts: Vec<Fact>,
    problems: Vec<Problem>,
}

/// A place at which a fact is reported: a call, up to the end of an argument.
#[derive(Clone, Copy)]
struct Place<'a> {
    call: CallRef<'a>,
    end: u32,
}

/// What extraction finds.
pub(crate) struct Extracted {
    /// All facts of a plugin, sorted by place.
    pub(crate) facts: Vec<Fact>,
    /// Where payloads get out of sight.
    pub(crate) opaque: Vec<Opaque>,
    /// Whose records are read and written, sorted by place.
    pub(crate) records: Vec<RecordUse>,
    /// What limits were met.
    pub(crate) problems: Vec<Problem>,
}

/// All facts of a plugin.
pub(crate) fn facts<'p, 'a>(
    evaluator: &mut Evaluator<'p, 'a>,
    index: &Index<'a>,
    reach: &Reach,
    payloads: &Code<'p, 'a>,
    lines: &Lines,
) -> Extracted {
    let mut extractor = Extractor {
        evaluator,
        index,
        reach,
        payloads,
        surroundings: Surroundings::default(),
        lateness: Lateness::default(),
        lines,
        facts: Vec::new(),
        problems: Vec::new(),
    };
    for site in &index.sites {
        extractor.site(site);
    }
    let (reads, opaque) = reads::facts(payloads, &mut extractor);
    extractor.note_spent();
    let records = extractor.records();
    let (mut facts, mut problems) = (extractor.facts, extractor.problems);
    facts.extend(reads);
    facts.sort_by(|a, b| (&a.location, a.kind, &a.topic, &a.handler).cmp(&(&b.location, b.kind, &b.topic, &b.handler)));
    facts.dedup();
    problems.sort_by(|a, b| (&a.location, a.kind).cmp(&(&b.location, b.kind)));
    problems.dedup();
    Extracted { facts, opaque, records, problems }
}

impl<'a> Extractor<'_, '_, 'a> {
    fn site(&mut self, site: &Site<'a>) {
        let hosts: Vec<Host> = site.callee.hosts().cloned().collect();
        let is_choice = hosts.len() > 1;
        for host in hosts {
            match host {
                Host::Method(object, method) => self.method(site, object, method),
                Host::EventMethod(event, method) if matches!(method.as_str(), "reply" | "reject") => {
                    self.reply(site.at, event, &method, is_choice);
                }
                _ => {}
            }
        }
        self.doubt(site);
    }

    fn method(&mut self, site: &Site<'a>, object: &str, method: &str) {
        match (object, method) {
            ("realtime", "publish") => self.topic_call(FactKind::Publish, site),
            ("app", "onEvent") => self.subscription(site),
            ("app", "request") => self.topic_call(FactKind::Request, site),
            ("app", "routerAdd") => self.plain(FactKind::Verb, site, &["method", "path"], None),
            ("app", "onRecord") => self.plain(FactKind::Record, site, &["when", "operation", "collection"], None),
            ("app", "provide" | "capability") => self.plain(FactKind::Capability, site, &["name"], Some(method)),
            ("http", "fetch") => self.plain(FactKind::Fetch, site, &["address"], None),
            ("jobs", _) => self.plain(FactKind::Job, site, &["name"], Some(method)),
            _ => {}
        }
    }

    fn subscription(&mut self, site: &Site<'a>) {
        let before = self.facts.len();
        self.topic_call(FactKind::Subscribe, site);
        let at = self.location(site.at.module, Span { start: site.at.span.start, end: site.at.span.end });
        let (reads, problems) = conditions::of_call(self.evaluator, site.at, &self.facts[before..], &at);
        self.facts.extend(reads);
        self.problems.extend(problems);
    }

    fn topic_call(&mut self, kind: FactKind, site: &Site<'a>) {
        if site.at.arguments.is_empty() {
            return;
        }
        let written = topics_before(self.evaluator.module(site.at.module), site.at.span.start);
        let all = outcomes(self.evaluator, Question::Given(site.at, 0), &site.chain);
        if let Some(written) = written {
            let value = all.iter().map(|one| one.value.as_strings()).reduce(Strings::join).unwrap_or_else(Strings::any);
            let place = Place { call: site.at, end: argument_end(site.at, 0) };
            self.annotated(kind, site, &all[0], place, &written, &value);
            return;
        }
        for outcome in all {
            self.outcome(kind, site, &outcome);
        }
    }

    fn outcome(&mut self, kind: FactKind, site: &Site<'a>, outcome: &Outcome<'a>) {
        let place = match outcome.known_at {
            None => Place { call: site.at, end: argument_end(site.at, 0) },
            Some((step, argument)) => {
                let call = outcome.chain[step].call;
                Place { call, end: argument_end(call, argument) }
            }
        };
        let value = outcome.value.as_strings();
        if outcome.known_at.is_some()
            && let Some(written) = topics_before(self.evaluator.module(place.call.module), place.call.span.start)
        {
            self.annotated(kind, site, outcome, place, &written, &value);
            return;
        }
        self.note_limits(place, outcome, &value);
        let evidence = self.evidence(place, outcome);
        let handlers = self.registered(kind, site, outcome);
        for (topic, handler) in handlers.into_iter().flat_map(|(value, handler)| {
            topics(&value).into_iter().map(move |topic| (topic, handler.clone())).collect::<Vec<_>>()
        }) {
            let mut fact = self.call_fact(kind, place);
            fact.topic = Some(topic);
            fact.payloads = self.sent(kind, site.at, &outcome.chain);
            fact.detail = self.habits(kind, site.at);
            fact.evidence.clone_from(&evidence);
            self.describe(&mut fact, site, outcome, &handler);
            self.facts.push(fact);
        }
    }

    /// The topics of a call, told apart where different handlers are given for them.
    fn registered(
        &mut self,
        kind: FactKind,
        site: &Site<'a>,
        outcome: &Outcome<'a>,
    ) -> Vec<(Value<'a>, registration::Given)> {
        if kind != FactKind::Subscribe {
            return vec![(outcome.value.clone(), registration::Given::default())];
        }
        registration::by_handler(self.evaluator, site, outcome)
    }

    /// One fact for exact topics, one for each pattern.
    fn annotated(
        &mut self,
        kind: FactKind,
        site: &Site<'a>,
        outcome: &Outcome<'a>,
        place: Place<'a>,
        written: &TextSet,
        value: &Strings,
    ) {
        let handler = self.registered(kind, site, outcome).into_iter().next().map(|(_, given)| given);
        let handler = handler.unwrap_or_default();
        for topic in exact_and_patterns(written) {
            let mut fact = self.call_fact(kind, place);
            fact.topic = Some(topic);
            fact.provenance = Provenance::Annotated;
            fact.proved = proved(value);
            fact.payloads = self.sent(kind, site.at, &outcome.chain);
            fact.detail = self.habits(kind, site.at);
            fact.evidence = vec!["the author's @topics".to_owned()];
            self.describe(&mut fact, site, outcome, &handler);
            self.facts.push(fact);
        }
    }

    fn plain(&mut self, kind: FactKind, site: &Site<'a>, names: &[&str], api: Option<&str>) {
        let last = last_argument(site.at);
        let key = names.len() - 1;
        let place = Place { call: site.at, end: argument_end(site.at, 0) };
        for outcome in outcomes(self.evaluator, Question::Given(site.at, key), &site.chain) {
            let place = match outcome.known_at {
                None => place,
                Some((step, argument)) => {
                    let call = outcome.chain[step].call;
                    Place { call, end: argument_end(call, argument) }
                }
            };
            let mut fact = self.call_fact(kind, place);
            self.evaluator.assume(assumed(&outcome.chain));
            for (at, name) in names.iter().enumerate().filter(|(at, _)| last.is_some_and(|last| *at <= last)) {
                let value = self.evaluator.ask_given(site.at, at).as_strings();
                let shown = if kind == FactKind::Fetch { shown_address(&value) } else { shown_text(&value) };
                fact.detail.insert((*name).to_owned(), shown);
            }
            self.evaluator.assume(Vec::new());
            if let Some(api) = api {
                fact.detail.insert("api".to_owned(), api.to_owned());
            }
            let handler = registration::handler(self.evaluator, site.at, &outcome.chain);
            self.describe(&mut fact, site, &outcome, &handler);
            self.facts.push(fact);
        }
    }

    fn reply(&mut self, call: CallRef<'a>, event: usize, method: &str, is_choice: bool) {
        let place = Place { call, end: argument_end(call, 0) };
        let group = self.evaluator.events.get(event).cloned().unwrap_or_default();
        let handlers = group.into_iter().filter_map(|at| Some((at, self.index.handlers.get(at)?)));
        let found: Vec<(usize, TopicValue, String)> = handlers
            .filter(|(_, one)| one.kind == "event")
            .flat_map(|(at, one)| handler_topics(one).into_iter().map(move |topic| (at, topic, one.label())))
            .collect();
        for (at, topic, label) in found {
            let mut fact = self.call_fact(FactKind::Reply, place);
            fact.topic = Some(topic);
            fact.within = Some(label);
            fact.payloads = self.replied(call, at);
            // Which of several payloads goes with which of several methods is not known.
            fact.payloads.retain(|one| !is_choice || one.alternatives().len() == 1);
            fact.detail = self.habits(FactKind::Reply, call);
            fact.detail.insert("outcome".to_owned(), if method == "reply" { "ok" } else { "error" }.to_owned());
            self.facts.push(fact);
        }
    }
}
