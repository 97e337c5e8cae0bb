//! What can be said of an expression before it runs: that it names only what is there, iterates only over lists, and
//! how many steps it takes at most over the suite at hand.

use super::data::Data;
use super::shape::Shape;
use super::{QUERY_STEPS_MAX, QueryError};
use crate::nearest::nearest;
use cel::common::ast::{ComprehensionExpr, EntryExpr, Expr, IdedExpr, LiteralValue, SourceInfo};
use contract_model::span::Span;

/// Functions and methods with what they give.
const FUNCTIONS: &[(&str, Shape)] = &[
    ("size", Shape::Number),
    ("contains", Shape::Flag),
    ("startsWith", Shape::Flag),
    ("endsWith", Shape::Flag),
    ("matches", Shape::Flag),
    ("under", Shape::Flag),
    ("string", Shape::Text),
    ("int", Shape::Number),
    ("topic", Shape::Topic),
    ("plugin", Shape::Plugin),
];

/// The most additions of an expression: each can double a text or a list.
const ADDITIONS_MAX: u32 = 16;
/// Steps that copying one item of a list counts as.
const ITEM_STEPS: u64 = 8;

/// What is known of a part of an expression.
pub(super) struct Judged {
    pub(super) shape: Shape,
    /// The most items it can have, where it is a list.
    length: u64,
    /// The most steps it takes.
    pub(super) steps: u64,
}

/// Looks through an expression.
pub(super) struct Judge<'d> {
    source: &'d str,
    places: &'d SourceInfo,
    /// The variables in scope, the innermost last.
    scope: Vec<(String, Shape, u64)>,
    /// The most items of a list that is a field.
    longest: u64,
    /// The most items of a list of which nothing else is known.
    ceiling: u64,
}

impl<'d> Judge<'d> {
    pub(super) fn new(source: &'d str, places: &'d SourceInfo, expression: &IdedExpr, data: &Data) -> Self {
        let count = |length: usize| u64::try_from(length).unwrap_or(u64::MAX);
        let lists = [data.facts.len(), data.topics.len(), data.plugins.len(), data.longest, source.len()];
        // Each addition can at most double a list.
        let doubled = additions(expression).min(ADDITIONS_MAX);
        let ceiling = count(lists.into_iter().max().unwrap_or(0)).saturating_mul(1 << doubled);
        let list = |name: &str, shape: Shape, length| (name.to_owned(), shape.list(), count(length));
        let scope = vec![
            list("facts", Shape::Fact, data.facts.len()),
            list("topics", Shape::Topic, data.topics.len()),
            list("plugins", Shape::Plugin, data.plugins.len()),
        ];
        Self { source, places, scope, longest: count(data.longest), ceiling }
    }

    /// Adds a variable that holds one record.
    pub(super) fn with(mut self, name: &str, shape: Shape) -> Self {
        self.scope.push((name.to_owned(), shape, 0));
        self
    }

    /// Judges the whole of an expression that runs `times` times.
    pub(super) fn all(&mut self, expression: &IdedExpr, times: usize) -> Result<Judged, QueryError> {
        let additions = additions(expression);
        if additions > ADDITIONS_MAX {
            let message = format!("there are {additions} additions in this, more than {ADDITIONS_MAX}; take it apart");
            return Err(self.error(expression, message));
        }
        let mut judged = self.part(expression)?;
        judged.steps = judged.steps.saturating_mul(u64::try_from(times).unwrap_or(u64::MAX));
        if judged.steps > QUERY_STEPS_MAX {
            return Err(self.error(
                expression,
                format!(
                    "this may take {} steps over this suite, more than {QUERY_STEPS_MAX}; look one up with `topic(name)` or \
                     `plugin(slug)` instead of going through a list within a list",
                    judged.steps
                ),
            ));
        }
        Ok(judged)
    }

    pub(super) fn error(&self, at: &IdedExpr, message: impl Into<String>) -> QueryError {
        QueryError { message: message.into(), span: span(self.source, self.places, at) }
    }

    fn part(&mut self, at: &IdedExpr) -> Result<Judged, QueryError> {
        match &at.expr {
            Expr::Literal(literal) => Ok(known(literal_shape(literal), 0, 1)),
            Expr::Ident(name) => self.variable(at, name),
            Expr::Select(select) => {
                let operand = self.part(&select.operand)?;
                let Some(shape) = operand.shape.field(&select.field) else {
                    return Err(self.no_field(at, &operand.shape, &select.field));
                };
                let shape = if select.test { Shape::Flag } else { shape };
                Ok(known(shape, self.longest, operand.steps + 1))
            }
            Expr::List(list) => {
                let mut out = known(Shape::Nothing, list.elements.len() as u64, 1);
                for element in &list.elements {
                    let judged = self.part(element)?;
                    out.shape = out.shape.or(judged.shape);
                    out.steps = out.steps.saturating_add(judged.steps);
                }
                out.shape = out.shape.list();
                Ok(out)
            }
            Expr::Map(map) => {
                let mut out = known(Shape::Any, 0, 1);
                for entry in &map.entries {
                    if let EntryExpr::MapEntry(entry) = &entry.expr {
                        for part in [&entry.key, &entry.value] {
                            out.steps = out.steps.saturating_add(self.part(part)?.steps);
                        }
                    }
                }
                Ok(out)
            }
            Expr::Call(call) => {
                let parts = call.target.iter().map(|target| &**target).chain(&call.args);
                let parts: Vec<Judged> = parts.map(|part| self.part(part)).collect::<Result<_, _>>()?;
                self.call(at, &call.func_name, parts)
            }
            Expr::Comprehension(comprehension) => self.comprehension(comprehension),
            Expr::Struct(_) | Expr::Unspecified => Err(self.error(at, "a message literal has no meaning here")),
        }
    }

    fn variable(&self, at: &IdedExpr, name: &str) -> Result<Judged, QueryError> {
        if let Some((_, shape, length)) = self.scope.iter().rev().find(|(known, ..)| known == name) {
            return Ok(known(shape.clone(), *length, 1));
        }
        let names: Vec<&str> =
            self.scope.iter().map(|(name, ..)| name.as_str()).filter(|n| !n.starts_with('@')).collect();
        let meant = nearest(name, names.iter().copied());
        let hint = meant.map_or(format!("there are {}", names.join(", ")), |meant| format!("did you mean `{meant}`?"));
        Err(self.error(at, format!("there is no variable `{name}`; {hint}")))
    }

    fn no_field(&self, at: &IdedExpr, shape: &Shape, field: &str) -> QueryError {
        let names = || shape.fields().iter().map(|(name, ..)| *name);
        let hint = match nearest(field, names()) {
            Some(meant) => format!("; did you mean `{meant}`?"),
            None if shape.fields().is_empty() => String::new(),
            None => format!("; it has {}", names().collect::<Vec<_>>().join(", ")),
        };
        self.error(at, format!("{} has no field `{field}`{hint}", shape.name()))
    }

    fn call(&self, at: &IdedExpr, name: &str, parts: Vec<Judged>) -> Result<Judged, QueryError> {
        let steps = parts.iter().fold(1, |sum: u64, part| sum.saturating_add(part.steps));
        let (shape, length) = match name {
            "_?_:_" => {
                let mut branches = parts.into_iter().skip(1);
                let (Some(yes), Some(no)) = (branches.next(), branches.next()) else {
                    return Err(self.error(at, "a condition needs both branches"));
                };
                (yes.shape.or(no.shape), yes.length.max(no.length))
            }
            "_+_" => {
                let length = parts.iter().fold(0, |sum: u64, part| sum.saturating_add(part.length));
                let shape = parts.into_iter().map(|part| part.shape).fold(Shape::Nothing, Shape::or);
                let copied = if matches!(shape, Shape::List(_) | Shape::Any) { length } else { 0 };
                return Ok(known(shape, length, steps.saturating_add(copied)));
            }
            "_[_]" => match parts.into_iter().next().map(|part| part.shape) {
                Some(Shape::List(item)) => (*item, self.ceiling),
                Some(Shape::Detail) => (Shape::Text, 0),
                _ => (Shape::Any, self.ceiling),
            },
            "_-_" | "_*_" | "_/_" | "_%_" | "-_" => (Shape::Number, 0),
            operator if is_operator(operator) => (Shape::Flag, 0),
            function => match FUNCTIONS.iter().find(|(known, _)| *known == function) {
                Some((_, shape)) => (shape.clone(), 0),
                None => return Err(self.no_function(at, function)),
            },
        };
        Ok(known(shape, length, steps))
    }

    fn no_function(&self, at: &IdedExpr, name: &str) -> QueryError {
        let macros = ["has", "all", "exists", "exists_one", "map", "filter"];
        let names: Vec<&str> = FUNCTIONS.iter().map(|(name, _)| *name).chain(macros).collect();
        let meant = nearest(name, names.iter().copied());
        let hint = meant.map_or(format!("there are {}", names.join(", ")), |meant| format!("did you mean `{meant}`?"));
        self.error(at, format!("there is no function `{name}`; {hint}"))
    }

    fn comprehension(&mut self, it: &ComprehensionExpr) -> Result<Judged, QueryError> {
        let range = self.part(&it.iter_range)?;
        let item = match range.shape {
            Shape::List(item) => *item,
            // Only lists have an order that is the same in every run.
            other => return Err(self.error(&it.iter_range, format!("{} is no list to go through", other.name()))),
        };
        let start = self.part(&it.accu_init)?;
        self.scope.push((it.accu_var.clone(), start.shape.clone(), range.length));
        self.scope.push((it.iter_var.clone(), item, self.ceiling));
        let inner = self.inner(it);
        self.scope.truncate(self.scope.len() - 2);
        let (condition, step, result) = inner?;
        let once = condition.steps.saturating_add(step.steps).saturating_add(ITEM_STEPS);
        let steps = range.length.saturating_mul(once).saturating_add(range.steps).saturating_add(start.steps);
        let shape = match result.shape {
            Shape::List(_) => start.shape.or(step.shape),
            other => other,
        };
        Ok(known(shape, range.length, steps.saturating_add(result.steps)))
    }

    fn inner(&mut self, it: &ComprehensionExpr) -> Result<(Judged, Judged, Judged), QueryError> {
        Ok((self.part(&it.loop_cond)?, self.part(&it.loop_step)?, self.part(&it.result)?))
    }
}

fn known(shape: Shape, length: u64, steps: u64) -> Judged {
    Judged { shape, length, steps }
}

fn is_operator(name: &str) -> bool {
    matches!(
        name,
        "_&&_" | "_||_" | "!_" | "_==_" | "_!=_" | "_<_" | "_<=_" | "_>_" | "_>=_" | "@in" | "@not_strictly_false"
    )
}

fn literal_shape(literal: &LiteralValue) -> Shape {
    match literal {
        LiteralValue::Boolean(_) => Shape::Flag,
        LiteralValue::String(_) => Shape::Text,
        LiteralValue::Int(_) | LiteralValue::UInt(_) | LiteralValue::Double(_) => Shape::Number,
        LiteralValue::Bytes(_) | LiteralValue::Null => Shape::Any,
    }
}

/// How often something is added to something within an expression, apart from what the macros add.
fn additions(at: &IdedExpr) -> u32 {
    let of = |parts: &mut dyn Iterator<Item = &IdedExpr>| parts.map(additions).sum::<u32>();
    match &at.expr {
        Expr::Call(call) => {
            let inner = of(&mut call.target.iter().map(|target| &**target).chain(&call.args));
            inner + u32::from(call.func_name == "_+_" && !appends(&call.args))
        }
        Expr::Select(select) => additions(&select.operand),
        Expr::List(list) => of(&mut list.elements.iter()),
        Expr::Comprehension(it) => of(&mut [&it.iter_range, &it.loop_step].into_iter()),
        Expr::Map(map) => map
            .entries
            .iter()
            .map(|entry| match &entry.expr {
                EntryExpr::MapEntry(entry) => additions(&entry.key) + additions(&entry.value),
                EntryExpr::StructField(field) => additions(&field.value),
            })
            .sum(),
        _ => 0,
    }
}

/// Whether an addition is the one by which `map` and `filter` collect.
fn appends(parts: &[IdedExpr]) -> bool {
    matches!(parts.first().map(|part| &part.expr), Some(Expr::Ident(name)) if name.starts_with('@'))
}

/// The bytes of a part, as far as the parser knows them; else all of the source.
fn span(source: &str, places: &SourceInfo, at: &IdedExpr) -> Span {
    let end = u32::try_from(source.len()).unwrap_or(u32::MAX);
    let bytes = |characters: u32| {
        let at = source.char_indices().nth(characters as usize).map_or(source.len(), |(at, _)| at);
        u32::try_from(at).unwrap_or(end)
    };
    match places.offset_for(at.id) {
        // Of a selection the parser knows the dot.
        Some((dot, _)) if let Expr::Select(select) = &at.expr => {
            let start = bytes(dot);
            let length = u32::try_from(select.field.len()).unwrap_or(0);
            Span { start, end: (start + 1 + length).min(end) }
        }
        Some((start, stop)) => Span { start: bytes(start), end: bytes(stop.saturating_add(1)) },
        None => Span { start: 0, end },
    }
}
