//! Whether a schema.json is itself in order.

use super::{AUTOMATIC_FIELDS, Action, Collection, Collections, Field, FieldType, INDEX_FIELDS_MAX, OnDelete};
use crate::filter::Rule;
use crate::ids::PluginSlug;
use std::collections::BTreeSet;

const NAME_BYTES_MAX: usize = 63;

/// What is wrong with a declaration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeclarationProblem {
    /// The collection it stands in.
    pub collection: String,
    /// One sentence that names the collection.
    pub message: String,
}

impl Collections {
    /// What is wrong with the declarations of the plugin `slug`; empty where all is well.
    pub fn check(&self, slug: &PluginSlug) -> Vec<DeclarationProblem> {
        let mut found = Vec::new();
        let mut names = BTreeSet::new();
        let prefix = format!("{}_", slug.as_str().replace('-', "_"));
        for collection in &self.collections {
            let name = &collection.name;
            let mut problems = Vec::new();
            if !names.insert(name) {
                problems.push(format!("collection `{name}` is declared twice"));
            }
            if !is_collection_name(name) {
                problems.push(format!("collection `{name}`: use 3 to 63 of a-z, 0-9 and _, starting with a letter"));
            }
            if !name.starts_with(&prefix) && !name.starts_with(&format!("{slug}_")) {
                problems.push(format!("collection `{name}` must start with `{prefix}`, the plugin's slug"));
            }
            let own = collection.problems().into_iter().chain(self.reference_problems(collection));
            problems.extend(own.map(|problem| format!("collection `{name}`: {problem}")));
            found.extend(problems.into_iter().map(|message| DeclarationProblem { collection: name.clone(), message }));
        }
        found
    }

    /// A reference stays within its plugin: plugins meet on topics, and one must not hold another's records fast.
    fn reference_problems(&self, collection: &Collection) -> Vec<String> {
        let is_declared = |target: &str| self.collections.iter().any(|other| other.name == target);
        let foreign = collection.references().filter(|(_, reference)| !is_declared(&reference.collection));
        foreign
            .map(|(field, reference)| {
                format!(
                    "field `{field}` refers to `{}`, which this schema.json does not declare; keep the id of another plugin's record in a field of type string",
                    reference.collection
                )
            })
            .collect()
    }
}

impl Collection {
    fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let mut names = BTreeSet::new();
        for field in &self.fields {
            if !names.insert(field.name.as_str()) {
                problems.push(format!("field `{}` is declared twice", field.name));
            }
            let own = field.problems().into_iter().chain(self.on_delete_problem(field));
            problems.extend(own.map(|problem| format!("field `{}` {problem}", field.name)));
        }
        for (what, sets) in [("unique set", &self.unique), ("index", &self.indexes)] {
            for set in sets {
                problems.extend(self.set_problems(what, set));
            }
        }
        problems.extend(self.full_text_problems());
        problems.extend(self.rule_problems());
        problems
    }

    fn set_problems(&self, what: &str, set: &[String]) -> Vec<String> {
        let mut problems = Vec::new();
        let shown = set.join(", ");
        if set.is_empty() || set.len() > INDEX_FIELDS_MAX {
            problems.push(format!("{what} [{shown}] must name 1 to {INDEX_FIELDS_MAX} fields"));
        }
        if set.iter().collect::<BTreeSet<_>>().len() < set.len() {
            problems.push(format!("{what} [{shown}] names a field twice"));
        }
        for name in set.iter().filter(|name| !self.has_field(name)) {
            problems.push(format!("{what} [{shown}] names the unknown field `{name}`"));
        }
        // A record has an entry for each item of its list; two lists would multiply.
        let is_list = |name: &&String| self.fields.iter().any(|f| f.name == **name && f.kind == FieldType::List);
        if set.iter().filter(is_list).count() > 1 {
            problems.push(format!("{what} [{shown}] may name one field of type list"));
        }
        problems
    }

    fn full_text_problems(&self) -> Vec<String> {
        let is_text = |name: &String| self.fields.iter().any(|f| &f.name == name && f.kind == FieldType::String);
        let wrong = self.full_text.iter().filter(|name| !is_text(name));
        wrong.map(|name| format!("fullText names `{name}`, which is not a declared field of type string")).collect()
    }

    fn rule_problems(&self) -> Vec<String> {
        let Some(rules) = &self.rules else { return Vec::new() };
        let given = Action::ALL.into_iter().filter_map(|action| Some((action.name(), rules.of(action)?)));
        let problem = |(name, text): (&str, &str)| match Rule::parse(text) {
            Err(error) => Some(format!("rule `{name}`: {error}")),
            Ok(rule) => {
                let unknown = rule.fields().find(|field| !self.has_field(field)).map(str::to_owned);
                unknown.map(|field| format!("rule `{name}` names the unknown field `{field}`"))
            }
        };
        given.filter_map(problem).collect()
    }

    /// What deleting a target cannot do to the records here.
    fn on_delete_problem(&self, field: &Field) -> Option<String> {
        let on_delete = field.reference.as_ref()?.on_delete;
        if on_delete == OnDelete::SetNull && field.required {
            return Some("is required, so `onDelete: set-null` cannot be done".to_owned());
        }
        (on_delete != OnDelete::Restrict && self.append_only)
            .then(|| "must restrict: records of an appendOnly collection are never changed or deleted".to_owned())
    }
}

impl Field {
    fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if AUTOMATIC_FIELDS.contains(&self.name.as_str()) {
            problems.push("is automatic and cannot be declared".to_owned());
        }
        if !is_field_name(&self.name) {
            problems.push("must have a name of letters, digits and _, starting with a letter, at most 63".to_owned());
        }
        if (self.kind == FieldType::Select) == self.values.is_empty() {
            problems.push("must list `values` if, and only if, it is a select".to_owned());
        }
        if (self.kind == FieldType::Reference) != self.reference.is_some() {
            problems.push("must name its target in `ref` if, and only if, it is a reference".to_owned());
        }
        if let (Some(min), Some(max)) = (self.min, self.max)
            && min > max
        {
            problems.push(format!("has min {min} above max {max}"));
        }
        if let Some(Err(wrong)) = self.default.as_ref().map(|default| self.check(default)) {
            problems.push(format!("has a default that is not allowed: it {wrong}"));
        }
        problems
    }
}

fn is_collection_name(text: &str) -> bool {
    (3..=NAME_BYTES_MAX).contains(&text.len())
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'_' | b'-'))
}

fn is_field_name(text: &str) -> bool {
    text.len() <= NAME_BYTES_MAX
        && text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn check(collections: &Value) -> Vec<String> {
        let collections: Collections = serde_json::from_value(json!({ "collections": collections })).expect("schema");
        let problems = collections.check(&PluginSlug::new("ap").expect("slug"));
        problems.into_iter().map(|problem| problem.message).collect()
    }

    #[test]
    fn a_sound_declaration_has_no_problems() {
        let found = check(&json!([{"name": "ap_vendors", "fields": []}, {"name": "ap_bills", "fields": [
            {"name": "vendor", "type": "reference", "ref": {"collection": "ap_vendors"}},
            {"name": "other", "type": "reference", "ref": {"collection": "ap_bills", "onDelete": "set-null"}},
            {"name": "status", "type": "select", "values": ["open"], "default": "open"},
        ], "unique": [["vendor", "status"]], "indexes": [["created"]],
            "rules": {"list": "status = 'open' || @request.auth.roles ~ 'ap.clerk'", "delete": ""}}]));
        assert_eq!(found, Vec::<String>::new());
    }

    #[test]
    fn references_and_rules_that_cannot_hold_are_told() {
        let found = check(&json!([{"name": "ap_notes", "appendOnly": true, "fields": [
            {"name": "a", "type": "reference", "ref": {"collection": "gl_accounts"}},
            {"name": "b", "type": "reference", "ref": {"collection": "ap_notes", "onDelete": "cascade"}},
            {"name": "c", "type": "reference", "required": true, "ref": {"collection": "ap_notes", "onDelete": "set-null"}},
        ], "rules": {"list": "owner = @request.auth.id", "view": "a = @request.user", "create": "a = @request.body.d"}}]));
        let expected = [
            "collection `ap_notes`: field `b` must restrict: records of an appendOnly collection are never changed or deleted",
            "collection `ap_notes`: field `c` is required, so `onDelete: set-null` cannot be done",
            "collection `ap_notes`: rule `list` names the unknown field `owner`",
            "collection `ap_notes`: rule `view`: the filter is wrong at character 5: expected one of @request.auth.id, @request.auth.email, @request.auth.roles, @request.auth.tenant and @request.body.FIELD, found `@request.user`",
            "collection `ap_notes`: rule `create` names the unknown field `d`",
            "collection `ap_notes`: field `a` refers to `gl_accounts`, which this schema.json does not declare; keep the id of another plugin's record in a field of type string",
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn problems_name_collection_and_field() {
        let found = check(&json!([{"name": "gl_bills", "fields": [
            {"name": "id", "type": "string"},
            {"name": "n", "type": "integer", "min": 3, "max": 2, "default": "x"},
            {"name": "n", "type": "select"},
            {"name": "a", "type": "list"}, {"name": "b", "type": "list"},
        ], "indexes": [["m"], ["a", "b"]], "unique": [[]], "fullText": ["n"], "rules": {"list": "a ="}}]));
        let expected = [
            "collection `gl_bills` must start with `ap_`, the plugin's slug",
            "collection `gl_bills`: field `id` is automatic and cannot be declared",
            "collection `gl_bills`: field `n` has min 3 above max 2",
            "collection `gl_bills`: field `n` has a default that is not allowed: it must be a whole number within 64 bits",
            "collection `gl_bills`: field `n` is declared twice",
            "collection `gl_bills`: field `n` must list `values` if, and only if, it is a select",
            "collection `gl_bills`: unique set [] must name 1 to 6 fields",
            "collection `gl_bills`: index [m] names the unknown field `m`",
            "collection `gl_bills`: index [a, b] may name one field of type list",
            "collection `gl_bills`: fullText names `n`, which is not a declared field of type string",
        ];
        assert_eq!(found[..expected.len()], expected);
        assert!(
            found[expected.len()].starts_with("collection `gl_bills`: rule `list`: the filter is wrong"),
            "{found:?}"
        );
    }
}
