//! From expressions to shapes: only what holds in every run is claimed.
//!
//! A parameter is known inside a frame, which names the call that gave the arguments. Outside of one it is unknown
//! and noted in `touched`, so that the question can be asked again from each caller.

mod calls;
mod literals;
mod memo;
mod mutable;
mod names;
mod operators;
mod ways;
mod writes;

pub(in crate::js::payload) use calls::depth;

use super::code::{Call, Code};
use crate::js::program::Sym;
use crate::js::value::Func;
use contract_model::shape::{Form, ListShape, Numeric, Shape};
use memo::Memo;
use oxc_ast::ast::{ChainElement, Expression};
use oxc_span::GetSpan;
use rustc_hash::FxHashMap;
use std::rc::Rc;

/// Steps of one question.
const FUEL: usize = 4_000;
/// The deepest nesting of expressions.
const DEPTH_MAX: usize = 60;
/// The deepest nesting of calls into the plugin's own functions.
pub(super) const CALLS_MAX: usize = 4;

/// A call into one of the plugin's own functions.
pub(super) struct Frame<'a> {
    pub(super) func: Func,
    pub(super) call: Call<'a>,
    pub(super) parent: Frames<'a>,
}

/// The calls that a question is asked inside of, innermost first.
pub(super) type Frames<'a> = Option<Rc<Frame<'a>>>;

/// Answers what an expression may be.
pub(super) struct Inference<'c, 'p, 'a> {
    pub(super) code: &'c Code<'p, 'a>,
    /// Parameters that were asked for outside of a frame.
    pub(super) touched: Vec<Func>,
    busy: FxHashMap<Sym, usize>,
    memo: Memo<'a>,
    /// The outermost depth at which something began that an answer was cut short for.
    cycle: usize,
    fuel: usize,
    depth: usize,
}

impl<'c, 'p, 'a> Inference<'c, 'p, 'a> {
    pub(super) fn new(code: &'c Code<'p, 'a>) -> Self {
        Self {
            code,
            touched: Vec::new(),
            busy: FxHashMap::default(),
            memo: Memo::default(),
            cycle: usize::MAX,
            fuel: 0,
            depth: 0,
        }
    }

    /// A fresh question.
    pub(super) fn ask(&mut self, module: usize, expression: &'a Expression<'a>, frames: &Frames<'a>) -> Shape {
        self.fuel = FUEL;
        self.depth = 0;
        self.busy.clear();
        self.cycle = usize::MAX;
        self.touched.clear();
        self.infer(module, expression, frames)
    }

    fn infer(&mut self, module: usize, expression: &'a Expression<'a>, frames: &Frames<'a>) -> Shape {
        if self.fuel == 0 || self.depth >= DEPTH_MAX {
            self.cycle = 0;
            return Shape::unknown();
        }
        self.fuel -= 1;
        self.depth += 1;
        let expression = expression.get_inner_expression();
        let mut shape = self.infer_once(module, expression, frames);
        self.depth -= 1;
        // Where a value is handed on is a better place than where it was made, except for what is written out.
        if !matches!(shape.form, Form::Object(_) | Form::List(_) | Form::OneOf(_)) || shape.at.is_none() {
            shape.at = Some(self.code.origin(module, expression.span()));
        }
        shape
    }

    /// Marks a name as being followed; false where it is already, so that the answer is cut short.
    fn begin(&mut self, symbol: Sym) -> bool {
        if let Some(begun) = self.busy.get(&symbol) {
            self.cycle = self.cycle.min(*begun);
            return false;
        }
        self.busy.insert(symbol, self.depth);
        true
    }

    fn infer_one(&mut self, module: usize, expression: &'a Expression<'a>, frames: &Frames<'a>) -> Shape {
        match expression {
            Expression::StringLiteral(it) => Shape::of(Form::Text(Some(it.value.to_string()))),
            Expression::NumericLiteral(it) => Shape::of(Form::Number(operators::number(it.value))),
            Expression::BigIntLiteral(_) => Shape::of(Form::Number(Numeric::Whole)),
            Expression::BooleanLiteral(it) => Shape::of(Form::Bool(Some(it.value))),
            Expression::NullLiteral(_) => Shape::of(Form::Null),
            Expression::TemplateLiteral(it) => self.template(module, it, frames),
            Expression::ObjectExpression(it) => self.object(module, it, frames),
            Expression::ArrayExpression(it) => self.array(module, it, frames),
            Expression::Identifier(it) => self.identifier(module, it, frames),
            Expression::ConditionalExpression(it) => {
                Shape::one_of([self.infer(module, &it.consequent, frames), self.infer(module, &it.alternate, frames)])
            }
            Expression::LogicalExpression(it) => self.logical(module, it, frames),
            Expression::BinaryExpression(it) => self.binary(module, it, frames),
            Expression::UnaryExpression(it) => self.unary(module, it, frames),
            Expression::UpdateExpression(_) => Shape::of(Form::Number(Numeric::Any)),
            Expression::AssignmentExpression(it) if it.operator.is_assign() => self.infer(module, &it.right, frames),
            Expression::SequenceExpression(it) => match it.expressions.last() {
                Some(last) => self.infer(module, last, frames),
                None => Shape::unknown(),
            },
            Expression::AwaitExpression(it) => self.awaited(module, &it.argument, frames),
            Expression::StaticMemberExpression(it) => {
                self.field(module, &it.object, it.property.name.as_str(), it.optional, frames)
            }
            Expression::ComputedMemberExpression(it) => {
                self.indexed(module, &it.object, &it.expression, it.optional, frames)
            }
            Expression::CallExpression(it) => self.call(Call { module, it }, frames),
            Expression::ChainExpression(it) => self.chain(module, &it.expression, frames),
            Expression::NewExpression(it) => self.construct(module, it),
            _ => Shape::unknown(),
        }
    }

    /// With optional chaining, the whole may be undefined.
    fn chain(&mut self, module: usize, element: &'a ChainElement<'a>, frames: &Frames<'a>) -> Shape {
        let inner = match element {
            ChainElement::StaticMemberExpression(it) => {
                self.field(module, &it.object, it.property.name.as_str(), it.optional, frames)
            }
            ChainElement::ComputedMemberExpression(it) => {
                self.indexed(module, &it.object, &it.expression, it.optional, frames)
            }
            ChainElement::CallExpression(it) => self.call(Call { module, it }, frames),
            _ => Shape::unknown(),
        };
        Shape::one_of([inner, Shape::of(Form::Absent)])
    }

    fn field(
        &mut self,
        module: usize,
        object: &'a Expression<'a>,
        name: &str,
        optional: bool,
        frames: &Frames<'a>,
    ) -> Shape {
        if self.is_namespace(module, object) {
            return Shape::unknown();
        }
        let object = self.infer(module, object, frames);
        let all = object.alternatives().iter().map(|one| member(one, name, optional));
        Shape::one_of(all.collect::<Vec<_>>())
    }

    fn indexed(
        &mut self,
        module: usize,
        object: &'a Expression<'a>,
        key: &'a Expression<'a>,
        optional: bool,
        frames: &Frames<'a>,
    ) -> Shape {
        let key = self.infer(module, key, frames);
        let name = match &key.form {
            Form::Text(Some(name)) => name.clone(),
            Form::Number(Numeric::Exact(number)) => number.to_string(),
            _ => return Shape::unknown(),
        };
        self.field(module, object, &name, optional, frames)
    }
}

/// A field of something of one form.
fn member(shape: &Shape, name: &str, optional: bool) -> Shape {
    match &shape.form {
        Form::Object(object) => match object.fields.get(name) {
            Some(field) if field.always => field.value.clone(),
            Some(field) => Shape::one_of([field.value.clone(), Shape::of(Form::Absent)]),
            // Every object has more than it was given, such as `toString`.
            None if object.open || name == "toString" || name == "constructor" => Shape::unknown(),
            None => Shape::of(Form::Absent),
        },
        Form::List(list) => element(list, name),
        Form::Text(_) if name == "length" => Shape::of(Form::Number(Numeric::Whole)),
        // Of nothing there is no field; the program throws before it publishes.
        Form::Null | Form::Absent if optional => Shape::of(Form::Absent),
        _ => Shape::unknown(),
    }
}

fn element(list: &ListShape, name: &str) -> Shape {
    if name == "length" {
        return Shape::of(Form::Number(Numeric::Whole));
    }
    match (name.parse::<usize>(), &list.rest) {
        (Ok(at), _) if at < list.items.len() => list.items[at].clone(),
        (Ok(_), None) => Shape::of(Form::Absent),
        (Ok(_), Some(rest)) => Shape::one_of([(**rest).clone(), Shape::of(Form::Absent)]),
        (Err(_), _) => Shape::unknown(),
    }
}
