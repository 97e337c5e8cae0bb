//! The bus over a transport: everything is handled, each effect happens once, keys keep their order, whatever crashes.

use super::{Site, Verdict, event, slug, tenant};
use crate::bus::Bus;
use crate::effect::Effect;
use crate::input::{Failure, Input};
use crate::subscription::Subscription;
use crate::transport::{Commit, Committed, Note, PageWanted, Transport};
use contract_model::{Sequence, SubscriptionId, TopicPattern};
use std::collections::{BTreeMap, VecDeque};

const EVENTS: usize = 60;
/// A crash after so many inputs, while there are crashes left.
const CRASH_EVERY: usize = 40;
const CRASHES: usize = 4;
/// Every so many events the handler fails at first.
const FAILS_EVERY: u64 = 7;
const INPUTS_MAX: usize = 10_000;

pub(super) async fn everything_takes_effect_once_over_crashes(site: &mut impl Site) -> Verdict {
    let mut to = site.fresh();
    for number in 0..EVENTS {
        let of = if number % 3 == 0 { "t1" } else { "t2" };
        let asked = event(of, &format!("ask{number}"), "gl.asked", &format!("k{}", number % 4))?;
        to.commit(Commit { tenant: Some(tenant(of)?), events: vec![asked], ..Commit::default() }).await?;
    }
    to.synced().await?;
    let mut inputs = 0;
    for life in 0..=CRASHES {
        let until = if life < CRASHES { CRASH_EVERY } else { INPUTS_MAX };
        inputs += run(&to, life as u64, until).await?;
        to.synced().await?;
        drop(to);
        to = site.reopen();
    }
    if inputs >= INPUTS_MAX {
        return Err("delivery does not come to rest".to_owned());
    }
    judge(&to).await
}

fn spec() -> Result<Subscription, String> {
    let pattern = TopicPattern::new("gl.asked").map_err(|error| error.to_string())?;
    let mut spec = Subscription::new(SubscriptionId::new(&slug(), "h"), vec![pattern]);
    spec.window = 8;
    Ok(spec)
}

/// One life of a bus, for at most `until` inputs. Gives how many there were.
async fn run(to: &impl Transport, seed: u64, until: usize) -> Result<usize, String> {
    let spec = spec()?;
    let standing = to.standing(spec.id.clone()).await?;
    let (mut bus, mut now_ms, mut count) = (Bus::new(seed), 0, 0);
    let (cursor, retries) = (standing.cursor, standing.retries);
    let mut inputs = VecDeque::from([Input::Subscribe { subscription: spec.clone(), cursor, retries, parked: vec![] }]);
    let mut wake_ms = None;
    loop {
        let input = match (inputs.pop_front(), wake_ms.take()) {
            (Some(input), wake) => {
                wake_ms = wake;
                input
            }
            // Nothing is left but to wait; once all is handled the last wish is that of the cursor.
            (None, Some(at_ms)) => {
                now_ms = at_ms;
                Input::Tick
            }
            (None, None) => return Ok(count),
        };
        count += 1;
        if count >= until {
            return Ok(count);
        }
        for effect in bus.step(now_ms, input) {
            match effect {
                Effect::Deliver { batch, .. } => handle(to, &spec.id, batch, &mut inputs).await?,
                Effect::Load { subscription, ticket, tenant, after, limit } => {
                    let patterns = spec.patterns.clone();
                    let wanted = PageWanted { subscription: subscription.clone(), patterns, tenant, after, limit };
                    let page = to.page(wanted).await?;
                    let (heads, through, more) = (page.heads, page.through, page.more);
                    inputs.push_back(Input::Loaded { subscription, ticket, heads, through, more });
                }
                Effect::Retry { subscription, sequence, attempt, due_ms, .. } => {
                    note(to, Note::Retry(subscription, sequence, attempt, due_ms)).await?;
                }
                Effect::DeadLetter { sequence, .. } => return Err(format!("event {sequence} was given up")),
                Effect::Cursor { subscription, through } => note(to, Note::Cursor(subscription, through)).await?,
                Effect::Wake { at_ms } => wake_ms = Some(at_ms),
                Effect::Refused { .. } => {}
            }
        }
    }
}

async fn note(to: &impl Transport, note: Note) -> Verdict {
    to.commit(Commit { notes: vec![note], ..Commit::default() }).await?;
    Ok(())
}

/// The handler answers each event by one of its own, in the commit that completes the delivery.
async fn handle(
    to: &impl Transport,
    subscription: &SubscriptionId,
    batch: Vec<(Sequence, u32)>,
    inputs: &mut VecDeque<Input>,
) -> Verdict {
    let mut failed = false;
    for (sequence, attempt) in batch {
        let subscription = subscription.clone();
        if failed {
            inputs.push_back(Input::NotRun { subscription, sequence });
            continue;
        }
        failed = attempt == 1 && sequence.0.is_multiple_of(FAILS_EVERY);
        if failed {
            let (error, failure) = ("no luck".to_owned(), Failure::Counted);
            inputs.push_back(Input::Failed { subscription, sequence, error, failure });
            continue;
        }
        let asked = to.event(sequence).await?.ok_or_else(|| format!("event {sequence} is not there"))?;
        let mut answer = event(asked.tenant.as_str(), &format!("answer-{}", asked.id), "gl.answered", &asked.key)?;
        answer.causation = Some(asked.id.as_str().to_owned());
        let handled = Some((subscription.clone(), sequence));
        let commit = Commit { tenant: Some(asked.tenant), events: vec![answer], handled, notes: vec![] };
        match to.commit(commit).await? {
            Committed::Done(_) | Committed::AlreadyHandled => inputs.push_back(Input::Done { subscription, sequence }),
            Committed::EventExists => return Err(format!("event {sequence} took effect twice")),
        }
    }
    Ok(())
}

async fn judge(to: &impl Transport) -> Verdict {
    let mut answered: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    let mut count = 0;
    for number in 1..=to.log_end().await?.0 {
        let Some(event) = to.event(Sequence(number)).await? else { return Err(format!("event {number} is missing")) };
        if event.topic.as_str() == "gl.answered" {
            count += 1;
            let number: Option<u64> = event.causation.and_then(|id| id.trim_start_matches("ask").parse().ok());
            let lane = format!("{}/{}", event.tenant, event.key);
            answered.entry(lane).or_default().extend(number);
        }
    }
    if count != EVENTS {
        return Err(format!("{count} effects of {EVENTS} events"));
    }
    match answered.iter().find(|(_, numbers)| !numbers.is_sorted_by(|a, b| a < b)) {
        Some((lane, numbers)) => Err(format!("the events of {lane} were handled as {numbers:?}")),
        None => Ok(()),
    }
}
