//! Which exception suppressed what.

use crate::context::Context;
use crate::exception::Exception;
use crate::rule::Rule;
use checker_report::{AllowanceLine, AllowanceState, Diagnostic};
use contract_graph::Suite;
use jiff::civil::Date;

/// The exceptions of a suite, each with the number of findings it covers.
pub(crate) struct Audit<'a> {
    pub(crate) exceptions: Vec<(Exception<'a>, usize)>,
    today: Date,
    /// What changes are measured against.
    base: Option<&'a Suite>,
}

impl<'a> Audit<'a> {
    /// Marks the findings that an exception covers. An expired one covers nothing.
    pub(crate) fn suppress(cx: &Context<'a>, findings: &mut [(&'static Rule, Diagnostic)]) -> Self {
        let today = cx.options.today;
        let mut exceptions: Vec<_> = Exception::all(cx.suite).into_iter().map(|exception| (exception, 0)).collect();
        for (rule, finding) in findings.iter_mut() {
            for (exception, covered) in &mut exceptions {
                if exception.covers(rule, finding) {
                    *covered += 1;
                    if finding.suppressed.is_none() && !exception.is_expired(today) {
                        finding.suppressed = Some(exception.suppressed());
                    }
                }
            }
        }
        let base = cx.evolution.map(|evolution| evolution.before.suite());
        Self { exceptions, today, base }
    }

    /// The exceptions that nothing needs any more. One with an unknown rule is a fault of its own.
    pub(crate) fn stale(&self) -> impl Iterator<Item = &Exception<'a>> {
        let unused = self.exceptions.iter().filter(|(_, covered)| *covered == 0);
        unused.map(|(exception, _)| exception).filter(|exception| self.may_be_stale(exception))
    }

    /// One from a rule about changes is needed for as long as the base lacks the change: without a base nobody can
    /// tell, and once the base has the exception too, the change is done and nobody else's change must fail for it.
    fn may_be_stale(&self, exception: &Exception<'_>) -> bool {
        match exception.known {
            None => false,
            Some(rule) if rule.needs_base() => self.base.is_some_and(|base| {
                let same = |known: &Exception<'_>| known.identity() == exception.identity();
                !Exception::all(base).iter().any(same)
            }),
            Some(_) => true,
        }
    }

    /// All exceptions, by plugin and place.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Exception<'a>> {
        self.exceptions.iter().map(|(exception, _)| exception)
    }

    /// The lines of the report.
    pub(crate) fn lines(&self) -> Vec<AllowanceLine> {
        self.exceptions.iter().map(|(exception, covered)| self.line(exception, *covered)).collect()
    }

    fn line(&self, exception: &Exception<'_>, covered: usize) -> AllowanceLine {
        let state = match covered {
            _ if exception.is_expired(self.today) => AllowanceState::Expired,
            0 if self.may_be_stale(exception) => AllowanceState::Stale,
            _ => AllowanceState::Active,
        };
        let entry = exception.entry();
        AllowanceLine {
            rule: exception.rule.to_owned(),
            plugin: exception.plugin.to_owned(),
            by: exception.layer.name(),
            topic: exception.topic().map(str::to_owned),
            file: entry.and_then(|entry| entry.file.clone()),
            reason: exception.reason.map(str::to_owned),
            owner: entry.and_then(|entry| entry.owner.clone()),
            expires: entry.and_then(|entry| entry.expires.as_ref()).map(|expires| expires.value.clone()),
            location: exception.location.clone(),
            state,
            suppresses: if state == AllowanceState::Active { covered } else { 0 },
        }
    }
}
