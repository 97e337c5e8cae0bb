//! What a producer sends: everything that several schemas say together.

use super::Node;
use super::decidable::foreign;
use super::values::{TYPES, fits};
use serde_json::Value;
use std::collections::BTreeSet;

/// The conjunction of schemas, references and `allOf` taken apart.
pub(super) struct Flat<'s> {
    /// The schema objects that all hold.
    pub(super) parts: Vec<Node<'s>>,
    /// The types that a value may have.
    pub(super) types: BTreeSet<&'static str>,
    /// The values it may have, where they can be counted.
    pub(super) values: Option<Vec<Value>>,
    /// Whether no value fits.
    pub(super) never: bool,
    /// Whether keywords that are not understood narrow it further, so that a value found may not be sent.
    pub(super) hidden: bool,
    /// JSON pointer to the first of the schemas.
    pub(super) pointer: String,
}

impl<'s> Flat<'s> {
    pub(super) fn of(nodes: &[Node<'s>]) -> Self {
        let mut parts: Vec<Node<'s>> = Vec::new();
        for part in nodes.iter().flat_map(Node::conjuncts) {
            if !parts.iter().any(|known| known.pointer == part.pointer && std::ptr::eq(known.root, part.root)) {
                parts.push(part);
            }
        }
        let pointer = nodes.first().map(|node| node.pointer.clone()).unwrap_or_default();
        let hidden = parts.iter().any(|part| part.is_lost() || foreign(part).next().is_some());
        let mut types: BTreeSet<&'static str> = TYPES.iter().copied().filter(|name| *name != "integer").collect();
        for part in &parts {
            types = narrowed(&types, part);
        }
        let values = values(&parts, &types);
        let never = types.is_empty()
            || values.as_ref().is_some_and(Vec::is_empty)
            || parts.iter().any(|part| part.value == &Value::Bool(false));
        Self { parts, types, values, never, hidden, pointer }
    }

    /// Everything that the schemas say under a keyword.
    pub(super) fn said(&self, keyword: &str) -> impl Iterator<Item = &'s Value> {
        self.parts.iter().filter_map(move |part| part.get(keyword))
    }

    /// Whether one of the schemas says the same under a keyword as a schema of the consumer.
    pub(super) fn says_the_same(&self, consumer: &Node<'_>, keyword: &str) -> bool {
        let group: &[&str] = match keyword {
            "if" | "then" | "else" => &["if", "then", "else"],
            "contains" | "minContains" | "maxContains" => &["contains", "minContains", "maxContains"],
            _ => {
                return self
                    .said(keyword)
                    .any(|said| consumer.get(keyword) == Some(said) && !super::has_reference(said));
            }
        };
        self.parts.iter().any(|part| {
            group.iter().all(|one| part.get(one) == consumer.get(one))
                && group.iter().all(|one| !part.get(one).is_some_and(super::has_reference))
        })
    }

    /// Whether one of the schemas holds the same choice as a schema of the consumer, taken apart or not.
    pub(super) fn kept(&self, consumer: &Node<'_>, keyword: &str) -> bool {
        let choice = consumer.get(keyword).filter(|choice| !super::has_reference(choice));
        choice.is_some() && self.parts.iter().any(|part| part.value.get(keyword) == choice)
    }

    /// Names that are always there.
    pub(super) fn required(&self) -> BTreeSet<&'s str> {
        self.said("required").filter_map(Value::as_array).flatten().filter_map(Value::as_str).collect()
    }

    /// The cases of the first choice, each with everything else that holds; none where there is no choice.
    pub(super) fn branches(&self) -> Option<Vec<Vec<Node<'s>>>> {
        let (chosen, keyword) = self.choice()?;
        let others: Vec<Node<'s>> = self
            .parts
            .iter()
            .enumerate()
            .map(|(at, part)| {
                let part = part.without(&["$ref", "allOf"]);
                if at == chosen { part.without(&[keyword]) } else { part }
            })
            .collect();
        let with = |branch| std::iter::once(branch).chain(others.iter().cloned()).collect();
        Some(self.parts[chosen].list(keyword).into_iter().map(with).collect())
    }

    /// The values of one type.
    pub(super) fn only(&self, of: &'static str) -> Self {
        let values = self.values.as_ref().map(|all| all.iter().filter(|value| is_of(value, of)).cloned().collect());
        Self {
            parts: self.parts.clone(),
            types: BTreeSet::from([of]),
            values,
            never: self.never,
            hidden: self.hidden,
            pointer: self.pointer.clone(),
        }
    }

    /// Which of the schemas holds the first choice, and under which keyword.
    pub(super) fn choice(&self) -> Option<(usize, &'static str)> {
        self.parts.iter().enumerate().find_map(|(at, part)| {
            let keyword = ["anyOf", "oneOf"].into_iter().find(|keyword| !part.list(keyword).is_empty())?;
            Some((at, keyword))
        })
    }
}

fn is_of(value: &Value, of: &str) -> bool {
    match value {
        Value::Null => of == "null",
        Value::Bool(_) => of == "boolean",
        Value::Number(number) => of == "number" || (of == "integer" && !number.is_f64()),
        Value::String(_) => of == "string",
        Value::Array(_) => of == "array",
        Value::Object(_) => of == "object",
    }
}

/// The types left after what one schema says.
fn narrowed(types: &BTreeSet<&'static str>, part: &Node<'_>) -> BTreeSet<&'static str> {
    let named: Vec<&str> = match part.get("type") {
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(all)) => all.iter().filter_map(Value::as_str).collect(),
        _ => return types.clone(),
    };
    let both = |one: &&'static str| {
        if named.contains(one) || (*one == "integer" && named.contains(&"number")) {
            Some(*one)
        } else if *one == "number" && named.contains(&"integer") {
            Some("integer")
        } else {
            None
        }
    };
    types.iter().filter_map(both).collect()
}

/// The values left by `const` and `enum`, or by types that have few.
fn values(parts: &[Node<'_>], types: &BTreeSet<&'static str>) -> Option<Vec<Value>> {
    let listed = parts.iter().find_map(|part| match (part.get("const"), part.get("enum")) {
        (Some(one), _) => Some(vec![one.clone()]),
        (None, Some(Value::Array(all))) => Some(all.clone()),
        _ => None,
    });
    let all = match listed {
        Some(all) => all,
        None if types.iter().all(|name| matches!(*name, "null" | "boolean")) => {
            vec![Value::Null, Value::Bool(false), Value::Bool(true)]
        }
        None => return None,
    };
    Some(all.into_iter().filter(|value| parts.iter().all(|part| fits(part, value))).collect())
}
