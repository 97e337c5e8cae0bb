//! What the analysis was not granted.

use super::{Extractor, Place};
use crate::facts::{Problem, ProblemKind};
use crate::js::strings::{EXACT_MAX, Strings};
use crate::js::summaries::Outcome;
use crate::js::topics::shown_value;
use contract_model::span::{Location, Span};

impl<'a> Extractor<'_, '_, 'a> {
    pub(super) fn note_limits(&mut self, place: Place<'a>, outcome: &Outcome<'a>, value: &Strings) {
        let span = Span { start: place.call.span.start, end: place.end };
        let mut add = |kind, message: String, help: &str| {
            let location = self.lines.location(place.call.module, self.evaluator.module(place.call.module), span);
            self.problems.push(Problem { kind, message, location, help: Some((help.to_owned(), None)) });
        };
        if value.is_widened() {
            let message = format!(
                "more than {} topics come to this place; they are taken as {}",
                EXACT_MAX,
                shown_value(&outcome.value).unwrap_or_else(|_| "any topic".to_owned())
            );
            add(ProblemKind::TopicsWidened, message, "split the table, or name the topics with `/** @topics … */`");
        }
        if outcome.exhausted {
            let message = "the topic takes more steps to work out than the analysis grants".to_owned();
            add(
                ProblemKind::BudgetExceeded,
                message,
                "write the topic more directly, or name it with `/** @topics … */`",
            );
        }
    }

    /// A plugin that used up its steps as a whole is known only in part.
    pub(super) fn note_spent(&mut self) {
        if !self.evaluator.is_spent() {
            return;
        }
        let Some(entry) = self.evaluator.modules.list.first() else { return };
        let message =
            "the plugin takes more steps to analyse than the analysis grants; its facts are partial".to_owned();
        let help = Some(("leave generated modules out of the entry's imports, or split the plugin".to_owned(), None));
        let location = Location::start_of(&entry.file);
        self.problems.push(Problem { kind: ProblemKind::BudgetExceeded, message, location, help });
    }
}
