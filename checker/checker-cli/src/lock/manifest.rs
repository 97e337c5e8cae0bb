//! The parts of a manifest that other plugins rely on, as plugin.yaml writes them.

use contract_model::manifest::{Consumes, Form, Manifest, Publishes, TopicContract, TopicKind, Used, Visibility};
use serde_json::{Map, Value, json};

/// The manifest without texts, roles, prices, permissions and exceptions.
pub(super) fn shown(manifest: &Manifest) -> Value {
    let mut out = json!({
        "manifest": 1,
        "slug": manifest.slug.value.as_str(),
        "name": manifest.name,
        "version": manifest.version.value.to_string(),
        "form": form(manifest.form),
    });
    let topics: Map<String, Value> =
        manifest.topics.iter().map(|(name, contract)| (name.to_string(), topic(contract))).collect();
    let requires: Map<String, Value> =
        manifest.requires.iter().map(|(slug, range)| (slug.clone(), json!(range.value.to_string()))).collect();
    let provides: Vec<Value> = manifest
        .provides
        .iter()
        .map(|one| json!({"name": one.value.name, "version": one.value.version.to_string()}))
        .collect();
    let uses: Vec<Value> = manifest.uses.iter().map(|one| used(&one.value)).collect();
    put(&mut out, "min_core", manifest.min_core.as_ref().map(|core| json!(core.value.to_string())));
    put(&mut out, "topics", (!topics.is_empty()).then_some(Value::Object(topics)));
    put(&mut out, "publishes", list(manifest.publishes.iter().map(|one| publishes(&one.value))));
    put(&mut out, "consumes", list(manifest.consumes.iter().map(|one| consumes(&one.value))));
    put(&mut out, "requires", (!requires.is_empty()).then_some(Value::Object(requires)));
    let any = !provides.is_empty() || !uses.is_empty();
    put(&mut out, "capabilities", any.then(|| json!({"provides": provides, "consumes": uses})));
    out
}

fn put(object: &mut Value, key: &str, value: Option<Value>) {
    if let (Some(fields), Some(value)) = (object.as_object_mut(), value) {
        fields.insert(key.to_owned(), value);
    }
}

/// A list without order, sorted; none where it is empty.
fn list(items: impl Iterator<Item = Value>) -> Option<Value> {
    let mut items: Vec<Value> = items.collect();
    items.sort_by_key(ToString::to_string);
    (!items.is_empty()).then_some(Value::Array(items))
}

fn topic(contract: &TopicContract) -> Value {
    let mut out = json!({"kind": kind(contract.kind), "visibility": visibility(contract.visibility)});
    put(&mut out, "version", contract.version.as_ref().map(|version| json!(version.to_string())));
    put(&mut out, "schema", contract.schema.as_ref().map(|file| json!(file.value)));
    put(&mut out, "compatibility", contract.compatibility.map(|mode| json!(mode.as_str())));
    put(&mut out, "key", contract.key.as_ref().map(|key| json!(key.value)));
    put(&mut out, "idempotency", list(contract.idempotency.iter().map(|field| json!(field.value))));
    put(&mut out, "publishers", list(contract.publishers.iter().map(|slug| json!(slug.as_str()))));
    let replies = contract.replies.as_ref().map(|replies| match &replies.error {
        Some(error) => json!({"ok": replies.ok.value.as_str(), "error": error.value.as_str()}),
        None => json!({"ok": replies.ok.value.as_str()}),
    });
    put(&mut out, "replies", replies);
    put(&mut out, "timeout", contract.timeout.map(|timeout| json!(format!("{}ms", timeout.0))));
    put(&mut out, "exclusive", contract.exclusive.then_some(json!(true)));
    let deprecated = contract.deprecated.as_ref().map(|deprecated| {
        let mut out = json!({});
        put(&mut out, "since", deprecated.since.as_ref().map(|since| json!(since)));
        put(&mut out, "sunset", deprecated.sunset.as_ref().map(|day| json!(day)));
        put(&mut out, "use", deprecated.instead.as_ref().map(|topic| json!(topic.as_str())));
        out
    });
    put(&mut out, "deprecated", deprecated);
    out
}

fn publishes(entry: &Publishes) -> Value {
    match list(entry.values.iter().map(|value| json!(value.as_str()))) {
        None => json!(entry.topic.as_str()),
        Some(values) => json!({"pattern": entry.topic.as_str(), "values": values}),
    }
}

fn consumes(entry: &Consumes) -> Value {
    let mut out = json!({"topic": entry.topic.as_str()});
    put(&mut out, "range", entry.range.as_ref().map(|range| json!(range.to_string())));
    put(&mut out, "optional", entry.optional.then_some(json!(true)));
    put(&mut out, "reason", entry.reason.as_ref().map(|reason| json!(reason)));
    out
}

fn used(used: &Used) -> Value {
    let mut out = json!({"name": used.name});
    put(&mut out, "range", used.range.as_ref().map(|range| json!(range.to_string())));
    put(&mut out, "optional", used.optional.then_some(json!(true)));
    out
}

fn form(form: Form) -> &'static str {
    match form {
        Form::Bundle => "bundle",
        Form::Sidecar => "sidecar",
        Form::Native => "native",
    }
}

fn kind(kind: TopicKind) -> &'static str {
    match kind {
        TopicKind::Event => "event",
        TopicKind::Request => "request",
        TopicKind::Reply => "reply",
    }
}

fn visibility(visibility: Visibility) -> &'static str {
    match visibility {
        Visibility::Private => "private",
        Visibility::Suite => "suite",
        Visibility::Public => "public",
    }
}
