//! Whose records the code reads and writes.

use super::{Extractor, Place};
use crate::facts::{FactKind, Guard, RecordUse};
use crate::js::eval::{CallRef, Via};
use crate::js::index::Site;
use crate::js::summaries::{Outcome, Question, argument_end, outcomes};
use crate::js::value::{Host, Value};
use contract_model::TextSet;
use oxc_ast::ast::Expression;

impl<'a> Extractor<'_, '_, 'a> {
    /// All calls that name collections and can run. What only a run knows says nothing.
    pub(super) fn records(&mut self) -> Vec<RecordUse> {
        let mut found = Vec::new();
        let index = self.index;
        for site in &index.sites {
            for host in site.callee.hosts() {
                if let Host::Method("dao" | "app", method) = host
                    && let Some(writes) = writes(method)
                {
                    self.uses(site, method, writes, &mut found);
                }
            }
        }
        found.sort_by(|a: &RecordUse, b| a.location.cmp(&b.location).then_with(|| a.collections.cmp(&b.collections)));
        found.dedup();
        found
    }

    fn uses(&mut self, site: &Site<'a>, method: &str, writes: bool, found: &mut Vec<RecordUse>) {
        if let Some(name) = written(site.at).filter(|_| method != "reserve") {
            found.extend(self.record_use(site.at, 0, TextSet::one(name), writes));
            return;
        }
        for outcome in outcomes(self.evaluator, Question::Given(site.at, 0), &site.chain) {
            let Some(collections) = self.collections(method, &outcome) else { continue };
            let (call, argument) = match outcome.known_at {
                None => (site.at, 0),
                Some((step, argument)) => (outcome.chain[step].call, argument),
            };
            found.extend(self.record_use(call, argument, collections, writes));
        }
    }

    /// The collections that an argument names, where they are known for sure.
    fn collections(&mut self, method: &str, outcome: &Outcome<'a>) -> Option<TextSet> {
        let value = &outcome.value;
        match method {
            "findAcross" | "prefetch" => {
                let shape = self.evaluator.glanced(|evaluator| evaluator.shape_of(value))?;
                Some(shape.fields.keys().cloned().collect::<TextSet>())
            }
            "reserve" => {
                let value = value.as_strings();
                let named = value.openings().into_iter().map(|opening| Some(opening.split_once('/')?.0.to_owned()));
                named.collect::<Option<TextSet>>()
            }
            _ if matches!(value, Value::Text(_)) => value.as_strings().exact().cloned(),
            _ => None,
        }
    }

    fn record_use(
        &mut self,
        call: CallRef<'a>,
        argument: usize,
        collections: TextSet,
        writes: bool,
    ) -> Option<RecordUse> {
        let fact = self.call_fact(FactKind::Record, Place { call, end: argument_end(call, argument) });
        let can_run = fact.reachable == Some(true) && fact.guard != Guard::Test;
        can_run.then_some(RecordUse { collections, writes, location: fact.location, within: fact.within })
    }
}

/// The text that stands as such as the first argument.
fn written(call: CallRef<'_>) -> Option<&str> {
    match call.arguments.first()?.as_expression()? {
        Expression::StringLiteral(text) if call.via == Via::Plain => Some(text.value.as_str()),
        _ => None,
    }
}

/// Whether a method writes the records of the collection that it is given; none where it is given none.
fn writes(method: &str) -> Option<bool> {
    match method {
        "saveRecord" | "saveRecords" | "addToRecords" | "deleteRecord" | "reserve" => Some(true),
        "findRecordById"
        | "findRecordsByIds"
        | "findAcross"
        | "prefetch"
        | "findFirstRecordByFilter"
        | "findRecordsByFilter"
        | "countRecords" => Some(false),
        _ => None,
    }
}
