//! Finding everything that only types need.

use super::names;
use super::plan::{Plan, skip_trivia};
use contract_model::span::Span;
use oxc_ast::ast::{
    AccessorProperty, AccessorPropertyType, ArrowFunctionExpression, Class, ClassElement, Declaration, Decorator,
    ExportDefaultDeclarationKind, ExportSpecifier, FormalParameter, Function, ImportSpecifier, MethodDefinition,
    PropertyDefinition, PropertyDefinitionType, PropertyKey, Statement, TSAsExpression, TSClassImplements,
    TSEnumDeclaration, TSNamespaceDeclarationBody, TSNonNullExpression, TSSatisfiesExpression, TSThisParameter,
    TSTypeAnnotation, TSTypeAssertion, TSTypeParameterDeclaration, TSTypeParameterInstantiation, VariableDeclarator,
};
use oxc_ast_visit::{Visit, walk};
use oxc_semantic::Scoping;
use oxc_span::GetSpan;
use oxc_syntax::scope::ScopeFlags;

/// Visits a program and plans what to blank.
pub(super) struct Eraser<'t> {
    pub(super) text: &'t str,
    pub(super) plan: Plan,
    /// What the enums of the program hold, where it has any.
    pub(super) scoping: Option<Scoping>,
    /// Constructs that cannot be erased, and why.
    pub(super) refused: Vec<(Span, String)>,
}

/// What to do with a declaration.
enum Fate {
    /// It is only types.
    Erase,
    /// It holds values.
    Keep,
    /// It becomes an object.
    Enum,
    /// It needs generated code.
    Refuse(&'static str),
}

impl<'t> Eraser<'t> {
    pub(super) fn new(text: &'t str, scoping: Option<Scoping>) -> Self {
        Self { text, plan: Plan::default(), scoping, refused: Vec::new() }
    }

    fn blank(&mut self, span: oxc_span::Span) {
        self.plan.blank(span.start as usize, span.end as usize);
    }

    pub(super) fn refuse(&mut self, span: oxc_span::Span, why: &str) {
        self.refused.push((Span { start: span.start, end: span.end }, why.to_owned()));
    }

    /// Blanks a whole statement or class member and leaves `;`, so that its neighbours stay apart.
    fn blank_whole(&mut self, span: oxc_span::Span) {
        self.blank(span);
        self.plan.put(span.start as usize, ';');
    }

    fn at(&self, offset: usize, what: &str) -> bool {
        self.text.get(offset..).is_some_and(|rest| rest.starts_with(what))
    }

    fn has_newline(&self, start: u32, end: u32) -> bool {
        self.text
            .get(start as usize..end as usize)
            .is_some_and(|part| part.contains(['\n', '\r', '\u{2028}', '\u{2029}']))
    }

    /// Blanks `what` if it is the next token after `offset`.
    fn blank_token(&mut self, offset: u32, what: &str) {
        let at = skip_trivia(self.text, offset as usize);
        if self.at(at, what) {
            self.plan.blank(at, at + what.len());
        }
    }

    fn fate(declaration: &Declaration<'_>) -> Fate {
        match declaration {
            Declaration::TSTypeAliasDeclaration(_)
            | Declaration::TSInterfaceDeclaration(_)
            | Declaration::TSExternalModuleDeclaration(_)
            | Declaration::TSGlobalDeclaration(_) => Fate::Erase,
            Declaration::VariableDeclaration(it) if it.declare => Fate::Erase,
            Declaration::FunctionDeclaration(it) if it.declare || it.body.is_none() => Fate::Erase,
            Declaration::ClassDeclaration(it) if it.declare => Fate::Erase,
            Declaration::TSEnumDeclaration(it) if it.declare => Fate::Erase,
            Declaration::TSEnumDeclaration(_) => Fate::Enum,
            Declaration::TSNamespaceDeclaration(it) if it.declare || only_types(&it.body) => Fate::Erase,
            Declaration::TSNamespaceDeclaration(_) => Fate::Refuse(names::NAMESPACE),
            Declaration::TSImportEqualsDeclaration(it) if it.import_kind.is_type() => Fate::Erase,
            Declaration::TSImportEqualsDeclaration(_) => Fate::Refuse(names::IMPORT_EQUALS),
            _ => Fate::Keep,
        }
    }

    /// What happens to a whole statement.
    fn statement_fate(it: &Statement<'_>) -> Fate {
        if let Some(declaration) = it.as_declaration() {
            return Self::fate(declaration);
        }
        match it {
            Statement::ImportDeclaration(it) if it.import_kind.is_type() => Fate::Erase,
            Statement::ExportAllDeclaration(it) if it.export_kind.is_type() => Fate::Erase,
            Statement::ExportNamedDeclaration(it) if it.export_kind.is_type() => Fate::Erase,
            Statement::ExportFromDeclaration(it) if it.export_kind.is_type() => Fate::Erase,
            Statement::ExportDeclaration(it) => Self::fate(&it.declaration),
            Statement::ExportDefaultDeclaration(it) => match &it.declaration {
                ExportDefaultDeclarationKind::TSInterfaceDeclaration(_) => Fate::Erase,
                ExportDefaultDeclarationKind::FunctionDeclaration(it) if it.body.is_none() => Fate::Erase,
                _ => Fate::Keep,
            },
            Statement::TSNamespaceExportDeclaration(_) => Fate::Erase,
            Statement::TSExportAssignment(_) => Fate::Refuse(names::EXPORT_EQUALS),
            _ => Fate::Keep,
        }
    }

    /// Blanks one specifier of an import or export and the comma after it.
    fn blank_specifier(&mut self, span: oxc_span::Span) {
        self.blank(span);
        self.blank_token(span.end, ",");
    }

    /// Blanks `?` or `!` between a name and its annotation.
    fn blank_mark(&mut self, present: bool, after: u32, mark: &str) {
        if present {
            self.blank_token(after, mark);
        }
    }

    /// Blanks words such as `public` and `readonly` before a member's name.
    fn blank_modifiers(&mut self, start: u32, key: &PropertyKey<'_>, computed: bool) {
        const WORDS: [&str; 7] = ["public", "private", "protected", "readonly", "override", "abstract", "declare"];
        let end = key.span().start as usize;
        let mut at = skip_trivia(self.text, start as usize);
        let mut first = true;
        while at < end {
            let rest = &self.text[at..end];
            let length = rest.find(|c: char| !c.is_alphanumeric()).unwrap_or(rest.len());
            if WORDS.contains(&&rest[..length]) {
                self.plan.blank(at, at + length);
                // Without the word, `[key]` or `*generator` could continue the member before.
                if first && (computed || rest.contains('*')) {
                    self.plan.put(at, ';');
                }
            }
            first = false;
            at = skip_trivia(self.text, at + length.max(rest.chars().next().map_or(1, char::len_utf8)));
        }
    }

    /// The end of the last decorator, or the start of the member.
    fn after_decorators(start: u32, decorators: &[Decorator<'_>]) -> u32 {
        decorators.last().map_or(start, |last| last.span.end.max(start))
    }

    /// Erases type parameters before `(` so that no line break comes between `return` or `async` and it.
    fn erase_arrow_parameters(&mut self, it: &ArrowFunctionExpression<'_>) {
        let Some(parameters) = &it.type_parameters else { return };
        self.blank(parameters.span);
        let open = it.params.span.start as usize;
        if self.has_newline(parameters.span.start, it.params.span.start) && self.at(open, "(") {
            self.plan.put(parameters.span.start as usize, '(');
            self.plan.blank(open, open + 1);
        }
    }

    /// Erases a return type; `)` moves to its end where a line break would come before `=>`.
    fn erase_arrow_return(&mut self, it: &ArrowFunctionExpression<'_>) {
        let Some(annotation) = &it.return_type else { return };
        self.blank(annotation.span);
        let close = it.params.span.end as usize;
        if !self.has_newline(it.params.span.end, annotation.span.end) || close == 0 || !self.at(close - 1, ")") {
            return;
        }
        let last = self.text[..annotation.span.end as usize].char_indices().next_back();
        if let Some((at, _)) = last {
            self.plan.blank(close - 1, close);
            self.plan.put(at, ')');
        }
    }

    /// Whether erasing what stands before an expression would let it be read as something else.
    fn starts_ambiguously(&self, start: u32, expression: u32) -> bool {
        let at = expression as usize;
        self.has_newline(start, expression)
            || ["{", "function", "class", "let", "async"].iter().any(|word| self.at(at, word))
    }
}

/// Whether a namespace declares nothing that exists when the program runs.
fn only_types(body: &TSNamespaceDeclarationBody<'_>) -> bool {
    match body {
        TSNamespaceDeclarationBody::TSNamespaceDeclaration(inner) => only_types(&inner.body),
        TSNamespaceDeclarationBody::TSModuleBlock(block) => {
            block.body.iter().all(|statement| matches!(Eraser::statement_fate(statement), Fate::Erase))
        }
    }
}

impl<'a> Visit<'a> for Eraser<'_> {
    fn visit_statement(&mut self, it: &Statement<'a>) {
        match Self::statement_fate(it) {
            Fate::Erase => self.blank_whole(it.span()),
            Fate::Refuse(why) => self.refuse(it.span(), why),
            Fate::Enum | Fate::Keep => {
                let end = it.span().end as usize;
                if !self.text[..end].ends_with([';', '}']) {
                    self.plan.statement_ends(end);
                }
                walk::walk_statement(self, it);
            }
        }
    }

    fn visit_ts_enum_declaration(&mut self, it: &TSEnumDeclaration<'a>) {
        self.make_object(it);
    }

    fn visit_ts_type_annotation(&mut self, it: &TSTypeAnnotation<'a>) {
        self.blank(it.span);
    }

    fn visit_ts_type_parameter_declaration(&mut self, it: &TSTypeParameterDeclaration<'a>) {
        self.blank(it.span);
    }

    fn visit_ts_type_parameter_instantiation(&mut self, it: &TSTypeParameterInstantiation<'a>) {
        self.blank(it.span);
    }

    fn visit_ts_as_expression(&mut self, it: &TSAsExpression<'a>) {
        self.plan.blank(it.expression.span().end as usize, it.span.end as usize);
        self.visit_expression(&it.expression);
    }

    fn visit_ts_satisfies_expression(&mut self, it: &TSSatisfiesExpression<'a>) {
        self.plan.blank(it.expression.span().end as usize, it.span.end as usize);
        self.visit_expression(&it.expression);
    }

    fn visit_ts_non_null_expression(&mut self, it: &TSNonNullExpression<'a>) {
        self.plan.blank(it.span.end as usize - 1, it.span.end as usize);
        self.visit_expression(&it.expression);
    }

    fn visit_ts_type_assertion(&mut self, it: &TSTypeAssertion<'a>) {
        let expression = it.expression.span();
        if self.starts_ambiguously(it.span.start, expression.start) {
            self.refuse(it.span, names::PREFIX_ASSERTION);
        }
        self.plan.blank(it.span.start as usize, expression.start as usize);
        self.visit_expression(&it.expression);
    }

    fn visit_ts_this_parameter(&mut self, it: &TSThisParameter<'a>) {
        self.blank_specifier(it.span);
    }

    fn visit_import_specifier(&mut self, it: &ImportSpecifier<'a>) {
        if it.import_kind.is_type() {
            self.blank_specifier(it.span);
        }
    }

    fn visit_export_specifier(&mut self, it: &ExportSpecifier<'a>) {
        if it.export_kind.is_type() {
            self.blank_specifier(it.span);
        }
    }

    fn visit_variable_declarator(&mut self, it: &VariableDeclarator<'a>) {
        self.blank_mark(it.definite, it.id.span().end, "!");
        walk::walk_variable_declarator(self, it);
    }

    fn visit_formal_parameter(&mut self, it: &FormalParameter<'a>) {
        if it.accessibility.is_some() || it.readonly || it.r#override {
            self.refuse(it.span, names::PARAMETER_PROPERTY);
        }
        self.blank_mark(it.optional, it.pattern.span().end, "?");
        walk::walk_formal_parameter(self, it);
    }

    fn visit_arrow_function_expression(&mut self, it: &ArrowFunctionExpression<'a>) {
        self.erase_arrow_parameters(it);
        self.erase_arrow_return(it);
        self.visit_formal_parameters(&it.params);
        self.visit_arrow_function_body(&it.body);
    }

    fn visit_function(&mut self, it: &Function<'a>, flags: ScopeFlags) {
        walk::walk_function(self, it, flags);
    }

    fn visit_class(&mut self, it: &Class<'a>) {
        if it.r#abstract {
            let start = Self::after_decorators(it.span.start, &it.decorators);
            self.blank_token(start, "abstract");
        }
        if let (Some(first), Some(last)) = (it.implements.first(), it.implements.last()) {
            let head = it.span.start as usize..first.span.start as usize;
            let keyword = self.text.get(head.clone()).and_then(|part| part.rfind("implements"));
            let start = keyword.map_or(head.end, |at| head.start + at);
            self.plan.blank(start, last.span.end as usize);
        }
        walk::walk_class(self, it);
    }

    fn visit_ts_class_implements(&mut self, _: &TSClassImplements<'a>) {}

    fn visit_class_element(&mut self, it: &ClassElement<'a>) {
        let types_only = match it {
            ClassElement::TSIndexSignature(_) => true,
            ClassElement::MethodDefinition(it) => it.value.body.is_none(),
            ClassElement::PropertyDefinition(it) => {
                it.declare || it.r#type == PropertyDefinitionType::TSAbstractPropertyDefinition
            }
            ClassElement::AccessorProperty(it) => it.r#type == AccessorPropertyType::TSAbstractAccessorProperty,
            ClassElement::StaticBlock(_) => false,
        };
        if types_only { self.blank_whole(it.span()) } else { walk::walk_class_element(self, it) }
    }

    fn visit_method_definition(&mut self, it: &MethodDefinition<'a>) {
        let start = Self::after_decorators(it.span.start, &it.decorators);
        self.blank_modifiers(start, &it.key, it.computed || it.value.generator);
        self.blank_mark(it.optional, key_end(self.text, &it.key, it.computed), "?");
        walk::walk_method_definition(self, it);
    }

    fn visit_property_definition(&mut self, it: &PropertyDefinition<'a>) {
        let start = Self::after_decorators(it.span.start, &it.decorators);
        self.blank_modifiers(start, &it.key, it.computed);
        let end = key_end(self.text, &it.key, it.computed);
        self.blank_mark(it.optional, end, "?");
        self.blank_mark(it.definite, end, "!");
        if !self.text[..it.span.end as usize].ends_with(';') {
            self.plan.statement_ends(it.span.end as usize);
        }
        walk::walk_property_definition(self, it);
    }

    fn visit_accessor_property(&mut self, it: &AccessorProperty<'a>) {
        let start = Self::after_decorators(it.span.start, &it.decorators);
        self.blank_modifiers(start, &it.key, it.computed);
        self.blank_mark(it.definite, key_end(self.text, &it.key, it.computed), "!");
        walk::walk_accessor_property(self, it);
    }
}

/// The end of a member's name, its bracket included.
fn key_end(text: &str, key: &PropertyKey<'_>, computed: bool) -> u32 {
    let end = key.span().end;
    if !computed {
        return end;
    }
    let at = skip_trivia(text, end as usize);
    if text[at..].starts_with(']') { u32::try_from(at + 1).unwrap_or(end) } else { end }
}
