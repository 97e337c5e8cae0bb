//! Expressions that were judged, and running them.

use super::data::Data;
use super::judge::Judge;
use super::shape::Shape;
use super::{QUERY_BYTES_MAX, QueryError, shown, syntax};
use cel::extractors::This;
use cel::{Context, ExecutionError, ParseErrors, Value};
use contract_model::span::Span;
use contract_model::topic::pattern_matches;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What an expression is evaluated for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Each {
    /// Once.
    Suite,
    /// Each fact, as `fact`.
    Fact,
    /// Each topic, as `topic`.
    Topic,
    /// Each plugin, as `plugin`.
    Plugin,
}

/// An expression that can be run over the suite it was judged for.
#[derive(Debug)]
pub(crate) struct Program {
    inner: cel::Program,
    pub(crate) shape: Shape,
    length: u32,
}

impl Program {
    /// Parses and judges an expression.
    pub(crate) fn compile(source: &str, each: Each, data: &Data) -> Result<Self, QueryError> {
        let length = u32::try_from(source.len()).unwrap_or(u32::MAX);
        let whole = Span { start: 0, end: length };
        if source.len() > QUERY_BYTES_MAX {
            let message = format!("the expression has {length} bytes, more than {QUERY_BYTES_MAX}");
            return Err(QueryError { message, span: whole });
        }
        let inner = cel::Program::compile(source).map_err(|errors| unparsable(source, &errors))?;
        let mut judge = Judge::new(source, inner.source_info(), inner.expression(), data);
        if let Some((name, shape, _)) = each.variable(data) {
            judge = judge.with(name, shape);
        }
        let times = each.variable(data).map_or(1, |(.., times)| times);
        let judged = judge.all(inner.expression(), times)?;
        Ok(Self { shape: judged.shape, inner, length })
    }
}

impl Each {
    /// The variable that holds what it is evaluated for, and how many of those there are.
    fn variable(self, data: &Data) -> Option<(&'static str, Shape, usize)> {
        match self {
            Self::Suite => None,
            Self::Fact => Some(("fact", Shape::Fact, data.facts.len())),
            Self::Topic => Some(("topic", Shape::Topic, data.topics.len())),
            Self::Plugin => Some(("plugin", Shape::Plugin, data.plugins.len())),
        }
    }
}

fn unparsable(source: &str, errors: &ParseErrors) -> QueryError {
    let Some(error) = errors.errors.first() else {
        return QueryError { message: "the expression cannot be parsed".to_owned(), span: Span::default() };
    };
    let (line, column) = error.pos;
    let line_start: usize = usize::try_from(line - 1)
        .map_or(0, |before| source.split_inclusive('\n').take(before).map(str::len).sum::<usize>());
    let rest = source.get(line_start..).unwrap_or_default();
    let within = rest.char_indices().nth(usize::try_from(column - 1).unwrap_or(0)).map_or(rest.len(), |(at, _)| at);
    let start = u32::try_from(line_start + within).unwrap_or(u32::MAX);
    QueryError { message: syntax::plain(&error.msg), span: Span { start, end: start } }
}

/// The variables of a suite, ready for any number of runs.
pub(crate) struct Session<'d> {
    context: Context<'d, 'd>,
}

impl<'d> Session<'d> {
    /// A place to run expressions over this in.
    pub(crate) fn new(data: &'d Data) -> Self {
        let mut context = Context::default();
        let lists = [("facts", &data.facts), ("topics", &data.topics), ("plugins", &data.plugins)];
        for (name, list) in lists {
            let values: Vec<Value> = list.iter().map(|one| one.value.clone()).collect();
            context.add_variable_from_value(name, Value::List(Arc::new(values)));
        }
        // The names are not those of overloads, which is all that adding a function can fail for.
        let _ = context.add_function("under", |This(topic): This<Arc<String>>, pattern: Arc<String>| {
            topic == pattern || pattern_matches(&pattern, &topic)
        });
        let _ = context.add_function("topic", found(&data.topics_by_name, &data.no_topic));
        let _ = context.add_function("plugin", found(&data.plugins_by_slug, &data.no_plugin));
        Self { context }
    }

    /// Runs an expression once.
    pub(crate) fn value(&self, program: &Program) -> Result<Value, QueryError> {
        finished(program, program.inner.execute(&self.context))
    }

    /// Runs an expression for one record.
    pub(crate) fn value_for(&self, program: &Program, each: Each, record: &Value) -> Result<Value, QueryError> {
        let name = match each {
            Each::Suite => return self.value(program),
            Each::Fact => "fact",
            Each::Topic => "topic",
            Each::Plugin => "plugin",
        };
        let mut context = self.context.new_inner_scope();
        context.add_variable_from_value(name, record.clone());
        finished(program, program.inner.execute(&context))
    }
}

fn found(
    by_name: &Arc<BTreeMap<String, Value>>,
    none: &Value,
) -> impl Fn(Arc<String>) -> Value + Send + Sync + 'static {
    let (by_name, none) = (by_name.clone(), none.clone());
    move |name: Arc<String>| by_name.get(name.as_str()).unwrap_or(&none).clone()
}

fn finished(program: &Program, result: Result<Value, ExecutionError>) -> Result<Value, QueryError> {
    let span = Span { start: 0, end: program.length };
    result.map_err(|error| QueryError { message: format!("the expression failed: {}", words(&error)), span })
}

/// An error without the names that values have in the interpreter.
fn words(error: &ExecutionError) -> String {
    match error {
        ExecutionError::DivisionByZero(value) | ExecutionError::RemainderByZero(value) => {
            format!("{} is divided by zero", shown(value))
        }
        ExecutionError::IndexOutOfBounds(index) => format!("a list has no item {}", shown(index)),
        ExecutionError::ValuesNotComparable(one, other) => {
            format!("{} and {} cannot be compared", shown(one), shown(other))
        }
        ExecutionError::FunctionError { function, message } => format!("`{function}`: {message}"),
        other => other.to_string(),
    }
}
