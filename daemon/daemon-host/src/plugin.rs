//! A plugin as the host runs it: its manifest and the frame that loads it into a worker.

use crate::api::HostError;
use crate::budget::{self, Sources};
use crate::contracts::Contracts;
use crate::meter::PluginMeter;
use crate::settings::Said;
use contract_graph::{PluginView, Promise, TrustedUse};
use contract_model::collection::Collection;
use contract_model::manifest::{Manifest, TopicKind};
use contract_model::{ErrorCode, Permission, TopicName, TopicPattern};
use contract_parse::{FactKind, ParsedPlugin};
use daemon_frame::{Budget, License, Load, Module, Promised, PromisedCall, ToWorker, TopicFacts};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

/// A plugin that can be loaded into workers.
#[derive(Debug)]
pub(crate) struct Plugin {
    pub(crate) manifest: Manifest,
    pub(crate) parsed: ParsedPlugin,
    /// The encoded `Load` frame.
    pub(crate) load: Vec<u8>,
    /// What its code promised to publish; the worker is told the same.
    promised: Option<Promised>,
    /// What it was refused because its manifest does not ask for it, since the daemon started.
    denied: AtomicU64,
    pub(crate) meter: PluginMeter,
    /// What one of its calls may use.
    pub(crate) budget: Budget,
}

impl Plugin {
    /// Whether its manifest says that it publishes events of a topic.
    pub(crate) fn publishes(&self, topic: &TopicName) -> bool {
        let says = |values: &[TopicName], pattern: &TopicPattern| {
            if values.is_empty() { pattern.matches(topic.as_str()) } else { values.contains(topic) }
        };
        self.manifest.publishes.iter().any(|entry| says(&entry.value.values, &entry.value.topic))
    }

    /// Prepares a plugin whose sources the checker has accepted.
    pub(crate) fn prepare(parsed: &ParsedPlugin, contracts: &Contracts, said: &Said) -> Result<Self, HostError> {
        let invalid =
            |why: String| HostError::new(ErrorCode::PluginInvalid, format!("the plugin in {} {why}", parsed.folder));
        let manifest = parsed.manifest.clone().ok_or_else(|| invalid("has no readable plugin.yaml".to_owned()))?;
        let load = load_frame(parsed, &manifest, contracts, said)?;
        let (promised, budget) = (load.promised_publishes.clone(), load.budget);
        let frame =
            daemon_frame::encode(&ToWorker::Load(Box::new(load))).map_err(|error| invalid(error.to_string()))?;
        Ok(Self {
            manifest,
            parsed: parsed.clone(),
            load: frame,
            promised,
            denied: AtomicU64::new(0),
            meter: PluginMeter::default(),
            budget,
        })
    }

    /// The plugin's slug.
    pub(crate) fn slug(&self) -> &str {
        self.manifest.slug.value.as_str()
    }

    /// Its own collections.
    pub(crate) fn collections(&self) -> &[Collection] {
        self.parsed.collections.as_ref().map_or(&[], |all| &all.collections)
    }

    /// Whether it owns the collection.
    pub(crate) fn owns(&self, collection: &str) -> bool {
        self.collections().iter().any(|own| own.name == collection)
    }

    /// Whether it may read the collection: its own, or another's that the manifest asks for.
    pub(crate) fn may_read(&self, collection: &str) -> bool {
        let own = self.owns(collection) && self.manifest.permits(&Permission::OwnRecords);
        own || self.manifest.permits(&Permission::ReadRecords(collection.to_owned()))
    }

    /// Refuses a topic that its code promised not to publish. Not for replies, whose topics are the contract's.
    pub(crate) fn keep_promise(&self, topic: &str) -> Result<(), HostError> {
        // Which call it was only the worker knows, and has asked.
        let kept = self.promised.as_ref().map_or(Ok(()), |promised| promised.keep(topic, "published", &[]));
        kept.map_err(|text| HostError::new(ErrorCode::TopicUnpromised, text).of_plugin(self.slug()))
    }

    /// Refuses what the manifest's permissions do not allow.
    pub(crate) fn demand(&self, permission: &Permission, what: &str) -> Result<(), HostError> {
        if self.manifest.permits(permission) {
            return Ok(());
        }
        let text = format!(
            "plugin `{}` may not {what}: its plugin.yaml does not list `{permission}` under `permissions`",
            self.slug()
        );
        Err(self.denied(text))
    }

    /// A refusal for want of a permission, counted.
    pub(crate) fn denied(&self, text: String) -> HostError {
        self.count_denied(1);
        HostError::new(ErrorCode::PermissionDenied, text).of_plugin(self.slug())
    }

    /// Its worker refused so many calls for want of a permission.
    pub(crate) fn count_denied(&self, count: u32) {
        self.denied.fetch_add(u64::from(count), Ordering::Relaxed);
    }

    /// How often it was refused something for want of a permission.
    pub(crate) fn denials(&self) -> u64 {
        self.denied.load(Ordering::Relaxed)
    }
}

pub(crate) fn load_frame(
    parsed: &ParsedPlugin,
    manifest: &Manifest,
    contracts: &Contracts,
    said: &Said,
) -> Result<Load, HostError> {
    let trusted = PluginView { index: 0, parsed }.trusted();
    Ok(Load {
        slug: manifest.slug.value.as_str().to_owned(),
        version: manifest.version.value.to_string(),
        entry: manifest.entry.as_ref().map_or_else(|| "src/main.js".to_owned(), |entry| entry.value.clone()),
        modules: modules(parsed, &parsed.modules)?,
        collections: parsed.collections.iter().flat_map(|all| all.collections.clone()).collect(),
        consumes: manifest.consumes.iter().map(|entry| entry.value.topic.as_str().to_owned()).collect(),
        publishes: published_topics(manifest, contracts),
        publishes_patterns: published_patterns(manifest),
        promised_publishes: trusted
            .promise(&[FactKind::Publish, FactKind::Request])
            .map(|all| promised(all, &parsed.folder)),
        promised_consumes: trusted.promise(&[FactKind::Subscribe]).map(|all| promised(all, &parsed.folder)),
        replies: replies(manifest, contracts),
        provides: manifest.provides.iter().map(|offer| offer.value.name.clone()).collect(),
        uses: manifest.uses.iter().map(|used| used.value.name.clone()).collect(),
        granted: manifest.granted().iter().map(ToString::to_string).collect(),
        config: Value::Object(said.config(parsed, manifest)?),
        license: License::default(),
        rehearses: false,
        budget: budget::budget(Sources {
            set: Some(&said.limits),
            suite: contracts.limits(manifest.slug.value.as_str()),
        }),
    })
}

/// Modules as the engine takes them; TypeScript has its types blanked out, so places stay the author's.
pub(crate) fn modules(parsed: &ParsedPlugin, wanted: &[String]) -> Result<Vec<Module>, HostError> {
    let is_json = |path: &&String| std::path::Path::new(path.as_str()).extension().is_some_and(|ext| ext == "json");
    let mut paths: Vec<&String> = wanted.iter().collect();
    paths.extend(parsed.texts.keys().filter(is_json));
    paths.sort();
    paths.dedup();
    let mut modules = Vec::with_capacity(paths.len());
    for path in paths {
        let Some(text) = parsed.texts.get(path) else { continue };
        let source = contract_parse::runnable(path, text).map_err(|problems| {
            let first = problems
                .first()
                .map_or_else(String::new, |p| format!("{}:{}: {}", p.location.line, p.location.column, p.message));
            HostError::new(ErrorCode::PluginInvalid, format!("{}/{path}:{first}", parsed.folder))
        })?;
        modules.push(Module { path: path.clone(), source });
    }
    Ok(modules)
}

fn published_topics(manifest: &Manifest, contracts: &Contracts) -> BTreeMap<String, TopicFacts> {
    let names = manifest.publishes.iter().flat_map(|entry| {
        let exact = entry.value.topic.as_exact();
        entry.value.values.iter().cloned().chain(exact).collect::<Vec<TopicName>>()
    });
    names
        .map(|name| {
            let idempotency = contracts.topic(&name).map(|topic| topic.idempotency.clone()).unwrap_or_default();
            let schema = contracts.topic(&name).and_then(|topic| topic.schema.as_ref());
            (name.as_str().to_owned(), TopicFacts { idempotency, schema: schema.map(|schema| schema.source().clone()) })
        })
        .collect()
}

fn published_patterns(manifest: &Manifest) -> Vec<String> {
    let open = manifest
        .publishes
        .iter()
        .filter(|entry| entry.value.values.is_empty() && entry.value.topic.as_exact().is_none());
    open.map(|entry| entry.value.topic.as_str().to_owned()).collect()
}

fn promised(promise: Promise, folder: &str) -> Promised {
    let call = |one: TrustedUse| {
        let (at, trusted) = (&one.location, one.is_trusted());
        let file = at.file.strip_prefix(folder).map_or(at.file.as_str(), |file| file.trim_start_matches('/'));
        PromisedCall {
            file: file.to_owned(),
            from: (at.line, at.column),
            to: (at.end_line, at.end_column),
            topics: one.allowed.to_vec(),
            trusted,
            place: format!("{}:{}", at.file, at.line),
        }
    };
    Promised { calls: promise.calls.into_iter().map(call).collect(), open: promise.open }
}

/// The requests that this plugin answers, with their reply topics.
fn replies(manifest: &Manifest, contracts: &Contracts) -> BTreeMap<String, (String, Option<String>)> {
    let consumed = manifest.consumes.iter().filter_map(|entry| entry.value.topic.as_exact());
    consumed
        .filter_map(|name| {
            let topic = contracts.topic(&name).filter(|topic| topic.kind == TopicKind::Request)?;
            let replies = topic.replies.as_ref()?;
            let error = replies.error.as_ref().map(|error| error.value.as_str().to_owned());
            Some((name.as_str().to_owned(), (replies.ok.value.as_str().to_owned(), error)))
        })
        .collect()
}
