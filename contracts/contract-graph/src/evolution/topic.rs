//! One topic, before and now.

use super::schema::Payloads;
use crate::graph::Graph;
use crate::owners::Owned;
use contract_model::manifest::{Compatibility, TopicContract, TopicKind, Visibility};

/// What became of one topic.
#[derive(Debug, Clone)]
pub struct TopicChange<'a> {
    /// Its name.
    pub name: String,
    /// Its contract as it was, where it had one.
    pub before: Option<Owned<'a>>,
    /// Its contract as it is, where it has one.
    pub after: Option<Owned<'a>>,
    /// Whether it existed, with or without a contract.
    pub existed: bool,
    /// Whether it exists.
    pub exists: bool,
    /// For one that went: the new name under which it lives on.
    pub renamed_to: Option<String>,
    /// For one that came: the name it had.
    pub renamed_from: Option<String>,
    /// What differs in the contract besides the schema.
    pub contract: Vec<ContractChange>,
    /// What differs in the payloads. Empty where the topic is not in both states.
    pub payloads: Payloads,
}

/// A difference of two contracts besides the schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContractChange {
    /// The key in the manifest.
    pub key: &'static str,
    /// The difference in words, to be read after the topic's name: "is ordered by /b instead of /a".
    pub message: String,
    /// Whether those who relied on the contract must change something.
    pub breaking: bool,
    /// Whether the contract offers more than it did.
    pub extending: bool,
}

impl<'a> TopicChange<'a> {
    /// Compares one topic; `there` says whether it existed and whether it exists. None where it is as it was, and where
    /// what could not be read leaves open what it was or is.
    pub(super) fn of(before: &Graph<'a>, after: &Graph<'a>, name: &str, there: (bool, bool)) -> Option<Self> {
        let (old, new) = (before.contract(name), after.contract(name));
        let is_known = match (old, new) {
            (Some(_), None) => after.unread().next().is_none(),
            (None, Some(_)) => before.unread().next().is_none(),
            _ => [old, new].into_iter().flatten().all(|owned| owned.plugin.knows("topics")),
        };
        if !is_known {
            return None;
        }
        let (existed, exists) = there;
        let (contract, payloads) = match (old, new) {
            (Some(old), Some(new)) => (contracts(old.contract, new.contract), Payloads::between(old, new)),
            _ => (Vec::new(), Payloads::Same),
        };
        let versions = [old, new].map(|owned| owned.and_then(|owned| owned.contract.version.clone()));
        let is_same = existed == exists
            && old.is_some() == new.is_some()
            && versions[0] == versions[1]
            && contract.is_empty()
            && matches!(payloads, Payloads::Same);
        let (renamed_to, renamed_from) = (None, None);
        (!is_same).then_some(Self {
            name: name.to_owned(),
            before: old,
            after: new,
            existed,
            exists,
            renamed_to,
            renamed_from,
            contract,
            payloads,
        })
    }

    /// Whether it went.
    pub fn is_removed(&self) -> bool {
        self.existed && !self.exists
    }

    /// Whether it came.
    pub fn is_added(&self) -> bool {
        self.exists && !self.existed
    }

    /// Which payloads must go on being understood: what the contract says now, or what it said.
    pub fn mode(&self) -> Compatibility {
        self.after.or(self.before).map_or(Compatibility::Backward, |owned| owned.contract.compatibility())
    }

    /// Whether it is a request: there the responder reads, and everybody else writes.
    pub fn is_request(&self) -> bool {
        self.after.or(self.before).is_some_and(|owned| owned.contract.kind == TopicKind::Request)
    }
}

fn contracts(old: &TopicContract, new: &TopicContract) -> Vec<ContractChange> {
    let mut out = Vec::new();
    let mut add = |key, message, breaking, extending| out.push(ContractChange { key, message, breaking, extending });
    if old.kind != new.kind {
        add("kind", format!("is {} instead of {}", kind(new.kind), kind(old.kind)), true, false);
    }
    if old.visibility != new.visibility {
        let narrower = rank(new.visibility) < rank(old.visibility);
        let message = format!("is {} instead of {}", visibility(new.visibility), visibility(old.visibility));
        add("visibility", message, narrower, !narrower);
    }
    let pointer = |contract: &TopicContract| contract.key.as_ref().map(|key| key.value.clone());
    if pointer(old) != pointer(new) {
        let words = |pointer: Option<String>| pointer.unwrap_or_else(|| "the tenant".to_owned());
        let message = format!("is ordered by {} instead of {}", words(pointer(new)), words(pointer(old)));
        add("key", message, true, false);
    }
    let fields = |contract: &TopicContract| -> Vec<String> {
        contract.idempotency.iter().map(|field| field.value.clone()).collect()
    };
    if fields(old) != fields(new) {
        let words = |fields: &[String]| if fields.is_empty() { "nothing".to_owned() } else { fields.join(", ") };
        let message =
            format!("takes {} for its idempotency key instead of {}", words(&fields(new)), words(&fields(old)));
        add("idempotency", message, true, false);
    }
    replies(old, new, &mut add);
    let withdrawn: Vec<&str> = old
        .publishers
        .iter()
        .filter(|slug| !new.publishers.contains(slug))
        .map(contract_model::PluginSlug::as_str)
        .collect();
    if !withdrawn.is_empty() {
        add("publishers", format!("may no longer be published by {}", withdrawn.join(", ")), true, false);
    }
    if new.publishers.iter().any(|slug| !old.publishers.contains(slug)) {
        add("publishers", "may be published by further plugins".to_owned(), false, true);
    }
    if old.deprecated.is_none() && new.deprecated.is_some() {
        add("deprecated", "is deprecated now".to_owned(), false, true);
    }
    if (old.retry, old.ttl, old.timeout) != (new.retry, new.ttl, new.timeout) {
        add("retry", "is delivered in another rhythm".to_owned(), false, false);
    }
    out
}

fn replies(old: &TopicContract, new: &TopicContract, add: &mut impl FnMut(&'static str, String, bool, bool)) {
    let names = |contract: &TopicContract| {
        let replies = contract.replies.as_ref()?;
        Some((replies.ok.value.clone(), replies.error.as_ref().map(|error| error.value.clone())))
    };
    if names(old) != names(new) {
        let words = names(new).map_or("nothing".to_owned(), |(ok, error)| match error {
            Some(error) => format!("{ok} or {error}"),
            None => ok.to_string(),
        });
        add("replies", format!("is answered with {words}"), true, false);
    }
}

fn rank(visibility: Visibility) -> u8 {
    match visibility {
        Visibility::Private => 0,
        Visibility::Suite => 1,
        Visibility::Public => 2,
    }
}

fn kind(kind: TopicKind) -> &'static str {
    match kind {
        TopicKind::Event => "an event",
        TopicKind::Request => "a request",
        TopicKind::Reply => "a reply",
    }
}

fn visibility(visibility: Visibility) -> &'static str {
    match visibility {
        Visibility::Private => "private",
        Visibility::Suite => "open to the suite",
        Visibility::Public => "public",
    }
}
