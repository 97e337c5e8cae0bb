//! Query parameters: read strictly, so that a misspelt one is told and not ignored.

use crate::error::{ApiError, ApiResult};
use axum::http::Uri;
use contract_model::{ErrorCode, Millis, TenantId, TopicPattern};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::time::Duration;

/// The parameters of a fixed route.
#[derive(Debug)]
pub(crate) struct Params(BTreeMap<String, String>);

impl Params {
    /// Reads the query; each name must be one of `known` and occur once.
    pub(crate) fn of(uri: &Uri, known: &[&str]) -> ApiResult<Self> {
        let mut out = BTreeMap::new();
        for (name, value) in form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()) {
            if !known.contains(&name.as_ref()) {
                return Err(invalid(format!(
                    "there is no query parameter `{}` here; known: {}",
                    short(&name),
                    known.join(", ")
                )));
            }
            if out.insert(name.to_string(), value.into_owned()).is_some() {
                return Err(invalid(format!("the query parameter `{name}` is given more than once")));
            }
        }
        Ok(Self(out))
    }

    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|text| !text.is_empty())
    }

    /// A whole number of at most `max`.
    pub(crate) fn number(&self, name: &str, max: u64) -> ApiResult<Option<u64>> {
        let Some(text) = self.text(name) else { return Ok(None) };
        match text.parse::<u64>() {
            Ok(number) if number <= max => Ok(Some(number)),
            _ => Err(invalid(format!("`{name}` must be a whole number from 0 to {max}, got `{}`", short(text)))),
        }
    }

    /// How many are to be on a page; the limit is told by its name.
    pub(crate) fn page(&self, max: u64, limit: &str) -> ApiResult<Option<u64>> {
        self.number("limit", max).map_err(|error| ApiError { message: format!("{} ({limit})", error.message), ..error })
    }

    /// A duration such as `5s`, cut at `max`.
    pub(crate) fn duration(&self, name: &str, max: Duration) -> ApiResult<Duration> {
        let Some(text) = self.text(name) else { return Ok(Duration::ZERO) };
        let given = Millis::parse(text).map_err(|error| invalid(format!("`{name}`: {error}")))?;
        Ok(given.to_std().min(max))
    }

    pub(crate) fn tenant(&self, name: &str) -> ApiResult<Option<TenantId>> {
        self.text(name).map(|text| TenantId::new(text).map_err(|error| invalid(error.to_string()))).transpose()
    }

    /// One topic or pattern.
    pub(crate) fn pattern(&self, name: &str) -> ApiResult<Option<TopicPattern>> {
        let mut patterns = self.patterns(name)?;
        if patterns.len() > 1 {
            return Err(invalid(format!("`{name}` takes one topic or pattern")));
        }
        Ok(patterns.pop())
    }

    /// Topic patterns, separated by commas.
    pub(crate) fn patterns(&self, name: &str) -> ApiResult<Vec<TopicPattern>> {
        let parts = self.text(name).unwrap_or_default().split(',').map(str::trim).filter(|part| !part.is_empty());
        parts.map(|part| TopicPattern::new(part).map_err(|error| invalid(error.to_string()))).collect()
    }
}

/// The query of a verb: any names; one given several times is a list.
pub(crate) fn free(uri: &Uri) -> Map<String, Value> {
    let mut out = Map::new();
    for (name, value) in form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()) {
        let value = Value::from(value.into_owned());
        match out.get_mut(name.as_ref()) {
            None => drop(out.insert(name.into_owned(), value)),
            Some(Value::Array(values)) => values.push(value),
            Some(first) => *first = Value::Array(vec![first.take(), value]),
        }
    }
    out
}

pub(crate) fn invalid(message: String) -> ApiError {
    ApiError::new(ErrorCode::QueryInvalid, message)
}

fn short(text: &str) -> String {
    text.chars().take(100).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_parameter_given_twice_is_a_list_for_verbs_and_an_error_elsewhere() {
        let uri: Uri = "/x?a=1&b=%20y&a=2&a=3".parse().expect("uri");
        assert_eq!(Value::from(free(&uri)), json!({"a": ["1", "2", "3"], "b": " y"}));
        assert_eq!(Params::of(&uri, &["a", "b"]).map(|_| ()).map_err(|error| error.status), Err(400));
    }

    #[test]
    fn numbers_and_durations_are_checked() {
        let uri: Uri = "/x?limit=-1&wait=5parsecs".parse().expect("uri");
        let params = Params::of(&uri, &["limit", "wait"]).expect("known names");
        assert!(params.number("limit", 10).is_err());
        assert!(params.duration("wait", Duration::MAX).is_err());
        assert_eq!(params.number("absent", 10), Ok(None));
    }
}
