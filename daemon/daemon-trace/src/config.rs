//! Where traces go and which of them, as the environment says it by the names of OpenTelemetry.

use crate::context::TraceContext;
use percent_encoding::percent_decode_str;
use std::time::Duration;

/// How long one export may take unless the environment says otherwise.
const TIMEOUT_MS: u64 = 10_000;
const PATH: &str = "/v1/traces";

/// A setting that cannot be followed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name}={value}: {why}")]
pub struct ConfigError {
    name: &'static str,
    value: String,
    why: &'static str,
}

/// Where traces go, and which.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    pub(crate) url: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) timeout: Duration,
    /// Attributes of this process.
    pub(crate) resource: Vec<(String, String)>,
    pub(crate) sampler: Sampler,
}

/// Which traces are recorded.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Sampler {
    /// Whether what came with a trace is recorded as its caller says.
    by_parent: bool,
    /// The part of all others.
    ratio: f64,
}

impl Config {
    /// What the environment says; nothing where it names no collector, or turns traces off.
    pub fn from_env(env: impl Fn(&str) -> Option<String>) -> Result<Option<Self>, ConfigError> {
        let get = |name| env(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty());
        let either = |of_traces, of_all| get(of_traces).or_else(|| get(of_all));
        let is_off = get("OTEL_SDK_DISABLED").is_some_and(|off| off.eq_ignore_ascii_case("true"))
            || get("OTEL_TRACES_EXPORTER").is_some_and(|exporter| exporter == "none");
        let of_all = || get("OTEL_EXPORTER_OTLP_ENDPOINT").map(|base| format!("{}{PATH}", base.trim_end_matches('/')));
        let Some(url) = get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT").or_else(of_all).filter(|_| !is_off) else {
            return Ok(None);
        };
        if !url.starts_with("http://") {
            let why = "traces are sent over http://, to a collector beside this daemon; let that one send them on";
            return Err(ConfigError { name: "OTEL_EXPORTER_OTLP_ENDPOINT", value: url, why });
        }
        let timeout = match either("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "OTEL_EXPORTER_OTLP_TIMEOUT") {
            None => TIMEOUT_MS,
            Some(value) => value.parse().map_err(|_| ConfigError {
                name: "OTEL_EXPORTER_OTLP_TIMEOUT",
                value,
                why: "write a number of milliseconds",
            })?,
        };
        let headers = either("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "OTEL_EXPORTER_OTLP_HEADERS").unwrap_or_default();
        let mut resource = pairs(&get("OTEL_RESOURCE_ATTRIBUTES").unwrap_or_default());
        let named = resource.iter().any(|(name, _)| name == "service.name");
        if let Some(name) = get("OTEL_SERVICE_NAME").or_else(|| (!named).then(|| "trunkline".to_owned())) {
            resource.retain(|(one, _)| one != "service.name");
            resource.insert(0, ("service.name".to_owned(), name));
        }
        let sampler = Sampler::named(get("OTEL_TRACES_SAMPLER"), get("OTEL_TRACES_SAMPLER_ARG"))?;
        Ok(Some(Self { url, headers: pairs(&headers), timeout: Duration::from_millis(timeout), resource, sampler }))
    }
}

/// `name=value,name=value`, values percent-encoded.
fn pairs(text: &str) -> Vec<(String, String)> {
    let pair = |pair: &str| {
        let (name, value) = pair.split_once('=')?;
        Some((name.trim().to_owned(), percent_decode_str(value.trim()).decode_utf8_lossy().into_owned()))
    };
    text.split(',').filter_map(pair).collect()
}

impl Sampler {
    fn named(name: Option<String>, ratio: Option<String>) -> Result<Self, ConfigError> {
        let name = name.unwrap_or_else(|| "parentbased_always_on".to_owned());
        let (by_parent, kind) = name.strip_prefix("parentbased_").map_or((false, &*name), |kind| (true, kind));
        let ratio = match kind {
            "always_on" => 1.0,
            "always_off" => 0.0,
            "traceidratio" => {
                let value = ratio.unwrap_or_else(|| "1".to_owned());
                let part = value.parse().ok().filter(|part| (0.0..=1.0).contains(part));
                let why = "write a number from 0 to 1";
                part.ok_or(ConfigError { name: "OTEL_TRACES_SAMPLER_ARG", value, why })?
            }
            _ => {
                let why = "there are always_on, always_off and traceidratio, each also with parentbased_ before it";
                return Err(ConfigError { name: "OTEL_TRACES_SAMPLER", value: name, why });
            }
        };
        Ok(Self { by_parent, ratio })
    }

    /// Whether what belongs to a trace is recorded; the same for all of one trace.
    pub(crate) fn takes(self, trace: u128, parent: Option<&TraceContext>) -> bool {
        if let Some(parent) = parent.filter(|_| self.by_parent) {
            return parent.is_sampled;
        }
        #[expect(clippy::cast_precision_loss, reason = "a part of all traces needs no more digits than these")]
        let place = (trace & u128::from(u64::MAX)) as f64 / u64::MAX as f64;
        place < self.ratio || self.ratio >= 1.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(env: &[(&str, &str)]) -> Result<Option<Config>, ConfigError> {
        Config::from_env(|name| env.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned()))
    }

    const ENDPOINT: (&str, &str) = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318/");

    #[test]
    fn traces_are_off_unless_a_collector_is_named() {
        assert_eq!(config(&[("OTEL_SERVICE_NAME", "books")]), Ok(None));
        assert_eq!(config(&[("OTEL_EXPORTER_OTLP_ENDPOINT", " ")]), Ok(None));
        assert_eq!(config(&[ENDPOINT, ("OTEL_SDK_DISABLED", "TRUE")]), Ok(None));
        assert_eq!(config(&[ENDPOINT, ("OTEL_TRACES_EXPORTER", "none")]), Ok(None));
    }

    #[test]
    fn the_environment_is_followed() {
        let given = [
            ENDPOINT,
            ("OTEL_SERVICE_NAME", "books"),
            ("OTEL_RESOURCE_ATTRIBUTES", "service.name=other,deployment.environment=a%20b"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20x"),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "250"),
        ];
        let config = config(&given).expect("followed").expect("on");
        assert_eq!(config.url, "http://127.0.0.1:4318/v1/traces");
        assert_eq!(config.headers, [("authorization".to_owned(), "Bearer x".to_owned())]);
        let resource: Vec<_> = config.resource.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(resource, [("service.name", "books"), ("deployment.environment", "a b")]);
        assert_eq!(config.timeout, Duration::from_millis(250));
        assert_eq!(config.sampler, Sampler { by_parent: true, ratio: 1.0 });
    }

    #[test]
    fn what_cannot_be_followed_is_named() {
        for (name, value) in [
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "https://there"),
            ("OTEL_TRACES_SAMPLER", "sometimes"),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "long"),
        ] {
            let error = config(&[(name, value), ENDPOINT]).expect_err(name).to_string();
            assert!(error.starts_with(&format!("{name}={value}")), "{error}");
        }
        let wrong = [ENDPOINT, ("OTEL_TRACES_SAMPLER", "traceidratio"), ("OTEL_TRACES_SAMPLER_ARG", "2")];
        assert!(config(&wrong).is_err());
    }

    #[test]
    fn a_sampler_goes_by_the_trace_or_by_its_caller() {
        let sampler = |name: &str| Sampler::named(Some(name.to_owned()), Some("0.5".to_owned())).expect("a sampler");
        let caller = |is_sampled| TraceContext { trace: 1, span: 1, is_sampled };
        let (low, high) = (u128::from(u64::MAX / 4), u128::from(u64::MAX / 4 * 3));
        for (name, takes) in [
            ("always_on", [true, true, true, true]),
            ("always_off", [false, false, false, false]),
            ("traceidratio", [true, false, true, true]),
            ("parentbased_traceidratio", [true, false, true, false]),
            ("parentbased_always_off", [false, false, true, false]),
        ] {
            let sampler = sampler(name);
            let taken = [
                sampler.takes(low, None),
                sampler.takes(high, None),
                sampler.takes(low, Some(&caller(true))),
                sampler.takes(low, Some(&caller(false))),
            ];
            assert_eq!(taken, takes, "{name}");
        }
    }
}
