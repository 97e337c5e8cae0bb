//! Jobs: events on the daemon's own topics with a due time. What they need beyond an event stands in its headers.

use crate::ids::{NameError, PluginSlug};
use crate::subscription::SubscriptionId;
use crate::topic::{JOBS_NAMESPACE, TopicName};

/// The header with the job's kind, as the plugin wrote it.
pub const KIND: &str = "kind";
/// The header with the number of all tries, where it is not that of its kind.
pub const ATTEMPTS: &str = "attempts";
/// The header with the priority; higher is served first, 0 without it.
pub const PRIORITY: &str = "priority";
/// The header with the schedule that a run of `$jobs.cron` belongs to. The run's end brings the next one.
pub const CRON: &str = "cron";
/// The header with the time zone of that schedule.
pub const TIMEZONE: &str = "timezone";
/// The header with the time that a run was scheduled for, milliseconds since 1970.
pub const SCHEDULED: &str = "scheduled";

/// The unique key of the runs of a schedule: one at a time waits or runs.
pub const CRON_KEY: &str = "cron";

/// What the kind of an outcome begins with, before its name. No plugin has jobs of such kinds.
pub const OUTCOME_KIND: &str = "onOutcome:";

/// The kind of what ends a reservation when its time has come. No plugin has jobs of it.
pub const RESERVATION_KIND: &str = "reservation:end";

/// The segment that changes of records travel under.
const HOOK_SEGMENT: &str = "on-record";

/// Third segments of the daemon's own topics that are no kinds of jobs.
const RESERVED: [&str; 3] = ["on-outcome", HOOK_SEGMENT, "reservation"];

/// The longest kind, in bytes.
const KIND_BYTES_MAX: usize = 64;

/// The topic of a plugin's jobs of a kind: `jobs.<slug>.<kind>`, upper-case letters and `:` brought into the grammar of
/// topics (`sendMail` is `send-mail`).
pub fn topic(slug: &PluginSlug, kind: &str) -> Result<TopicName, NameError> {
    let wrong = |why| NameError::new("kind of job", kind, why);
    if kind.is_empty() || kind.len() > KIND_BYTES_MAX {
        return Err(wrong("use 1 to 64 bytes"));
    }
    let mut words = String::with_capacity(kind.len() + 4);
    for letter in kind.chars() {
        if letter.is_ascii_uppercase() && words.ends_with(|before: char| before.is_ascii_alphanumeric()) {
            words.push('-');
        }
        words.push(if letter == ':' { '.' } else { letter.to_ascii_lowercase() });
    }
    TopicName::new(&format!("{JOBS_NAMESPACE}.{slug}.{words}"))
        .map_err(|_| wrong("use letters and digits, starting with a letter, with single - _ . or : inside"))
}

/// The topic that outcomes of requests travel on to `$app.onOutcome(name, …)`: `jobs.<slug>.on-outcome.<name>`.
pub fn outcome_topic(slug: &PluginSlug, name: &str) -> Result<TopicName, NameError> {
    topic(slug, &format!("{OUTCOME_KIND}{name}"))
}

/// Whether a topic is one that outcomes travel on.
pub fn is_outcome(topic: &TopicName) -> bool {
    let segments: Vec<&str> = topic.as_str().split('.').collect();
    segments.len() > 3 && segments[0] == JOBS_NAMESPACE && segments[2] == "on-outcome"
}

/// The topic that changes of records travel on to `$app.onRecord("after", operation, collection, …)`:
/// `jobs.<slug>.on-record.<collection>`. One for all operations, so that they are told in their order.
pub fn hook_topic(slug: &PluginSlug, collection: &str) -> Result<TopicName, NameError> {
    let topic = TopicName::new(&format!("{JOBS_NAMESPACE}.{slug}.{HOOK_SEGMENT}.{collection}"));
    topic.map_err(|_| NameError::new("collection for a record hook", collection, "use single _ inside"))
}

/// What handlers of jobs are called by as subscriptions, before the kind. No subscription of a plugin begins with it.
pub const HANDLER_PREFIX: &str = "job:";

/// The topic of the outcomes that are delivered to a subscription, if they are what it is for.
pub fn outcomes_of(subscription: &SubscriptionId) -> Option<TopicName> {
    topic_of(subscription).filter(is_outcome)
}

/// The topic of the jobs of a kind, by the subscription that does them.
pub fn topic_of(subscription: &SubscriptionId) -> Option<TopicName> {
    let kind = subscription.handler().strip_prefix(HANDLER_PREFIX)?;
    TopicName::new(&format!("{JOBS_NAMESPACE}.{}.{kind}", subscription.plugin())).ok()
}

/// Whether a topic is one that changes of records travel on to hooks.
pub fn is_hook(topic: &TopicName) -> bool {
    is_reserved(topic) && topic.as_str().split('.').nth(2) == Some(HOOK_SEGMENT)
}

/// Whether a topic is one that the daemon keeps for what is no job of a kind: no plugin has jobs there.
pub fn is_reserved(topic: &TopicName) -> bool {
    let mut segments = topic.as_str().split('.');
    let (first, third) = (segments.next(), segments.nth(1));
    first == Some(JOBS_NAMESPACE) && segments.next().is_some() && third.is_some_and(|kind| RESERVED.contains(&kind))
}

/// The subscription that the jobs of a topic are delivered to; none where no jobs travel on it.
pub fn subscription(topic: &TopicName) -> Option<SubscriptionId> {
    let rest = topic.as_str().strip_prefix(JOBS_NAMESPACE)?.strip_prefix('.')?;
    let (slug, kind) = rest.split_once('.')?;
    Some(SubscriptionId::new(&PluginSlug::new(slug).ok()?, &format!("{HANDLER_PREFIX}{kind}")))
}

/// Whether a topic is one that jobs travel on.
pub fn is_job(topic: &TopicName) -> bool {
    topic.namespace() == JOBS_NAMESPACE
}

/// The plugin whose jobs travel on a topic.
pub fn owner(topic: &TopicName) -> Option<PluginSlug> {
    let slug = topic.as_str().split('.').nth(1).filter(|_| is_job(topic))?;
    PluginSlug::new(slug).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_become_topics() {
        let slug = PluginSlug::new("ap").expect("a slug");
        for (kind, want) in [
            ("nightly", "jobs.ap.nightly"),
            ("sendMail", "jobs.ap.send-mail"),
            ("SendMail", "jobs.ap.send-mail"),
            ("dunning:level_2", "jobs.ap.dunning.level_2"),
            ("fx.revalue", "jobs.ap.fx.revalue"),
        ] {
            let topic = topic(&slug, kind).expect(kind);
            assert_eq!(topic.as_str(), want);
            assert_eq!((is_job(&topic), owner(&topic)), (true, Some(slug.clone())));
            let subscription = subscription(&topic).expect("jobs are delivered");
            assert_eq!(subscription.as_str(), want.replace("jobs.ap.", "ap/job:"));
            assert_eq!(topic_of(&subscription), Some(topic));
        }
        let outcome = outcome_topic(&slug, "posted").expect("a name");
        assert_eq!((outcome.as_str(), is_outcome(&outcome)), ("jobs.ap.on-outcome.posted", true));
        let of = |topic: &TopicName| subscription(topic).as_ref().and_then(outcomes_of);
        assert_eq!((of(&outcome), of(&topic(&slug, "nightly").expect("a kind"))), (Some(outcome.clone()), None));
        assert!(!is_outcome(&topic(&slug, "on-outcome").expect("a kind")));
        let hook = hook_topic(&slug, "ap_bills").expect("a name");
        assert_eq!((hook.as_str(), is_reserved(&hook)), ("jobs.ap.on-record.ap_bills", true));
        assert!(is_reserved(&outcome) && !is_reserved(&topic(&slug, "on-record").expect("a kind")));
        let longest = PluginSlug::new(&"a".repeat(32)).expect("a slug");
        assert!(hook_topic(&longest, &"a".repeat(63)).is_ok() && hook_topic(&slug, "ap__x").is_err());
        for wrong in ["", "1st", "send mail", "a..b", "-a", "ä", &"a".repeat(65)] {
            assert!(topic(&slug, wrong).is_err(), "{wrong}");
        }
    }
}
