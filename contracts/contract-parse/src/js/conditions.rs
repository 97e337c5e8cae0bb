//! The condition that a subscription puts on its events: `{when: "source.plugin = 'ap'"}`.

use super::eval::{CallRef, Evaluator};
use super::payload::pointer;
use super::registration::option;
use crate::facts::{Fact, FactKind, Problem, ProblemKind};
use contract_model::filter::Filter;
use contract_model::span::Location;
use litemap::LiteMap;

/// What the conditions of one call read of each topic that it subscribes to, or that one of them cannot be read.
/// A condition that only a run knows says nothing here; the daemon reads it when it loads the plugin.
pub(super) fn of_call<'a>(
    evaluator: &mut Evaluator<'_, 'a>,
    call: CallRef<'a>,
    subscribed: &[Fact],
    at: &Location,
) -> (Vec<Fact>, Vec<Problem>) {
    let (mut reads, mut problems) = (Vec::new(), Vec::new());
    for text in option(evaluator, call, 1, "when") {
        match Filter::parse_over_payload(&text) {
            Ok(filter) => {
                let fields = filter.fields();
                reads.extend(subscribed.iter().flat_map(|fact| fields.iter().map(|field| read(fact, field))));
            }
            Err(error) => {
                let message = format!("`when` of the subscription cannot be read: {error}");
                let help = Some(("write it like `source.plugin = 'ap' && total > 0`".to_owned(), None));
                problems.push(Problem { kind: ProblemKind::WrongApi, message, location: at.clone(), help });
            }
        }
    }
    (reads, problems)
}

/// The daemon reads the field before the handler runs; where there is none it reads null, and hardly any condition holds.
fn read(subscribed: &Fact, field: &str) -> Fact {
    let path: Vec<String> = field.split('.').map(str::to_owned).collect();
    let detail = [("field", field.to_owned()), ("path", pointer(&path))];
    Fact {
        kind: FactKind::ReadsField,
        handler: None,
        handler_code: None,
        options: LiteMap::new(),
        detail: detail.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
        payloads: Vec::new(),
        proved: None,
        evidence: Vec::new(),
        ..subscribed.clone()
    }
}
