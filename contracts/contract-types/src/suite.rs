//! The declarations of a suite, or of what one plugin sees of it.

use crate::collection;
use crate::schema::Types;
use crate::seen::{Owned, Seen, json};
use crate::write::{interface, literal, property};
use contract_graph::{PluginView, Suite};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// What stands before everything else.
const HEAD: &str = "// Made by `trunkline types` from the manifests, schemas and code of the suite. Do not edit.\n";

/// The declarations of all of a suite, or of what the plugin with this slug may use. None where there is no such plugin.
pub fn declarations(suite: &Suite, plugin: Option<&str>) -> Option<String> {
    let seen = Seen::of(suite, plugin)?;
    let mut payloads = Payloads::default();
    let parts = [
        plugin.map(|_| own(&seen)).unwrap_or_default(),
        topics(&seen, &mut payloads),
        records(&seen),
        settings(&seen, plugin.is_some(), &mut payloads),
        schema_files(&seen, plugin.is_some(), &mut payloads),
        verbs(&seen, &mut payloads),
    ];
    let body: String = parts.concat();
    let types = payloads.types.into_text();
    Some(format!("{HEAD}declare namespace Trunkline {{\n{body}\n  namespace Types {{\n{types}  }}\n}}\n"))
}

/// The types of payloads and other schemas, each declared once.
#[derive(Default)]
struct Payloads {
    types: Types,
    named: BTreeMap<String, String>,
}

impl Payloads {
    fn declare(&mut self, name: &str, schema: &Value) -> String {
        if let Some(known) = self.named.get(name) {
            return format!("Types.{known}");
        }
        let declared = self.types.declare(name, schema, "    ");
        self.named.insert(name.to_owned(), declared.clone());
        format!("Types.{declared}")
    }

    /// The payload of a topic; anything where its contract has no schema, or is not of this suite.
    fn of_topic(&mut self, name: &str, seen: &Seen<'_>) -> String {
        let schema = seen.topics.get(name).copied().and_then(Owned::schema);
        schema.map_or_else(|| "any".to_owned(), |schema| self.declare(name, &schema))
    }
}

/// Which plugin it is.
fn own(seen: &Seen<'_>) -> String {
    let facts = seen.plugins.iter().filter_map(|plugin| plugin.manifest());
    let members: Vec<String> = facts
        .flat_map(|manifest| {
            let slug = format!("    slug: {};", literal(manifest.slug.value.as_str()));
            let roles: BTreeSet<String> = manifest.roles.iter().map(|role| literal(&role.value.name)).collect();
            let roles = (!roles.is_empty()).then(|| roles.into_iter().collect::<Vec<_>>().join(" | "));
            std::iter::once(slug).chain(roles.map(|roles| format!("    role: {roles};")))
        })
        .collect();
    interface("Own", &members)
}

fn topics(seen: &Seen<'_>, payloads: &mut Payloads) -> String {
    let published = seen.published();
    let publishable = |name: &&str| format!("    {}: {};", property(name), payloads.of_topic(name, seen));
    let payloads_of: Vec<String> = published.iter().map(publishable).collect();
    let requests = published.iter().filter_map(|name| Some((name, seen.topics.get(name)?.replies()?)));
    let requests: Vec<String> = requests
        .map(|(name, replies)| {
            let ok = payloads.of_topic(replies.ok.value.as_str(), seen);
            let error = replies.error.as_ref().map(|error| payloads.of_topic(error.value.as_str(), seen));
            format!("    {}: {{ ok: {ok}; error: {} }};", property(name), error.as_deref().unwrap_or("never"))
        })
        .collect();
    let heard: Vec<String> = seen
        .consumed()
        .iter()
        .map(|pattern| {
            let all: Vec<String> = seen.under(pattern).map(|name| delivery(name, seen, payloads)).collect();
            let all = if all.is_empty() { vec!["Delivery<string, any>".to_owned()] } else { all };
            format!("    {}: {};", property(pattern), all.join(" | "))
        })
        .collect();
    interface("Publishes", &payloads_of) + &interface("Requests", &requests) + &interface("Consumes", &heard)
}

fn delivery(name: &str, seen: &Seen<'_>, payloads: &mut Payloads) -> String {
    let payload = payloads.of_topic(name, seen);
    let topic = literal(name);
    match seen.topics.get(name).and_then(|owned| owned.replies()) {
        None => format!("Delivery<{topic}, {payload}>"),
        Some(replies) => {
            let ok = payloads.of_topic(replies.ok.value.as_str(), seen);
            let error = replies.error.as_ref().map(|error| payloads.of_topic(error.value.as_str(), seen));
            format!("RequestDelivery<{topic}, {payload}, {ok}, {}>", error.as_deref().unwrap_or("never"))
        }
    }
}

fn records(seen: &Seen<'_>) -> String {
    let (written, read) = (seen.written(), seen.read());
    let entries = |all: &BTreeMap<&str, &contract_model::collection::Collection>| {
        all.values().map(|one| collection::entry(one)).collect::<Vec<_>>()
    };
    let declared: String = read.values().map(|one| collection::records(one)).collect();
    interface("Collections", &entries(&read)) + &interface("OwnCollections", &entries(&written)) + &declared
}

/// What `$app.config` holds: what has a default is always there.
fn settings(seen: &Seen<'_>, is_one: bool, payloads: &mut Payloads) -> String {
    if !is_one {
        return interface("Config", &["    [name: string]: any;".to_owned()]);
    }
    let schema = seen.plugins.iter().find_map(|plugin| json(*plugin, &plugin.manifest()?.config.as_ref()?.value));
    let Some(mut schema) = schema else { return interface("Config", &[]) };
    let always: Vec<Value> = schema["properties"]
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(_, field)| field.get("default").is_some())
        .map(|(name, _)| Value::from(name.as_str()))
        .collect();
    if let Some(fields) = schema.as_object_mut() {
        let required = fields.entry("required").or_insert_with(|| Value::Array(Vec::new()));
        required.as_array_mut().into_iter().for_each(|required| required.extend(always.iter().cloned()));
    }
    let name = payloads.declare("settings", &schema);
    interface(&format!("Config extends {name}"), &[])
}

/// The files that options of verbs may name.
fn schema_files(seen: &Seen<'_>, is_one: bool, payloads: &mut Payloads) -> String {
    let mut members = Vec::new();
    for plugin in seen.plugins.iter().filter(|_| is_one) {
        for path in plugin.parsed.texts.keys() {
            let schema = json(*plugin, path).filter(is_schema);
            members.extend(schema.map(|schema| {
                let declared = payloads.declare(&file_key(seen, *plugin, path), &schema);
                format!("    {}: {declared};", property(path))
            }));
        }
    }
    interface("SchemaFiles", &members)
}

fn is_schema(value: &Value) -> bool {
    value["$schema"].as_str().is_some_and(|dialect| dialect.contains("json-schema.org"))
}

/// A contract goes by its topic wherever it is met, another file by its path.
fn file_key(seen: &Seen<'_>, plugin: PluginView<'_>, path: &str) -> String {
    let topics = plugin.manifest().into_iter().flat_map(|manifest| &manifest.topics);
    let own = topics.filter(|(_, contract)| contract.schema.as_ref().is_some_and(|schema| schema.value == path));
    let own = own.map(|(name, _)| name.as_str().to_owned()).find(|name| seen.topics.contains_key(name.as_str()));
    let stem = path.strip_suffix(".json").unwrap_or(path).rsplit('/').next().unwrap_or_default();
    own.unwrap_or_else(|| format!("{} {stem}", plugin.slug()))
}

/// What each verb takes and gives, for whoever calls it.
fn verbs(seen: &Seen<'_>, payloads: &mut Payloads) -> String {
    let members: Vec<String> = seen
        .verbs()
        .into_iter()
        .map(|(name, (plugin, fact))| {
            let mut of = |option: &str| {
                let path = fact.options.get(option)?;
                let schema = json(plugin, path)?;
                Some(payloads.declare(&file_key(seen, plugin, path), &schema))
            };
            let (body, data) = (of("request"), of("response"));
            let any = || "any".to_owned();
            format!(
                "    {}: {{ body: {}; data: {} }};",
                property(&name),
                body.unwrap_or_else(any),
                data.unwrap_or_else(any)
            )
        })
        .collect();
    interface("Verbs", &members)
}
