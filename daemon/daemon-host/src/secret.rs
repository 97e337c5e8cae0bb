//! Which settings of a plugin may hold a secret: those whose schema reaches a `writeOnly`, however deep it lies.
//!
//! Where it is not plain whether one is reached, the setting counts as a secret.

use contract_schema::Schema;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// Keywords whose schema is about the same value as the schema that holds them.
const SAME_VALUE: [&str; 4] = ["if", "then", "else", "not"];
/// Keywords that hold several such schemas, in a list or by name.
const SAME_VALUE_EACH: [&str; 4] = ["allOf", "anyOf", "oneOf", "dependentSchemas"];
/// Keywords that refer to such a schema.
const REFERENCES: [&str; 2] = ["$ref", "$dynamicRef"];

/// Whether the setting of this name may hold what the settings' schema calls `writeOnly`.
pub(crate) fn is_secret(schema: &Value, name: &str) -> bool {
    Search { root: schema, followed: BTreeSet::new() }.governs(schema, name, &mut BTreeSet::new())
}

struct Search<'a> {
    root: &'a Value,
    /// References that were followed on the way to a `writeOnly`.
    followed: BTreeSet<&'a str>,
}

impl<'a> Search<'a> {
    /// Whether a schema that is about all settings says `writeOnly` of this one. `followed` are the references that led
    /// to such schemas.
    fn governs(&mut self, schema: &'a Value, name: &str, followed: &mut BTreeSet<&'a str>) -> bool {
        let Value::Object(all) = schema else { return false };
        if says_so(all) || self.of_setting(all, name) {
            return true;
        }
        let one = SAME_VALUE.iter().filter_map(|keyword| all.get(*keyword));
        let several = SAME_VALUE_EACH.iter().filter_map(|keyword| all.get(*keyword)).flat_map(each);
        let parts: Vec<&Value> = one.chain(several).collect();
        if parts.into_iter().any(|part| self.governs(part, name, followed)) {
            return true;
        }
        references(all).any(|reference| {
            followed.insert(reference)
                && match self.target(reference) {
                    Some(target) => self.governs(target, name, followed),
                    None => anywhere(self.root),
                }
        })
    }

    /// Whether what a schema says of the setting reaches a `writeOnly`.
    fn of_setting(&mut self, all: &'a Map<String, Value>, name: &str) -> bool {
        let named = all.get("properties").and_then(|known| known.get(name));
        let patterns = all.get("patternProperties").and_then(Value::as_object).into_iter().flatten();
        let fitting: Vec<&Value> = patterns.filter(|(pattern, _)| fits(pattern, name)).map(|(_, it)| it).collect();
        let is_known = named.is_some() || !fitting.is_empty();
        let rest = ["additionalProperties", "unevaluatedProperties"].into_iter().filter_map(|keyword| all.get(keyword));
        let rest: Vec<&Value> = rest.filter(|_| !is_known).collect();
        named.into_iter().chain(fitting).chain(rest).any(|part| self.reaches(part))
    }

    /// Whether there is a `writeOnly` in a schema, or in one that it refers to.
    fn reaches(&mut self, part: &'a Value) -> bool {
        match part {
            Value::Object(all) if says_so(all) => true,
            Value::Object(all) => {
                references(all).any(|reference| self.follows(reference)) || all.values().any(|part| self.reaches(part))
            }
            Value::Array(all) => all.iter().any(|part| self.reaches(part)),
            _ => false,
        }
    }

    fn follows(&mut self, reference: &'a str) -> bool {
        self.followed.insert(reference)
            && match self.target(reference) {
                Some(target) => self.reaches(target),
                None => anywhere(self.root),
            }
    }

    /// What a reference by JSON pointer leads to; one by name may lead anywhere.
    fn target(&self, reference: &str) -> Option<&'a Value> {
        self.root.pointer(reference.strip_prefix('#')?)
    }
}

fn says_so(schema: &Map<String, Value>) -> bool {
    schema.get("writeOnly") == Some(&Value::Bool(true))
}

fn references(schema: &Map<String, Value>) -> impl Iterator<Item = &str> {
    REFERENCES.iter().filter_map(|keyword| schema.get(*keyword)?.as_str())
}

fn each(part: &Value) -> Vec<&Value> {
    match part {
        Value::Array(all) => all.iter().collect(),
        Value::Object(all) => all.values().collect(),
        _ => Vec::new(),
    }
}

/// Whether a name falls under a pattern; one that cannot be read may take any.
fn fits(pattern: &str, name: &str) -> bool {
    let schema = Schema::compile_value(&json!({ "pattern": pattern }), "patternProperties");
    schema.map_or(true, |schema| schema.is_valid(&name.into()))
}

fn anywhere(part: &Value) -> bool {
    match part {
        Value::Object(all) => says_so(all) || all.values().any(anywhere),
        Value::Array(all) => all.iter().any(anywhere),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hidden(schema: &Value) -> Vec<&'static str> {
        ["host", "pass"].into_iter().filter(|name| is_secret(schema, name)).collect()
    }

    #[test]
    fn a_setting_is_secret_where_its_schema_reaches_a_write_only() {
        let secret = json!({"type": "string", "writeOnly": true});
        let ways = [
            secret.clone(),
            json!({"$ref": "#/$defs/secret"}),
            json!({"$ref": "#/$defs/loop"}),
            json!({"$ref": "#by-name"}),
            json!({"allOf": [{"type": "string"}, {"writeOnly": true}]}),
            json!({"anyOf": [secret, {"type": "integer"}]}),
            json!({"properties": {"inner": {"items": secret}}}),
            json!({"additionalProperties": secret}),
            json!({"patternProperties": {"^k": secret}}),
            json!({"if": {"minLength": 1}, "then": {"properties": {"s": secret}}}),
        ];
        for way in ways {
            let defs =
                json!({"secret": secret, "loop": {"anyOf": [{"$ref": "#/$defs/loop"}, {"$ref": "#/$defs/secret"}]}});
            let schema = json!({"$defs": defs, "properties": {"host": {"type": "string"}, "pass": way}});
            assert_eq!(hidden(&schema), ["pass"], "{schema}");
        }
    }

    #[test]
    fn what_is_said_of_all_settings_counts_too() {
        let secret = json!({"writeOnly": true});
        let properties = json!({"host": {}, "pass": {}});
        let of = |more: Value| {
            let mut schema = json!({"properties": properties, "$defs": {"all": {"properties": {"pass": secret}}}});
            schema.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
            schema
        };
        assert!(hidden(&of(json!({}))).is_empty());
        assert!(hidden(&of(json!({"additionalProperties": secret}))).is_empty(), "both are known");
        for more in [
            json!({"$ref": "#/$defs/all"}),
            json!({"allOf": [{"properties": {"pass": secret}}]}),
            json!({"then": {"patternProperties": {"^pa": secret}}}),
            json!({"dependentSchemas": {"host": {"properties": {"host": {}}, "additionalProperties": secret}}}),
        ] {
            assert_eq!(hidden(&of(more.clone())), ["pass"], "{more}");
        }
        assert_eq!(hidden(&of(json!({"writeOnly": true}))), ["host", "pass"]);
    }
}
