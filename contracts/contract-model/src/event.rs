//! The event as it is stored and as it travels.

use crate::ids::{EventId, PluginSlug, Sequence, TenantId};
use crate::job;
use crate::topic::TopicName;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// How often an event may cause another before the chain is cut, against loops.
pub const EVENT_HOPS_MAX: u16 = 16;

/// An event in the log: what happened, who said so, and which story it belongs to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Identity within the tenant; the publisher's own when it came over `POST /api/events`.
    pub id: EventId,
    /// Position in the log.
    pub sequence: Sequence,
    /// The topic.
    pub topic: TopicName,
    /// The tenant whose books it belongs to.
    pub tenant: TenantId,
    /// Who published: `plugin:<slug>`, `rest:<user>` or `daemon`. Stamped by the daemon, never by the caller.
    pub publisher: String,
    /// Who acted at the start of the story, such as a user's id.
    pub actor: String,
    /// The roles of the client that published it over HTTP; empty for what plugins publish.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<String>,
    /// Milliseconds since 1970 at which the unit of work published it.
    pub time_ms: u64,
    /// The whole story: the id of its first event or request.
    pub correlation: String,
    /// The step before: an event's id, or none at the start of a story.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub causation: Option<String>,
    /// How many events lie before this one in its chain.
    #[serde(default)]
    pub hops: u16,
    /// Orders delivery: events of one key are handled one after another.
    pub key: String,
    /// The key under which publishing it again is recognised.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idempotency_key: Option<String>,
    /// The W3C `traceparent` of the story.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<String>,
    /// Not delivered before this time (milliseconds since 1970).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_ms: Option<u64>,
    /// Not delivered from this time on (milliseconds since 1970), as its topic's `ttl` says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_ms: Option<u64>,
    /// Free headers of the publisher.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub headers: Map<String, Value>,
    /// The payload, valid under the topic's schema.
    pub payload: Value,
}

/// What the bus needs to know of an event to deliver it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventHead {
    /// Position in the log.
    pub sequence: Sequence,
    /// The tenant.
    pub tenant: TenantId,
    /// The topic.
    pub topic: TopicName,
    /// Orders delivery within the tenant.
    pub key: String,
    /// Not delivered before this time, if set.
    #[serde(default)]
    pub due_ms: Option<u64>,
    /// Not delivered from this time on, if set.
    #[serde(default)]
    pub expires_ms: Option<u64>,
    /// Of those that wait, higher is served first. Jobs only.
    #[serde(default)]
    pub priority: i32,
    /// All tries together, where this one has a number of its own. Jobs only.
    #[serde(default)]
    pub attempts_max: Option<u32>,
}

impl Event {
    /// The part of the event that delivery goes by.
    pub fn head(&self) -> EventHead {
        EventHead {
            sequence: self.sequence,
            tenant: self.tenant.clone(),
            topic: self.topic.clone(),
            key: self.key.clone(),
            due_ms: self.due_ms,
            expires_ms: self.expires_ms,
            priority: self.priority(),
            attempts_max: self.attempts_max(),
        }
    }

    /// The kind of a job, as the plugin wrote it; empty for other events.
    pub fn job_kind(&self) -> &str {
        self.of_job(job::KIND).and_then(Value::as_str).unwrap_or_default()
    }

    /// The schedule and time zone of a run of `$jobs.cron`.
    pub fn cron(&self) -> Option<(&str, &str)> {
        let text = |name| self.of_job(name).and_then(Value::as_str);
        Some((text(job::CRON)?, text(job::TIMEZONE)?))
    }

    /// The time that a run was scheduled for; for others that from which they may be delivered.
    pub fn scheduled_ms(&self) -> u64 {
        self.of_job(job::SCHEDULED).and_then(Value::as_u64).or(self.due_ms).unwrap_or(self.time_ms)
    }

    fn priority(&self) -> i32 {
        let priority = self.of_job(job::PRIORITY).and_then(Value::as_i64).unwrap_or(0);
        i32::try_from(priority).unwrap_or(if priority < 0 { i32::MIN } else { i32::MAX })
    }

    fn attempts_max(&self) -> Option<u32> {
        let attempts = self.of_job(job::ATTEMPTS).and_then(Value::as_u64)?;
        u32::try_from(attempts).ok().filter(|attempts| *attempts > 0)
    }

    /// A header that says something of a job only.
    fn of_job(&self, name: &str) -> Option<&Value> {
        self.headers.get(name).filter(|_| job::is_job(&self.topic))
    }

    /// The slug of the plugin that published, if a plugin did.
    pub fn publishing_plugin(&self) -> Option<PluginSlug> {
        self.publisher.strip_prefix("plugin:").and_then(|slug| PluginSlug::new(slug).ok())
    }
}

/// Milliseconds since 1970 as an RFC 3339 time in UTC with milliseconds.
pub fn rfc3339(time_ms: u64) -> String {
    let ms = i64::try_from(time_ms).unwrap_or(i64::MAX);
    match jiff::Timestamp::from_millisecond(ms) {
        Ok(time) => format!("{time:.3}"),
        Err(_) => format!("{ms}"),
    }
}

/// Milliseconds since 1970 of an RFC 3339 time, if it is one and not before 1970.
pub fn parse_rfc3339(text: &str) -> Option<u64> {
    let time: jiff::Timestamp = text.parse().ok()?;
    u64::try_from(time.as_millisecond()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_milliseconds_and_utc() {
        assert_eq!(rfc3339(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(rfc3339(1_700_000_000_123), "2023-11-14T22:13:20.123Z");
    }
}
