//! TL807: the suite's own rules in CEL.

use crate::context::Context;
use crate::finding::Finding;
use crate::query::{Data, Each, Placed, Program, QueryError, Session, Shape, shown};
use crate::rule::{Check, Rule};
use checker_report::Severity;
use contract_graph::{Composition, Graph};
use contract_model::Location;
use contract_model::policy::{CustomEach, CustomRule};
use contract_model::span::{Span, Spanned};
use jiff::civil::Date;
use std::collections::BTreeMap;

pub(crate) const RULE: Rule = Rule {
    id: "TL807",
    name: "custom",
    severity: Severity::Warning,
    since: "0.1.0",
    follows: None,
    text: include_str!("tl807.md"),
    check: Check::Suite(check),
};

fn check(cx: &Context<'_>) -> Vec<Finding> {
    let rules = &cx.suite.manifest.custom;
    let (whole, composed): (Vec<_>, Vec<_>) = rules.iter().partition(|rule| rule.value.compositions.is_none());
    let mut found = Vec::new();
    if !whole.is_empty() {
        let data = Data::of(cx.whole);
        let session = Session::new(&data);
        found.extend(whole.into_iter().flat_map(|rule| run(cx, &data, &session, rule)));
    }
    if !composed.is_empty() {
        found.extend(in_compositions(cx, &composed));
    }
    found
}

/// A finding by all that tells it from others but the composition.
type Same = (String, Option<String>, Location, String);

/// Asks each rule in its compositions. The same finding in several of them is one; where it is not in all that the rule
/// is asked in, it names them.
fn in_compositions(cx: &Context<'_>, rules: &[&Spanned<CustomRule>]) -> Vec<Finding> {
    let mut joined: BTreeMap<(usize, Same), (Finding, Vec<String>)> = BTreeMap::new();
    for composition in Composition::all(cx.suite) {
        let Some(name) = composition.name.clone() else { continue };
        let is_asked = |rule: &Spanned<CustomRule>| rule.value.compositions.iter().flatten().any(|one| *one == name);
        if !rules.iter().any(|rule| is_asked(rule)) {
            continue;
        }
        let graph = Graph::build(cx.suite, composition);
        let data = Data::of(&graph);
        let session = Session::new(&data);
        for (at, rule) in rules.iter().enumerate().filter(|(_, rule)| is_asked(rule)) {
            for finding in run(cx, &data, &session, rule) {
                let Finding { plugin, topic, location, message, .. } = &finding;
                let same = (plugin.clone(), topic.clone(), location.clone(), message.clone());
                joined.entry((at, same)).or_insert_with(|| (finding, Vec::new())).1.push(name.clone());
            }
        }
    }
    let all = |at: usize| rules[at].value.compositions.as_ref().map_or(0, Vec::len);
    joined.into_iter().map(|((at, _), (finding, names))| named(finding, &names, all(at))).collect()
}

fn named(mut finding: Finding, names: &[String], all: usize) -> Finding {
    if names.len() < all {
        let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
        finding.message = format!("{} (in composition {})", finding.message, quoted.join(", "));
    }
    finding
}

fn run(cx: &Context<'_>, data: &Data, session: &Session<'_>, rule: &Spanned<CustomRule>) -> Vec<Finding> {
    let found = compile(&rule.value, data).and_then(|compiled| {
        let suite = [None];
        let each: Box<dyn Iterator<Item = Option<&Placed>>> = match compiled.each {
            Each::Suite => Box::new(suite.into_iter()),
            Each::Fact => Box::new(data.facts.iter().map(Some)),
            Each::Topic => Box::new(data.topics.iter().map(Some)),
            Each::Plugin => Box::new(data.plugins.iter().map(Some)),
        };
        let found = each.map(|subject| fire(cx, session, &compiled, subject, rule.span));
        found.filter_map(Result::transpose).collect()
    });
    found.unwrap_or_else(|(error, text)| vec![faulty(cx, &rule.value, &error, text)])
}

/// What is wrong with a rule, and the text it stands in.
type Fault<'r> = (QueryError, &'r Spanned<String>);

/// A custom rule that is ready to run.
struct Compiled<'r> {
    rule: &'r CustomRule,
    each: Each,
    when: Program,
    message: Vec<Part<'r>>,
}

/// A part of a message.
enum Part<'r> {
    Text(&'r str),
    Value(Program),
}

fn compile<'r>(rule: &'r CustomRule, data: &Data) -> Result<Compiled<'r>, Fault<'r>> {
    let each = match rule.each {
        CustomEach::Suite => Each::Suite,
        CustomEach::Fact => Each::Fact,
        CustomEach::Topic => Each::Topic,
        CustomEach::Plugin => Each::Plugin,
    };
    let program = Program::compile(&rule.when.value, each, data);
    let when = program.and_then(|when| is_condition(when, &rule.when.value)).map_err(|error| (error, &rule.when))?;
    let message = parts(&rule.message.value, each, data).map_err(|error| (error, &rule.message))?;
    Ok(Compiled { rule, each, when, message })
}

fn is_condition(when: Program, source: &str) -> Result<Program, QueryError> {
    if matches!(when.shape, Shape::Flag | Shape::Any) {
        return Ok(when);
    }
    let message = format!("`when` must be true or false, and this is {}", when.shape.name());
    Err(QueryError { message, span: Span { start: 0, end: u32::try_from(source.len()).unwrap_or(u32::MAX) } })
}

/// Takes a message apart: expressions stand in braces.
fn parts<'r>(message: &'r str, each: Each, data: &Data) -> Result<Vec<Part<'r>>, QueryError> {
    let mut parts = Vec::new();
    let mut rest = message;
    while let Some((text, after)) = rest.split_once('{') {
        let Some((expression, after)) = after.split_once('}') else { break };
        let start = u32::try_from(message.len() - after.len() - 1 - expression.len()).unwrap_or(0);
        let shift = |error: QueryError| QueryError {
            span: Span { start: start + error.span.start, end: start + error.span.end },
            ..error
        };
        parts.push(Part::Text(text));
        parts.push(Part::Value(Program::compile(expression, each, data).map_err(shift)?));
        rest = after;
    }
    parts.push(Part::Text(rest));
    Ok(parts)
}

fn fire<'r>(
    cx: &Context<'_>,
    session: &Session<'_>,
    compiled: &Compiled<'r>,
    subject: Option<&Placed>,
    at: Span,
) -> Result<Option<Finding>, Fault<'r>> {
    let CustomRule { name, when, message, .. } = compiled.rule;
    let value = |program: &Program| match subject {
        None => session.value(program),
        Some(one) => session.value_for(program, compiled.each, &one.value),
    };
    let condition = value(&compiled.when).map_err(|error| (error, when))?;
    if shown(&condition) != "true" {
        return Ok(None);
    }
    let mut text = format!("{}: ", name.value);
    for part in &compiled.message {
        match part {
            Part::Text(part) => text.push_str(part),
            Part::Value(program) => text.push_str(&shown(&value(program).map_err(|error| (error, message))?)),
        }
    }
    Ok(Some(finding(cx, compiled.rule, subject, &text, at)))
}

fn finding(cx: &Context<'_>, rule: &CustomRule, subject: Option<&Placed>, text: &str, at: Span) -> Finding {
    let here = cx.suite.at(at);
    let mut finding = match subject {
        None => Finding::new("", here.clone(), text),
        Some(one) => Finding::new(&one.plugin, one.location.clone(), text).symbol(&one.symbol),
    };
    if let Some(topic) = subject.and_then(|one| one.topic.as_ref()) {
        finding = finding.topic(topic);
    }
    finding = finding.role(&*rule.name.value).severity(severity(cx, rule)).related(here, "the rule");
    match &rule.help {
        Some(help) => finding.help(help.as_str()),
        None => finding,
    }
}

fn severity(cx: &Context<'_>, rule: &CustomRule) -> Severity {
    let severity = match rule.severity.as_deref() {
        Some("error") => Severity::Error,
        Some("info") => Severity::Info,
        _ => Severity::Warning,
    };
    let day = rule.enforce_from.as_ref().and_then(|day| day.value.parse::<Date>().ok());
    if day.is_some_and(|day| day > cx.options.today) { severity.min(Severity::Warning) } else { severity }
}

fn faulty(cx: &Context<'_>, rule: &CustomRule, error: &QueryError, text: &Spanned<String>) -> Finding {
    let message = format!("custom rule `{}`: {error}", rule.name.value);
    let finding = Finding::new("", place(cx, text, error.span), message).severity(Severity::Error);
    finding.role(format!("faulty {}", rule.name.value)).label("cannot be judged, so nothing was")
}

/// The place of a part of an expression in suite.yaml, where the expression is written there as it reads.
fn place(cx: &Context<'_>, text: &Spanned<String>, part: Span) -> Location {
    let whole = cx.suite.manifest_text.as_deref().unwrap_or_default();
    let written = whole.get(text.span.start as usize..text.span.end as usize).and_then(|it| it.find(&text.value));
    match written.and_then(|at| u32::try_from(at).ok()) {
        Some(at) => {
            let start = text.span.start + at;
            cx.suite.at(Span { start: start + part.start, end: start + part.end })
        }
        None => cx.suite.at(text.span),
    }
}
