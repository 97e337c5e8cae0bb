//! The suite's contracts as the running daemon needs them: who owns a topic, what its payload must look like.

use crate::api::HostError;
use contract_model::manifest::{Manifest, Replies, RetryPolicy, TopicContract, TopicKind, Visibility};
use contract_model::suite::{PluginLimits, SuiteManifest};
use contract_model::{ErrorCode, Millis, PluginSlug, TopicName, TopicPattern, job};
use contract_parse::ParsedPlugin;
use contract_schema::Schema;
use indexmap::IndexMap;
use serde_json::Value;
use std::collections::HashMap;
use std::sync::Arc;

/// One topic in force.
#[derive(Debug)]
pub(crate) struct Topic {
    /// The plugins that may publish it: its owner and those that the owner grants. Anyone may ask a request.
    publishers: Vec<PluginSlug>,
    pub(crate) kind: TopicKind,
    pub(crate) visibility: Visibility,
    pub(crate) schema: Option<Schema>,
    pub(crate) key: Option<String>,
    pub(crate) idempotency: Vec<String>,
    pub(crate) retry: RetryPolicy,
    pub(crate) replies: Option<Replies>,
    pub(crate) timeout: Option<Millis>,
    pub(crate) ttl: Option<Millis>,
    pub(crate) retain: Option<Millis>,
}

/// A topic without a contract: nobody may publish it, and no client hears it.
impl Default for Topic {
    fn default() -> Self {
        Self {
            publishers: Vec::new(),
            kind: TopicKind::Event,
            visibility: Visibility::Private,
            schema: None,
            key: None,
            idempotency: Vec::new(),
            retry: RetryPolicy::default(),
            replies: None,
            timeout: None,
            ttl: None,
            retain: None,
        }
    }
}

/// What a suite says beside its plugins.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SuiteTerms {
    /// Topics that enter from outside.
    pub external: Vec<TopicPattern>,
    /// What calls of some plugins may use, where it is not the usual.
    pub limits: Vec<PluginLimits>,
}

impl From<&SuiteManifest> for SuiteTerms {
    fn from(manifest: &SuiteManifest) -> Self {
        let external = manifest.external.iter().map(|entry| entry.value.topic.clone()).collect();
        Self { external, limits: manifest.limits.clone() }
    }
}

/// All contracts of the loaded suite.
#[derive(Debug, Default)]
pub(crate) struct Contracts {
    topics: HashMap<TopicName, Arc<Topic>>,
    terms: SuiteTerms,
    responders: HashMap<TopicName, PluginSlug>,
    /// What holds for the topics that jobs travel on: nobody publishes them but through `$jobs`.
    jobs: Arc<Topic>,
}

impl Contracts {
    /// Gathers the contracts of all plugins and compiles their schemas.
    pub(crate) fn gather(plugins: &[ParsedPlugin], terms: SuiteTerms) -> Result<Self, HostError> {
        let mut all = Self { terms, ..Self::default() };
        for plugin in plugins {
            if let Some(manifest) = &plugin.manifest {
                all.add(plugin, manifest)?;
            }
        }
        for plugin in plugins.iter().filter_map(|plugin| plugin.manifest.as_ref()) {
            all.note_responder(plugin);
        }
        Ok(all)
    }

    fn add(&mut self, plugin: &ParsedPlugin, manifest: &Manifest) -> Result<(), HostError> {
        let slug = &manifest.slug.value;
        for (name, contract) in &manifest.topics {
            let topic = Topic::compile(slug, plugin, contract)?;
            self.topics.insert(name.clone(), Arc::new(topic));
        }
        Ok(())
    }

    /// A request is answered by the plugin that consumes it by name; patterns are no responders.
    fn note_responder(&mut self, manifest: &Manifest) {
        for consumed in &manifest.consumes {
            let Some(topic) = consumed.value.topic.as_exact() else { continue };
            if self.topics.get(&topic).is_some_and(|topic| topic.kind == TopicKind::Request) {
                self.responders.insert(topic, manifest.slug.value.clone());
            }
        }
    }

    /// The limits that suite.yaml sets for a plugin.
    pub(crate) fn limits(&self, slug: &str) -> Option<&IndexMap<String, u64>> {
        self.terms.limits.iter().find(|one| one.plugin.value.as_str() == slug).map(|one| &one.values)
    }

    /// The contract of a topic.
    pub(crate) fn topic(&self, name: &TopicName) -> Option<&Arc<Topic>> {
        self.topics.get(name)
    }

    /// Whether handled events of any topic go after a time.
    pub(crate) fn retains_for_a_time(&self) -> bool {
        self.topics.values().any(|topic| topic.retain.is_some())
    }

    /// The contract of a topic, or the error that names it.
    pub(crate) fn known_topic(&self, name: &str) -> Result<(TopicName, &Arc<Topic>), HostError> {
        let unknown = || HostError::new(ErrorCode::TopicUnknown, format!("no plugin of the suite owns topic `{name}`"));
        let name = TopicName::new(name).map_err(|error| HostError::new(ErrorCode::TopicUnknown, error.to_string()))?;
        let topic = if job::is_job(&name) { Some(&self.jobs) } else { self.topics.get(&name) };
        let topic = topic.ok_or_else(unknown)?;
        Ok((name, topic))
    }

    /// Whether clients outside may publish the topic.
    pub(crate) fn is_open_to_clients(&self, name: &TopicName, topic: &Topic) -> bool {
        let is_open = topic.visibility == Visibility::Public
            || self.terms.external.iter().any(|pattern| pattern.matches(name.as_str()));
        is_open && !job::is_job(name)
    }

    /// Who answers a request topic.
    pub(crate) fn responder(&self, name: &TopicName) -> Option<&PluginSlug> {
        self.responders.get(name)
    }

    /// How a failing handler of this topic is tried again.
    pub(crate) fn retry_policy(&self, name: &TopicName) -> RetryPolicy {
        self.topics.get(name).map_or_else(RetryPolicy::default, |topic| topic.retry)
    }

    /// Whether what a plugin consumes is tried again as these other contracts say.
    pub(crate) fn retries_as(&self, other: &Self, manifest: &Manifest) -> bool {
        let mut heard = self.topics.keys().filter(|name| manifest.may_consume(&TopicPattern::from((*name).clone())));
        heard.all(|name| self.retry_policy(name) == other.retry_policy(name))
    }

    /// All topics, for subscriptions by pattern.
    pub(crate) fn names(&self) -> impl Iterator<Item = &TopicName> {
        self.topics.keys()
    }
}

impl Topic {
    fn compile(slug: &PluginSlug, plugin: &ParsedPlugin, contract: &TopicContract) -> Result<Self, HostError> {
        let schema = match &contract.schema {
            None => None,
            Some(path) => Some(compile_file(slug, plugin, &path.value)?),
        };
        Ok(Self {
            publishers: std::iter::once(slug.clone()).chain(contract.publishers.iter().cloned()).collect(),
            kind: contract.kind,
            visibility: contract.visibility,
            schema,
            key: contract.key.as_ref().map(|key| key.value.clone()),
            idempotency: contract.idempotency.iter().map(|pointer| pointer.value.clone()).collect(),
            retry: contract.retry,
            replies: contract.replies.clone(),
            timeout: contract.timeout,
            ttl: contract.ttl,
            retain: contract.retain,
        })
    }

    /// Whether this plugin may publish the topic.
    pub(crate) fn may_be_published_by(&self, slug: &str) -> bool {
        self.kind == TopicKind::Request || self.publishers.iter().any(|publisher| publisher.as_str() == slug)
    }

    /// What orders delivery: the text at the contract's key pointer, else nothing (the tenant alone).
    pub(crate) fn order_key(&self, payload: &Value) -> String {
        self.key.as_ref().and_then(|pointer| payload.pointer(pointer)).map_or_else(String::new, value_text)
    }

    /// The key under which publishing again is recognised, if the contract names one.
    pub(crate) fn idempotency_key(&self, payload: &Value) -> Option<String> {
        if self.idempotency.is_empty() {
            return None;
        }
        let parts: Option<Vec<String>> = self
            .idempotency
            .iter()
            .map(|pointer| payload.pointer(pointer).filter(|value| !value.is_null()).map(value_text))
            .collect();
        parts.map(|parts| parts.join("/"))
    }
}

/// Compiles a schema file of a plugin.
pub(crate) fn compile_file(slug: &PluginSlug, plugin: &ParsedPlugin, path: &str) -> Result<Schema, HostError> {
    let place = format!("{}/{path}", plugin.folder);
    let invalid = |why: String| {
        HostError::new(ErrorCode::PluginInvalid, format!("the schema {place} {why}")).of_plugin(slug.as_str())
    };
    let text = plugin.texts.get(path).ok_or_else(|| invalid("is missing".to_owned()))?;
    Schema::compile(text, &place).map_err(|error| invalid(format!("does not compile: {error}")))
}

fn value_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
