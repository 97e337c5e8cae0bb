//! The bus over a transport: questions are asked and answered, each effect happens once, keys keep their order, nothing
//! comes before it is due, what is hopeless is given up, and the rest goes on, whatever crashes.

use super::{Site, Verdict, event, expect, slug, tenant};
use crate::bus::Bus;
use crate::effect::Effect;
use crate::input::{Failure, Input};
use crate::subscription::Subscription;
use crate::transport::{Commit, Committed, Note, PageWanted, Transport};
use contract_model::manifest::{AfterRetries, RetryPolicy};
use contract_model::{Event, Millis, Sequence, SubscriptionId, TopicPattern};
use std::collections::{BTreeMap, VecDeque};

const ASKED: &str = "gl.asked";
const ANSWERED: &str = "gl.answered";
const HEARD: &str = "gl.heard";
const EVENTS: usize = 60;
/// Of so many questions one waits for its time, one cannot be answered, and on one the handler fails at first.
const DUE_EVERY: usize = 5;
const HOPELESS_EVERY: usize = 11;
const FAILS_EVERY: usize = 7;
const DUE_MS: u64 = 40;
const TRIES: u32 = 3;
/// A crash after so many inputs, while there are crashes left.
const CRASH_EVERY: usize = 40;
const CRASHES: usize = 6;
const INPUTS_MAX: usize = 10_000;

pub(super) async fn everything_takes_effect_once_over_crashes(site: &mut impl Site) -> Verdict {
    let mut to = site.fresh();
    for number in 0..EVENTS {
        let of = if number.is_multiple_of(3) { "t1" } else { "t2" };
        let mut asked = event(of, &format!("ask{number}"), ASKED, &format!("k{}", number % 4))?;
        asked.due_ms = number.is_multiple_of(DUE_EVERY).then_some(DUE_MS);
        to.commit(Commit { tenant: Some(tenant(of)?), events: vec![asked], ..Commit::default() }).await?;
    }
    to.synced().await?;
    let (mut inputs, mut now_ms) = (0, 0);
    for life in 0..=CRASHES {
        let left = if life < CRASHES { CRASH_EVERY } else { INPUTS_MAX };
        let mut world = World { to: &to, specs: specs()?, inputs: VecDeque::new(), now_ms, left };
        world.live(life as u64).await?;
        inputs += world.left;
        now_ms = world.now_ms;
        to.synced().await?;
        drop(to);
        to = site.reopen();
    }
    if inputs == 0 {
        return Err("delivery does not come to rest".to_owned());
    }
    judge(&to).await
}

/// Who answers, and who waits for the answers.
fn specs() -> Result<BTreeMap<SubscriptionId, Subscription>, String> {
    let spec = |(name, topic)| {
        let pattern = TopicPattern::new(topic).map_err(|error| error.to_string())?;
        let mut spec = Subscription::new(SubscriptionId::new(&slug(), name), vec![pattern]);
        spec.window = 8;
        spec.retry.otherwise =
            RetryPolicy { attempts: TRIES, backoff: Millis(5), cap: Millis(20), then: AfterRetries::DeadLetter };
        Ok((spec.id.clone(), spec))
    };
    [("answers", ASKED), ("waits", ANSWERED)].into_iter().map(spec).collect()
}

/// One life of a bus.
struct World<'t, T> {
    to: &'t T,
    specs: BTreeMap<SubscriptionId, Subscription>,
    inputs: VecDeque<Input>,
    now_ms: u64,
    /// How many inputs may follow.
    left: usize,
}

impl<T: Transport> World<'_, T> {
    async fn live(&mut self, seed: u64) -> Verdict {
        let (mut bus, mut wake_ms) = (Bus::new(seed), None);
        for subscription in self.specs.values().cloned() {
            let standing = self.to.standing(subscription.id.clone()).await?;
            let (cursor, retries) = (standing.cursor, standing.retries);
            self.inputs.push_back(Input::Subscribe { subscription, cursor, retries, parked: vec![] });
        }
        while self.left > 0 {
            let input = match (self.inputs.pop_front(), wake_ms) {
                (Some(input), _) => input,
                // Nothing is left but to wait; once all is handled the last wish is that of the cursor.
                (None, Some(at_ms)) => {
                    (self.now_ms, wake_ms) = (self.now_ms.max(at_ms), None);
                    Input::Tick
                }
                (None, None) => return Ok(()),
            };
            self.left -= 1;
            for effect in bus.step(self.now_ms, input) {
                match effect {
                    Effect::Wake { at_ms } => wake_ms = Some(at_ms),
                    other => self.carry_out(other).await?,
                }
            }
        }
        Ok(())
    }

    async fn carry_out(&mut self, effect: Effect) -> Verdict {
        match effect {
            Effect::Deliver { subscription, batch, .. } => self.run(&subscription, batch).await,
            Effect::Load { subscription, ticket, tenant, after, limit } => {
                let patterns = self.specs.get(&subscription).map(|spec| spec.patterns.clone()).unwrap_or_default();
                let wanted = PageWanted { subscription: subscription.clone(), patterns, tenant, after, limit };
                let page = self.to.page(wanted).await?;
                let (heads, through, more) = (page.heads, page.through, page.more);
                self.inputs.push_back(Input::Loaded { subscription, ticket, heads, through, more });
                Ok(())
            }
            Effect::Retry { subscription, sequence, attempt, due_ms, .. } => {
                self.note(Note::Retry(subscription, sequence, attempt, due_ms)).await
            }
            Effect::DeadLetter { subscription, sequence, attempts, .. } => {
                self.note(Note::DeadLetter(subscription, sequence, attempts)).await
            }
            Effect::Cursor { subscription, through } => self.note(Note::Cursor(subscription, through)).await,
            Effect::Refused { .. } | Effect::Wake { .. } | Effect::NotParked { .. } | Effect::ReadingWaits { .. } => {
                Ok(())
            }
        }
    }

    async fn note(&self, note: Note) -> Verdict {
        self.to.commit(Commit { notes: vec![note], ..Commit::default() }).await?;
        Ok(())
    }

    async fn run(&mut self, subscription: &SubscriptionId, batch: Vec<(Sequence, u32)>) -> Verdict {
        let mut failed = false;
        for (sequence, attempt) in batch {
            let subscription = subscription.clone();
            if failed {
                self.inputs.push_back(Input::NotRun { subscription, sequence });
                continue;
            }
            let event = self.to.event(sequence).await?.ok_or_else(|| format!("event {sequence} is not there"))?;
            if event.due_ms.is_some_and(|due| due > self.now_ms) {
                return Err(format!("event {sequence} came before it was due"));
            }
            failed = fails(&event, attempt);
            let answer = if failed {
                Input::Failed { subscription, sequence, error: "no luck".to_owned(), failure: Failure::Counted }
            } else {
                self.handle(&subscription, &event).await?;
                Input::Done { subscription, sequence }
            };
            self.inputs.push_back(answer);
        }
        Ok(())
    }

    /// Each event is followed by one more, in the commit that completes its delivery.
    async fn handle(&mut self, subscription: &SubscriptionId, cause: &Event) -> Verdict {
        let (topic, id) = if cause.topic.as_str() == ASKED { (ANSWERED, "answer") } else { (HEARD, "heard") };
        let mut next = event(cause.tenant.as_str(), &format!("{id}-{}", cause.id), topic, &cause.key)?;
        next.causation = Some(cause.id.as_str().to_owned());
        next.correlation.clone_from(&cause.correlation);
        let handled = Some((subscription.clone(), cause.sequence));
        let commit = Commit { tenant: Some(cause.tenant.clone()), events: vec![next.clone()], handled, notes: vec![] };
        match self.to.commit(commit).await? {
            Committed::Done(sequences) => {
                let heads = sequences.into_iter().map(|sequence| Event { sequence, ..next.clone() }.head());
                self.inputs.extend(heads.map(|head| Input::Appended { head, unwanted: vec![] }));
                Ok(())
            }
            Committed::AlreadyHandled => Ok(()),
            Committed::EventExists => Err(format!("event {} took effect twice", cause.sequence)),
        }
    }
}

fn number_of(event: &Event) -> usize {
    event.correlation.trim_start_matches("ask").parse().unwrap_or(usize::MAX)
}

fn fails(event: &Event, attempt: u32) -> bool {
    let number = number_of(event);
    event.topic.as_str() == ASKED
        && (number.is_multiple_of(HOPELESS_EVERY) || attempt == 1 && number.is_multiple_of(FAILS_EVERY))
}

async fn judge(to: &impl Transport) -> Verdict {
    let mut lanes: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    let mut followed: BTreeMap<String, usize> = BTreeMap::new();
    for number in 1..=to.log_end().await?.0 {
        let Some(event) = to.event(Sequence(number)).await? else { return Err(format!("event {number} is missing")) };
        *followed.entry(event.topic.as_str().to_owned()).or_default() += 1;
        let asked = number_of(&event);
        if event.topic.as_str() == ANSWERED && !asked.is_multiple_of(DUE_EVERY) {
            lanes.entry(format!("{}/{}", event.tenant, event.key)).or_default().push(asked);
        }
    }
    let hopeless = EVENTS.div_ceil(HOPELESS_EVERY);
    let wanted = [(ASKED, EVENTS), (ANSWERED, EVENTS - hopeless), (HEARD, EVENTS - hopeless)];
    expect("what the log holds", &followed, &wanted.map(|(topic, count)| (topic.to_owned(), count)).into())?;
    let standing = to.standing(SubscriptionId::new(&slug(), "answers")).await?;
    let dead: Vec<_> = standing.dead.iter().map(|sequence| sequence.0).collect();
    expect("what was given up", &dead, &(1..=EVENTS as u64).step_by(HOPELESS_EVERY).collect())?;
    expect("what is still to be tried", &standing.retries, &vec![])?;
    match lanes.iter().find(|(_, numbers)| !numbers.is_sorted_by(|a, b| a < b)) {
        Some((lane, numbers)) => Err(format!("the events of {lane} were handled as {numbers:?}")),
        None => Ok(()),
    }
}
