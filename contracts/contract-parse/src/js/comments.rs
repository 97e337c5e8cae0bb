//! Comments that speak to the checker: `@topics` and `tl-allow`.

use super::program::Module;
use crate::facts::Suppression;
use contract_model::TextSet;
use contract_model::span::{Location, Span};
use oxc_ast::AstKind;
use oxc_span::GetSpan;
use std::cmp::Reverse;

/// The topics that `/** @topics a.b c.* */` right before a call names.
pub(crate) fn topics_before(module: &Module<'_>, call_start: u32) -> Option<TextSet> {
    let semantic = module.semantic.as_ref()?;
    let comments = semantic.comments();
    let next = comments.partition_point(|comment| comment.span.end <= call_start);
    let before = comments.get(next.checked_sub(1)?)?;
    let content = before.content_span();
    let text = module.text.get(content.start as usize..content.end as usize)?;
    let listed = text.split_once("@topics")?.1;
    let between = module.text.get(before.span.end as usize..call_start as usize)?;
    if between.contains([';', '{', '}']) {
        return None;
    }
    let words = listed.split(|c: char| c.is_whitespace() || c == ',');
    let topics: TextSet = words
        .map(|word| word.trim_end_matches(['.', ';']))
        .take_while(|word| !word.starts_with('@'))
        .filter(|word| contract_model::TopicPattern::new(word).is_ok())
        .map(str::to_owned)
        .collect();
    (!topics.is_empty()).then_some(topics)
}

/// The inline suppressions of a module. One that names no rule has an empty one: who wrote it meant to suppress something.
pub(crate) fn suppressions(module: &Module<'_>) -> Vec<Suppression> {
    let Some(semantic) = &module.semantic else { return Vec::new() };
    let mut out = Vec::new();
    for comment in semantic.comments() {
        let content = comment.content_span();
        let text = module.text.get(content.start as usize..content.end as usize).unwrap_or_default();
        let Some(rest) = text.trim_start_matches(['*', ' ', '\t', '\r', '\n']).strip_prefix("tl-allow") else {
            continue;
        };
        if rest.starts_with(|c: char| !c.is_whitespace() && c != ':') {
            continue;
        }
        // Without a colon nobody can tell where the reason begins, and every word of it would be an unknown rule.
        let first = || (rest.split_whitespace().next().unwrap_or_default(), "");
        let (rules, reason) = rest.split_once(':').unwrap_or_else(first);
        let mut rules: Vec<&str> = rules.split([',', ' ']).filter(|rule| !rule.is_empty()).collect();
        if rules.is_empty() {
            rules.push("");
        }
        let span = Span { start: comment.span.start, end: comment.span.end };
        let location = Location::of(&module.file, module.text, span);
        let lines = covered(module, &location, comment.span.end);
        for rule in rules {
            let reason = reason.trim().to_owned();
            out.push(Suppression { rule: rule.to_owned(), reason, location: location.clone(), lines });
        }
    }
    out
}

/// A comment alone on its line covers the next statement too; one after code covers its line.
fn covered(module: &Module<'_>, location: &Location, end: u32) -> (u32, u32) {
    let line = module.text.lines().nth(location.line as usize - 1).unwrap_or_default();
    let code_before = line.chars().take(location.column as usize - 1).any(|c| !c.is_whitespace());
    if code_before {
        return (location.line, location.end_line);
    }
    (location.line, next_statement_end(module, end).unwrap_or(location.end_line + 1))
}

/// The last line of the statement that starts after `end`, or of its head where it holds statements itself: a handler is
/// not excepted by a comment before its registration.
fn next_statement_end(module: &Module<'_>, end: u32) -> Option<u32> {
    let nodes = module.semantic.as_ref()?.nodes();
    let kinds = || nodes.iter().map(oxc_semantic::AstNode::kind);
    let statements = kinds().filter(|kind| kind.is_statement() || kind.is_declaration()).map(|kind| kind.span());
    let next = statements.filter(|span| span.start >= end).min_by_key(|span| (span.start, Reverse(span.end)))?;
    let bodies = kinds().filter(|kind| holds_statements(*kind)).map(|kind| kind.span().start);
    let body = bodies.filter(|start| (next.start..next.end).contains(start)).min();
    let last = body.unwrap_or(next.end.saturating_sub(1));
    Some(Location::of(&module.file, module.text, Span { start: last, end: last }).line)
}

fn holds_statements(kind: AstKind<'_>) -> bool {
    matches!(
        kind,
        AstKind::FunctionBody(_) | AstKind::BlockStatement(_) | AstKind::ClassBody(_) | AstKind::SwitchCase(_)
    )
}
