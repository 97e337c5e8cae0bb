//! TL902: an exception without a reason or an owner.

use crate::audit::Audit;
use crate::context::Context;
use crate::exception::Exception;
use crate::finding::Finding;
use crate::rule::{Check, Rule};
use checker_report::Severity;

pub(crate) const RULE: Rule = Rule {
    id: "TL902",
    name: "no-reason",
    severity: Severity::Error,
    since: "0.1.0",
    follows: None,
    text: include_str!("tl902.md"),
    check: Check::Audit(check),
};

/// Words that stand where a reason should.
const EMPTY: &[&str] = &["todo", "fixme", "tbd", "wip", "temp", "later", "none", "legacy", "ignore", "because", "n/a"];

fn check(_: &Context<'_>, audit: &Audit<'_>) -> Vec<Finding> {
    // Without a rule it excepts nothing, whatever the reason.
    audit
        .all()
        .filter(|exception| !exception.rule.is_empty())
        .filter_map(|exception| {
            let lack = lack(exception)?;
            let message = format!("the exception from {} {lack}", exception.rule);
            let finding = Finding::new(exception.plugin, exception.location.clone(), message);
            let finding = finding.role(format!("{} {}", exception.rule, exception.topic().unwrap_or_default()));
            Some(
                finding
                    .label("nobody can judge this later")
                    .help("say in a sentence why it is right, and who answers for it"),
            )
        })
        .collect()
}

fn lack(exception: &Exception<'_>) -> Option<&'static str> {
    let owner = exception.entry().map(|entry| entry.owner.as_deref().unwrap_or_default().trim());
    match exception.reason {
        None => Some("gives no reason"),
        Some(reason) if is_trivial(reason) => Some("gives no real reason"),
        Some(_) if owner == Some("") => Some("names no owner"),
        Some(_) => None,
    }
}

/// One word, or a word that only says that somebody meant to think about it.
fn is_trivial(reason: &str) -> bool {
    let words: Vec<String> = reason.split_whitespace().map(str::to_lowercase).collect();
    let first = words.first().map(|word| word.trim_matches(|c: char| !c.is_alphanumeric() && c != '/').to_owned());
    words.len() < 2 || (words.len() < 4 && first.is_some_and(|word| EMPTY.contains(&word.as_str())))
}
