//! The fields of their payloads that handlers read, as facts.

use super::Extractor;
use crate::facts::{Fact, FactKind, Opaque};
use crate::js::payload::{Code, Flow, Read, pointer};
use crate::js::topics::handler_topics;
use contract_model::span::Span;
use std::collections::{BTreeMap, BTreeSet};

/// The reads of all handlers of events as facts, and where their payloads get out of sight.
pub(crate) fn facts(code: &Code<'_, '_>, extractor: &mut Extractor<'_, '_, '_>) -> (Vec<Fact>, Vec<Opaque>) {
    let flow = Flow::all(code);
    let mut out = Vec::new();
    for (place, read) in merged(&flow.reads) {
        for topic in topics(code, extractor, read.handlers.iter().copied()) {
            let mut fact = extractor.fact(FactKind::ReadsField, place.module, read.node, place.span);
            fact.topic = Some(topic);
            fact.detail.insert("field".to_owned(), place.path.join("."));
            fact.detail.insert("path".to_owned(), pointer(&place.path));
            if read.tolerant {
                fact.detail.insert("tolerant".to_owned(), "true".to_owned());
            }
            if read.through {
                fact.detail.insert("through".to_owned(), "true".to_owned());
            }
            if !read.certain {
                fact.detail.insert("certain".to_owned(), "false".to_owned());
            }
            out.push(fact);
        }
    }
    (out, opaque(code, extractor, &flow))
}

/// One place that reads one path, whatever handlers lead to it.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    module: usize,
    span: Span,
    path: Vec<String>,
}

struct Merged {
    node: oxc_syntax::node::NodeId,
    handlers: BTreeSet<usize>,
    tolerant: bool,
    certain: bool,
    through: bool,
}

fn merged(reads: &[Read]) -> BTreeMap<Place, Merged> {
    let mut all: BTreeMap<Place, Merged> = BTreeMap::new();
    for read in reads.iter().filter(|read| !read.path.is_empty()) {
        let span = Span { start: read.span.start, end: read.span.end };
        let place = Place { module: read.module, span, path: read.path.clone() };
        let one = all.entry(place).or_insert_with(|| Merged {
            node: read.node,
            handlers: BTreeSet::new(),
            tolerant: read.tolerant,
            certain: true,
            through: true,
        });
        one.handlers.insert(read.handler);
        one.tolerant &= read.tolerant;
        one.certain &= read.certain;
        one.through &= read.through;
    }
    all
}

fn topics(
    code: &Code<'_, '_>,
    extractor: &Extractor<'_, '_, '_>,
    handlers: impl Iterator<Item = usize>,
) -> BTreeSet<crate::facts::TopicValue> {
    let all: BTreeSet<usize> = handlers.flat_map(|at| code.handlers[at].sharing.iter().copied()).collect();
    all.into_iter().filter_map(|at| extractor.index.handlers.get(at)).flat_map(handler_topics).collect()
}

fn opaque(code: &Code<'_, '_>, extractor: &Extractor<'_, '_, '_>, flow: &Flow<'_, '_, '_>) -> Vec<Opaque> {
    let mut out: Vec<Opaque> = Vec::new();
    for lost in &flow.lost {
        let span = Span { start: lost.span.start, end: lost.span.end };
        for topic in topics(code, extractor, std::iter::once(lost.handler)) {
            let location = extractor.location(lost.module, span);
            out.push(Opaque { topic, path: pointer(&lost.path), location, why: lost.why.to_owned() });
        }
    }
    out.sort_by(|a, b| (&a.location, &a.topic, &a.path).cmp(&(&b.location, &b.topic, &b.path)));
    out.dedup();
    out
}
