//! Erasing TypeScript's types by overwriting them with blanks, so that what is left keeps its place.
//!
//! Invariant: a character of the output stands where it stood in the input, and lines end where they ended.
//! The few characters that are put in place of a blank (`;`, `(`, `)`) keep the meaning where an erased
//! type would let two statements join or break an arrow function. An enum is the one thing that becomes longer: its
//! lines stay, and what follows it on the line of its end moves to the right.

mod enums;
mod erase;
mod names;
mod plan;

use crate::facts::{Problem, ProblemKind};
use crate::js::{nesting, syntax};
use crate::report::Report;
use crate::resolve::is_typescript;
use contract_model::span::Span;
use erase::Eraser;
use oxc_allocator::Allocator;
use oxc_ast::ast::Program;
use oxc_ast_visit::Visit;
use oxc_parser::Parser;
use oxc_semantic::{Scoping, SemanticBuilder};
use oxc_span::SourceType;

/// Erases the types of a TypeScript module. Any other module comes back as it is.
/// `path` is the module's path, which problems carry.
///
/// # Errors
/// Syntax errors, and constructs that need code to be generated (namespace with values, parameter
/// properties, `import =`, `export =`, an enum whose values are computed), each naming what to write instead.
pub fn blank_types(path: &str, text: &str) -> Result<String, Vec<Problem>> {
    if !is_typescript(path) {
        return Ok(text.to_owned());
    }
    let mut report = Report::new(path, text);
    let blanked = erase(text, &mut report);
    match blanked {
        Some(blanked) if report.problems.is_empty() => Ok(blanked),
        _ => Err(report.problems),
    }
}

/// The names of a program and what its enums hold.
fn enums(program: &Program<'_>) -> Scoping {
    SemanticBuilder::new_linter().with_enum_eval(true).build(program).semantic.into_scoping()
}

fn erase(text: &str, report: &mut Report<'_>) -> Option<String> {
    if let Some(why) = nesting::unreasonable(text) {
        report.add(ProblemKind::SourceUnparsable, Span::default(), format!("the module is not read: {why}"));
        return None;
    }
    let allocator = Allocator::default();
    let parsed = Parser::new(&allocator, text, SourceType::ts()).parse();
    if syntax::report_errors(&parsed.diagnostics, report) || parsed.panicked {
        return None;
    }
    let mut eraser = Eraser::new(text, text.contains("enum").then(|| enums(&parsed.program)));
    eraser.visit_program(&parsed.program);
    for (span, message) in eraser.refused {
        report.add(ProblemKind::SourceUnparsable, span, message);
    }
    if !report.problems.is_empty() {
        return None;
    }
    let blanked = eraser.plan.apply(text);
    // What comes out must be JavaScript; if it is not, saying so here beats a riddle in the worker.
    let allocator = Allocator::default();
    let again = Parser::new(&allocator, &blanked, SourceType::mjs()).parse();
    syntax::report_errors(&again.diagnostics, report);
    Some(blanked)
}
