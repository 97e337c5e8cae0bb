//! `query`: a question to a suite, in CEL.

use super::place::{SuiteFolder, graph_of};
use super::shape::Shape;
use super::unread;
use crate::exit::Exit;
use crate::io::Io;
use crate::load::load_suite;
use checker_report::quoted;
use serde_json::{Map, Value};
use std::fmt::Write as _;

/// Arguments of `query`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "\
The language is that of custom rules: CEL over the lists `facts`, `topics` and `plugins`. --variables names their \
fields; the manual's page on suite.yaml says more.

Examples:
  query 'topics.filter(t, size(t.consumers) > 2)' ledger-example
  query \"facts.filter(f, f.kind == 'publish' && f.topic.under('gl.**'))\" --format json
  query \"plugins.filter(p, !p.roles.exists(r, r.startsWith(p.slug + '.'))).map(p, p.slug)\"
  query \"topic('gl.journal.posted').consumers\" --composition ap-alone
  query 'topics.filter(t, t.external && !t.live)' --fail-if-any")]
pub struct QueryArgs {
    /// The expression
    #[arg(value_name = "EXPR", required_unless_present = "variables")]
    expression: Option<String>,
    #[command(flatten)]
    suite: SuiteFolder,
    /// Ask only about the plugins of this composition of suite.yaml
    #[arg(long, value_name = "NAME")]
    composition: Option<String>,
    #[command(flatten)]
    shape: Shape,
    /// End with 1 where the answer is true, or a list that is not empty
    #[arg(long)]
    fail_if_any: bool,
    /// List the variables of expressions and their fields
    #[arg(long, conflicts_with_all = ["expression", "composition", "fail_if_any"])]
    variables: bool,
}

pub(super) fn run(args: &QueryArgs, io: &mut Io<'_>) -> anyhow::Result<Exit> {
    let Some(expression) = args.expression.as_deref().filter(|_| !args.variables) else {
        io.out.write_all(variables().as_bytes())?;
        return Ok(Exit::Clean);
    };
    let suite = load_suite(args.suite.path())?;
    let graph = graph_of(&suite, args.composition.as_deref())?;
    let answer = match checker_rules::query(&graph, expression) {
        Ok(answer) => answer,
        Err(error) => {
            let span = error.span.start as usize..error.span.end as usize;
            writeln!(io.err, "{}", quoted(&error.message, expression, span))?;
            return Ok(Exit::Usage);
        }
    };
    let text = args.shape.of(&answer, lines)?;
    io.out.write_all(text.as_bytes())?;
    let ending = unread::of_plugins(graph.plugins(), io)?;
    let is_found = ending == Exit::Clean && args.fail_if_any && is_any(&answer);
    Ok(if is_found { Exit::Findings } else { ending })
}

fn is_any(answer: &Value) -> bool {
    match answer {
        Value::Bool(flag) => *flag,
        Value::Array(items) => !items.is_empty(),
        _ => false,
    }
}

/// A line for each item of a list, else one line.
fn lines(answer: &Value) -> String {
    match answer {
        Value::Array(items) => items.iter().map(|item| line(item) + "\n").collect(),
        one => line(one) + "\n",
    }
}

/// Texts as they are; a fact, a topic and a plugin with what tells them from others; everything else as JSON.
fn line(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Object(record) => record_line(record).unwrap_or_else(|| value.to_string()),
        other => other.to_string(),
    }
}

fn record_line(record: &Map<String, Value>) -> Option<String> {
    let text = |key: &str| record.get(key).and_then(Value::as_str);
    let list = |key: &str| -> Option<String> {
        let items = record.get(key)?.as_array()?;
        Some(items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", "))
    };
    let or_none = |text: String| if text.is_empty() { "nobody".to_owned() } else { text };
    if let (Some(file), Some(kind), Some(plugin)) = (text("file"), text("kind"), text("plugin")) {
        let (line, column) = (record.get("line")?, record.get("column")?);
        let about = about(record)?;
        return Some(format!("{file}:{line}:{column} {plugin} {kind} {about}").trim_end().to_owned());
    }
    if let (Some(name), Some(verdict)) = (text("name"), text("verdict")) {
        let (from, to) = (or_none(list("publishers")?), or_none(list("consumers")?));
        return Some(format!("{name} ({verdict}) {from} -> {to}"));
    }
    let (slug, version, folder) = (text("slug")?, text("version")?, text("folder")?);
    Some(format!("{slug} {version} {folder}").trim_end().to_owned())
}

/// The topics of a fact, and what it says besides: `gl.journal.posted path=/lines`, `method=GET path=/api/gl/x`.
fn about(fact: &Map<String, Value>) -> Option<String> {
    let topics = fact.get("topics")?.as_array()?.iter().filter_map(Value::as_str);
    let mut topics: Vec<&str> = topics.collect();
    if topics.is_empty() {
        topics.extend(fact.get("topic").and_then(Value::as_str).filter(|topic| !topic.is_empty()));
    }
    let detail = fact.get("detail")?.as_object()?.iter();
    let detail = detail.filter_map(|(name, value)| Some(format!("{name}={}", value.as_str()?)));
    let topics = (!topics.is_empty()).then(|| topics.join(","));
    Some(topics.into_iter().chain(detail).collect::<Vec<_>>().join(" "))
}

fn variables() -> String {
    let mut out = String::new();
    for variable in checker_rules::variables() {
        // Writing into a String does not fail.
        let _ = writeln!(out, "{}s: a list; one of them has", variable.name);
        for field in &variable.fields {
            let _ = writeln!(out, "  {:12} {:18} {}", field.name, field.kind, field.says);
        }
    }
    out.push_str("topic(NAME), plugin(SLUG): one of them, with empty fields where there is none\n");
    out.push_str("TOPIC.under(PATTERN): whether a subscription to the pattern hears the topic\n");
    out
}
