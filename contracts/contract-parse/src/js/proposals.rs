//! What the parser reads and the engine does not: proposals that are no part of the language yet, and a name.

use contract_model::span::Span;
use oxc_ast::AstKind;
use oxc_ast::ast::Expression;
use oxc_semantic::Semantic;
use oxc_span::GetSpan;

/// The words without which a text has none of the proposals.
const SIGNS: [&str; 2] = ["@", "accessor"];

/// Every use of what the engine does not read, with what to write instead.
pub(super) fn used(text: &str, semantic: &Semantic<'_>) -> Vec<(Span, &'static str)> {
    // Most modules have neither, and going through all that they say would take as long as much of the rest.
    if !SIGNS.iter().any(|sign| text.contains(sign)) && !names_async(text, semantic) {
        return Vec::new();
    }
    let found = semantic.nodes().iter().filter_map(|node| match node.kind() {
        AstKind::Decorator(it) => {
            Some((it.span, "the engine has no decorators; call the function on the class instead"))
        }
        AstKind::AccessorProperty(it) => {
            Some((it.span, "the engine has no `accessor` fields; write a getter and a setter over a private field"))
        }
        AstKind::CallExpression(it) => match &it.callee {
            Expression::Identifier(name) if name.name == "async" => Some((
                it.callee.span(),
                "the engine takes a call of `async` for the beginning of an arrow function; give it another name",
            )),
            _ => None,
        },
        _ => None,
    });
    found.map(|(span, why)| (Span { start: span.start, end: span.end }, why)).collect()
}

fn names_async(text: &str, semantic: &Semantic<'_>) -> bool {
    text.contains("async") && semantic.scoping().symbol_names().any(|name| name == "async")
}
