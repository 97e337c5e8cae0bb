//! Which exception suppressed what, and which entry of the baseline is still needed.

use crate::baseline::{BaselineEntry, can_be_known};
use crate::context::Context;
use crate::exception::{Exception, Identity};
use crate::name::RuleName;
use checker_report::{AllowanceLine, AllowanceState, Baseline, Diagnostic};
use jiff::civil::Date;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What was allowed in a suite, and what came of it.
pub(crate) struct Audit<'a> {
    /// The exceptions, each with the number of findings it covers.
    pub(crate) exceptions: Vec<(Exception<'a>, usize)>,
    /// Findings that are suppressed, by layer.
    pub(crate) suppressed: BTreeMap<&'static str, usize>,
    /// Entries of the baseline that no finding needs, in the order of the file.
    pub(crate) stale_entries: Vec<&'a BaselineEntry>,
    today: Date,
    /// Whether all of the suite could be read. Where not, nobody can tell what is needed no more.
    is_read: bool,
    /// The exceptions of the base, where there is one.
    base: Option<BTreeSet<Identity<'a>>>,
}

impl<'a> Audit<'a> {
    /// Marks the findings that an exception covers. An expired exception covers nothing.
    pub(crate) fn suppress(cx: &Context<'a>, findings: &mut [(RuleName, Arc<Diagnostic>)]) -> Self {
        let today = cx.options.today;
        let mut exceptions: Vec<_> =
            Exception::all(cx.suite, cx.names).into_iter().map(|exception| (exception, 0)).collect();
        let by_rule = by_rule(&exceptions);
        // Most suites except next to nothing, and some have very many findings.
        for (rule, finding) in findings.iter_mut().filter(|_| !by_rule.is_empty()) {
            for at in candidates(&by_rule, *rule, &finding.plugin) {
                let (exception, covered) = &mut exceptions[at];
                if exception.covers(finding) {
                    *covered += 1;
                    if finding.suppressed.is_none() && !exception.is_expired(today) {
                        Arc::make_mut(finding).suppressed = Some(exception.suppressed());
                    }
                }
            }
        }
        let base = cx.evolution.map(|evolution| Exception::all(evolution.before.suite(), cx.names));
        let base = base.map(|all| all.iter().map(Exception::identity).collect());
        let mut suppressed = BTreeMap::new();
        for by in findings.iter().filter_map(|(_, finding)| Some(finding.suppressed.as_ref()?.by)) {
            *suppressed.entry(by).or_insert(0) += 1;
        }
        Self { exceptions, suppressed, stale_entries: Vec::new(), today, is_read: cx.suite.is_read(), base }
    }

    /// Marks the findings that the baseline knows, and notes its entries that nothing matches any more.
    pub(crate) fn compare_with_baseline(&mut self, cx: &Context<'a>, findings: &mut [(RuleName, Arc<Diagnostic>)]) {
        let Some(baseline) = &cx.options.baseline else { return };
        let mut known = baseline.by_fingerprint();
        for (_, finding) in findings.iter_mut() {
            if !can_be_known(finding) {
                // What counts the findings is new to nobody.
                if finding.suppressed.is_none() {
                    Arc::make_mut(finding).baseline = Baseline::Existing;
                }
            } else if known.get_mut(finding.fingerprint.as_str()).and_then(Vec::pop).is_some() {
                Arc::make_mut(finding).baseline = Baseline::Existing;
            }
        }
        if !self.is_read {
            return;
        }
        self.stale_entries = known.into_values().flatten().collect();
        self.stale_entries.sort_by_key(|entry| entry.line);
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
            Some(_) if !self.is_read => false,
            Some(rule) if rule.needs_base => {
                self.base.as_ref().is_some_and(|base| !base.contains(&exception.identity()))
            }
            Some(_) => true,
        }
    }

    /// All exceptions that can be judged, by plugin and place.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Exception<'a>> {
        self.exceptions.iter().map(|(exception, _)| exception).filter(|exception| exception.is_whole)
    }

    /// The first exception that suppresses something.
    pub(crate) fn first_in_use(&self) -> Option<&Exception<'a>> {
        let in_use = |(exception, covered): &&(Exception<'a>, usize)| *covered > 0 && !exception.is_expired(self.today);
        self.exceptions.iter().find(in_use).map(|(exception, _)| exception)
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

/// Positions of exceptions by the rule they speak of and their plugin.
type ByRule<'a> = BTreeMap<(&'static str, &'a str), Vec<usize>>;

fn by_rule<'a>(exceptions: &[(Exception<'a>, usize)]) -> ByRule<'a> {
    let mut all = ByRule::new();
    for (at, (exception, _)) in exceptions.iter().enumerate() {
        if let Some(known) = exception.known {
            all.entry((known.id, exception.plugin)).or_default().push(at);
        }
    }
    all
}

/// Those that may cover a finding: of its rule or the one that it follows, and of its plugin or of every plugin.
fn candidates(by_rule: &ByRule<'_>, rule: RuleName, plugin: &str) -> Vec<usize> {
    let of = |(rule, plugin)| by_rule.get(&(rule, plugin)).into_iter().flatten().copied();
    let rules = [Some(rule.id), rule.follows].into_iter().flatten();
    let everywhere = (!plugin.is_empty()).then_some("");
    let mut all: Vec<usize> = rules
        .flat_map(|rule| [Some(plugin), everywhere].into_iter().flatten().map(move |plugin| (rule, plugin)))
        .flat_map(of)
        .collect();
    all.sort_unstable();
    all
}
