//! The modules of a plugin, parsed and linked.

use super::syntax::report_errors;
use crate::blank::blank_types;
use crate::facts::{Problem, ProblemKind};
use crate::report::{Report, closest, did_you_mean, suite_path};
use crate::resolve::{is_json, is_module, is_typescript, resolve_import};
use contract_model::span::Span;
use oxc_allocator::Allocator;
use oxc_ast::AstKind;
use oxc_ast::ast::{
    BindingIdentifier, Declaration, ExportDefaultDeclarationKind, Expression, ImportDeclarationSpecifier,
    ModuleExportName, Statement, StringLiteral,
};
use oxc_parser::Parser;
use oxc_semantic::{Semantic, SemanticBuilder};
use oxc_span::{GetSpan, SourceType};
use oxc_syntax::node::NodeId;
use oxc_syntax::symbol::SymbolId;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// The deepest nesting of brackets in a module; deeper texts could exhaust the parser's stack.
const BRACKETS_MAX: usize = 200;
/// The largest module, in bytes.
const MODULE_BYTES_MAX: usize = 4 * 1024 * 1024;

/// A symbol: its module and number there.
pub(crate) type Sym = (usize, SymbolId);

/// One module.
pub(crate) struct Module<'a> {
    /// Path relative to the plugin's folder.
    pub(crate) path: &'a str,
    /// Path relative to the suite.
    pub(crate) file: String,
    /// Its text.
    pub(crate) text: &'a str,
    /// Its code, unless it is JSON.
    pub(crate) semantic: Option<Semantic<'a>>,
    /// Its data, if it is JSON.
    pub(crate) json: Option<serde_json::Value>,
    /// Modules it imports, by specifier.
    pub(crate) imports: BTreeMap<&'a str, usize>,
}

/// What a name of a module stands for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Binding<'a> {
    /// A symbol of a module.
    Symbol(Sym),
    /// The expression or function of `export default`.
    Default(usize, &'a ExportDefaultDeclarationKind<'a>),
    /// All exports of a module.
    Namespace(usize),
    /// The document of a JSON module.
    Json(usize),
}

/// All modules that the entry reaches.
#[derive(Default)]
pub(crate) struct Modules<'a> {
    pub(crate) list: Vec<Module<'a>>,
    pub(crate) problems: Vec<Problem>,
}

impl<'a> Modules<'a> {
    /// Parses the entry and everything it imports, nearest first.
    pub(crate) fn load(
        allocator: &'a Allocator,
        folder: &str,
        texts: &'a BTreeMap<String, String>,
        entry: &str,
    ) -> Self {
        let mut modules = Self::default();
        let mut index: BTreeMap<String, usize> = BTreeMap::new();
        let mut queue: VecDeque<String> = VecDeque::from([entry.to_owned()]);
        while let Some(path) = queue.pop_front() {
            if index.contains_key(&path) {
                continue;
            }
            let Some((path, text)) = texts.get_key_value(&path) else { continue };
            index.insert(path.clone(), modules.list.len());
            let mut report = Report::new(suite_path(folder, path), text);
            let module = parse(allocator, path, text, &mut report);
            for specifier in module.specifiers() {
                queue.extend(target(&module, &specifier, texts, &mut report));
            }
            modules.problems.append(&mut report.problems);
            modules.list.push(module);
        }
        modules.link(&index);
        modules
    }

    fn link(&mut self, index: &BTreeMap<String, usize>) {
        for module in &mut self.list {
            let path = module.path;
            module.imports = module
                .specifiers()
                .into_iter()
                .filter_map(|import| {
                    let target = resolve_import(path, import.text).ok()?;
                    Some((import.text, *index.get(&target)?))
                })
                .collect();
        }
        let found: Vec<_> = (0..self.list.len()).flat_map(|at| self.missing_exports(at)).collect();
        self.problems.extend(found);
    }

    /// Imports of names that their module does not export.
    fn missing_exports(&self, at: usize) -> Vec<Problem> {
        let module = &self.list[at];
        let mut report = Report::new(module.file.clone(), module.text);
        let Some(semantic) = &module.semantic else { return Vec::new() };
        for node in semantic.nodes().iter() {
            let AstKind::ImportDeclaration(import) = node.kind() else { continue };
            let Some(target) = module.imports.get(import.source.value.as_str()) else { continue };
            if import.import_kind.is_type() || self.list[*target].unread() {
                continue;
            }
            for specifier in import.specifiers.iter().flatten() {
                let (name, span) = match specifier {
                    ImportDeclarationSpecifier::ImportSpecifier(it) if !it.import_kind.is_type() => {
                        (it.imported.name().to_string(), it.imported.span())
                    }
                    ImportDeclarationSpecifier::ImportDefaultSpecifier(it) => ("default".to_owned(), it.span),
                    _ => continue,
                };
                // Types are exported too, and an import of one may not say that it is one.
                if self.export(*target, &name).is_none() && !is_typescript(self.list[*target].path) {
                    let message = format!("`{}` exports no `{name}`", self.list[*target].path);
                    let names = self.export_names(*target);
                    let help = did_you_mean(closest(&name, names.iter().map(String::as_str)));
                    let span = Span { start: span.start, end: span.end };
                    report.add_with_help(ProblemKind::UnresolvedImport, span, message, help);
                }
            }
        }
        report.problems
    }

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

/// The path an import leads to, if it leads to a file.
fn target<'a>(
    module: &Module<'a>,
    import: &Specifier<'a>,
    texts: &BTreeMap<String, String>,
    report: &mut Report<'_>,
) -> Option<String> {
    let mut fail = |message: String, help| {
        report.add_with_help(ProblemKind::UnresolvedImport, import.span, message, help);
        None
    };
    let path = match resolve_import(module.path, import.text) {
        Ok(path) => path,
        Err(why) => return fail(why, None),
    };
    if texts.contains_key(&path) {
        return Some(path);
    }
    let near = closest(&path, texts.keys().map(String::as_str).filter(|path| is_module(path) || is_json(path)));
    let message = format!("`{}` leads to `{path}`, and there is no such file in the plugin's folder", import.text);
    fail(message, near.map(|near| (format!("did you mean the file `{near}`?"), None)))
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

/// The specifier of an import and its place.
pub(crate) struct Specifier<'a> {
    pub(crate) text: &'a str,
    pub(crate) span: Span,
}

impl<'a> Module<'a> {
    /// Whether neither code nor data could be read.
    pub(crate) fn unread(&self) -> bool {
        self.semantic.is_none() && self.json.is_none()
    }

    /// The node of an id; only for modules of code.
    pub(crate) fn kind(&self, node: NodeId) -> Option<AstKind<'a>> {
        Some(self.semantic.as_ref()?.nodes().kind(node))
    }

    /// The specifiers of all imports that load something at run time.
    pub(crate) fn specifiers(&self) -> Vec<Specifier<'a>> {
        let Some(semantic) = &self.semantic else { return Vec::new() };
        semantic
            .nodes()
            .iter()
            .filter_map(|node| {
                let source: &StringLiteral<'a> = match node.kind() {
                    AstKind::ImportDeclaration(it) if !it.import_kind.is_type() => &it.source,
                    AstKind::ExportAllDeclaration(it) if !it.export_kind.is_type() => &it.source,
                    AstKind::ExportFromDeclaration(it) if !it.export_kind.is_type() => &it.source,
                    AstKind::ImportExpression(it) => match &it.source {
                        Expression::StringLiteral(source) => source,
                        _ => return None,
                    },
                    _ => return None,
                };
                Some(Specifier {
                    text: source.value.as_str(),
                    span: Span { start: source.span.start, end: source.span.end },
                })
            })
            .collect()
    }
}

fn parse<'a>(allocator: &'a Allocator, path: &'a str, text: &'a str, report: &mut Report<'_>) -> Module<'a> {
    let mut module =
        Module { path, file: report.file.clone(), text, semantic: None, json: None, imports: BTreeMap::new() };
    if is_json(path) {
        match serde_json::from_str(text.strip_prefix('\u{feff}').unwrap_or(text)) {
            Ok(json) => module.json = Some(json),
            Err(error) => {
                let message = format!("`{path}` is imported and is not JSON: {error}");
                report.add(ProblemKind::SourceUnparsable, Span::default(), message);
            }
        }
        return module;
    }
    module.semantic = parse_code(allocator, path, text, report);
    module
}

fn parse_code<'a>(
    allocator: &'a Allocator,
    path: &str,
    text: &'a str,
    report: &mut Report<'_>,
) -> Option<Semantic<'a>> {
    if let Some(why) = unreasonable(text) {
        report.add(ProblemKind::SourceUnparsable, Span::default(), format!("`{path}` is not analysed: {why}"));
        return None;
    }
    let typescript = is_typescript(path);
    let source_type = if typescript { SourceType::ts() } else { SourceType::mjs() };
    let parsed = Parser::new(allocator, text, source_type).parse();
    if report_errors(&parsed.diagnostics, report) || parsed.panicked {
        return None;
    }
    let program = allocator.alloc(parsed.program);
    let built = SemanticBuilder::new_linter().with_check_syntax_error(true).build(program);
    if report_errors(&built.diagnostics, report) {
        return None;
    }
    if typescript {
        let refused = blank_types(path, text).err().unwrap_or_default();
        report.problems.extend(refused.into_iter().map(|mut problem| {
            problem.location.file.clone_from(&report.file);
            problem
        }));
    }
    Some(built.semantic)
}

fn unreasonable(text: &str) -> Option<String> {
    if text.len() > MODULE_BYTES_MAX {
        return Some(format!("it is larger than {MODULE_BYTES_MAX} bytes"));
    }
    let mut depth = 0_usize;
    for byte in text.bytes() {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > BRACKETS_MAX {
            return Some(format!("brackets are nested deeper than {BRACKETS_MAX}"));
        }
    }
    None
}
