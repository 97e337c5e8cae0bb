//! Verbs under an `Idempotency-Key`: run once, and answered the same when they are repeated.
//!
//! The first answer is stored in the transaction of the unit of work that it answers for. Repetitions that come
//! while the first one runs wait for it; one that left nothing stored may be tried again.

use crate::api::{HostError, ReplyBody, VerbReply, VerbRequest};
use crate::clock;
use crate::host::Inner;
use crate::reader::store_error;
use crate::settle::{PendingAnswer, PendingOutcome, outcome_of_stored};
use contract_model::canonical::canonical_sha256;
use contract_model::limits::IDEMPOTENCY_KEPT_MS;
use contract_model::{ErrorCode, TenantId};
use daemon_store::{AnswerKey, NewAnswer, OldAnswer, Refused, Scope, Store, Unit, View, tenant_meta};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;
use tokio::sync::OwnedMutexGuard;

const HEADER: &str = "idempotency-key";
/// How often old answers are looked for.
const SWEEP_EVERY: Duration = Duration::from_mins(1);
/// Answers forgotten in one unit of work.
const SWEEP_ANSWERS_MAX: usize = 1_000;

type Place = (TenantId, AnswerKey);

/// A request under its caller's key, and its turn among those with the same key. The turn lasts until this is
/// dropped, which is when the call has been decided or has failed.
pub(crate) struct Keyed {
    pub(crate) key: AnswerKey,
    request: AnswerKey,
    turn: Option<Turn>,
}

/// What is kept of an answer.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kept {
    Json {
        status: u16,
        body: Value,
    },
    Text {
        status: u16,
        body: String,
    },
    /// Whatever becomes of this request.
    Outcome {
        request: String,
        ok: u16,
        error: u16,
        wait_ms: u64,
    },
}

impl Keyed {
    /// The key of a request whose route asks for one. A handler that only reads has nothing to repeat.
    pub(crate) fn of(request: &VerbRequest) -> Option<Self> {
        let options = &request.route.options;
        if options.idempotent != Some(true) || options.read_only == Some(true) {
            return None;
        }
        let given = request.headers.get(HEADER)?;
        let route = &request.route;
        let owner = json!([route.plugin, route.method, route.path, request.identity.user, given]);
        let asked = json!([request.params, request.query, request.body]);
        Some(Self { key: hash(&owner), request: hash(&asked), turn: None })
    }

    /// The key of a change of records, by which the same user is recognised in the same collection.
    pub(crate) fn of_records(user: &str, collection: &str, given: &str, asked: &Value) -> Self {
        Self { key: hash(&json!(["records", collection, user, given])), request: hash(asked), turn: None }
    }

    /// The turn of those who reserve of one resource.
    pub(crate) fn of_resource(resource: &str) -> Self {
        let key = hash(&json!(["resource", resource]));
        Self { key, request: key, turn: None }
    }

    /// The same key for whoever does the work while the turn is held here.
    pub(crate) fn without_turn(&self) -> Self {
        Self { key: self.key, request: self.request, turn: None }
    }

    /// Waits until nobody else runs under this key.
    pub(crate) async fn take_turn(&mut self, inner: &Inner, tenant: &TenantId) {
        self.turn = Some(inner.turns.take((tenant.clone(), self.key)).await);
    }

    /// The answer as it is stored with its unit of work.
    pub(crate) fn keep(&self, answer: &PendingAnswer) -> Result<NewAnswer, HostError> {
        let kept = match answer {
            PendingAnswer::Ready(VerbReply { status, body: ReplyBody::Text(body), .. }) => {
                Kept::Text { status: *status, body: body.clone() }
            }
            PendingAnswer::Ready(VerbReply { status, body, .. }) => {
                let body = serde_json::to_value(body).map_err(|error| internal(&error))?;
                Kept::Json { status: *status, body }
            }
            PendingAnswer::Outcome(PendingOutcome { request, statuses: (ok, error), wait, .. }) => Kept::Outcome {
                request: request.clone(),
                ok: *ok,
                error: *error,
                wait_ms: u64::try_from(wait.as_millis()).unwrap_or(u64::MAX),
            },
        };
        let answer = serde_json::to_vec(&kept).map_err(|error| internal(&error))?;
        Ok(NewAnswer { key: self.key, request: self.request, answer })
    }

    /// The answer given before, if there is one; an error if it was given to another request.
    pub(crate) fn find(&self, inner: &Arc<Inner>, tenant: &TenantId) -> Result<Option<PendingAnswer>, HostError> {
        let owner = inner.tenant(tenant)?;
        let found = inner.view()?.answer(&owner, &self.key).map_err(|error| store_error(&error))?;
        let Some(found) = found else { return Ok(None) };
        if found.request != self.request {
            let text = "this `Idempotency-Key` was used before with another body, path or query; nothing was run";
            return Err(HostError::new(ErrorCode::IdempotencyConflict, text));
        }
        let kept: Kept = serde_json::from_slice(&found.answer).map_err(|error| internal(&error))?;
        let ready = |status, body| PendingAnswer::Ready(VerbReply { replayed: true, ..VerbReply::new(status, body) });
        Ok(Some(match kept {
            Kept::Json { status, body } => ready(status, ReplyBody::Json(body)),
            Kept::Text { status, body } => ready(status, ReplyBody::Text(body)),
            Kept::Outcome { request, ok, error, wait_ms } => {
                outcome_of_stored(inner, tenant, request, (ok, error), Duration::from_millis(wait_ms))?
            }
        }))
    }
}

/// The name of the mark that an answer is kept which tells whatever becomes of a request: as long as it is there, the
/// request and its reply are owed.
pub(crate) fn awaited(tenant: &TenantId, request: &str) -> String {
    tenant_meta(tenant, &format!("awaited/{request}"))
}

/// That mark, to be stored with the answer. It holds when the last such answer was given.
pub(crate) fn awaits(tenant: &TenantId, answer: &PendingAnswer, now_ms: u64) -> Option<(String, Option<Value>)> {
    let PendingAnswer::Outcome(PendingOutcome { request, .. }) = answer else { return None };
    Some((awaited(tenant, request), Some(json!(now_ms))))
}

/// The mark of an answer that is forgotten, unless a later one needs it.
fn awaited_no_more(view: &View, old: &OldAnswer, now_ms: u64) -> Result<Option<String>, HostError> {
    let failed = |error| store_error(&error);
    let Some((tenant, kept)) = view.old_answer(old).map_err(failed)? else { return Ok(None) };
    let Ok(Kept::Outcome { request, .. }) = serde_json::from_slice(&kept.answer) else { return Ok(None) };
    let name = awaited(&tenant, &request);
    let last = view.meta(&name).map_err(failed)?.and_then(|mark| mark.as_u64());
    Ok(last.filter(|last| last.saturating_add(IDEMPOTENCY_KEPT_MS) <= now_ms).map(|_| name))
}

fn hash(value: &Value) -> AnswerKey {
    Sha256::digest(canonical_sha256(value).as_bytes()).into()
}

fn internal(error: &serde_json::Error) -> HostError {
    HostError::new(ErrorCode::Internal, format!("an answer cannot be kept: {error}"))
}

/// Who runs under which key.
#[derive(Default)]
pub(crate) struct Turns(Mutex<HashMap<Place, Arc<tokio::sync::Mutex<()>>>>);

/// The right to run under a key.
struct Turn {
    turns: Arc<Turns>,
    place: Place,
    held: Option<OwnedMutexGuard<()>>,
}

impl Turns {
    fn gates(&self) -> MutexGuard<'_, HashMap<Place, Arc<tokio::sync::Mutex<()>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn take(self: &Arc<Self>, place: Place) -> Turn {
        let gate = self.gates().entry(place.clone()).or_default().clone();
        // Made before the wait, so that whoever gives up waiting clears away after itself.
        let mut turn = Turn { turns: self.clone(), place, held: None };
        turn.held = Some(gate.lock_owned().await);
        turn
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.held = None;
        let mut gates = self.turns.gates();
        if gates.get(&self.place).is_some_and(|gate| Arc::strong_count(gate) == 1) {
            gates.remove(&self.place);
        }
    }
}

/// Forgets answers that were kept long enough, until the host is gone.
pub(crate) async fn sweep(inner: Weak<Inner>) {
    loop {
        tokio::time::sleep(SWEEP_EVERY).await;
        let Some(inner) = inner.upgrade() else { return };
        if let Err(error) = sweep_once(&inner.store, clock::now_ms()) {
            tracing::error!(error = error.line(), "old answers could not be forgotten");
        }
    }
}

fn sweep_once(store: &Store, now_ms: u64) -> Result<(), HostError> {
    loop {
        let view = store.view().map_err(|error| store_error(&error))?;
        let old = view.old_answers(now_ms, SWEEP_ANSWERS_MAX).map_err(|error| store_error(&error))?;
        let more = old.len() == SWEEP_ANSWERS_MAX;
        if old.is_empty() {
            return Ok(());
        }
        let mut unit = Unit::new(Scope::System, now_ms);
        for one in &old {
            unit.meta.extend(awaited_no_more(&view, one, now_ms)?.map(|name| (name, None)));
        }
        unit.forgotten = old;
        match store.decide(unit, view.into_reads()) {
            Ok(_) => {}
            // One of those requests was asked for again at this very moment.
            Err(Refused::Conflict { .. }) => continue,
            Err(other) => return Err(crate::reader::refused(&other)),
        }
        if !more {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use daemon_store::{Options, ReadSet};

    #[test]
    fn a_sweep_forgets_what_was_kept_long_enough_and_nothing_younger() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::open(folder.path(), Options { map_bytes: 64 << 20, ..Options::default() }).expect("a store");
        let tenant = store.create_tenant(&TenantId::new("demo").expect("a name"), "Demo").expect("a tenant");
        let keep = |n: u64, time_ms: u64| {
            let (key, request) = (hash(&json!(n)), hash(&json!("asked")));
            let answer = Some(NewAnswer { key, request, answer: b"{}".to_vec() });
            let unit = Unit { answer, ..Unit::new(tenant.clone(), time_ms) };
            store.decide(unit, ReadSet::none()).map(|_| key)
        };
        // More than one unit of work can forget, up to one that is just old enough, and one that is not.
        let old = SWEEP_ANSWERS_MAX as u64 + 7;
        let keys: Vec<AnswerKey> = (0..old).map(|n| keep(n, n).expect("kept")).collect();
        let young = keep(old, old).expect("kept");
        keep(0, old).expect_err("a key that is taken");

        sweep_once(&store, old + IDEMPOTENCY_KEPT_MS).expect("swept");
        let view = store.view().expect("a view");
        let kept = |key| view.answer(&tenant, key).expect("read").is_some();
        assert_eq!(keys.iter().filter(|key| kept(key)).count(), 0, "old ones are left");
        assert!(kept(&young), "the young one is gone");
        assert_eq!(view.old_answers(u64::MAX, usize::MAX).expect("read").len(), 1, "an entry by time is left over");
        assert_eq!(keep(0, 2 * old).expect("a forgotten key may be used again"), keys[0]);
        assert!(store.verify().expect("verified").is_sound());
    }

    #[tokio::test]
    async fn turns_come_one_after_another_and_leave_nothing_behind() {
        let turns = Arc::new(Turns::default());
        let place = || (TenantId::new("demo").expect("tenant"), [7; 32]);
        let first = turns.take(place()).await;
        let second = tokio::time::timeout(Duration::from_millis(20), turns.take(place())).await;
        assert!(second.is_err(), "two had the turn at once");
        drop(first);
        drop(turns.take(place()).await);
        assert!(turns.gates().is_empty());
    }
}
