//! The limits of a plugin's calls: the usual ones, and over them what an operator has set.

use crate::api::HostError;
use crate::host::Host;
use crate::settings::{Said, missing};
use crate::usage::HandlerUsage;
use contract_model::ErrorCode;
use contract_model::limits::WORKER_RECURSION_MAX;
use contract_model::plugin_limit::{self, PluginLimit};
use daemon_frame::Budget;
use indexmap::IndexMap;
use serde::Serialize;
use serde_json::{Map, Value};

/// The limits of a plugin and how near its calls have come to them.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PluginLimits {
    /// Each limit.
    pub limits: Vec<LimitView>,
    /// By handler the most that one of its calls used, since the plugin was last loaded.
    pub handlers: Vec<HandlerUsage>,
}

/// Who has said how high a limit is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LimitSource {
    /// Nobody: it is as usual.
    Default,
    /// suite.yaml.
    Suite,
    /// An operator.
    Operator,
}

/// One limit of a plugin.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LimitView {
    /// Its name.
    pub name: &'static str,
    /// The value in force.
    pub value: u64,
    /// The value in force where nobody sets another.
    pub default: u64,
    /// The highest that can be set.
    pub ceiling: u64,
    /// Its unit.
    pub unit: &'static str,
    /// Whether an operator has set it.
    pub set: bool,
    /// Who has said what is in force.
    pub source: LimitSource,
    /// The most that a call used.
    pub most: u64,
    /// How often calls have met it.
    pub met: u64,
    /// What it bounds.
    pub what: &'static str,
}

/// Where the limits of a plugin come from.
#[derive(Clone, Copy, Default)]
pub(crate) struct Sources<'a> {
    /// What an operator has set.
    pub(crate) set: Option<&'a Map<String, Value>>,
    /// What suite.yaml says.
    pub(crate) suite: Option<&'a IndexMap<String, u64>>,
}

impl Sources<'_> {
    /// The operator's word, else that of the suite, else the usual; never over the ceiling, which may have come down since.
    fn value(self, limit: &PluginLimit) -> (u64, LimitSource) {
        let set = self.set.and_then(|set| set.get(limit.name)).and_then(Value::as_u64);
        let given = || self.suite.and_then(|suite| suite.get(limit.name)).copied();
        let (value, source) = match set {
            Some(set) => (set, LimitSource::Operator),
            None => given().map_or((limit.usual, LimitSource::Default), |given| (given, LimitSource::Suite)),
        };
        (value.clamp(1, limit.ceiling), source)
    }
}

/// The budget of a plugin's workers.
pub(crate) fn budget(sources: Sources<'_>) -> Budget {
    let value = |name| plugin_limit::find(name).map_or(0, |limit| sources.value(limit).0);
    Budget {
        memory_bytes_max: value(plugin_limit::MEMORY_BYTES),
        recursion_max: WORKER_RECURSION_MAX,
        events_max: value(plugin_limit::EVENTS),
        records_max: value(plugin_limit::RECORDS),
        records_read_max: value(plugin_limit::RECORDS_READ),
        bytes_out_max: value(plugin_limit::BYTES_OUT),
        log_lines_max: value(plugin_limit::LOG_LINES),
        wall_ms_max: value(plugin_limit::WALL_MS),
        cpu_ms_max: value(plugin_limit::CPU_MS),
    }
}

/// Refuses limits that there are not, or that cannot have such a value.
pub(crate) fn refuse_unfit(given: &Map<String, Value>) -> Result<(), HostError> {
    let invalid = |text: String| Err(HostError::new(ErrorCode::BodyInvalid, text));
    for (name, value) in given {
        let Some(limit) = plugin_limit::find(name) else {
            let names: Vec<&str> = plugin_limit::ALL.iter().map(|limit| limit.name).collect();
            return invalid(format!("there is no limit `{name}`; there are {}", names.join(", ")));
        };
        let fits = value.is_null() || value.as_u64().is_some_and(|value| (1..=limit.ceiling).contains(&value));
        if !fits {
            return invalid(format!("`{name}` is a number from 1 to {} {}, not {value}", limit.ceiling, limit.unit));
        }
    }
    Ok(())
}

impl Host {
    /// The limits of a plugin.
    pub fn limits(&self, slug: &str) -> Result<PluginLimits, HostError> {
        let inner = &self.0;
        inner.parsed(slug)?.manifest.as_ref().ok_or_else(|| missing(slug))?;
        let said = Said::of(inner, slug)?;
        let pool = inner.pools().into_iter().find(|pool| pool.plugin.slug() == slug);
        let usage = pool.as_ref().map(|pool| &pool.plugin.meter.usage);
        let handlers =
            pool.as_ref().map(|pool| pool.plugin.meter.usage.handlers(pool.registered())).unwrap_or_default();
        let met = usage.map(crate::usage::UsageMeter::limits_met).unwrap_or_default();
        let contracts = inner.contracts();
        let sources = Sources { set: Some(&said.limits), suite: contracts.limits(slug) };
        let view = |limit: &PluginLimit| LimitView {
            name: limit.name,
            value: sources.value(limit).0,
            source: sources.value(limit).1,
            default: limit.usual,
            ceiling: limit.ceiling,
            unit: limit.unit,
            set: said.limits.contains_key(limit.name),
            most: handlers.iter().filter_map(|one| one.most.of_limit(limit.name)).max().unwrap_or(0),
            met: met.iter().find(|(name, _)| *name == limit.name).map_or(0, |(_, count)| *count),
            what: limit.what,
        };
        Ok(PluginLimits { limits: plugin_limit::ALL.iter().map(view).collect(), handlers })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn map(value: &Value) -> Map<String, Value> {
        value.as_object().cloned().unwrap_or_default()
    }

    #[test]
    fn what_is_set_is_in_force_up_to_the_ceiling() {
        let operator = map(&json!({"events": 7, "memory_bytes": u64::MAX, "cpu_ms": 0}));
        let suite = IndexMap::from([("events".to_owned(), 8), ("records".to_owned(), 9)]);
        let set = budget(Sources { set: Some(&operator), suite: None });
        let usual = budget(Sources::default());
        let both = budget(Sources { set: Some(&operator), suite: Some(&suite) });
        assert_eq!((both.events_max, both.records_max), (7, 9), "the operator's word counts more");
        assert_eq!((set.events_max, usual.events_max), (7, 1_000));
        assert_eq!((set.memory_bytes_max, usual.memory_bytes_max), (1 << 30, 128 << 20));
        assert_eq!((set.cpu_ms_max, set.records_max), (1, usual.records_max));
    }

    #[test]
    fn what_cannot_be_set_is_refused_by_name() {
        for (given, named) in [
            (json!({"evnets": 1}), "there is no limit `evnets`; there are wall_ms"),
            (json!({"events": 10_001}), "from 1 to 10000 events, not 10001"),
            (json!({"events": "many"}), "not \"many\""),
            (json!({"events": 0}), "not 0"),
        ] {
            let error = refuse_unfit(&map(&given)).expect_err("is refused");
            assert!(error.error.message.contains(named), "{}", error.error.message);
        }
        refuse_unfit(&map(&json!({"events": null, "cpu_ms": 300_000}))).expect("can be set");
    }
}
