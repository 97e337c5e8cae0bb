//! What the parser reads and the engine does not: proposals that are no part of the language yet.

use contract_model::span::Span;
use oxc_ast::AstKind;
use oxc_semantic::Semantic;

/// The words without which a text has none of them.
const SIGNS: [&str; 2] = ["@", "accessor"];

/// Every use of a proposal, with what to write instead.
pub(super) fn used(text: &str, semantic: &Semantic<'_>) -> Vec<(Span, &'static str)> {
    if !SIGNS.iter().any(|sign| text.contains(sign)) {
        return Vec::new();
    }
    let found = semantic.nodes().iter().filter_map(|node| match node.kind() {
        AstKind::Decorator(it) => {
            Some((it.span, "the engine has no decorators; call the function on the class instead"))
        }
        AstKind::AccessorProperty(it) => {
            Some((it.span, "the engine has no `accessor` fields; write a getter and a setter over a private field"))
        }
        _ => None,
    });
    found.map(|(span, why)| (Span { start: span.start, end: span.end }, why)).collect()
}
