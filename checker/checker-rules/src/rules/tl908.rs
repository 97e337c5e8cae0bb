//! TL908: an external topic that the catalogue does not list.

use crate::catalog::Catalog;
use crate::context::Context;
use crate::finding::{Finding, renames};
use crate::nearest::NameIndex;
use crate::rule::{Check, Rule};
use checker_report::Severity;
use contract_model::span::Spanned;
use contract_model::suite::External;

pub(crate) const RULE: Rule = Rule {
    id: "TL908",
    name: "external-not-in-catalogue",
    severity: Severity::Error,
    since: "0.1.0",
    follows: None,
    text: include_str!("tl908.md"),
    check: Check::Suite(check),
};

fn check(cx: &Context<'_>) -> Vec<Finding> {
    let (Some(file), Some(text)) = (&cx.suite.manifest.catalog, &cx.suite.catalog_text) else { return Vec::new() };
    match Catalog::parse(text) {
        Err(why) => {
            let finding = Finding::new("", cx.suite.at(file.span), why).role("catalog");
            vec![finding.label("cannot be read").help("`trunkline catalog export` writes one of the right form")]
        }
        Ok(catalog) => {
            let names = NameIndex::new(catalog.topics.iter().map(String::as_str));
            let external = cx.suite.manifest.external.iter();
            let unlisted = external.filter(|entry| !catalog.topics.iter().any(|name| entry.value.topic.matches(name)));
            unlisted.map(|entry| finding(cx, entry, &file.value, &names)).collect()
        }
    }
}

fn finding(cx: &Context<'_>, entry: &Spanned<External>, file: &str, names: &NameIndex) -> Finding {
    let topic = entry.value.topic.as_str();
    let at = cx.suite.at(entry.span);
    let message = format!("`{topic}` is named external, but `{file}` does not list it");
    let finding = Finding::new("", at.clone(), message).topic(topic).role("external").label("nobody exports this");
    match names.nearest(topic) {
        Some(meant) => finding.suggest(format!("did you mean `{meant}`?"), renames(cx, &[&at], topic, meant)),
        None => finding.help("correct the name, or have the catalogue list it"),
    }
}
