//! What is sent, what is promised and what is read do not agree.

use crate::mutation::truth::Place;
use crate::mutation::{Base, Edit, Mutant, Operator, javascript};
use contract_parse::FactKind;
use serde_json::Value;
use std::ops::Range;

pub(super) const ALL: &[Operator] = &[
    Operator { name: "payload-lacks-a-field", expects: &["TL502"], sites: |base| payloads(base, Change::Drop) },
    Operator { name: "payload-has-a-wrong-type", expects: &["TL502"], sites: |base| payloads(base, Change::Retype) },
    Operator { name: "payload-has-a-surplus-field", expects: &["TL502"], sites: |base| payloads(base, Change::Add) },
    Operator { name: "handler-reads-a-missing-field", expects: &["TL503"], sites: reads },
    Operator { name: "destructuring-of-a-missing-field", expects: &["TL503"], sites: destructures },
    Operator { name: "schema-drops-a-field", expects: &["TL502", "TL503"], sites: |base| schemas(base, dropped) },
    Operator { name: "schema-has-an-unknown-type", expects: &["TL501"], sites: |base| schemas(base, misnamed) },
    Operator {
        name: "schema-cut-off",
        expects: &["TL501"],
        sites: |base| schemas(base, |text| Some(text[..text.len() / 2].to_owned())),
    },
    Operator { name: "schema-missing", expects: &["TL501"], sites: schema_missing },
];

#[derive(Clone, Copy)]
enum Change {
    Drop,
    Retype,
    Add,
}

/// Changes an object literal that is published, where it is written at the call itself.
fn payloads(base: &Base, change: Change) -> Vec<Mutant> {
    let mut out = Vec::new();
    for place in base.of(&[FactKind::Publish, FactKind::Request, FactKind::Reply]) {
        let text = base.text(&place.file);
        let Some(object) = payload(base, place) else { continue };
        let parts = javascript::properties(text, object.clone());
        let Some(first) = parts.first().filter(|part| !text[(*part).clone()].starts_with("...")) else { continue };
        let edit = match change {
            Change::Drop => {
                let next = parts.get(1).map_or(first.end, |next| next.start);
                Edit::replace(&place.file, first.start..next, "")
            }
            Change::Retype => {
                let name = text[first.clone()].split(':').next().unwrap_or_default();
                Edit::replace(&place.file, first.clone(), format!("{name}: [true]"))
            }
            Change::Add => Edit::insert(&place.file, first.start, "surplus: 1, "),
        };
        out.push(Mutant::new(format!("{:?} in {}", place.topics, place.file), vec![edit]));
    }
    out
}

/// The payload of a call, where it is an object literal without spreads beside the topic.
fn payload(base: &Base, place: &Place) -> Option<Range<usize>> {
    let text = base.text(&place.file);
    let object = match place.kind {
        FactKind::Reply => base.argument(place).filter(|argument| text[argument.clone()].starts_with('{')),
        _ => javascript::object_after(text, place.range.end),
    }?;
    let spread = javascript::properties(text, object.clone()).into_iter().any(|part| text[part].starts_with("..."));
    (!spread).then_some(object)
}

/// A handler reads a field that no schema has, as a member.
fn reads(base: &Base) -> Vec<Mutant> {
    let mut out = Vec::new();
    for (file, text) in modules(base) {
        for (at, found) in text.match_indices("e.payload.") {
            let from = at + found.len();
            let name = text[from..].find(|c: char| !c.is_alphanumeric()).unwrap_or_default();
            let whole = !text[..at].ends_with(|c: char| c.is_alphanumeric() || c == '.');
            if whole && !text[from + name..].starts_with('?') {
                let edit = Edit::insert(&file, from + name, "Missing");
                out.push(Mutant::new(format!("{} in {file}", &text[from..from + name]), vec![edit]));
            }
        }
    }
    out
}

/// The same by destructuring.
fn destructures(base: &Base) -> Vec<Mutant> {
    let mut out = Vec::new();
    for (file, text) in modules(base) {
        for (at, _) in text.match_indices("} = e.payload;") {
            let open = text[..at].rfind('{').unwrap_or_default();
            // The brace may be that of a type.
            if !text[..open].ends_with("const ") {
                continue;
            }
            let Some(first) = javascript::properties(text, open..at + 1).into_iter().next() else { continue };
            let name = text[first.clone()].split(':').next().unwrap_or_default().to_owned();
            let edit = Edit::replace(&file, first.start..first.start + name.len(), format!("{name}Missing: {name}"));
            out.push(Mutant::new(format!("{name} in {file}"), vec![edit]));
        }
    }
    out
}

fn modules(base: &Base) -> Vec<(String, &str)> {
    let files = base.plugins().into_iter().flat_map(|plugin| base.modules(&plugin).collect::<Vec<_>>());
    files.map(|file| (file.to_owned(), base.text(file))).collect()
}

/// Changes the schema of each topic of which a payload is written out somewhere.
pub(super) fn schemas(base: &Base, change: fn(&str) -> Option<String>) -> Vec<Mutant> {
    let mut out = Vec::new();
    for (file, text) in schema_files(base) {
        out.extend(change(text).map(|text| Mutant::new(file.clone(), vec![Edit::write(&file, text)])));
    }
    out
}

fn schema_files(base: &Base) -> Vec<(String, &str)> {
    let literal = |place: &&Place| payload(base, place).is_some() && place.kind != FactKind::Reply;
    let sites = base.of(&[FactKind::Publish, FactKind::Request]).filter(literal);
    let topics: std::collections::BTreeSet<&str> = sites.filter_map(Place::topic).collect();
    let file = |topic: &str| format!("{}/contracts/{topic}.json", topic.split('.').next().unwrap_or_default());
    topics.into_iter().map(|topic| (file(topic), base.text(&file(topic)))).collect()
}

pub(super) fn dropped(text: &str) -> Option<String> {
    let mut schema: Value = serde_json::from_str(text).ok()?;
    if schema["additionalProperties"] != false {
        return None;
    }
    let name = schema["required"].as_array()?.first()?.as_str()?.to_owned();
    schema["required"].as_array_mut()?.remove(0);
    schema["properties"].as_object_mut()?.remove(&name)?;
    Some(schema.to_string())
}

fn misnamed(text: &str) -> Option<String> {
    text.contains("\"type\": \"string\"").then(|| text.replacen("\"type\": \"string\"", "\"type\": \"strng\"", 1))
}

fn schema_missing(base: &Base) -> Vec<Mutant> {
    let remove = |(file, _): (String, &str)| Mutant::new(file.clone(), vec![Edit::Remove { file }]);
    schema_files(base).into_iter().map(remove).collect()
}
