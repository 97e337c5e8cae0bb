//! What calls send, and how they are used.

use super::Extractor;
use crate::facts::FactKind;
use crate::js::eval::{CallRef, Via, method_of};
use crate::js::payload::{self, Entered};
use crate::js::summaries::Step;
use contract_model::shape::Shape;
use litemap::LiteMap;

impl<'a> Extractor<'_, '_, 'a> {
    /// What an answer sends for one handler: the calls that made its function tell closures apart.
    pub(super) fn replied(&self, call: CallRef<'a>, handler: usize) -> Vec<Shape> {
        let Some((call, position)) = self.payloads.call(call).zip(written_at(call, 0)) else { return Vec::new() };
        let registered = self.evaluator.handlers.values().flatten().filter(|(at, _)| *at == handler);
        let mut out: Vec<Shape> = Vec::new();
        for (_, assumed) in registered {
            for shape in payload::sent(self.payloads, call, position, &payload::entered(assumed)) {
                if !out.contains(&shape) {
                    out.push(shape);
                }
            }
        }
        out
    }

    /// How a publishing call is used: `timeout` and `continue` of a request, `chained` where it is taken for a promise.
    pub(super) fn habits(&self, kind: FactKind, call: CallRef<'a>) -> LiteMap<String, String> {
        let position = written_at(call, 2).filter(|_| kind != FactKind::Subscribe);
        let Some((call, position)) = self.payloads.call(call).zip(position) else { return LiteMap::new() };
        let options: &[&str] = if kind == FactKind::Request { &["timeout", "continue"] } else { &[] };
        let said = |name: &&str| Some(((*name).to_owned(), payload::option(self.payloads, call, position, name)?));
        let chained = payload::chained(self.payloads, call).map(|name| ("chained".to_owned(), name.to_owned()));
        options.iter().filter_map(said).chain(chained).collect()
    }

    /// What a call of this kind sends; none for kinds that send nothing.
    pub(super) fn sent(&self, kind: FactKind, call: CallRef<'a>, chain: &[Step<'a>]) -> Vec<Shape> {
        let position = match kind {
            FactKind::Publish | FactKind::Request => 1,
            _ => return Vec::new(),
        };
        let chain: Vec<Entered> = chain.iter().map(|step| (step.func, (step.call.module, step.call.node))).collect();
        let call = self.payloads.call(call).zip(written_at(call, position));
        call.map(|(call, position)| payload::sent(self.payloads, call, position, &chain)).unwrap_or_default()
    }
}

/// Where a call writes the argument that its method gets at a position; none where that is elsewhere: in a list, or, for
/// `f.bind(…)`, in the calls of what it gives.
fn written_at(call: CallRef<'_>, at: usize) -> Option<usize> {
    let binds = method_of(call.callee).is_some_and(|(_, method)| method == "bind");
    match call.via {
        Via::Plain | Via::New => Some(at),
        Via::Call => Some(at + 1).filter(|at| !binds || *at < call.arguments.len()),
        Via::Apply | Via::Reflect | Via::Each | Via::Then => None,
    }
}
