//! Questions about a suite in CEL, for `query` and for custom rules.
//!
//! Reading order: `shape` says which variables there are and what they hold, `data` fills them from a suite, `judge`
//! finds what is wrong with an expression before it runs and what it may cost, `program` runs it.
//!
//! Everything that an expression can iterate over is a list in a stable order, so equal suites give equal answers.

mod data;
mod json;
mod judge;
mod program;
mod shape;
mod syntax;

pub(crate) use data::{Data, Placed};
pub(crate) use program::{Each, Program, Session};
pub(crate) use shape::Shape;

use contract_graph::Graph;
use contract_model::span::Span;

/// What is wrong with an expression.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct QueryError {
    /// What is wrong, naming the thing and the way out.
    pub message: String,
    /// The bytes of the expression that it is about; all of it where that is not known.
    pub span: Span,
}

/// Evaluates a CEL expression over a suite.
///
/// `facts`, `topics` and `plugins` are lists; the manual's page on queries names their fields. `topic(NAME)` and
/// `plugin(SLUG)` find one of them, and `TOPIC.under(PATTERN)` matches as subscriptions do. Records in the answer have
/// their keys sorted.
///
/// # Errors
/// [`QueryError`] where the expression cannot be parsed, names what is not there, may take more than
/// [`QUERY_STEPS_MAX`] steps over this suite, or fails while it runs.
pub fn query(graph: &Graph<'_>, expression: &str) -> Result<serde_json::Value, QueryError> {
    let data = Data::of(graph);
    let program = Program::compile(expression, Each::Suite, &data)?;
    Session::new(&data).value(&program).map(|value| json::json(&value))
}

/// A value in one line: a text as it is, everything else as JSON.
pub(crate) fn shown(value: &cel::Value) -> String {
    match json::json(value) {
        serde_json::Value::String(text) => text,
        other => other.to_string(),
    }
}

/// A variable of an expression that holds a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variable {
    /// Its name: `fact`, `topic` or `plugin`. A list of them all has the same name with an `s`.
    pub name: &'static str,
    /// The fields of the record.
    pub fields: Vec<VariableField>,
}

/// A field of a record that expressions see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VariableField {
    /// Its name.
    pub name: &'static str,
    /// What kind of value it holds, in words.
    pub kind: String,
    /// What it says.
    pub says: &'static str,
}

/// The variables of expressions, for the manual and for help.
pub fn variables() -> Vec<Variable> {
    let field = |(name, shape, many, says): &(&'static str, Shape, bool, &'static str)| {
        let kind = if *many { format!("list of {}s", shape.noun()) } else { shape.noun().to_owned() };
        VariableField { name, kind, says }
    };
    let variable = |(name, shape): (&'static str, Shape)| {
        let fields = shape.fields().iter().map(field).collect();
        Variable { name, fields }
    };
    [("fact", Shape::Fact), ("topic", Shape::Topic), ("plugin", Shape::Plugin)].map(variable).into()
}

/// The most steps that an expression may take over a suite, judged before it runs. A step is the evaluation of one
/// part of the expression.
pub const QUERY_STEPS_MAX: u64 = 20_000_000;

/// The longest expression, in bytes.
pub const QUERY_BYTES_MAX: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;
    use contract_graph::Suite;
    use contract_parse::{PluginSource, SourceFile, parse_plugin};
    use serde_json::json;

    fn suite() -> Suite {
        let plugin = |slug: &str, more: &str, code: &str| {
            let manifest = format!("manifest: 1\nslug: {slug}\nname: N\nversion: 1.0.0\nentry: main.js\n{more}");
            let file = |path: &str, text: &str| SourceFile { path: path.to_owned(), text: text.to_owned() };
            let files = vec![file("main.js", code), file("plugin.yaml", &manifest)];
            parse_plugin(&PluginSource { folder: slug.to_owned(), files })
        };
        Suite::of(vec![
            plugin(
                "gl",
                "tags: [finance]\ntopics:\n  gl.a.done: {kind: event}\npublishes: [gl.a.done]\n",
                "$app.routerAdd('POST', '/api/gl/go', () => { $app.realtime().publish('gl.a.done', {}); });",
            ),
            plugin("ar", "consumes: [gl.a.done]\n", "$app.onEvent('gl.a.done', e => $app.log('info', e.topic));"),
        ])
    }

    fn ask(expression: &str) -> Result<serde_json::Value, QueryError> {
        let suite = suite();
        query(&Graph::whole(&suite), expression)
    }

    #[test]
    fn questions_are_answered() {
        for (expression, answer) in [
            ("plugins.map(p, p.slug)", json!(["ar", "gl"])),
            ("facts.filter(f, f.kind == 'publish').map(f, f.topic)", json!(["gl.a.done"])),
            (
                "topics.map(t, {'name': t.name, 'live': t.live, 'to': t.consumers})",
                json!([{"live": true, "name": "gl.a.done", "to": ["ar"]}]),
            ),
            ("topic('gl.a.done').owner", json!("gl")),
            ("topic('nobody.knows').owner", json!("")),
            ("plugin(topic('gl.a.done').owner).tags[0]", json!("finance")),
            ("'gl.a.done'.under('gl.**') && !'gl.a.done'.under('ar.*')", json!(true)),
            ("facts.exists_one(f, f.kind == 'verb' && f.detail.path.startsWith('/api/'))", json!(true)),
            ("size(facts) + 1", json!(4)),
            (
                "facts.filter(f, f.kind == 'verb').map(f, f.detail.method + ' ' + f.detail['path'])",
                json!(["POST /api/gl/go"]),
            ),
        ] {
            assert_eq!(ask(expression).map_err(|error| format!("{expression}: {error}")), Ok(answer));
        }
    }

    #[test]
    fn mistakes_are_named_with_their_place() {
        for (expression, says, place) in [
            ("facts.map(f, f.topics) == fact", "there is no variable `fact`; did you mean `facts`?", "fact"),
            ("plugins.map(p, p.slgu)", "a plugin has no field `slgu`; did you mean `slug`?", ".slgu"),
            ("topics.all(t, t.nme.contain('x'))", "a topic has no field `nme`", ".nme"),
            ("'x'.contain('y')", "there is no function `contain`; did you mean `contains`?", ""),
            ("plugins.map(p, p.map(k, k))", "a plugin is no list to go through", "p"),
            ("facts.filter(", "the expression ends where it should go on", ""),
            ("topics.map(t, t.publishers[0]", "a `)` is missing here", ""),
            ("facts.filter(f, f.plugin = 'gl')", "`=` is not an operator; compare with `==`", ""),
            ("size(facts) > 1 & true", "`&` is not an operator; write `&&`", ""),
            ("facts[0] ++ 1", "`+` makes no sense here", ""),
            ("'gl", "a text begins here and does not end", ""),
            ("#", "`#` is not part of the language", ""),
            ("'é' + plugins.exist(p, true)", "there is no", ""),
            ("1 / 0 == 1", "the expression failed: 1 is divided by zero", "1 / 0 == 1"),
            ("topics[9].name", "the expression failed: a list has no item 9", "topics[9].name"),
        ] {
            let error = ask(expression).expect_err(expression);
            assert!(error.message.contains(says), "{expression}: {error}");
            let marked = expression.get(error.span.start as usize..error.span.end as usize);
            assert!(marked.is_some_and(|marked| marked.contains(place)), "{expression}: {marked:?}");
        }
    }

    /// What would take too long is refused before it starts, however it hides.
    #[test]
    fn work_is_limited_before_it_is_done() {
        let nested =
            |depth: usize| (0..depth).fold("true".to_owned(), |inner, at| format!("facts.exists(v{at}, {inner})"));
        assert!(ask(&nested(3)).is_ok());
        let error = ask(&nested(20)).expect_err("too much");
        assert!(error.message.contains("steps over this suite"), "{error}");
        let doubled = |times: usize| format!("[facts]{}.map(l, l.map(f, f.line))", ".map(l, l + l)".repeat(times));
        assert!(ask(&doubled(4)).is_ok());
        let error = ask(&doubled(16)).expect_err("too long a list");
        assert!(error.message.contains("steps over this suite"), "{error}");
        let error = ask(&format!("['x']{}", ".map(t, t + t)".repeat(40))).expect_err("too long a text");
        assert!(error.message.contains("40 additions"), "{error}");
        assert!(ask(&"(".repeat(3000)).is_err());
        assert!(ask(&format!("{}1{}", "(".repeat(1500), ")".repeat(1500))).is_err());
        assert!(ask(&"a".repeat(QUERY_BYTES_MAX + 1)).is_err());
    }
}
