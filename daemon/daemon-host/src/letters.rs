//! Dead letters as an operator handles them.

use crate::api::{DeadLetterView, HostError};
use crate::clock;
use crate::host::Host;
use crate::reader::{refused, store_error};
use contract_model::event::rfc3339;
use contract_model::{ErrorCode, TenantId};
use daemon_bus::{Input, Lane};
use daemon_store::{DeadLetter, DeadLetterChange, ReadSet, Retry, RetryChange, Scope, Unit};

impl Host {
    /// The dead letters, of one tenant or of all.
    pub fn dead_letters(&self, tenant: Option<&TenantId>) -> Result<Vec<DeadLetterView>, HostError> {
        let letters = self.0.view()?.dead_letters(None, usize::MAX).map_err(|error| store_error(&error))?;
        Ok(letters.iter().filter(|letter| tenant.is_none_or(|tenant| *tenant == letter.tenant)).map(view_of).collect())
    }

    /// Delivers a dead letter's event once more to the subscription that could not handle it.
    pub async fn retry_dead_letter(&self, id: &str) -> Result<(), HostError> {
        let letter = self.dead_letter(id)?;
        self.remove(&letter, true).await?;
        self.0.redeliver(letter.subscription.clone(), letter.sequence);
        Ok(())
    }

    /// Forgets a dead letter; its event stays in the log, unhandled by that subscription for good.
    pub async fn drop_dead_letter(&self, id: &str) -> Result<(), HostError> {
        let letter = self.dead_letter(id)?;
        self.remove(&letter, false).await?;
        // The lane goes on, if this letter had parked it.
        if let Some(event) = self.0.event_at(letter.sequence) {
            let subscription = letter.subscription.clone();
            let lane = Lane { tenant: event.tenant.clone(), key: event.key.clone() };
            self.0.input(Input::Unpark { subscription, lane });
        }
        Ok(())
    }

    fn dead_letter(&self, id: &str) -> Result<DeadLetter, HostError> {
        let letters = self.0.view()?.dead_letters(None, usize::MAX).map_err(|error| store_error(&error))?;
        let missing = || HostError::new(ErrorCode::NotFound, format!("there is no dead letter `{id}`"));
        letters.into_iter().find(|letter| letter_id(letter) == id).ok_or_else(missing)
    }

    async fn remove(&self, letter: &DeadLetter, again: bool) -> Result<(), HostError> {
        let mut unit = Unit::new(Scope::System, clock::now_ms());
        unit.dead_letters.push(DeadLetterChange::Remove(letter.subscription.clone(), letter.sequence));
        if again {
            // It survives a restart, and lets the event be handled although it was given up before.
            let retry =
                Retry { sequence: letter.sequence, attempts: 1, due_ms: unit.time_ms, error: letter.reason.clone() };
            unit.retries.push(RetryChange::Put(letter.subscription.clone(), retry));
        }
        let decided = self.0.store.decide(unit, ReadSet::default()).map_err(|error| refused(&error))?;
        decided.synced.await.map_err(|error| store_error(&error))
    }
}

fn letter_id(letter: &DeadLetter) -> String {
    format!("{}:{}", letter.subscription.as_str().replace('/', "."), letter.sequence)
}

fn view_of(letter: &DeadLetter) -> DeadLetterView {
    let subscription = letter.subscription.as_str();
    DeadLetterView {
        id: letter_id(letter),
        topic: letter.topic.as_str().to_owned(),
        plugin: subscription.split('/').next().unwrap_or_default().to_owned(),
        subscription: subscription.to_owned(),
        attempts: letter.attempts,
        reason: letter.reason.clone(),
        code: letter.code.clone(),
        stack: letter.stack.clone(),
        version: letter.version.clone(),
        time: rfc3339(letter.time_ms),
        event: letter.event.as_str().to_owned(),
        tenant: letter.tenant.as_str().to_owned(),
    }
}
