//! A module as the engine takes it.

use crate::blank::blank_types;
use crate::facts::Problem;
use oxc_allocator::Allocator;
use oxc_ast::ast::{ExportDefaultDeclarationKind, Statement};
use oxc_parser::Parser;
use oxc_span::{GetSpan, SourceType, Span};

/// The module with its types erased, and with a default export that begins with `async` between parentheses: there the
/// engine's parser takes the word for the beginning of `async function` and nothing else. What stands before the end of
/// such an export keeps its place, and all lines keep theirs.
///
/// # Errors
/// Those of [`blank_types`](crate::blank_types).
pub fn runnable(path: &str, text: &str) -> Result<String, Vec<Problem>> {
    let source = blank_types(path, text)?;
    Ok(match async_default(&source) {
        Some(span) => enclosed(&source, span.start as usize, span.end as usize),
        None => source,
    })
}

/// The expression that is exported by default, where it begins with `async`.
fn async_default(text: &str) -> Option<Span> {
    if !text.contains("default") || !text.contains("async") {
        return None;
    }
    let allocator = Allocator::default();
    let parsed = Parser::new(&allocator, text, SourceType::mjs()).parse();
    let expression = parsed.program.body.iter().find_map(|statement| match statement {
        Statement::ExportDefaultDeclaration(it) => match &it.declaration {
            ExportDefaultDeclarationKind::FunctionDeclaration(_)
            | ExportDefaultDeclarationKind::ClassDeclaration(_) => None,
            expression => Some(expression.span()),
        },
        _ => None,
    })?;
    text[expression.start as usize..].starts_with("async").then_some(expression)
}

/// A part of a text in parentheses. The first one takes the place of a blank, so that the part stays where it is.
fn enclosed(text: &str, start: usize, end: usize) -> String {
    let before = text[..start].strip_suffix([' ', '\t']).unwrap_or(&text[..start]);
    format!("{before}({}){}", &text[start..end], &text[end..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_default_export_that_begins_with_async_gets_parentheses() {
        for (path, text, want) in [
            ("a.js", "export default async () => 1;\nb();", "export default(async () => 1);\nb();"),
            ("a.js", "export default\nasync x => x", "export default\n(async x => x)"),
            ("a.ts", "export default async (x: string) => x;", "export default(async (x        ) => x);"),
            ("a.js", "export default/**/async () => 1", "export default/**/(async () => 1)"),
            ("a.js", "export default async function () {}", "export default async function () {}"),
            ("a.js", "export default class { async default() {} }", "export default class { async default() {} }"),
            ("a.js", "const async = 1; export { async as default };", "const async = 1; export { async as default };"),
            ("a.js", "export default async = ;", "export default async = ;"),
        ] {
            assert_eq!(runnable(path, text).as_deref(), Ok(want), "{text}");
        }
    }
}
