//! From YAML's events to a tree. Duplicate keys are kept, so that a reader can report them.

use contract_model::span::Span;
use saphyr_parser::{Event, Parser, ScalarStyle};
use std::collections::BTreeMap;

/// The most nodes of a document, aliases expanded: a bomb of aliases stops here.
const NODES_MAX: usize = 100_000;
/// The deepest nesting.
const DEPTH_MAX: usize = 64;

/// A part of a document and its bytes.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) tree: Tree,
    pub(crate) span: Span,
}

/// What a node holds.
#[derive(Debug, Clone)]
pub(crate) enum Tree {
    /// A scalar; `plain` when written without quotes, so that it may be a number, a truth value or null.
    Scalar { text: String, plain: bool },
    /// A sequence.
    List(Vec<Node>),
    /// A mapping in the order of the text, duplicate keys included.
    Map(Vec<(Node, Node)>),
}

impl Node {
    /// The scalar's text if it is a text and not a number, a truth value or null.
    pub(crate) fn as_text(&self) -> Option<&str> {
        match &self.tree {
            Tree::Scalar { text, plain } if !*plain || !looks_typed(text) => Some(text),
            _ => None,
        }
    }

    /// The truth value, if it is one.
    pub(crate) fn as_bool(&self) -> Option<bool> {
        match self.plain()? {
            "true" | "True" | "TRUE" => Some(true),
            "false" | "False" | "FALSE" => Some(false),
            _ => None,
        }
    }

    /// The whole number, if it is one.
    pub(crate) fn as_u64(&self) -> Option<u64> {
        self.plain()?.parse().ok()
    }

    /// Whether nothing was written, or `null`.
    pub(crate) fn is_null(&self) -> bool {
        self.plain().is_some_and(is_null)
    }

    /// What it is, for messages.
    pub(crate) fn kind(&self) -> &'static str {
        match &self.tree {
            Tree::List(_) => "a list",
            Tree::Map(_) => "a mapping",
            Tree::Scalar { .. } if self.is_null() => "nothing",
            Tree::Scalar { .. } if self.as_bool().is_some() => "true or false",
            Tree::Scalar { .. } if self.as_text().is_none() => "a number",
            Tree::Scalar { .. } => "a text",
        }
    }

    fn plain(&self) -> Option<&str> {
        match &self.tree {
            Tree::Scalar { text, plain: true } => Some(text),
            _ => None,
        }
    }

    fn size(&self) -> usize {
        1 + match &self.tree {
            Tree::Scalar { .. } => 0,
            Tree::List(items) => items.iter().map(Node::size).sum(),
            Tree::Map(entries) => entries.iter().map(|(key, value)| key.size() + value.size()).sum(),
        }
    }
}

fn is_null(text: &str) -> bool {
    matches!(text, "" | "~" | "null" | "Null" | "NULL")
}

fn looks_typed(text: &str) -> bool {
    let number = || text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '-' | '+' | '.'));
    is_null(text)
        || matches!(text, "true" | "True" | "TRUE" | "false" | "False" | "FALSE")
        || (number() && text.parse::<f64>().is_ok())
}

/// Why a text is no YAML, and where.
#[derive(Debug)]
pub(crate) struct YamlError {
    pub(crate) message: String,
    pub(crate) span: Span,
}

/// Reads the one document of a text; none if it is empty.
pub(crate) fn parse(text: &str) -> Result<Option<Node>, YamlError> {
    let bom = if text.starts_with('\u{feff}') { 3 } else { 0 };
    Builder::new(text, bom).run(&text[bom..])
}

enum Open {
    List(Vec<Node>),
    Map(Vec<(Node, Node)>, Option<Node>),
}

struct Builder {
    /// Byte offset of every character, and of the end.
    offsets: Vec<u32>,
    stack: Vec<(Open, Span, usize)>,
    anchors: BTreeMap<usize, Node>,
    root: Option<Node>,
    nodes: usize,
    documents: usize,
}

impl Builder {
    fn new(text: &str, bom: usize) -> Self {
        let bytes = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        let mut offsets: Vec<u32> = text[bom..].char_indices().map(|(at, _)| bytes(at + bom)).collect();
        offsets.push(bytes(text.len()));
        Self { offsets, stack: Vec::new(), anchors: BTreeMap::new(), root: None, nodes: 0, documents: 0 }
    }

    fn run(mut self, text: &str) -> Result<Option<Node>, YamlError> {
        let mut parser = Parser::new_from_str(text);
        while let Some(event) = parser.next_event() {
            let (event, span) = event.map_err(|error| {
                let at = self.offset(error.marker().index());
                YamlError { message: error.info().to_owned(), span: Span { start: at, end: at } }
            })?;
            let span = Span { start: self.offset(span.start.index()), end: self.offset(span.end.index()) };
            if matches!(event, Event::StreamEnd) {
                break;
            }
            self.take(event, span)?;
        }
        Ok(self.root)
    }

    fn offset(&self, index: usize) -> u32 {
        self.offsets.get(index).or(self.offsets.last()).copied().unwrap_or_default()
    }

    fn take(&mut self, event: Event<'_>, span: Span) -> Result<(), YamlError> {
        match event {
            Event::DocumentStart(_) => self.start_document(span),
            Event::Scalar(text, style, anchor, _) => {
                let tree = Tree::Scalar { text: text.into_owned(), plain: style == ScalarStyle::Plain };
                self.put(Node { tree, span }, anchor)
            }
            Event::Alias(anchor) => match self.anchors.get(&anchor) {
                Some(node) => self.put(Node { tree: node.tree.clone(), span }, 0),
                None => Err(YamlError { message: "this alias has no anchor before it".to_owned(), span }),
            },
            Event::SequenceStart(anchor, _) => self.open(Open::List(Vec::new()), span, anchor),
            Event::MappingStart(anchor, _) => self.open(Open::Map(Vec::new(), None), span, anchor),
            Event::SequenceEnd | Event::MappingEnd => self.close(span),
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => Ok(()),
        }
    }

    fn start_document(&mut self, span: Span) -> Result<(), YamlError> {
        self.documents += 1;
        if self.documents > 1 {
            return Err(YamlError { message: "a second document; one file holds one document".to_owned(), span });
        }
        Ok(())
    }

    fn open(&mut self, open: Open, span: Span, anchor: usize) -> Result<(), YamlError> {
        if self.stack.len() >= DEPTH_MAX {
            return Err(YamlError { message: format!("nested deeper than {DEPTH_MAX} levels"), span });
        }
        self.stack.push((open, span, anchor));
        Ok(())
    }

    fn close(&mut self, end: Span) -> Result<(), YamlError> {
        let Some((open, start, anchor)) = self.stack.pop() else { return Ok(()) };
        let tree = match open {
            Open::List(items) => Tree::List(items),
            Open::Map(entries, _) => Tree::Map(entries),
        };
        self.put(Node { tree, span: Span { start: start.start, end: end.end.max(start.end) } }, anchor)
    }

    fn put(&mut self, node: Node, anchor: usize) -> Result<(), YamlError> {
        self.nodes += if matches!(node.tree, Tree::Scalar { .. }) { 1 } else { node.size() };
        if self.nodes > NODES_MAX {
            return Err(YamlError { message: format!("more than {NODES_MAX} nodes"), span: node.span });
        }
        if anchor != 0 {
            self.anchors.insert(anchor, node.clone());
        }
        match self.stack.last_mut().map(|(open, ..)| open) {
            Some(Open::List(items)) => items.push(node),
            Some(Open::Map(entries, key)) => match key.take() {
                None => *key = Some(node),
                Some(name) => entries.push((name, node)),
            },
            None => self.root = Some(node),
        }
        Ok(())
    }
}
