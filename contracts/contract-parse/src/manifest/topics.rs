//! `topics`: the contracts a plugin owns.

use super::values::{date, normal, present, semver};
use crate::facts::ProblemKind;
use crate::report::Report;
use crate::yaml::{Fields, Node};
use contract_model::ids::PluginSlug;
use contract_model::manifest::{
    AfterRetries, Compatibility, Deprecated, Replies, RetryPolicy, TopicContract, TopicKind, Visibility,
};
use contract_model::span::{Span, Spanned};
use contract_model::topic::TopicName;
use indexmap::IndexMap;
use std::collections::BTreeSet;

/// Reads all contracts; one with a bad name is left out.
pub(super) fn contracts(
    fields: &mut Fields<'_>,
    files: &BTreeSet<&str>,
    report: &mut Report<'_>,
) -> IndexMap<TopicName, TopicContract> {
    let Some(node) = fields.take("topics") else { return IndexMap::new() };
    let Some(inner) = Fields::of(node, "topics", report) else { return IndexMap::new() };
    let mut out = IndexMap::new();
    for (name, span, node) in inner.rest() {
        match TopicName::new(name) {
            Ok(name) => {
                let contract = contract(Spanned::new(name.clone(), span), node, files, report);
                out.insert(name, contract);
            }
            Err(error) => report.add(ProblemKind::BadTopicName, span, error.to_string()),
        }
    }
    // A contract takes hundreds of bytes, and the manifest stays for as long as the suite does.
    out.shrink_to_fit();
    out
}

fn empty(name: Spanned<TopicName>) -> TopicContract {
    TopicContract {
        name,
        kind: TopicKind::Event,
        version: None,
        schema: None,
        examples: Vec::new(),
        visibility: Visibility::default(),
        compatibility: None,
        key: None,
        idempotency: Vec::new(),
        retry: RetryPolicy::default(),
        ttl: None,
        retain: None,
        publishers: Vec::new(),
        exclusive: false,
        replies: None,
        timeout: None,
        deprecated: None,
    }
}

fn contract(name: Spanned<TopicName>, node: &Node, files: &BTreeSet<&str>, report: &mut Report<'_>) -> TopicContract {
    let what = format!("topics.{}", name.value);
    let mut contract = empty(name);
    if node.is_null() {
        return contract;
    }
    let Some(mut fields) = Fields::of(node, &what, report) else { return contract };
    let before = report.problems.len();
    contract.kind = kind(&mut fields, report);
    let knows_kind = report.problems.len() == before;
    contract.version = fields.parsed("version", report, semver).map(|version| version.value);
    contract.schema = schema(&mut fields, &what, files, report);
    contract.examples = examples(&mut fields, &what, files, report);
    contract.visibility = visibility(&mut fields, report);
    contract.compatibility = compatibility(&mut fields, report);
    contract.key = fields.parsed("key", report, pointer);
    contract.idempotency = pointers(&mut fields, &what, report);
    contract.retry = fields.take("retry").map(|node| retry(node, &what, report)).unwrap_or_default();
    contract.ttl = fields.duration("ttl", report);
    contract.retain = fields.duration("retain", report);
    contract.publishers = publishers(&mut fields, report);
    contract.exclusive = fields.flag("exclusive", report);
    let before = report.problems.len();
    contract.replies = fields.take("replies").and_then(|node| replies(node, &what, report));
    let knows_replies = report.problems.len() == before;
    contract.timeout = fields.duration("timeout", report);
    contract.deprecated = fields.take("deprecated").and_then(|node| deprecated(node, &what, report));
    if knows_kind && knows_replies {
        replies_fit_kind(&contract, report);
    }
    fields.finish(report);
    contract
}

fn kind(fields: &mut Fields<'_>, report: &mut Report<'_>) -> TopicKind {
    let kinds = [("event", TopicKind::Event), ("request", TopicKind::Request), ("reply", TopicKind::Reply)];
    fields.word("kind", &kinds, report).unwrap_or(TopicKind::Event)
}

fn visibility(fields: &mut Fields<'_>, report: &mut Report<'_>) -> Visibility {
    let words = [("private", Visibility::Private), ("suite", Visibility::Suite), ("public", Visibility::Public)];
    fields.word("visibility", &words, report).unwrap_or_default()
}

fn compatibility(fields: &mut Fields<'_>, report: &mut Report<'_>) -> Option<Compatibility> {
    let all = [Compatibility::Backward, Compatibility::Forward, Compatibility::Full, Compatibility::None];
    fields.word("compatibility", &all.map(|one| (one.as_str(), one)), report)
}

fn schema(
    fields: &mut Fields<'_>,
    what: &str,
    files: &BTreeSet<&str>,
    report: &mut Report<'_>,
) -> Option<Spanned<String>> {
    let mut path = fields.text("schema", report)?;
    path.value = normal(&path.value);
    present(&path, &format!("{what}.schema"), ProblemKind::SchemaUnreadable, files, report);
    Some(path)
}

fn examples(
    fields: &mut Fields<'_>,
    what: &str,
    files: &BTreeSet<&str>,
    report: &mut Report<'_>,
) -> Vec<Spanned<String>> {
    let mut out = fields.texts("examples", report);
    for path in &mut out {
        path.value = normal(&path.value);
        present(path, &format!("{what}.examples"), ProblemKind::SchemaUnreadable, files, report);
    }
    out
}

/// A JSON pointer to one field or a field within it.
fn pointer(text: &str) -> Result<String, String> {
    if text.starts_with('/') && text.len() > 1 {
        return Ok(text.to_owned());
    }
    Err(format!(
        "`{text}` is not a JSON pointer; write it as /{}",
        text.trim_start_matches(['/', '.']).replace('.', "/")
    ))
}

fn pointers(fields: &mut Fields<'_>, what: &str, report: &mut Report<'_>) -> Vec<Spanned<String>> {
    let mut out = Vec::new();
    for text in fields.texts("idempotency", report) {
        match pointer(&text.value) {
            Ok(_) => out.push(text),
            Err(why) => report.add(ProblemKind::BadValue, text.span, format!("`{what}.idempotency`: {why}")),
        }
    }
    out
}

fn retry(node: &Node, what: &str, report: &mut Report<'_>) -> RetryPolicy {
    let mut policy = RetryPolicy::default();
    let Some(mut fields) = Fields::of(node, &format!("{what}.retry"), report) else { return policy };
    if let Some(node) = fields.take("attempts") {
        if let Some(count) =
            node.as_u64().and_then(|count| u32::try_from(count).ok()).filter(|count| (1..=1000).contains(count))
        {
            policy.attempts = count;
        } else {
            let message = format!("`{what}.retry.attempts` must be a whole number from 1 to 1000");
            report.add(ProblemKind::BadValue, node.span, message);
        }
    }
    policy.backoff = fields.duration("backoff", report).unwrap_or(policy.backoff);
    policy.cap = fields.duration("cap", report).unwrap_or(policy.cap);
    let words = [("dead-letter", AfterRetries::DeadLetter), ("park", AfterRetries::Park)];
    policy.then = fields.word("then", &words, report).unwrap_or(policy.then);
    fields.finish(report);
    policy
}

fn publishers(fields: &mut Fields<'_>, report: &mut Report<'_>) -> Vec<PluginSlug> {
    let mut out = Vec::new();
    for text in fields.texts("publishers", report) {
        match PluginSlug::new(&text.value) {
            Ok(slug) => out.push(slug),
            Err(error) => report.add(ProblemKind::BadValue, text.span, error.to_string()),
        }
    }
    out
}

fn replies(node: &Node, what: &str, report: &mut Report<'_>) -> Option<Replies> {
    let what = format!("{what}.replies");
    let mut fields = Fields::of(node, &what, report)?;
    let before = report.problems.len();
    let ok = fields.topic("ok", report);
    if ok.is_none() && report.problems.len() == before {
        report.add(ProblemKind::BadValue, fields.span(), format!("`{what}.ok` is missing"));
    }
    let error = fields.topic("error", report);
    fields.finish(report);
    Some(Replies { ok: ok?, error })
}

fn deprecated(node: &Node, what: &str, report: &mut Report<'_>) -> Option<Deprecated> {
    let mut fields = Fields::of(node, &format!("{what}.deprecated"), report)?;
    let since = fields.text("since", report).map(|text| text.value);
    let sunset = fields.parsed("sunset", report, date).map(|text| text.value);
    let instead = fields.topic("use", report).map(|topic| topic.value);
    fields.finish(report);
    Some(Deprecated { since, sunset, instead })
}

fn replies_fit_kind(contract: &TopicContract, report: &mut Report<'_>) {
    let at = contract.name.span;
    let name = &contract.name.value;
    let mut add = |span: Span, message: String| report.add(ProblemKind::BadValue, span, message);
    match (&contract.replies, contract.kind) {
        (None, TopicKind::Request) => {
            add(at, format!("request topic `{name}` names no reply; add `replies: {{ok: …, error: …}}`"));
        }
        (Some(replies), TopicKind::Event | TopicKind::Reply) => {
            add(replies.ok.span, format!("`{name}` names replies, and only a topic of `kind: request` has replies"));
        }
        _ => {}
    }
}
