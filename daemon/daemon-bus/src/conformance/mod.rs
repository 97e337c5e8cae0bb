//! What every [`Transport`] must do, as checks that any of them can be put through. Pure: whoever runs them brings the
//! executor. [`memory`] holds a reference that passes, and flaws that must be found.

mod delivery;
pub mod memory;
mod reading;
mod writing;

use crate::transport::{Commit, Committed, Transport, TransportError};
use contract_model::{Event, EventId, PluginSlug, Sequence, SubscriptionId, TenantId, TopicName};
use serde_json::{Map, json};

/// Where a transport is opened.
pub trait Site: Send {
    /// What is opened.
    type Opened: Transport;
    /// An empty one.
    fn fresh(&mut self) -> Self::Opened;
    /// The same once more, after a crash. Whoever had it open before is gone.
    fn reopen(&mut self) -> Self::Opened;
}

/// What a check says when it fails.
type Verdict = Result<(), String>;

/// Puts a transport through all checks. Gives their number, or what the first that fails says.
pub async fn examine<S: Site>(site: &mut S) -> Result<usize, String> {
    let mut passed = 0;
    macro_rules! checks {
        ($($module:ident::$name:ident,)*) => {$(
            $module::$name(site).await.map_err(|why| format!("{}: {why}", stringify!($name)))?;
            passed += 1;
        )*};
    }
    checks! {
        writing::sequences_follow_one_another,
        writing::events_come_back_as_they_were,
        writing::an_id_is_taken_once_in_its_tenant,
        writing::a_delivery_is_completed_once,
        writing::what_is_refused_leaves_nothing,
        writing::what_is_synced_outlives_a_crash,
        writing::notes_outlive_a_crash,
        writing::a_mark_ends_a_retry,
        writing::a_wish_lets_what_was_handled_be_handled_once_more,
        writing::a_cursor_never_goes_back,
        writing::nothing_is_noted_of_what_is_not_there,
        reading::pages_leave_out_what_is_handled,
        reading::pages_keep_to_tenant_and_topics,
        reading::pages_follow_one_another_to_the_end,
        reading::a_cursor_stands_for_its_marks,
        reading::heads_say_what_delivery_goes_by,
        delivery::everything_takes_effect_once_over_crashes,
    }
    Ok(passed)
}

impl From<TransportError> for String {
    fn from(error: TransportError) -> Self {
        error.0
    }
}

fn subscription(name: &str) -> SubscriptionId {
    SubscriptionId::new(&slug(), name)
}

fn slug() -> PluginSlug {
    PluginSlug::new("ear").unwrap_or_else(|_| unreachable!("`ear` is a slug"))
}

fn tenant(name: &str) -> Result<TenantId, String> {
    TenantId::new(name).map_err(|error| error.to_string())
}

/// An event of a tenant, its id also its payload.
fn event(of: &str, id: &str, topic: &str, key: &str) -> Result<Event, String> {
    Ok(Event {
        id: EventId::new(id).map_err(|error| error.to_string())?,
        sequence: Sequence(0),
        topic: TopicName::new(topic).map_err(|error| error.to_string())?,
        tenant: tenant(of)?,
        publisher: "plugin:mouth".to_owned(),
        actor: "user".to_owned(),
        roles: vec!["clerk".to_owned()],
        time_ms: 1_700_000_000_000,
        correlation: id.to_owned(),
        causation: None,
        hops: 0,
        key: key.to_owned(),
        idempotency_key: None,
        trace: None,
        due_ms: None,
        expires_ms: None,
        headers: Map::new(),
        payload: json!({ "id": id }),
    })
}

/// Events of one tenant on one topic, `prefix` and a number each.
async fn publish(
    to: &impl Transport,
    of: &str,
    topic: &str,
    prefix: &str,
    count: usize,
) -> Result<Vec<Sequence>, String> {
    let events =
        (0..count).map(|number| event(of, &format!("{prefix}{number}"), topic, "")).collect::<Result<_, _>>()?;
    match to.commit(Commit { tenant: Some(tenant(of)?), events, ..Commit::default() }).await? {
        Committed::Done(sequences) => Ok(sequences),
        other => Err(format!("new events were refused: {other:?}")),
    }
}

async fn complete(to: &impl Transport, name: &str, sequence: Sequence) -> Result<Committed, String> {
    Ok(to.commit(Commit { handled: Some((subscription(name), sequence)), ..Commit::default() }).await?)
}

fn expect<T: PartialEq + std::fmt::Debug>(what: &str, got: &T, wanted: &T) -> Verdict {
    if got == wanted { Ok(()) } else { Err(format!("{what} is {got:?}, not {wanted:?}")) }
}
