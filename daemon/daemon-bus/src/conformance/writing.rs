//! Commits: order, identity, all or nothing, and what a crash leaves.

use super::{Site, Verdict, complete, event, expect, publish, subscription, tenant};
use crate::subscription::StoredRetry;
use crate::transport::{Commit, Committed, Note, Standing, Transport};
use contract_model::Sequence;

pub(super) async fn sequences_follow_one_another(site: &mut impl Site) -> Verdict {
    let to = site.fresh();
    expect("the end of an empty log", &to.log_end().await?, &Sequence(0))?;
    expect("the first sequences", &publish(&to, "t1", "gl.a", "a", 3).await?, &(1..=3).map(Sequence).collect())?;
    expect("those after them", &publish(&to, "t2", "gl.a", "b", 2).await?, &vec![Sequence(4), Sequence(5)])?;
    expect("the end", &to.log_end().await?, &Sequence(5))
}

pub(super) async fn events_come_back_as_they_were(site: &mut impl Site) -> Verdict {
    let to = site.fresh();
    let mut given = event("t1", "e1", "gl.a", "k")?;
    (given.due_ms, given.expires_ms, given.causation) = (Some(5), Some(u64::MAX - 1), Some("e0".to_owned()));
    to.commit(Commit { tenant: Some(tenant("t1")?), events: vec![given.clone()], ..Commit::default() }).await?;
    given.sequence = Sequence(1);
    expect("the event", &to.event(Sequence(1)).await?, &Some(given))?;
    expect("an event beyond the end", &to.event(Sequence(2)).await?, &None)
}

pub(super) async fn an_id_is_taken_once_in_its_tenant(site: &mut impl Site) -> Verdict {
    let to = site.fresh();
    publish(&to, "t1", "gl.a", "a", 1).await?;
    publish(&to, "t2", "gl.a", "a", 1).await?;
    let events = vec![event("t1", "new", "gl.a", "")?, event("t1", "a0", "gl.b", "")?];
    let again = to.commit(Commit { tenant: Some(tenant("t1")?), events, ..Commit::default() }).await?;
    expect("the same id again", &again, &Committed::EventExists)?;
    expect("the end", &to.log_end().await?, &Sequence(2))
}

pub(super) async fn a_delivery_is_completed_once(site: &mut impl Site) -> Verdict {
    let to = site.fresh();
    publish(&to, "t1", "gl.a", "a", 2).await?;
    expect("the first time", &complete(&to, "h", Sequence(1)).await?, &Committed::Done(vec![]))?;
    expect("the second time", &complete(&to, "h", Sequence(1)).await?, &Committed::AlreadyHandled)?;
    expect("by another", &complete(&to, "other", Sequence(1)).await?, &Committed::Done(vec![]))?;
    to.synced().await?;
    drop(to);
    let to = site.reopen();
    expect("after a crash", &complete(&to, "h", Sequence(1)).await?, &Committed::AlreadyHandled)?;
    expect("another event", &complete(&to, "h", Sequence(2)).await?, &Committed::Done(vec![]))
}

pub(super) async fn what_is_refused_leaves_nothing(site: &mut impl Site) -> Verdict {
    let to = site.fresh();
    publish(&to, "t1", "gl.a", "a", 2).await?;
    complete(&to, "h", Sequence(1)).await?;
    let again = Commit {
        tenant: Some(tenant("t1")?),
        events: vec![event("t1", "effect", "gl.b", "")?],
        handled: Some((subscription("h"), Sequence(1))),
        notes: vec![Note::Retry(subscription("h"), Sequence(2), 4, 9)],
    };
    expect("a second handling", &to.commit(again).await?, &Committed::AlreadyHandled)?;
    expect("the end", &to.log_end().await?, &Sequence(2))?;
    expect("its notes", &to.standing(subscription("h")).await?.retries, &vec![])
}

pub(super) async fn what_is_synced_outlives_a_crash(site: &mut impl Site) -> Verdict {
    let to = site.fresh();
    publish(&to, "t1", "gl.a", "a", 3).await?;
    to.synced().await?;
    drop(to);
    let to = site.reopen();
    let end = to.log_end().await?;
    if end < Sequence(3) {
        return Err(format!("synced events are gone: the log ends at {end}"));
    }
    let ids: Vec<_> = [to.event(Sequence(1)).await?, to.event(Sequence(3)).await?]
        .map(|event| event.map(|event| event.id.as_str().to_owned()))
        .into();
    expect("what is there", &ids, &vec![Some("a0".to_owned()), Some("a2".to_owned())])?;
    expect("what follows", &publish(&to, "t1", "gl.a", "b", 1).await?, &vec![end.next()])
}

pub(super) async fn notes_outlive_a_crash(site: &mut impl Site) -> Verdict {
    let to = site.fresh();
    publish(&to, "t1", "gl.a", "a", 4).await?;
    let h = || subscription("h");
    let notes = vec![
        Note::Retry(h(), Sequence(3), 2, 70),
        Note::Retry(h(), Sequence(3), 3, 90),
        Note::DeadLetter(h(), Sequence(2), 5),
        Note::Cursor(h(), Sequence(1)),
    ];
    to.commit(Commit { notes, ..Commit::default() }).await?;
    to.synced().await?;
    drop(to);
    let to = site.reopen();
    let standing = to.standing(h()).await?;
    expect("the cursor", &standing.cursor, &Sequence(1))?;
    let retries: Vec<_> = standing
        .retries
        .iter()
        .map(|StoredRetry { head, attempt, due_ms, again }| (head.sequence, *attempt, *due_ms, *again))
        .collect();
    expect("the retries", &retries, &vec![(Sequence(3), 3, 90, false)])?;
    expect("the dead", &standing.dead, &vec![Sequence(2)])?;
    expect("a dead one handled again", &complete(&to, "h", Sequence(2)).await?, &Committed::AlreadyHandled)?;
    expect("another's", &to.standing(subscription("other")).await?.cursor, &Sequence(0))
}

pub(super) async fn a_mark_ends_a_retry(site: &mut impl Site) -> Verdict {
    let to = site.fresh();
    publish(&to, "t1", "gl.a", "a", 1).await?;
    let notes = vec![Note::Retry(subscription("h"), Sequence(1), 2, 5)];
    to.commit(Commit { notes, ..Commit::default() }).await?;
    expect("handling what is tried again", &complete(&to, "h", Sequence(1)).await?, &Committed::Done(vec![]))?;
    expect("what is left to try", &to.standing(subscription("h")).await?.retries, &vec![])
}

/// As for a replay, and for a dead letter that is taken up again.
pub(super) async fn a_wish_lets_what_was_handled_be_handled_once_more(site: &mut impl Site) -> Verdict {
    let to = site.fresh();
    let h = || subscription("h");
    publish(&to, "t1", "gl.a", "a", 3).await?;
    complete(&to, "h", Sequence(1)).await?;
    let notes = vec![Note::DeadLetter(h(), Sequence(2), 5), Note::Cursor(h(), Sequence(1))];
    to.commit(Commit { notes, ..Commit::default() }).await?;
    for handled in [1, 2] {
        let notes = vec![Note::Retry(h(), Sequence(handled), 1, 0)];
        to.commit(Commit { notes, ..Commit::default() }).await?;
    }
    to.synced().await?;
    drop(to);
    let to = site.reopen();
    let retries = to.standing(h()).await?.retries;
    let wished: Vec<_> = retries.iter().map(|retry| (retry.head.sequence, retry.again)).collect();
    expect("what is to be handled again", &wished, &vec![(Sequence(1), true), (Sequence(2), true)])?;
    for handled in [1, 2] {
        expect("the wish", &complete(&to, "h", Sequence(handled)).await?, &Committed::Done(vec![]))?;
        expect("a second time", &complete(&to, "h", Sequence(handled)).await?, &Committed::AlreadyHandled)?;
    }
    Ok(())
}

pub(super) async fn a_cursor_never_goes_back(site: &mut impl Site) -> Verdict {
    let to = site.fresh();
    publish(&to, "t1", "gl.a", "a", 3).await?;
    for at in [3, 1] {
        let notes = vec![Note::Cursor(subscription("h"), Sequence(at))];
        to.commit(Commit { notes, ..Commit::default() }).await?;
    }
    expect("the cursor", &to.standing(subscription("h")).await?.cursor, &Sequence(3))?;
    expect("what it has passed", &complete(&to, "h", Sequence(2)).await?, &Committed::AlreadyHandled)
}

/// A mark that is ahead of the log would be taken for a word on the event that comes there.
pub(super) async fn nothing_is_noted_of_what_is_not_there(site: &mut impl Site) -> Verdict {
    let to = site.fresh();
    let h = || subscription("h");
    publish(&to, "t1", "gl.a", "a", 2).await?;
    let handled = Commit { handled: Some((h(), Sequence(3))), ..Commit::default() };
    let noted = |note| Commit { notes: vec![note], ..Commit::default() };
    for beyond in [
        handled,
        noted(Note::Cursor(h(), Sequence(9))),
        noted(Note::Retry(h(), Sequence(3), 1, 0)),
        noted(Note::DeadLetter(h(), Sequence(3), 1)),
    ] {
        if let Ok(done) = to.commit(beyond.clone()).await {
            return Err(format!("{beyond:?} of a log that ends at 2 was {done:?}"));
        }
    }
    publish(&to, "t1", "gl.a", "b", 1).await?;
    expect("where it stands", &to.standing(h()).await?, &Standing::default())?;
    expect("the event that came there", &complete(&to, "h", Sequence(3)).await?, &Committed::Done(vec![]))
}
