//! What a module exports, as it is written.

use oxc_ast::ast::{Declaration, ExportSpecifier, Statement};
use std::collections::BTreeMap;

/// What a module exports, as it is written.
#[derive(Default)]
pub(crate) struct Exports<'a> {
    /// The statement that exports a name; the first one.
    pub(super) by_name: BTreeMap<&'a str, &'a Statement<'a>>,
    /// The modules whose exports are passed on as they are, by specifier.
    pub(super) passed_on: Vec<&'a str>,
}

impl<'a> Exports<'a> {
    pub(super) fn of(body: &'a [Statement<'a>]) -> Self {
        let mut exports = Self::default();
        for statement in body {
            let names = match statement {
                Statement::ExportDeclaration(export) => declared_names(&export.declaration),
                Statement::ExportDefaultDeclaration(_) => vec!["default"],
                Statement::ExportNamedDeclaration(export) => exported_names(&export.specifiers),
                Statement::ExportFromDeclaration(export) => exported_names(&export.specifiers),
                Statement::ExportAllDeclaration(all) => {
                    let Some(exported) = &all.exported else {
                        exports.passed_on.push(all.source.value.as_str());
                        continue;
                    };
                    vec![exported.name().as_str()]
                }
                _ => continue,
            };
            for name in names {
                exports.by_name.entry(name).or_insert(statement);
            }
        }
        exports
    }
}

fn exported_names<'a>(specifiers: &'a [ExportSpecifier<'a>]) -> Vec<&'a str> {
    specifiers.iter().map(|one| one.exported.name().as_str()).collect()
}

fn declared_names<'a>(declaration: &'a Declaration<'a>) -> Vec<&'a str> {
    match declaration {
        Declaration::VariableDeclaration(it) => {
            let ids = it.declarations.iter().flat_map(|one| one.id.get_binding_identifiers());
            ids.map(|id| id.name.as_str()).collect()
        }
        Declaration::FunctionDeclaration(it) => it.id.iter().map(|id| id.name.as_str()).collect(),
        Declaration::ClassDeclaration(it) => it.id.iter().map(|id| id.name.as_str()).collect(),
        Declaration::TSEnumDeclaration(it) => vec![it.id.name.as_str()],
        _ => Vec::new(),
    }
}
