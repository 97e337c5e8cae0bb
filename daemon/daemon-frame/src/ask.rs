//! What handlers ask while they run, and what they are answered.

use crate::{AppError, Reserved};
use contract_model::filter::{Filter, Query};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// A question that only the host can answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Ask {
    /// One record by id.
    Get {
        /// The collection.
        collection: String,
        /// The record.
        id: String,
    },
    /// Records of several collections by id, in the order asked, null where there is none.
    GetAcross {
        /// Collections with the records wanted of each.
        wanted: Vec<(String, Vec<String>)>,
    },
    /// Like `GetAcross`, for all items of the lane that is about to begin.
    Ahead {
        /// Collections with the records wanted of each.
        wanted: Vec<(String, Vec<String>)>,
    },
    /// Records by filter, as the store has them; the worker lays its own pending writes over them.
    Find {
        /// The collection.
        collection: String,
        /// Which.
        query: Query,
    },
    /// How many records match.
    Count {
        /// The collection.
        collection: String,
        /// Which.
        filter: Filter,
    },
    /// A reservation of the plugin.
    Reservation {
        /// Its id.
        id: String,
    },
    /// Whether this idempotency key was used on this topic.
    Known {
        /// The topic.
        topic: String,
        /// The key.
        key: String,
        /// SHA-256 of the payload's canonical JSON, hexadecimal.
        hash: String,
    },
    /// A method of a capability that another plugin provides.
    Call {
        /// The capability.
        capability: String,
        /// The method.
        method: String,
        /// What it is called with.
        input: Value,
        /// The provider that is wanted, where it is not the first.
        provider: Option<String>,
    },
    /// What a host outside answers.
    Fetch(Box<FetchAsked>),
    /// Who provides a capability.
    Providers {
        /// The capability.
        capability: String,
    },
    /// What a test wants done in its rehearsal.
    Rehearse {
        /// What.
        what: String,
        /// With what.
        args: Value,
    },
}

/// The reply to an [`Ask`]: the value, or a refusal that the handler sees as an exception.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Answer(pub Result<Asked, AppError>);

/// The value of an [`Answer`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Asked {
    /// For `Get`.
    Record(Option<Value>),
    /// For `GetAcross` and `Ahead`.
    Records(Vec<Option<Value>>),
    /// For `Find`.
    Page {
        /// The records.
        items: Vec<Value>,
        /// Where the next page starts.
        cursor: Option<String>,
    },
    /// For `Count`.
    Count(u64),
    /// For `Reservation`.
    Reservation(Option<Box<Reserved>>),
    /// For `Known`.
    Known(Known),
    /// For `Fetch`.
    Fetched(Box<FetchAnswer>),
    /// For `Call`: what the method gave.
    Called(Value),
    /// For `Providers`: slugs and versions, in the order in which they are chosen.
    Providers(Vec<(String, String)>),
    /// For `Rehearse`.
    Rehearsed(Value),
}

/// A question to a host outside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FetchAsked {
    /// Upper-case method.
    pub method: String,
    /// The address.
    pub url: String,
    /// Header lines, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body, if there is one.
    pub body: Option<String>,
    /// The longest wait, where it is shorter than the call may take.
    pub timeout_ms: Option<u64>,
    /// How often it is tried at most.
    pub attempts: u32,
    /// The plugin's own idempotency key.
    pub idempotency_key: Option<String>,
}

/// What a host outside has answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FetchAnswer {
    /// HTTP status.
    pub status: u16,
    /// Header lines by name in lower case.
    pub headers: BTreeMap<String, String>,
    /// The body; none where it is no text in UTF-8.
    pub body: Option<String>,
}

/// What is known of an idempotency key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Known {
    /// Nothing.
    New,
    /// The same payload was published as this event.
    Same(String),
    /// Another payload was published as this event.
    Other(String),
}
