//! The topic grammar: lower-case dotted segments, and patterns over them.

use crate::ids::{NameError, text_id};
use serde::{Deserialize, Serialize};
use std::fmt;

/// The longest topic name, in bytes.
pub const TOPIC_BYTES_MAX: usize = 120;
/// The most segments a topic may have. It has at least two.
pub const TOPIC_SEGMENTS_MAX: usize = 8;

text_id!(
    /// A topic: 2 to 8 segments `[a-z][a-z0-9]*([-_][a-z0-9]+)*` joined by dots, at most 120 bytes.
    TopicName,
    check_topic
);
text_id!(
    /// A topic or a pattern over topics: `*` stands for one segment, a closing `**` for one or more.
    TopicPattern,
    check_pattern
);

impl TopicName {
    /// The first segment, which equals the slug of the plugin that owns the topic.
    pub fn namespace(&self) -> &str {
        self.as_str().split('.').next().unwrap_or_default()
    }
}

impl TopicPattern {
    /// Whether the pattern is a plain topic name without wildcards.
    pub fn as_exact(&self) -> Option<TopicName> {
        TopicName::new(self.as_str()).ok()
    }

    /// Whether a topic falls under this pattern.
    pub fn matches(&self, topic: &str) -> bool {
        pattern_matches(self.as_str(), topic)
    }

    /// Whether every topic under `other` also falls under this pattern.
    pub fn covers(&self, other: &TopicPattern) -> bool {
        covers(self.as_str(), other.as_str())
    }
}

impl From<TopicName> for TopicPattern {
    fn from(name: TopicName) -> Self {
        Self(name.as_str().into())
    }
}

/// The namespace of the daemon's own topics, on which jobs travel. No plugin may have it as its slug.
pub const JOBS_NAMESPACE: &str = "jobs";

/// Whether `topic` falls under `pattern`, segment by segment. The daemon's own topics fall under no pattern that begins
/// with a wildcard, as those with a `$` in front do in MQTT (MQTT 5.0, section 4.7.2).
pub fn pattern_matches(pattern: &str, topic: &str) -> bool {
    if pattern.starts_with('*') && is_own(topic) {
        return false;
    }
    let mut topic_segments = topic.split('.');
    for segment in pattern.split('.') {
        match (segment, topic_segments.next()) {
            ("**", Some(_)) => return true,
            ("*", Some(_)) => {}
            (want, Some(got)) if want == got => {}
            _ => return false,
        }
    }
    topic_segments.next().is_none()
}

/// Whether a topic is one of the daemon's own.
fn is_own(topic: &str) -> bool {
    topic.strip_prefix(JOBS_NAMESPACE).is_some_and(|rest| rest.starts_with('.'))
}

fn covers(wide: &str, narrow: &str) -> bool {
    if wide.starts_with('*') && is_own(narrow) {
        return false;
    }
    let mut narrow_segments = narrow.split('.');
    for segment in wide.split('.') {
        match (segment, narrow_segments.next()) {
            ("**", Some(_)) => return true,
            (_, None | Some("**")) => return false,
            ("*", Some(_)) => {}
            (want, Some(got)) if want == got => {}
            _ => return false,
        }
    }
    narrow_segments.next().is_none()
}

fn check_topic(text: &str) -> Result<(), NameError> {
    if text.len() > TOPIC_BYTES_MAX {
        return Err(NameError::new("topic", text, "at most 120 bytes"));
    }
    if !(2..=TOPIC_SEGMENTS_MAX).contains(&text.split('.').count()) {
        return Err(NameError::new("topic", text, "use 2 to 8 segments joined by dots"));
    }
    if text.split('.').all(is_segment) {
        Ok(())
    } else {
        Err(NameError::new(
            "topic",
            text,
            "a segment is lower-case letters and digits, starting with a letter, with single - or _ inside",
        ))
    }
}

fn check_pattern(text: &str) -> Result<(), NameError> {
    if text.len() > TOPIC_BYTES_MAX {
        return Err(NameError::new("topic pattern", text, "at most 120 bytes"));
    }
    let count = text.split('.').count();
    if count > TOPIC_SEGMENTS_MAX || (count < 2 && text != "**") {
        return Err(NameError::new("topic pattern", text, "use 2 to 8 segments joined by dots"));
    }
    for (at, segment) in text.split('.').enumerate() {
        let wildcard = segment == "*" || (segment == "**" && at + 1 == count);
        if !wildcard && !is_segment(segment) {
            return Err(NameError::new("topic pattern", text, "a segment is a topic segment, `*`, or `**` at the end"));
        }
    }
    Ok(())
}

fn is_segment(segment: &str) -> bool {
    segment.starts_with(|c: char| c.is_ascii_lowercase())
        && segment
            .split(['-', '_'])
            .all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topics_follow_the_grammar() {
        for good in ["gl.journal.posted", "gl.journal.post.request", "ap.bill_line.added-late", "a.b"] {
            assert!(TopicName::new(good).is_ok(), "{good}");
        }
        for bad in [
            "gl",
            "GL.journal",
            "gl.journal.",
            ".gl.a",
            "gl..a",
            "gl.1a",
            "gl.a--b",
            "gl.a-",
            "gl.-a",
            "gl journal.x",
            "gl.*",
        ] {
            assert!(TopicName::new(bad).is_err(), "{bad}");
        }
        assert!(TopicName::new(&format!("gl.{}", "a".repeat(118))).is_err());
        assert!(TopicName::new("a.b.c.d.e.f.g.h.i").is_err());
    }

    #[test]
    fn patterns_match_segment_by_segment() {
        let matches = |p: &str, t: &str| TopicPattern::new(p).expect("pattern").matches(t);
        assert!(matches("gl.journal.posted", "gl.journal.posted"));
        assert!(matches("gl.*.posted", "gl.journal.posted"));
        assert!(!matches("gl.*", "gl.journal.posted"));
        assert!(matches("gl.**", "gl.journal.posted"));
        assert!(!matches("gl.**", "gl"));
        assert!(matches("**", "gl.journal"));
        assert!(TopicPattern::new("gl.**.posted").is_err());
    }

    #[test]
    fn the_daemons_own_topics_are_heard_by_name_only() {
        let matches = |p: &str, t: &str| TopicPattern::new(p).expect("pattern").matches(t);
        for wild in ["**", "*.*.*", "*.gl.nightly"] {
            assert!(!matches(wild, "jobs.gl.nightly"), "{wild}");
        }
        assert!(matches("jobs.gl.nightly", "jobs.gl.nightly") && matches("**", "jobs-of.gl.nightly"));
        let covers = |a: &str, b: &str| TopicPattern::new(a).expect("a").covers(&TopicPattern::new(b).expect("b"));
        assert!(!covers("**", "jobs.gl.nightly") && covers("jobs.**", "jobs.gl.nightly"));
    }

    #[test]
    fn coverage_is_matching_for_every_member() {
        let covers = |a: &str, b: &str| TopicPattern::new(a).expect("a").covers(&TopicPattern::new(b).expect("b"));
        assert!(covers("gl.*", "gl.a"));
        assert!(covers("gl.**", "gl.*.b"));
        assert!(!covers("gl.*", "gl.**"));
        assert!(!covers("gl.a", "gl.*"));
    }
}
