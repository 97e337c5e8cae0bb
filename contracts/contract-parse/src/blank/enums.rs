//! An enum of TypeScript as the frozen object that it stands for, on the lines that it is written on.

use super::erase::Eraser;
use super::names;
use super::plan::skip_trivia;
use oxc_ast::ast::{
    BinaryOperator, Expression, IdentifierReference, TSEnumDeclaration, TSEnumMember, TSEnumMemberName,
};
use oxc_ast_visit::Visit;
use oxc_semantic::Scoping;
use oxc_span::GetSpan;
use oxc_syntax::constant_value::ConstantValue;

impl Eraser<'_> {
    /// Makes `enum A { B = "b" }` into `const A=Object.freeze({"B":"b"});`. Initialisers of types of their own are
    /// visited by the caller's walk where they are kept.
    pub(super) fn make_object(&mut self, it: &TSEnumDeclaration<'_>) {
        let declared_once = |scoping: &Scoping| {
            let bodies = scoping.get_enum_body_scopes(it.id.symbol_id.get()?)?;
            Some(bodies.len() == 1)
        };
        if !self.scoping.as_ref().and_then(declared_once).unwrap_or_default() {
            return self.refuse(it.span, names::ENUM_MERGED);
        }
        let (open, close) = (it.body.span.start as usize, it.body.span.end as usize);
        self.plan.replace(it.span.start as usize, open + 1, format!("const {}=Object.freeze({{", it.id.name));
        for member in &it.body.members {
            self.make_property(it, member);
        }
        self.plan.replace(close - 1, close, "});".to_owned());
    }

    fn make_property<'a>(&mut self, it: &TSEnumDeclaration<'a>, member: &TSEnumMember<'a>) {
        let name = name(&member.id);
        let known = self.scoping.as_ref().and_then(|scoping| {
            let symbol = scoping.get_binding(it.body.scope_id.get()?, name.into())?;
            scoping.get_enum_member_value(symbol).cloned()
        });
        let (start, end) = (member.span.start as usize, member.span.end as usize);
        let key = quoted(name);
        match (known, &member.initializer) {
            (Some(ConstantValue::String(text)), _) => {
                self.plan.replace(start, end, format!("{key}:{}", quoted(&text)));
            }
            // A number leads back to its name, as in the code that TypeScript makes.
            (Some(ConstantValue::Number(number)), _) if number.is_finite() => {
                self.plan.replace(start, end, format!("{key}:{number},[{number}]:{key}"));
            }
            (None, Some(value)) if is_text(value) && !Siblings::named(it, value) => {
                let sign = skip_trivia(self.text, member.id.span().end as usize);
                // What stands between a computed name and the sign is its bracket.
                let sign = self.text[sign..].find('=').map_or(sign, |at| sign + at);
                self.plan.replace(start, sign + 1, format!("{key}:"));
                self.visit_expression(value);
            }
            _ => self.refuse(member.span, names::ENUM_COMPUTED),
        }
    }
}

fn name<'a>(name: &TSEnumMemberName<'a>) -> &'a str {
    match name {
        TSEnumMemberName::Identifier(id) => id.name.as_str(),
        TSEnumMemberName::String(text) | TSEnumMemberName::ComputedString(text) => text.value.as_str(),
        TSEnumMemberName::ComputedTemplateString(text) => text.single_quasi().map_or("", |text| text.as_str()),
    }
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// Whether an expression gives a text, whatever its parts are.
fn is_text(it: &Expression<'_>) -> bool {
    match it {
        Expression::StringLiteral(_) | Expression::TemplateLiteral(_) => true,
        Expression::ParenthesizedExpression(it) => is_text(&it.expression),
        Expression::BinaryExpression(it) if it.operator == BinaryOperator::Addition => {
            is_text(&it.left) || is_text(&it.right)
        }
        _ => false,
    }
}

/// Whether an initialiser names a member of its own enum, which is no name any more in an object.
struct Siblings<'e, 'a> {
    it: &'e TSEnumDeclaration<'a>,
    named: bool,
}

impl<'e, 'a> Siblings<'e, 'a> {
    fn named(it: &'e TSEnumDeclaration<'a>, value: &Expression<'a>) -> bool {
        let mut seen = Self { it, named: false };
        seen.visit_expression(value);
        seen.named
    }
}

impl<'a> Visit<'a> for Siblings<'_, 'a> {
    fn visit_identifier_reference(&mut self, it: &IdentifierReference<'a>) {
        let sought = it.name.as_str();
        self.named |= self.it.id.name == sought || self.it.body.members.iter().any(|one| name(&one.id) == sought);
    }
}
