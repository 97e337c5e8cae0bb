//! Pages of the log as subscriptions read them.

use super::{Site, Verdict, complete, event, expect, publish, subscription, tenant};
use crate::transport::{Commit, Note, Page, PageWanted, Transport};
use contract_model::{Sequence, TopicPattern, job};
use serde_json::json;

fn wanted(patterns: &[&str], of: Option<&str>, after: u64, limit: usize) -> Result<PageWanted, String> {
    let pattern = |text: &&str| TopicPattern::new(text).map_err(|error| error.to_string());
    Ok(PageWanted {
        subscription: subscription("h"),
        patterns: patterns.iter().map(pattern).collect::<Result<_, _>>()?,
        tenant: of.map(tenant).transpose()?,
        after: Sequence(after),
        limit,
    })
}

fn numbers(page: &Page) -> Vec<u64> {
    page.heads.iter().map(|head| head.sequence.0).collect()
}

pub(super) async fn pages_leave_out_what_is_handled(site: &mut impl Site) -> Verdict {
    let to = site.fresh();
    publish(&to, "t1", "gl.a", "a", 5).await?;
    complete(&to, "h", Sequence(2)).await?;
    complete(&to, "other", Sequence(1)).await?;
    to.commit(Commit { notes: vec![Note::DeadLetter(subscription("h"), Sequence(4), 1)], ..Commit::default() }).await?;
    let page = to.page(wanted(&["gl.*"], None, 0, 9)?).await?;
    expect("the page", &numbers(&page), &vec![1, 3, 5])?;
    expect("whether there is more", &page.more, &false)
}

pub(super) async fn pages_keep_to_tenant_and_topics(site: &mut impl Site) -> Verdict {
    let to = site.fresh();
    publish(&to, "t1", "gl.a", "a", 2).await?;
    publish(&to, "t10", "gl.a", "b", 2).await?;
    publish(&to, "t1", "ap.b", "c", 1).await?;
    publish(&to, "t1", "gl.b.c", "d", 1).await?;
    for (patterns, of, all) in [
        (&["gl.a"][..], Some("t1"), vec![1, 2]),
        (&["gl.a"], Some("t10"), vec![3, 4]),
        (&["gl.a"], None, vec![1, 2, 3, 4]),
        (&["gl.*", "ap.b"], None, vec![1, 2, 3, 4, 5]),
        (&["**"], Some("t1"), vec![1, 2, 5, 6]),
        (&["fa.x"], None, vec![]),
    ] {
        let page = to.page(wanted(patterns, of, 0, 9)?).await?;
        expect(&format!("the page of {patterns:?} for {of:?}"), &numbers(&page), &all)?;
    }
    Ok(())
}

pub(super) async fn pages_follow_one_another_to_the_end(site: &mut impl Site) -> Verdict {
    let to = site.fresh();
    for number in 0..6 {
        publish(&to, "t1", "gl.a", &format!("a{number}-"), 2).await?;
        publish(&to, "t2", "gl.a", &format!("b{number}-"), 2).await?;
    }
    for (of, all) in [(None, 24), (Some("t2"), 12)] {
        let (mut after, mut seen, mut more) = (0, Vec::new(), true);
        while more {
            let page = to.page(wanted(&["gl.a"], of, after, 5)?).await?;
            if page.through.0 <= after && page.more || page.heads.len() > 5 {
                return Err(format!("a page after {after} does not lead on: {page:?}"));
            }
            seen.extend(numbers(&page));
            (after, more) = (page.through.0, page.more);
        }
        expect("what all pages hold", &seen.len(), &all)?;
        if !seen.is_sorted_by(|a, b| a < b) {
            return Err(format!("pages are not in order: {seen:?}"));
        }
        if after < 24 {
            return Err(format!("the last page ends at {after}, the log at 24"));
        }
    }
    Ok(())
}

pub(super) async fn a_cursor_stands_for_its_marks(site: &mut impl Site) -> Verdict {
    let to = site.fresh();
    publish(&to, "t1", "gl.a", "a", 4).await?;
    for number in 1..=2 {
        complete(&to, "h", Sequence(number)).await?;
    }
    to.commit(Commit { notes: vec![Note::Cursor(subscription("h"), Sequence(2))], ..Commit::default() }).await?;
    let page = to.page(wanted(&["gl.a"], None, 0, 9)?).await?;
    expect("the page", &numbers(&page), &vec![3, 4])?;
    let again = complete(&to, "h", Sequence(1)).await?;
    expect("what the cursor has passed", &again, &crate::transport::Committed::AlreadyHandled)
}

/// Delays, times to live, keys, and what a job says of its priority and tries.
pub(super) async fn heads_say_what_delivery_goes_by(site: &mut impl Site) -> Verdict {
    let to = site.fresh();
    let mut asked = event("t1", "e1", "gl.a", "k")?;
    (asked.due_ms, asked.expires_ms) = (Some(1_900_000_000_000), Some(1_900_000_000_001));
    let mut job = event("t1", "e2", "jobs.gl.nightly", "")?;
    job.headers = [(job::PRIORITY.to_owned(), json!(7)), (job::ATTEMPTS.to_owned(), json!(3))].into_iter().collect();
    let events = vec![asked.clone(), job.clone()];
    to.commit(Commit { tenant: Some(tenant("t1")?), events, ..Commit::default() }).await?;
    (asked.sequence, job.sequence) = (Sequence(1), Sequence(2));
    if (job.head().priority, job.head().attempts_max) != (7, Some(3)) {
        return Err("the check itself is wrong: its job says nothing of priority and tries".to_owned());
    }
    let page = to.page(wanted(&["gl.a", "jobs.gl.nightly"], None, 0, 9)?).await?;
    expect("the heads", &page.heads, &vec![asked.head(), job.head()])
}
