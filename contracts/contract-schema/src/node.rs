//! Walking a schema's document: local references, keywords, names that match a pattern.

use serde_json::{Map, Value, json};

/// How many references are followed before a chain of them is given up.
const REFERENCES_MAX: usize = 32;

/// A schema within a document, with its place there.
#[derive(Clone)]
pub(crate) struct Node<'s> {
    pub(crate) root: &'s Value,
    pub(crate) value: &'s Value,
    /// JSON pointer from the document's root.
    pub(crate) pointer: String,
    /// Keywords that were taken apart already and no longer count.
    pub(crate) taken: Vec<&'static str>,
}

impl<'s> Node<'s> {
    pub(crate) fn root(root: &'s Value) -> Self {
        Self { root, value: root, pointer: String::new(), taken: Vec::new() }
    }

    /// The keywords, unless the schema is `true` or `false`.
    pub(crate) fn keywords(&self) -> Option<&'s Map<String, Value>> {
        self.value.as_object()
    }

    pub(crate) fn get(&self, keyword: &str) -> Option<&'s Value> {
        self.value.get(keyword).filter(|_| !self.taken.contains(&keyword))
    }

    /// The same without some of its keywords.
    pub(crate) fn without(&self, keywords: &[&'static str]) -> Self {
        let mut node = self.clone();
        node.taken.extend(keywords);
        node
    }

    /// The schema under a keyword.
    pub(crate) fn child(&self, keyword: &str) -> Option<Self> {
        self.get(keyword).map(|value| self.at(value, &[keyword]))
    }

    /// The schema under a name of a keyword that holds schemas by name.
    pub(crate) fn named(&self, keyword: &str, name: &str) -> Option<Self> {
        self.get(keyword)?.get(name).map(|value| self.at(value, &[keyword, name]))
    }

    /// All schemas of a keyword that holds them by name.
    pub(crate) fn by_name(&self, keyword: &'s str) -> impl Iterator<Item = (&'s str, Self)> {
        let map = self.get(keyword).and_then(Value::as_object).into_iter().flatten();
        let node = self.clone();
        map.map(move |(name, value)| (name.as_str(), node.at(value, &[keyword, name])))
    }

    /// All schemas of a keyword that holds a list of them.
    pub(crate) fn list(&self, keyword: &'s str) -> Vec<Self> {
        let items = self.get(keyword).and_then(Value::as_array).into_iter().flatten();
        items.enumerate().map(|(at, value)| self.at(value, &[keyword, &at.to_string()])).collect()
    }

    /// The schema that `$ref` names; none where there is none, or where it is no plain pointer.
    pub(crate) fn reference(&self) -> Option<Self> {
        let pointer = self.get("$ref")?.as_str()?.strip_prefix('#')?;
        let value = if pointer.is_empty() { self.root } else { self.root.pointer(pointer)? };
        Some(Self { root: self.root, value, pointer: pointer.to_owned(), taken: Vec::new() })
    }

    /// Whether there is a reference that cannot be followed here.
    pub(crate) fn is_lost(&self) -> bool {
        (self.get("$ref").is_some() && self.reference().is_none()) || self.get("$dynamicRef").is_some()
    }

    /// The schemas that all hold here: itself, what it refers to, and the parts of `allOf`, nearest first.
    pub(crate) fn conjuncts(&self) -> Vec<Self> {
        let mut out: Vec<Self> = Vec::new();
        let mut open = vec![self.clone()];
        while let Some(node) = open.pop() {
            if out.len() >= REFERENCES_MAX || out.iter().any(|known| known.pointer == node.pointer) {
                continue;
            }
            open.extend(node.list("allOf").into_iter().rev());
            open.extend(node.reference());
            out.push(node);
        }
        out
    }

    fn at(&self, value: &'s Value, steps: &[&str]) -> Self {
        let mut pointer = self.pointer.clone();
        for step in steps {
            pointer.push('/');
            pointer.push_str(&escape(step));
        }
        Self { root: self.root, value, pointer, taken: Vec::new() }
    }

    /// A document that says the same as this schema alone, references included.
    pub(crate) fn alone(&self) -> Value {
        if self.pointer.is_empty() {
            return self.root.clone();
        }
        let mut root = self.root.clone();
        let id = match self.root.get("$id").and_then(Value::as_str) {
            Some(id) => id.to_owned(),
            None => "urn:trunkline:document".to_owned(),
        };
        if let Some(map) = root.as_object_mut() {
            map.insert("$id".to_owned(), Value::String(id.clone()));
        }
        json!({"$ref": format!("{id}#{}", self.pointer), "$defs": {"document": root}})
    }
}

/// A name as a step of a JSON pointer.
pub(crate) fn escape(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// A step of a JSON pointer as a name.
pub(crate) fn unescape(step: &str) -> String {
    step.replace("~1", "/").replace("~0", "~")
}

/// Whether one keyword on its own refuses a value. A keyword that does not compile refuses nothing: TL501 reports it.
pub(crate) fn refuses(keyword: &str, limit: &Value, value: &Value) -> bool {
    let schema = json!({ keyword: limit });
    let validator = jsonschema::options()
        .with_draft(jsonschema::Draft::Draft202012)
        .offline()
        .should_validate_formats(true)
        .build(&schema);
    validator.is_ok_and(|validator| !validator.is_valid(value))
}

/// Whether a name matches a pattern of `patternProperties`.
pub(crate) fn name_matches(pattern: &str, name: &str) -> bool {
    !refuses("pattern", &Value::String(pattern.to_owned()), &Value::String(name.to_owned()))
}
