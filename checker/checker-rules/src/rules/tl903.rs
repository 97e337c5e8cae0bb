//! TL903: an exception whose last day has passed.

use crate::audit::Audit;
use crate::context::Context;
use crate::exception::Exception;
use crate::finding::Finding;
use crate::rule::{Check, Rule};
use checker_report::Severity;

pub(crate) const RULE: Rule = Rule {
    id: "TL903",
    name: "expired",
    severity: Severity::Error,
    since: "0.1.0",
    follows: None,
    text: include_str!("tl903.md"),
    check: Check::Audit(check),
};

fn check(cx: &Context<'_>, audit: &Audit<'_>) -> Vec<Finding> {
    audit.all().filter_map(|exception| expired(cx, exception)).collect()
}

fn expired(cx: &Context<'_>, exception: &Exception<'_>) -> Option<Finding> {
    let written = &exception.entry()?.expires.as_ref()?.value;
    let (message, label) = match exception.expires() {
        Some(day) if day >= cx.options.today => return None,
        Some(day) => (format!("the exception from {} expired on {day}", exception.rule), "no longer holds"),
        None => {
            (format!("`{written}` is no date, so the exception from {} never expires", exception.rule), "not a date")
        }
    };
    let finding = Finding::new(exception.plugin, exception.location.clone(), message).label(label);
    let finding = finding.role(format!("{} {}", exception.rule, exception.topic().unwrap_or_default()));
    Some(finding.help("repair what it excuses, or give it a new day as YYYY-MM-DD and a reason that still holds"))
}
