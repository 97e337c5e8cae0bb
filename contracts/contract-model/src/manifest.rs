//! plugin.yaml: what a plugin promises and needs.

use crate::duration::Millis;
use crate::ids::PluginSlug;
use crate::permission::{Permission, granted, grants};
use crate::span::Spanned;
use crate::topic::{TopicName, TopicPattern};
use indexmap::IndexMap;
use semver::{Version, VersionReq};
use std::collections::BTreeSet;

/// A plugin's manifest, every part with its place in the file.
#[derive(Debug, Clone, PartialEq)]
pub struct Manifest {
    /// `slug`, the plugin's name in URLs and topics.
    pub slug: Spanned<PluginSlug>,
    /// Display name.
    pub name: String,
    /// The plugin's version.
    pub version: Spanned<Version>,
    /// The oldest daemon it runs on.
    pub min_core: Option<Spanned<Version>>,
    /// Free texts: description, author, homepage, license, category.
    pub about: IndexMap<String, String>,
    /// Tags.
    pub tags: Vec<String>,
    /// Bundle, sidecar or native.
    pub form: Form,
    /// The entry module.
    pub entry: Option<Spanned<String>>,
    /// File with the collections.
    pub schema: Option<Spanned<String>>,
    /// File with the pages.
    pub widgets: Option<Spanned<String>>,
    /// File with the schema of the settings.
    pub config: Option<Spanned<String>>,
    /// The contracts this plugin owns.
    pub topics: IndexMap<TopicName, TopicContract>,
    /// What it publishes.
    pub publishes: Vec<Spanned<Publishes>>,
    /// What it consumes.
    pub consumes: Vec<Spanned<Consumes>>,
    /// Capabilities it offers.
    pub provides: Vec<Spanned<Provided>>,
    /// Capabilities it uses.
    pub uses: Vec<Spanned<Used>>,
    /// Hard dependencies on other plugins.
    pub requires: IndexMap<String, Spanned<VersionReq>>,
    /// Permissions asked for; none where the manifest has no such key, which grants the usual ones.
    pub permissions: Option<Vec<Spanned<Permission>>>,
    /// Roles it teaches.
    pub roles: Vec<Spanned<Role>>,
    /// Pricing.
    pub pricing: Option<Pricing>,
    /// Documented exceptions.
    pub allow: Vec<Spanned<Allowance>>,
    /// The keys under which something was refused: what they say is known in part, and what is missing there is not
    /// known to be missing.
    pub refused: BTreeSet<String>,
}

/// The form a plugin comes in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Form {
    /// Signed JavaScript that runs in workers.
    #[default]
    Bundle,
    /// A process of its own behind the proxy.
    Sidecar,
    /// A crate compiled into an embedder's binary.
    Native,
}

/// What kind of topic it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TopicKind {
    /// A fact that anyone may hear.
    Event,
    /// A question with one responder and named replies.
    Request,
    /// An answer that is meaningless alone.
    Reply,
}

/// Who may see a topic.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Visibility {
    /// Only its owner.
    Private,
    /// The plugins of the suite.
    #[default]
    Suite,
    /// Also clients outside.
    Public,
}

/// Which payloads must go on being understood when a topic's schema changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compatibility {
    /// What was valid stays valid: the new schema reads what stands in the log.
    Backward,
    /// What is valid now was so before: handlers written for the old schema read what comes.
    Forward,
    /// Both.
    Full,
    /// Neither.
    None,
}

impl Compatibility {
    /// The word in the manifest.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Backward => "backward",
            Self::Forward => "forward",
            Self::Full => "full",
            Self::None => "none",
        }
    }
}

/// The contract of one topic.
#[derive(Debug, Clone, PartialEq)]
pub struct TopicContract {
    /// Where the topic's key stands in the manifest.
    pub name: Spanned<TopicName>,
    /// Event, request or reply.
    pub kind: TopicKind,
    /// The contract's own version.
    pub version: Option<Version>,
    /// File with the payload's JSON Schema.
    pub schema: Option<Spanned<String>>,
    /// Files with example payloads.
    pub examples: Vec<Spanned<String>>,
    /// Who may see it.
    pub visibility: Visibility,
    /// What changes of the schema must keep; see [`TopicContract::compatibility`].
    pub compatibility: Option<Compatibility>,
    /// JSON pointer to the field that orders delivery. Absent: the tenant.
    pub key: Option<Spanned<String>>,
    /// JSON pointers to the fields that make the idempotency key.
    pub idempotency: Vec<Spanned<String>>,
    /// How often and how fast a failing handler is tried again.
    pub retry: RetryPolicy,
    /// How long a pending event stays deliverable; after that it becomes a dead letter.
    pub ttl: Option<Millis>,
    /// How long an event is kept after it was handled by everybody. Absent: as long as the operator says, or for ever.
    pub retain: Option<Millis>,
    /// Plugins besides the owner that may publish it.
    pub publishers: Vec<PluginSlug>,
    /// Whether only one plugin of a composition may publish it at a time.
    pub exclusive: bool,
    /// The replies of a request topic.
    pub replies: Option<Replies>,
    /// How long a request waits for its reply.
    pub timeout: Option<Millis>,
    /// Set when the topic is on its way out.
    pub deprecated: Option<Deprecated>,
}

impl TopicContract {
    /// What changes of the schema must keep. Unless the manifest says so: backward, as logs are replayed; full where
    /// clients outside the suite listen, who are not upgraded together with it.
    pub fn compatibility(&self) -> Compatibility {
        self.compatibility.unwrap_or(match self.visibility {
            Visibility::Public => Compatibility::Full,
            Visibility::Private | Visibility::Suite => Compatibility::Backward,
        })
    }
}

/// The reply topics of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replies {
    /// Published when the request was fulfilled.
    pub ok: Spanned<TopicName>,
    /// Published when it was refused.
    pub error: Option<Spanned<TopicName>>,
}

/// What happens to an event whose handler keeps failing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AfterRetries {
    /// It goes to the dead letters and its key goes on.
    DeadLetter,
    /// It goes to the dead letters and its key waits for an operator.
    Park,
}

/// Exponential backoff with jitter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    /// All tries together.
    pub attempts: u32,
    /// Wait before the second try; doubles each time.
    pub backoff: Millis,
    /// The longest wait between two tries.
    pub cap: Millis,
    /// What happens after the last try.
    pub then: AfterRetries,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self { attempts: 12, backoff: Millis(200), cap: Millis(300_000), then: AfterRetries::DeadLetter }
    }
}

/// A topic's way out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deprecated {
    /// Version that deprecated it.
    pub since: Option<String>,
    /// Date after which consuming it is an error.
    pub sunset: Option<String>,
    /// What to use instead.
    pub instead: Option<TopicName>,
}

/// One entry of `publishes`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publishes {
    /// The topic, or a pattern with its values.
    pub topic: TopicPattern,
    /// For a pattern: the exact topics it stands for.
    pub values: Vec<TopicName>,
}

impl Publishes {
    /// The topics it stands for: its values, or the topic itself.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let own = self.values.is_empty().then(|| self.topic.as_str());
        self.values.iter().map(TopicName::as_str).chain(own)
    }
}

/// One entry of `consumes`.
#[derive(Debug, Clone, PartialEq)]
pub struct Consumes {
    /// The topic or pattern.
    pub topic: TopicPattern,
    /// Versions of the contract it understands.
    pub range: Option<VersionReq>,
    /// Whether it may be absent.
    pub optional: bool,
    /// Why it may be absent.
    pub reason: Option<String>,
    /// The setting that decides whether the plugin subscribes, as `config.KEY`.
    pub when: Option<String>,
    /// Name of the exported handler, where the manifest names one.
    pub handler: Option<Spanned<String>>,
    /// File with the JSON Schema of what the plugin can take, where it says so itself.
    pub schema: Option<Spanned<String>>,
}

/// A capability offered.
#[derive(Debug, Clone, PartialEq)]
pub struct Provided {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: Version,
}

/// A capability used.
#[derive(Debug, Clone, PartialEq)]
pub struct Used {
    /// Its name.
    pub name: String,
    /// Versions that will do.
    pub range: Option<VersionReq>,
    /// Whether it may be absent.
    pub optional: bool,
}

/// A role that the plugin teaches the instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Role {
    /// Its name, such as `ap.clerk`.
    pub name: String,
    /// Whether holders count as seats.
    pub billable: bool,
    /// What holders may do.
    pub grants: Vec<String>,
}

/// How the plugin is paid for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pricing {
    /// `free`, `seat_monthly`, `flat_monthly`, `host_seat_monthly`, `flat_usage_monthly` or `custom`.
    pub metric: String,
    /// Decimal amount.
    pub amount: Option<String>,
    /// ISO 4217 code.
    pub currency: Option<String>,
}

/// A documented exception from a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allowance {
    /// Rule id or name.
    pub rule: Spanned<String>,
    /// The topic it is about.
    pub topic: Option<Spanned<String>>,
    /// The file it is about.
    pub file: Option<String>,
    /// Why.
    pub reason: Option<String>,
    /// Who answers for it.
    pub owner: Option<String>,
    /// Date after which it no longer holds, YYYY-MM-DD.
    pub expires: Option<Spanned<String>>,
    /// A condition that ends it: `publisher(T)`, `consumer(T)` or `plugin(slug)`.
    pub until: Option<Spanned<String>>,
}

/// Keys on which the wiring of other plugins stands.
const WIRING: [&str; 7] = ["version", "form", "entry", "topics", "publishes", "consumes", "capabilities"];

impl Manifest {
    /// Whether everything under this key could be read.
    pub fn knows(&self, key: &str) -> bool {
        !self.refused.contains(key)
    }

    /// Whether everything could be read on which the wiring of other plugins stands.
    pub fn knows_its_wiring(&self) -> bool {
        WIRING.iter().all(|key| self.knows(key))
    }

    /// Whether the manifest declares that it publishes this topic.
    pub fn may_publish(&self, topic: &TopicName) -> bool {
        self.publishes.iter().any(|entry| {
            let entry = &entry.value;
            if entry.values.is_empty() { entry.topic.matches(topic.as_str()) } else { entry.values.contains(topic) }
        })
    }

    /// Whether the plugin is granted this permission.
    pub fn permits(&self, permission: &Permission) -> bool {
        grants(self.permissions.as_ref().map(|asked| asked.iter().map(|one| &one.value)), permission)
    }

    /// What it is granted.
    pub fn granted(&self) -> Vec<Permission> {
        granted(self.permissions.as_ref().map(|asked| asked.iter().map(|one| &one.value)))
    }

    /// Whether the manifest declares that it consumes all of this topic or pattern.
    pub fn may_consume(&self, topic: &TopicPattern) -> bool {
        self.consumes.iter().any(|entry| entry.value.topic.covers(topic))
    }
}
