//! Where traces go and which of them, as the environment says it by the names of OpenTelemetry.

use crate::context::TraceContext;
use percent_encoding::percent_decode_str;
use std::borrow::Cow;
use std::time::Duration;
use ureq::http::{HeaderName, HeaderValue};
use ureq::tls::{PemItem, parse_pem};

/// How long one export may take unless the environment says otherwise.
const TIMEOUT_MS: u64 = 10_000;
const PATH: &str = "/v1/traces";

/// A setting that cannot be followed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name}={value}: {why}")]
pub struct ConfigError {
    name: &'static str,
    value: String,
    why: Cow<'static, str>,
}

/// A form of OTLP over HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protocol {
    Protobuf,
    Json,
}

/// Where traces go, and which.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    pub(crate) url: String,
    pub(crate) protocol: Protocol,
    /// Certificates in DER that a collector's may be signed with, in the place of those of the web.
    pub(crate) roots: Option<Vec<Vec<u8>>>,
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
        let get = |name: &'static str| env(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty());
        let is_off = get("OTEL_SDK_DISABLED").is_some_and(|off| off.eq_ignore_ascii_case("true"))
            || get("OTEL_TRACES_EXPORTER").is_some_and(|exporter| exporter == "none");
        let Some((name, url)) = endpoint(&get).filter(|_| !is_off) else { return Ok(None) };
        if !url.starts_with("http://") && !url.starts_with("https://") {
            return Err(refused(name, get(name).unwrap_or(url), "write an address with http:// or https://"));
        }
        NOT_FOLLOWED.iter().try_for_each(|(names, why, unless)| match either(&get, *names) {
            Some((name, value)) if value != *unless => Err(refused(name, value, *why)),
            _ => Ok(()),
        })?;
        let timeout = match either(&get, TIMEOUT) {
            None => TIMEOUT_MS,
            Some((name, value)) => value.parse().map_err(|_| refused(name, value, "write a number of milliseconds"))?,
        };
        let (protocol, roots, headers) = (Protocol::of(&get)?, roots(&get)?, headers(&get)?);
        let mut resource = pairs(&get("OTEL_RESOURCE_ATTRIBUTES").unwrap_or_default());
        let named = resource.iter().any(|(name, _)| name == "service.name");
        if let Some(name) = get("OTEL_SERVICE_NAME").or_else(|| (!named).then(|| "trunkline".to_owned())) {
            resource.retain(|(one, _)| one != "service.name");
            resource.insert(0, ("service.name".to_owned(), name));
        }
        let sampler = Sampler::named(get("OTEL_TRACES_SAMPLER"), get("OTEL_TRACES_SAMPLER_ARG"))?;
        let timeout = Duration::from_millis(timeout);
        Ok(Some(Self { url, protocol, roots, headers, timeout, resource, sampler }))
    }
}

type Get<'g> = dyn Fn(&'static str) -> Option<String> + 'g;

/// The names of a setting: for traces alone, and for all that is exported.
type Names = [&'static str; 2];

const ENDPOINT: Names = ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"];
const PROTOCOL: Names = ["OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"];
const HEADERS: Names = ["OTEL_EXPORTER_OTLP_TRACES_HEADERS", "OTEL_EXPORTER_OTLP_HEADERS"];
const TIMEOUT: Names = ["OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "OTEL_EXPORTER_OTLP_TIMEOUT"];
const CERTIFICATE: Names = ["OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE", "OTEL_EXPORTER_OTLP_CERTIFICATE"];
/// What is refused rather than passed over, why, and the value that asks for nothing.
const NOT_FOLLOWED: [(Names, &str, &str); 3] = [
    (
        ["OTEL_EXPORTER_OTLP_TRACES_COMPRESSION", "OTEL_EXPORTER_OTLP_COMPRESSION"],
        "exports are not compressed; write none, or leave it out",
        "none",
    ),
    (
        ["OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE", "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE"],
        "no certificate is shown to a collector; let it know this daemon by a header",
        "",
    ),
    (
        ["OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY", "OTEL_EXPORTER_OTLP_CLIENT_KEY"],
        "no certificate is shown to a collector; let it know this daemon by a header",
        "",
    ),
];

/// What is set for traces, or else for all, with the name that it is set under.
fn either(get: &Get<'_>, names: Names) -> Option<(&'static str, String)> {
    names.into_iter().find_map(|name| Some((name, get(name)?)))
}

/// That of traces is taken as it is, that of all has a path for each.
fn endpoint(get: &Get<'_>) -> Option<(&'static str, String)> {
    let (name, url) = either(get, ENDPOINT)?;
    let url = if name == ENDPOINT[0] { url } else { format!("{}{PATH}", url.trim_end_matches('/')) };
    Some((name, url))
}

fn refused(name: &'static str, value: String, why: impl Into<Cow<'static, str>>) -> ConfigError {
    ConfigError { name, value, why: why.into() }
}

impl Protocol {
    fn of(get: &Get<'_>) -> Result<Self, ConfigError> {
        let Some((name, value)) = either(get, PROTOCOL) else { return Ok(Self::Protobuf) };
        match &*value {
            "http/protobuf" => Ok(Self::Protobuf),
            "http/json" => Ok(Self::Json),
            "grpc" => {
                let why = "gRPC is not spoken; write http/protobuf or http/json, and the collector's port for HTTP, \
                           which is 4318 as a rule and not 4317";
                Err(refused(name, value, why))
            }
            _ => Err(refused(name, value, "there are http/protobuf and http/json")),
        }
    }
}

/// The certificates of the file that is named.
fn roots(get: &Get<'_>) -> Result<Option<Vec<Vec<u8>>>, ConfigError> {
    let Some((name, path)) = either(get, CERTIFICATE) else { return Ok(None) };
    let pem = match std::fs::read(&path) {
        Ok(pem) => pem,
        Err(error) => return Err(refused(name, path, format!("the file cannot be read: {error}"))),
    };
    let certificate = |item| match item {
        Ok(PemItem::Certificate(certificate)) => Some(certificate.der().to_vec()),
        _ => None,
    };
    let roots: Vec<_> = parse_pem(&pem).filter_map(certificate).collect();
    if roots.is_empty() {
        return Err(refused(name, path, "the file holds no certificate in PEM form"));
    }
    Ok(Some(roots))
}

/// The headers that are sent along. What is wrong with them is said without their values, which may be secrets.
fn headers(get: &Get<'_>) -> Result<Vec<(String, String)>, ConfigError> {
    let Some((name, text)) = either(get, HEADERS) else { return Ok(Vec::new()) };
    let headers = pairs(&text);
    let sound = |(header, value): &(String, String)| {
        HeaderName::try_from(header.as_str()).is_ok() && HeaderValue::try_from(value.as_str()).is_ok()
    };
    match headers.iter().find(|header| !sound(header)) {
        None if headers.len() == text.split(',').filter(|pair| !pair.trim().is_empty()).count() => Ok(headers),
        None => Err(refused(name, "…".to_owned(), "write name=value, with commas between them")),
        Some((header, _)) => Err(refused(name, format!("{header}=…"), "this is no header of HTTP")),
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
                part.ok_or_else(|| refused("OTEL_TRACES_SAMPLER_ARG", value, why))?
            }
            _ => {
                let why = "there are always_on, always_off and traceidratio, each also with parentbased_ before it";
                return Err(refused("OTEL_TRACES_SAMPLER", name, why));
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
        assert_eq!((config.protocol, config.roots), (Protocol::Protobuf, None));
        assert_eq!(config.sampler, Sampler { by_parent: true, ratio: 1.0 });
    }

    #[test]
    fn what_is_said_of_traces_counts_before_what_is_said_of_all() {
        let given = [
            ENDPOINT,
            ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "https://collector.test/in"),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
            ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http/json"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "a=1"),
            ("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "b=2"),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "1"),
            ("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "2"),
            ("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip"),
            ("OTEL_EXPORTER_OTLP_TRACES_COMPRESSION", "none"),
        ];
        let config = config(&given).expect("followed").expect("on");
        assert_eq!((config.url.as_str(), config.protocol), ("https://collector.test/in", Protocol::Json));
        assert_eq!(config.headers, [("b".to_owned(), "2".to_owned())]);
        assert_eq!(config.timeout, Duration::from_millis(2));
    }

    #[test]
    fn what_cannot_be_followed_is_named() {
        for (name, value) in [
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4318"),
            ("OTEL_TRACES_SAMPLER", "sometimes"),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "long"),
            ("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "longer"),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "http"),
            ("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip"),
            ("OTEL_EXPORTER_OTLP_CERTIFICATE", "/nowhere.pem"),
            ("OTEL_EXPORTER_OTLP_CERTIFICATE", "/dev/null"),
            ("OTEL_EXPORTER_OTLP_CLIENT_KEY", "/key.pem"),
        ] {
            let error = config(&[(name, value), ENDPOINT]).expect_err(name).to_string();
            assert!(error.starts_with(&format!("{name}={value}: ")), "{error}");
        }
        for (headers, named) in [("secret", "…"), ("a b=secret", "a b=…"), ("a=secret%0a", "a=…")] {
            let error = config(&[("OTEL_EXPORTER_OTLP_HEADERS", headers), ENDPOINT]).expect_err(headers).to_string();
            assert!(error.starts_with(&format!("OTEL_EXPORTER_OTLP_HEADERS={named}: ")), "{error}");
            assert!(!error.contains("secret"), "{error}");
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
