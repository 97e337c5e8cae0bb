//! Exports and imports: what a name of one module stands for in another.

use super::program::{Binding, Module, Modules, Sym};
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
        let own = module.exports.by_name.get(name);
        own.and_then(|statement| self.exported_by(at, statement, name, seen)).or_else(|| {
            let passed_on = module.exports.passed_on.iter().filter(|_| name != "default");
            passed_on.into_iter().find_map(|specifier| {
                let target = *module.imports.get(specifier)?;
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
    pub(crate) fn resolve(&self, (at, symbol): Sym) -> Binding<'a> {
        self.bindings[at][symbol.index()]
    }

    /// Follows every name once, as each is asked for over and over.
    pub(super) fn settle(&mut self) {
        let symbols = |module: &Module<'a>| module.semantic.as_ref().map_or(0, |one| one.scoping().symbols_len());
        let all = self.list.iter().enumerate().map(|(at, module)| {
            let ids = (0..symbols(module)).map(SymbolId::from_usize);
            ids.map(|symbol| self.follow((at, symbol), &mut BTreeSet::new())).collect()
        });
        self.bindings = all.collect();
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
        out.extend(module.exports.by_name.keys().map(|name| (*name).to_owned()));
        for specifier in &module.exports.passed_on {
            if let Some(target) = module.imports.get(specifier) {
                self.collect_names(*target, out, seen);
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
