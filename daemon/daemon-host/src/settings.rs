//! What an operator says of a plugin: its settings, and whether it is to run at all. Kept over restarts.

use crate::api::{HostError, PluginState, PluginStatus};
use crate::budget;
use crate::clock;
use crate::contracts::compile_file;
use crate::host::{Host, Inner};
use crate::reader::{refused, store_error};
use crate::reload::Reload;
use crate::secret;
use contract_model::ErrorCode;
use contract_model::manifest::Manifest;
use contract_parse::ParsedPlugin;
use contract_schema::Violation;
use daemon_store::{ReadSet, Scope, Unit};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::sync::Arc;

/// What an operator has said of a plugin.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Said {
    /// It is not to run.
    pub(crate) disabled: bool,
    /// Settings, by name.
    pub(crate) settings: Map<String, Value>,
    /// Limits of its calls, by name.
    pub(crate) limits: Map<String, Value>,
}

/// What an operator wants of a plugin.
#[derive(Debug, Clone, PartialEq)]
pub enum Wish {
    /// It runs.
    Enable,
    /// It does not run; its data and what comes for it stay.
    Disable {
        /// Plugins that use its capabilities cannot keep it.
        force: bool,
    },
    /// It has these settings and no others.
    Replace(Map<String, Value>),
    /// These of its settings change; those that are null go back to their defaults.
    Change(Map<String, Value>),
    /// These limits of its calls change; those that are null go back to their defaults.
    Limit(Map<String, Value>),
}

/// The settings of a plugin as an operator sees them.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Settings {
    /// The plugin's config.schema.json; null where it has none.
    pub schema: Value,
    /// All settings that have a value. One that may hold what the schema calls `writeOnly` is not shown: it is null.
    pub values: Map<String, Value>,
    /// The names of those that an operator has set.
    pub set: Vec<String>,
    /// What stands in the way of the plugin; null where it can run.
    pub problem: Option<String>,
}

impl Said {
    pub(crate) fn of(inner: &Inner, slug: &str) -> Result<Self, HostError> {
        let kept = inner.view()?.meta(&key(slug)).map_err(|error| store_error(&error))?;
        let damaged = |error| HostError::new(ErrorCode::Internal, format!("what is kept of plugin `{slug}`: {error}"));
        kept.map(serde_json::from_value).transpose().map(Option::unwrap_or_default).map_err(damaged)
    }

    async fn keep(&self, inner: &Arc<Inner>, slug: &str) -> Result<(), HostError> {
        let value =
            serde_json::to_value(self).map_err(|error| HostError::new(ErrorCode::Internal, error.to_string()))?;
        let mut unit = Unit::new(Scope::System, clock::now_ms());
        unit.meta.push((key(slug), Some(value)));
        let decided = inner.store.decide(unit, ReadSet::default()).map_err(|error| refused(&error))?;
        decided.synced.await.map_err(|error| store_error(&error))
    }

    fn after(&self, wish: &Wish) -> Self {
        let mut said = self.clone();
        match wish {
            Wish::Enable => said.disabled = false,
            Wish::Disable { .. } => said.disabled = true,
            Wish::Replace(settings) => said.settings.clone_from(settings),
            Wish::Change(changes) => {
                said.settings.extend(changes.clone());
                said.settings.retain(|_, value| !value.is_null());
            }
            Wish::Limit(changes) => {
                said.limits.extend(changes.clone());
                said.limits.retain(|_, value| !value.is_null());
            }
        }
        said
    }

    /// The settings in force: the defaults, and over them what an operator has set.
    pub(crate) fn config(&self, parsed: &ParsedPlugin, manifest: &Manifest) -> Result<Map<String, Value>, HostError> {
        let schema = schema(parsed, manifest)?;
        let properties = schema.get("properties").and_then(Value::as_object).into_iter().flatten();
        let defaults = properties.filter_map(|(name, field)| Some((name.clone(), field.get("default")?.clone())));
        Ok(defaults.chain(self.settings.clone()).collect())
    }

    /// What is wrong with the settings in force.
    pub(crate) fn problem(&self, parsed: &ParsedPlugin, manifest: &Manifest) -> Result<Option<String>, HostError> {
        let config = Value::Object(self.config(parsed, manifest)?);
        let Some(path) = &manifest.config else { return Ok(None) };
        let schema = compile_file(&manifest.slug.value, parsed, &path.value)?;
        let fault = schema.validate_secret(&config).err();
        Ok(fault.map(|violations| told(&violations)))
    }

    /// Why a plugin is not to be started, if it is not.
    pub(crate) fn idle(&self, parsed: &ParsedPlugin) -> Result<Option<(PluginState, String)>, HostError> {
        let Some(manifest) = &parsed.manifest else { return Ok(None) };
        if self.disabled {
            return Ok(Some((PluginState::Disabled, "an operator has disabled it".to_owned())));
        }
        let problem = self.problem(parsed, manifest)?;
        Ok(problem.map(|problem| {
            (
                PluginState::PendingConfig,
                format!("{problem}; `trunkline plugin config {}` sets them", manifest.slug.value),
            )
        }))
    }
}

fn key(slug: &str) -> String {
    format!("plugin/{slug}")
}

/// The schema of a plugin's settings; null where it has none.
fn schema(parsed: &ParsedPlugin, manifest: &Manifest) -> Result<Value, HostError> {
    let Some(path) = &manifest.config else { return Ok(Value::Null) };
    let place = format!("{}/{}", parsed.folder, path.value);
    let invalid = |why: String| HostError::new(ErrorCode::PluginInvalid, format!("the settings' schema {place} {why}"));
    let text = parsed.texts.get(&path.value).ok_or_else(|| invalid("is missing".to_owned()))?;
    serde_json::from_str(text).map_err(|error| invalid(format!("is not JSON: {error}")))
}

impl Host {
    /// The settings of a plugin.
    pub fn settings(&self, slug: &str) -> Result<Settings, HostError> {
        let inner = &self.0;
        let parsed = inner.parsed(slug)?;
        let manifest = parsed.manifest.as_ref().ok_or_else(|| missing(slug))?;
        let said = Said::of(inner, slug)?;
        let schema = schema(&parsed, manifest)?;
        let mut values = said.config(&parsed, manifest)?;
        for (name, value) in &mut values {
            if secret::is_secret(&schema, name) {
                *value = Value::Null;
            }
        }
        let set = said.settings.keys().cloned().collect();
        Ok(Settings { problem: said.problem(&parsed, manifest)?, schema, values, set })
    }

    /// Does what an operator wants of a plugin and puts it in force; on disk by the time it is told. Where the plugin
    /// cannot be started that way, everything stays as it was.
    pub async fn wish(&self, slug: &str, wish: &Wish) -> Result<PluginStatus, HostError> {
        let inner = &self.0;
        let parsed = inner.parsed(slug)?;
        let manifest = parsed.manifest.as_ref().ok_or_else(|| missing(slug))?;
        let _one = inner.wishing.lock().await;
        let before = Said::of(inner, slug)?;
        let said = before.after(wish);
        if let Wish::Replace(given) | Wish::Change(given) = wish {
            refuse_unfit(&parsed, manifest, &said, given)?;
        }
        if let Wish::Limit(given) = wish {
            budget::refuse_unfit(given)?;
        }
        said.keep(inner, slug).await?;
        let force = matches!(wish, Wish::Disable { force: true });
        let reloaded = match self.reload_for(slug, force).await {
            Ok(reloaded) => reloaded,
            Err(error) => {
                before.keep(inner, slug).await?;
                return Err(error);
            }
        };
        let refused = reloaded.into_iter().find_map(|one| match one.what {
            Reload::Refused(error) if one.slug == slug => Some(*error),
            _ => None,
        });
        if let Some(error) = refused {
            before.keep(inner, slug).await?;
            self.reload_for(slug, false).await?;
            return Err(error);
        }
        self.plugins().into_iter().find(|plugin| plugin.slug == slug).ok_or_else(|| missing(slug))
    }
}

/// Keeps settings of a plugin that has not begun yet, as an operator would have set them.
pub(crate) async fn set(inner: &Arc<Inner>, slug: &str, given: Map<String, Value>) -> Result<(), HostError> {
    let parsed = inner.parsed(slug)?;
    let manifest = parsed.manifest.as_ref().ok_or_else(|| missing(slug))?;
    let wish = Wish::Change(given.clone());
    let said = Said::of(inner, slug)?.after(&wish);
    refuse_unfit(&parsed, manifest, &said, &given)?;
    said.keep(inner, slug).await
}

/// Refuses what the schema does not know or take. That something is still missing is no fault: it may follow.
fn refuse_unfit(
    parsed: &ParsedPlugin,
    manifest: &Manifest,
    said: &Said,
    given: &Map<String, Value>,
) -> Result<(), HostError> {
    let schema = schema(parsed, manifest)?;
    let invalid = |text: String| HostError::new(ErrorCode::BodyInvalid, text);
    let known = |name: &String| schema["properties"].get(name).is_some();
    if let Some(name) = given.keys().find(|name| !known(name)) {
        let slug = &manifest.slug.value;
        return Err(invalid(format!(
            "plugin `{slug}` has no setting `{name}`; its config.schema.json says which there are"
        )));
    }
    let Some(path) = &manifest.config else { return Ok(()) };
    let compiled = compile_file(&manifest.slug.value, parsed, &path.value)?;
    let config = Value::Object(said.config(parsed, manifest)?);
    let Err(violations) = compiled.validate_secret(&config) else { return Ok(()) };
    let touched = |at: &str| given.keys().any(|name| at == format!("/{name}") || at.starts_with(&format!("/{name}/")));
    let wrong: Vec<_> = violations.into_iter().filter(|one| touched(&one.pointer)).collect();
    if wrong.is_empty() { Ok(()) } else { Err(invalid(told(&wrong))) }
}

pub(crate) fn missing(slug: &str) -> HostError {
    HostError::new(ErrorCode::NotFound, format!("there is no plugin `{slug}`"))
}

/// What settings break, in a sentence. It reaches logs and whoever lists plugins, so the violations must tell no value.
fn told(violations: &[Violation]) -> String {
    const TOLD_MAX: usize = 3;
    let all: Vec<&str> = violations.iter().take(TOLD_MAX).map(|one| one.message.as_str()).collect();
    format!("its settings do not fit its config.schema.json: {}", all.join("; "))
}
