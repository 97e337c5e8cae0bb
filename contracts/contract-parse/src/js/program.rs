//! The modules of a plugin, parsed and linked.

use super::exports::Exports;
use super::nesting::unreasonable;
use super::proposals;
use super::syntax::report_errors;
use crate::blank::blank_types;
use crate::facts::{Problem, ProblemKind, UNREAD};
use crate::report::{Report, closest, did_you_mean, suite_path};
use crate::resolve::{is_json, is_module, is_test, is_typescript, resolve_import};
use contract_model::span::{FilePath, Span};
use oxc_allocator::Allocator;
use oxc_ast::AstKind;
use oxc_ast::ast::{ExportDefaultDeclarationKind, Expression, ImportDeclarationSpecifier, StringLiteral};
use oxc_parser::Parser;
use oxc_semantic::{Semantic, SemanticBuilder};
use oxc_span::{GetSpan, SourceType};
use oxc_syntax::node::NodeId;
use oxc_syntax::symbol::SymbolId;
use std::collections::{BTreeMap, VecDeque};

/// A symbol: its module and number there.
pub(crate) type Sym = (usize, SymbolId);

/// One module.
pub(crate) struct Module<'a> {
    /// Path relative to the plugin's folder.
    pub(crate) path: &'a str,
    /// Path relative to the suite.
    pub(crate) file: FilePath,
    /// Its text.
    pub(crate) text: &'a str,
    /// Its code, unless it is JSON.
    pub(crate) semantic: Option<Semantic<'a>>,
    /// Its data, if it is JSON.
    pub(crate) json: Option<serde_json::Value>,
    /// What it exports.
    pub(crate) exports: Exports<'a>,
    /// Modules it imports, by specifier.
    pub(crate) imports: BTreeMap<&'a str, usize>,
    /// Whether the entry does not lead to it, so that nothing of it runs.
    pub(crate) dormant: bool,
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
    /// What each symbol of each module stands for.
    pub(super) bindings: Vec<Vec<Binding<'a>>>,
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

    /// Adds the modules of the folder that the entry does not lead to. They prove nothing, but what they would do
    /// is worth telling; of their mistakes only that one cannot be read at all.
    pub(crate) fn add_dormant(&mut self, allocator: &'a Allocator, folder: &str, texts: &'a BTreeMap<String, String>) {
        let mut index: BTreeMap<String, usize> =
            self.list.iter().enumerate().map(|(at, one)| (one.path.to_owned(), at)).collect();
        let first = self.list.len();
        for (path, text) in texts.iter().filter(|(path, _)| is_module(path)) {
            if index.contains_key(path) {
                continue;
            }
            let mut report = Report::new(suite_path(folder, path), text);
            let module = Module { dormant: true, ..parse(allocator, path, text, &mut report) };
            if !is_test(path) && module.unread() {
                self.problems.append(&mut report.problems);
            }
            index.insert(path.clone(), self.list.len());
            self.list.push(module);
        }
        self.link_from(first, &index);
        self.settle();
    }

    fn link(&mut self, index: &BTreeMap<String, usize>) {
        self.link_from(0, index);
        let found: Vec<_> = (0..self.list.len()).flat_map(|at| self.missing_exports(at)).collect();
        self.problems.extend(found);
    }

    fn link_from(&mut self, first: usize, index: &BTreeMap<String, usize>) {
        for module in &mut self.list[first..] {
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
    let mut module = Module {
        path,
        file: report.file.clone(),
        text,
        semantic: None,
        json: None,
        exports: Exports::default(),
        imports: BTreeMap::new(),
        dormant: false,
    };
    if text == UNREAD {
        return module;
    }
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
    if let Some(semantic) = &module.semantic {
        module.exports = Exports::of(&semantic.nodes().program().body);
    }
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
    let built = SemanticBuilder::new_linter().with_check_syntax_error(true).with_enum_eval(typescript).build(program);
    if report_errors(&built.diagnostics, report) {
        return None;
    }
    for (span, why) in proposals::used(text, &built.semantic) {
        report.add(ProblemKind::SourceUnparsable, span, why.to_owned());
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
