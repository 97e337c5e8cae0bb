//! JSON Schema 2020-12 as TypeScript types.
//!
//! A type is never narrower than its schema in what it lets through, except for two things on purpose: an object whose
//! schema says nothing of other properties takes none, so that a misspelt name is an error; and where a schema says
//! something that types cannot (lengths, patterns, `if`, `not`), the type leaves it to the check when the plugin runs.

use crate::write::{comment, literal, pascal, property};
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// Nesting beyond which a type is not told any more.
const DEPTH_MAX: usize = 32;

/// The declarations of one namespace, made of schemas that may refer to parts of themselves.
#[derive(Default)]
pub(crate) struct Types {
    names: BTreeSet<String>,
    text: String,
}

/// One document that is being declared.
struct Document<'a> {
    types: &'a mut Types,
    root: &'a Value,
    name: String,
    /// JSON pointer and name of what is referred to.
    parts: Vec<(String, String)>,
}

impl Types {
    /// Declares a schema under a name like this one and gives the name it got.
    pub(crate) fn declare(&mut self, name: &str, root: &Value, indent: &str) -> String {
        let name = self.free(&pascal(name));
        let parts = vec![(String::new(), name.clone())];
        let mut document = Document { types: self, root, name: name.clone(), parts };
        let mut text = String::new();
        let mut at = 0;
        while let Some((pointer, name)) = document.parts.get(at).cloned() {
            if let Some(schema) = root.pointer(&pointer) {
                text.push_str(&document.declaration(&name, schema, indent));
            }
            at += 1;
        }
        self.text.push_str(&text);
        name
    }

    /// All that was declared.
    pub(crate) fn into_text(self) -> String {
        self.text
    }

    fn free(&mut self, name: &str) -> String {
        let numbered = (2..).map(|count| format!("{name}{count}"));
        let free = std::iter::once(name.to_owned()).chain(numbered).find(|free| !self.names.contains(free));
        let free = free.unwrap_or_default();
        self.names.insert(free.clone());
        free
    }
}

impl Document<'_> {
    /// The name of what a `$ref` leads to, which is declared too; none where it leads out of the document or nowhere.
    fn part(&mut self, reference: &str) -> Option<String> {
        let fragment = reference.strip_prefix('#')?;
        let pointer = if fragment.is_empty() || fragment.starts_with('/') {
            fragment.replace("%25", "%")
        } else {
            anchor(self.root, fragment, String::new(), 0)?
        };
        if let Some((_, name)) = self.parts.iter().find(|(known, _)| *known == pointer) {
            return Some(name.clone());
        }
        self.root.pointer(&pointer)?;
        let last = pointer.rsplit('/').next().unwrap_or_default();
        let name = self.types.free(&format!("{}{}", self.name, pascal(last)));
        self.parts.push((pointer, name.clone()));
        Some(name)
    }

    fn declaration(&mut self, name: &str, schema: &Value, indent: &str) -> String {
        let about = about(schema, indent);
        let shape = self.shape(schema, indent, 0);
        // What is an object and nothing else reads better as an interface.
        if shape.starts_with('{') && shape.ends_with('}') && is_plain_object(schema) {
            return format!("{about}{indent}interface {name} {shape}\n");
        }
        format!("{about}{indent}type {name} = {shape};\n")
    }

    /// The type of a schema: everything that it says at once.
    fn shape(&mut self, schema: &Value, indent: &str, depth: usize) -> String {
        let map = match schema {
            Value::Bool(false) => return "never".to_owned(),
            Value::Object(map) if depth < DEPTH_MAX => map,
            _ => return "unknown".to_owned(),
        };
        let mut all: Vec<String> = Vec::new();
        if let Some(reference) = map.get("$ref").and_then(Value::as_str) {
            all.extend(self.part(reference));
        }
        if let Some(value) = map.get("const") {
            all.push(value_type(value));
        } else if let Some(Value::Array(values)) = map.get("enum") {
            all.push(either(values.iter().map(value_type).collect()));
        } else {
            all.extend(self.own_shape(map, indent, depth));
        }
        for part in map.get("allOf").and_then(Value::as_array).into_iter().flatten() {
            all.push(self.shape(part, indent, depth + 1));
        }
        for key in ["anyOf", "oneOf"] {
            if let Some(Value::Array(parts)) = map.get(key) {
                let parts = parts.iter().map(|part| self.shape(part, indent, depth + 1)).collect();
                all.push(either(parts));
            }
        }
        all.retain(|one| one != "unknown");
        all.dedup();
        match all.len() {
            0 => "unknown".to_owned(),
            1 => all.remove(0),
            _ => all.into_iter().map(in_brackets).collect::<Vec<_>>().join(" & "),
        }
    }

    /// What `type` and the keywords of objects and arrays say.
    fn own_shape(&mut self, map: &Map<String, Value>, indent: &str, depth: usize) -> Option<String> {
        let named: Vec<&str> = match map.get("type") {
            Some(Value::String(one)) => vec![one],
            Some(Value::Array(many)) => many.iter().filter_map(Value::as_str).collect(),
            _ if ["properties", "required", "patternProperties"].iter().any(|key| map.contains_key(*key)) => {
                vec!["object"]
            }
            _ if ["items", "prefixItems"].iter().any(|key| map.contains_key(*key)) => vec!["array"],
            _ => return None,
        };
        let one = |name: &str| match name {
            "string" => "string".to_owned(),
            "integer" | "number" => "number".to_owned(),
            "boolean" => "boolean".to_owned(),
            "null" => "null".to_owned(),
            "array" => self.array(map, indent, depth),
            "object" => self.object(map, indent, depth),
            _ => "unknown".to_owned(),
        };
        Some(either(named.into_iter().map(one).collect()))
    }

    fn array(&mut self, map: &Map<String, Value>, indent: &str, depth: usize) -> String {
        let rest = match map.get("items") {
            Some(items) => self.shape(items, indent, depth + 1),
            None => "unknown".to_owned(),
        };
        let Some(Value::Array(first)) = map.get("prefixItems") else { return format!("{}[]", in_brackets(rest)) };
        let mut items: Vec<String> =
            first.iter().map(|item| format!("{}?", in_brackets(self.shape(item, indent, depth + 1)))).collect();
        if rest != "never" {
            items.push(format!("...{}[]", in_brackets(rest)));
        }
        format!("[{}]", items.join(", "))
    }

    fn object(&mut self, map: &Map<String, Value>, indent: &str, depth: usize) -> String {
        let empty = Map::new();
        let properties = map.get("properties").and_then(Value::as_object).unwrap_or(&empty);
        let required: Vec<&str> =
            map.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
        let inner = format!("{indent}  ");
        let mut members = Vec::new();
        for (name, schema) in properties {
            let optional = if required.contains(&name.as_str()) { "" } else { "?" };
            let shape = self.shape(schema, &inner, depth + 1);
            members.push(format!("{}{inner}{}{optional}: {shape};\n", about(schema, &inner), property(name)));
        }
        for name in required.iter().filter(|name| !properties.contains_key(**name)) {
            members.push(format!("{inner}{}: unknown;\n", property(name)));
        }
        let named = !members.is_empty();
        match self.open(map, &inner, depth) {
            // Beside named properties of other types an index can only say that there may be more.
            Some(_) if named => members.push(format!("{inner}[name: string]: unknown;\n")),
            Some(value) => return format!("{{ [name: string]: {value} }}"),
            None if !named && map.get("additionalProperties") == Some(&Value::Bool(false)) => {
                return "{ [name: string]: never }".to_owned();
            }
            None if !named => return "{ [name: string]: unknown }".to_owned(),
            None => {}
        }
        format!("{{\n{}{indent}}}", members.concat())
    }

    /// The type of other properties, where the schema speaks of them and allows them.
    fn open(&mut self, map: &Map<String, Value>, indent: &str, depth: usize) -> Option<String> {
        let patterns = map.get("patternProperties").and_then(Value::as_object).into_iter().flat_map(Map::values);
        let more = map.get("additionalProperties").filter(|more| **more != Value::Bool(false));
        let all: Vec<String> = patterns.chain(more).map(|schema| self.shape(schema, indent, depth + 1)).collect();
        if all.is_empty() { None } else { Some(either(all)) }
    }
}

/// The place of an `$anchor`, as a JSON pointer.
fn anchor(value: &Value, name: &str, at: String, depth: usize) -> Option<String> {
    if depth > DEPTH_MAX {
        return None;
    }
    match value {
        Value::Object(map) if map.get("$anchor").and_then(Value::as_str) == Some(name) => Some(at),
        Value::Object(map) => map.iter().find_map(|(key, value)| {
            let key = key.replace('~', "~0").replace('/', "~1");
            anchor(value, name, format!("{at}/{key}"), depth + 1)
        }),
        Value::Array(items) => {
            items.iter().enumerate().find_map(|(index, item)| anchor(item, name, format!("{at}/{index}"), depth + 1))
        }
        _ => None,
    }
}

fn is_plain_object(schema: &Value) -> bool {
    let combined = ["$ref", "allOf", "anyOf", "oneOf", "enum", "const"].iter().any(|key| schema.get(key).is_some());
    !combined && (schema["type"] == "object" || (schema.get("type").is_none() && schema.get("properties").is_some()))
}

/// What the schema says of itself, and its format, for the editor to show.
fn about(schema: &Value, indent: &str) -> String {
    let said = schema["description"].as_str().or_else(|| schema["title"].as_str()).unwrap_or_default();
    let format = schema["format"].as_str().map(|format| format!("\nFormat: {format}.")).unwrap_or_default();
    let old = if schema["deprecated"] == true { "\n@deprecated" } else { "" };
    comment(&format!("{said}{format}{old}"), indent)
}

fn value_type(value: &Value) -> String {
    match value {
        Value::String(text) => literal(text),
        Value::Array(items) => format!("[{}]", items.iter().map(value_type).collect::<Vec<_>>().join(", ")),
        Value::Object(map) => {
            let fields: Vec<String> =
                map.iter().map(|(name, value)| format!("{}: {}", property(name), value_type(value))).collect();
            format!("{{ {} }}", fields.join("; "))
        }
        plain => plain.to_string(),
    }
}

/// A union, each member once.
fn either(mut all: Vec<String>) -> String {
    let mut seen = BTreeSet::new();
    all.retain(|one| seen.insert(one.clone()));
    if all.iter().any(|one| one == "unknown") || all.is_empty() {
        return "unknown".to_owned();
    }
    all.join(" | ")
}

/// In brackets where what follows would bind closer than a union or an intersection.
fn in_brackets(shape: String) -> String {
    let is_compound = shape.contains(" | ") || shape.contains(" & ");
    if is_compound && !(shape.starts_with('{') && closes_at_end(&shape)) { format!("({shape})") } else { shape }
}

/// Whether the brace that opens a text closes at its end.
fn closes_at_end(shape: &str) -> bool {
    let mut depth = 0_usize;
    for (at, c) in shape.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            return at + c.len_utf8() == shape.len();
        }
    }
    false
}
