//! Exports and imports: what a name of one module stands for in another.

use super::program::{Binding, Modules, Sym};
use oxc_ast::AstKind;
use oxc_ast::ast::{BindingIdentifier, Declaration, ModuleExportName, Statement};
use oxc_syntax::symbol::SymbolId;
use std::collections::BTreeSet;

impl<'a> Modules<'a> {
    /// What an export of a module stands for.
    pub(crate) fn export(&self, module: usize, name: &str) -> Option<Binding<'a>> {
        self.export_within(module, name, &mut BTreeSet::new())
    }

    fn export_within(&self, at: usize, name: &str, seen: &mut BTreeSet<(usize, String)>) -> Option<Binding<'a>> {
        if !seen.insert((at, name.to_owned())) {
            return None;
        }
        let module = self.list.get(at)?;
        if module.json.is_some() {
            return (name == "default").then_some(Binding::Json(at));
        }
        let body = &module.semantic.as_ref()?.nodes().program().body;
        body.iter().find_map(|statement| self.exported_by(at, statement, name, seen)).or_else(|| {
            let stars = body.iter().filter_map(|statement| match statement {
                Statement::ExportAllDeclaration(all) if all.exported.is_none() && name != "default" => Some(all),
                _ => None,
            });
            stars.into_iter().find_map(|all| {
                let target = *module.imports.get(all.source.value.as_str())?;
                self.export_within(target, name, seen)
            })
        })
    }

    fn exported_by(
        &self,
        at: usize,
        statement: &'a Statement<'a>,
        name: &str,
        seen: &mut BTreeSet<(usize, String)>,
    ) -> Option<Binding<'a>> {
        let module = &self.list[at];
        match statement {
            Statement::ExportDeclaration(export) => {
                declared(&export.declaration, name).map(|symbol| Binding::Symbol((at, symbol)))
            }
            Statement::ExportDefaultDeclaration(export) if name == "default" => {
                Some(Binding::Default(at, &export.declaration))
            }
            Statement::ExportNamedDeclaration(export) => {
                let specifier = export.specifiers.iter().find(|one| one.exported.name() == name)?;
                let ModuleExportName::IdentifierReference(local) = &specifier.local else { return None };
                let scoping = module.semantic.as_ref()?.scoping();
                let symbol = scoping.get_reference(local.reference_id.get()?).symbol_id()?;
                Some(self.follow((at, symbol), seen))
            }
            Statement::ExportFromDeclaration(export) => {
                let specifier = export.specifiers.iter().find(|one| one.exported.name() == name)?;
                let target = *module.imports.get(export.source.value.as_str())?;
                self.export_within(target, &specifier.local.name(), seen)
            }
            Statement::ExportAllDeclaration(all) => {
                let exported = all.exported.as_ref()?;
                let target = *module.imports.get(all.source.value.as_str())?;
                (exported.name() == name).then_some(Binding::Namespace(target))
            }
            _ => None,
        }
    }

    /// What a symbol stands for once imports are followed.
    pub(crate) fn resolve(&self, symbol: Sym) -> Binding<'a> {
        self.follow(symbol, &mut BTreeSet::new())
    }

    fn follow(&self, symbol: Sym, seen: &mut BTreeSet<(usize, String)>) -> Binding<'a> {
        self.imported(symbol, seen).unwrap_or(Binding::Symbol(symbol))
    }

    fn imported(&self, (at, symbol): Sym, seen: &mut BTreeSet<(usize, String)>) -> Option<Binding<'a>> {
        let module = &self.list[at];
        let semantic = module.semantic.as_ref()?;
        let node = semantic.scoping().symbol_declaration(symbol);
        let name = match semantic.nodes().kind(node) {
            AstKind::ImportSpecifier(it) => Some(it.imported.name().to_string()),
            AstKind::ImportDefaultSpecifier(_) => Some("default".to_owned()),
            AstKind::ImportNamespaceSpecifier(_) => None,
            _ => return None,
        };
        let AstKind::ImportDeclaration(import) = semantic.nodes().parent_kind(node) else { return None };
        let target = *module.imports.get(import.source.value.as_str())?;
        match name {
            Some(name) => self.export_within(target, &name, seen),
            None => Some(Binding::Namespace(target)),
        }
    }

    /// The names a module exports, sorted.
    pub(crate) fn export_names(&self, at: usize) -> BTreeSet<String> {
        let mut out = BTreeSet::new();
        self.collect_names(at, &mut out, &mut BTreeSet::new());
        out
    }

    fn collect_names(&self, at: usize, out: &mut BTreeSet<String>, seen: &mut BTreeSet<usize>) {
        if !seen.insert(at) {
            return;
        }
        let module = &self.list[at];
        if module.json.is_some() {
            out.insert("default".to_owned());
        }
        let Some(semantic) = &module.semantic else { return };
        for statement in &semantic.nodes().program().body {
            match statement {
                Statement::ExportDeclaration(export) => out.extend(declared_names(&export.declaration)),
                Statement::ExportDefaultDeclaration(_) => drop(out.insert("default".to_owned())),
                Statement::ExportNamedDeclaration(export) => {
                    out.extend(export.specifiers.iter().map(|one| one.exported.name().to_string()));
                }
                Statement::ExportFromDeclaration(export) => {
                    out.extend(export.specifiers.iter().map(|one| one.exported.name().to_string()));
                }
                Statement::ExportAllDeclaration(all) => {
                    match (&all.exported, module.imports.get(all.source.value.as_str())) {
                        (Some(exported), _) => drop(out.insert(exported.name().to_string())),
                        (None, Some(target)) => self.collect_names(*target, out, seen),
                        (None, None) => {}
                    }
                }
                _ => {}
            }
        }
    }
}

/// The symbol that a declaration gives a name.
fn declared(declaration: &Declaration<'_>, name: &str) -> Option<SymbolId> {
    let id = |id: &BindingIdentifier<'_>| (id.name == name).then(|| id.symbol_id.get()).flatten();
    match declaration {
        Declaration::VariableDeclaration(it) => {
            it.declarations.iter().flat_map(|one| one.id.get_binding_identifiers()).find_map(&id)
        }
        Declaration::FunctionDeclaration(it) => it.id.as_ref().and_then(id),
        Declaration::ClassDeclaration(it) => it.id.as_ref().and_then(id),
        Declaration::TSEnumDeclaration(it) => id(&it.id),
        _ => None,
    }
}

fn declared_names(declaration: &Declaration<'_>) -> Vec<String> {
    match declaration {
        Declaration::VariableDeclaration(it) => {
            let ids = it.declarations.iter().flat_map(|one| one.id.get_binding_identifiers());
            ids.map(|id| id.name.to_string()).collect()
        }
        Declaration::FunctionDeclaration(it) => it.id.iter().map(|id| id.name.to_string()).collect(),
        Declaration::ClassDeclaration(it) => it.id.iter().map(|id| id.name.to_string()).collect(),
        _ => Vec::new(),
    }
}
