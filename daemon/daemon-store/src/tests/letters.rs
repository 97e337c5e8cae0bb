//! Dead letters in pages, and what moves with a subscription's name.

use super::*;
use crate::rename::MOVED_PER_UNIT_MAX;
use crate::{
    DeadLetter, DeadLetterChange, LettersOf, LettersPage, LettersWanted, Options, QueryLimits, Retry, RetryChange,
    Unsettled, View,
};
use contract_model::{PluginSlug, SubscriptionId};

fn slug(plugin: &str) -> PluginSlug {
    PluginSlug::new(plugin).expect("slug")
}

fn subscription(plugin: &str, handler: &str) -> SubscriptionId {
    SubscriptionId::new(&slug(plugin), handler)
}

/// A store whose log has so many events.
fn logged(events: u64, options: Options) -> Bench {
    let bench = Bench::with(Options { map_bytes: MAP_BYTES, ..options });
    let events = (1..=events).map(|at| event(&format!("e{at}"), "ap.bill.approved")).collect();
    bench.settle(Unit { events, ..bench.unit() });
    bench
}

fn letter(subscription: &SubscriptionId, sequence: u64) -> DeadLetterChange {
    DeadLetterChange::Put(Box::new(DeadLetter {
        subscription: subscription.clone(),
        sequence: Sequence(sequence),
        version: "1.2.0".into(),
        tenant: tenant_id("demo"),
        event: EventId::new(&format!("e{sequence}")).expect("id"),
        topic: TopicName::new("ap.bill.approved").expect("topic"),
        attempts: 12,
        code: "PLUGIN_ERROR".into(),
        reason: "boom".into(),
        stack: Vec::new(),
        time_ms: 5,
        replay: false,
        payload: None,
    }))
}

fn retry(subscription: &SubscriptionId, sequence: u64) -> RetryChange {
    let (sequence, error) = (Sequence(sequence), String::new());
    let retry = Retry { sequence, attempts: 2, due_ms: 0, error, replay: false, payload: None };
    RetryChange::Put(subscription.clone(), retry)
}

/// The letters of each page.
fn pages(view: &View, wanted: LettersWanted, wants: impl Fn(&DeadLetter) -> bool) -> Vec<Vec<(String, u64)>> {
    let (mut pages, mut wanted) = (Vec::new(), wanted);
    loop {
        let LettersPage { letters, next } = view.dead_letters(&wanted, &wants).expect("a page");
        pages.push(letters.iter().map(|it| (it.subscription.to_string(), it.sequence.0)).collect());
        wanted.after = next;
        if wanted.after.is_none() {
            return pages;
        }
    }
}

#[test]
fn dead_letters_come_in_pages_that_look_at_so_many() {
    let query_limits = QueryLimits { events_scanned_max: 3, ..QueryLimits::default() };
    let bench = logged(300, Options { query_limits, ..Options::default() });
    let (ap, ap_x, gl) = (subscription("ap", "hear"), subscription("ap-x", "hear"), subscription("gl", "a/post"));
    let all = [(&ap, 1), (&ap, 2), (&gl, 300), (&ap_x, 4), (&ap, 256)];
    let dead_letters = all.iter().map(|(id, at)| letter(id, *at)).collect();
    bench.settle(Unit { dead_letters, ..bench.unit() });
    let view = bench.store.view().expect("view");
    let wanted = LettersWanted { limit: 2, ..LettersWanted::default() };
    let found = pages(&view, wanted.clone(), |_| true);
    // Of each subscription in the order of the log.
    let at = |plugin: &str, sequence| (plugin.to_owned(), sequence);
    assert_eq!(
        found,
        [
            vec![at("ap-x/hear", 4), at("ap/hear", 1)],
            vec![at("ap/hear", 2), at("ap/hear", 256)],
            vec![at("gl/a/post", 300)]
        ]
    );
    assert_eq!(bench.store.metrics().pages_cut_short[0].1, 0);
    // What is not wanted counts, and the page says where the next one begins.
    let found = pages(&view, wanted.clone(), |letter| letter.sequence == Sequence(300));
    assert_eq!(found, [vec![], vec![at("gl/a/post", 300)]]);
    assert_eq!(bench.store.metrics().pages_cut_short[0], ("EVENTS_SCANNED_MAX", 1));
    let of = LettersOf::Plugin(slug("ap"));
    let of_plugin = pages(&view, LettersWanted { of, ..wanted.clone() }, |_| true);
    assert_eq!(of_plugin.concat(), [at("ap/hear", 1), at("ap/hear", 2), at("ap/hear", 256)]);
    let of = LettersOf::Subscription(ap_x);
    assert_eq!(pages(&view, LettersWanted { of, ..wanted.clone() }, |_| true).concat(), [at("ap-x/hear", 4)]);
    // A place beyond what is asked for, or one that is gone, is no error.
    let (of, after) = (LettersOf::Plugin(slug("ap")), Some((gl, Sequence(1))));
    assert!(pages(&view, LettersWanted { of, after, limit: 2 }, |_| true).concat().is_empty());
    let after = Some((ap, Sequence(100)));
    let rest = pages(&view, LettersWanted { after, ..wanted }, |_| true).concat();
    assert_eq!(rest, [at("ap/hear", 256), at("gl/a/post", 300)]);
}

#[test]
fn what_is_tried_again_or_given_up_is_found_in_order() {
    let bench = logged(9, Options::default());
    let (ap, gl) = (subscription("ap", "hear"), subscription("gl", "post"));
    let retries = vec![retry(&ap, 1), retry(&ap, 5), retry(&gl, 2)];
    bench.settle(Unit { retries, dead_letters: vec![letter(&ap, 3), letter(&ap, 7)], ..bench.unit() });
    let view = bench.store.view().expect("view");
    let found = |what: &[Unsettled], after, through, limit| -> Vec<u64> {
        let found = view.unsettled(&ap, what, (Sequence(after), Sequence(through)), limit).expect("read");
        found.into_iter().map(|sequence| sequence.0).collect()
    };
    let both = [Unsettled::Retry, Unsettled::DeadLetter];
    assert_eq!(found(&both, 0, 9, 9), [1, 3, 5, 7]);
    assert_eq!(found(&both, 0, 9, 2), [1, 3]);
    assert_eq!(found(&both, 1, 5, 9), [3, 5]);
    assert_eq!(found(&[Unsettled::DeadLetter], 0, u64::MAX, 9), [3, 7]);
    assert!(found(&both, 5, 5, 9).is_empty() && found(&both, 9, 5, 9).is_empty());
}

#[test]
fn a_subscription_moves_to_another_name_in_parts() {
    let most = u64::try_from(MOVED_PER_UNIT_MAX).expect("small");
    let bench = logged(most + 3, Options::default());
    let (old, new) = (subscription("ap", "old"), subscription("ap", "new"));
    let retries = (1..=most).map(|at| retry(&old, at)).collect();
    let dead_letters = (1..=3).map(|at| letter(&old, most + at)).collect();
    bench.settle(Unit { retries, dead_letters, cursors: vec![(old.clone(), Sequence(0))], ..bench.unit() });
    let kept = |id: &SubscriptionId| {
        let view = bench.store.view().expect("view");
        let wanted = LettersWanted { of: LettersOf::Subscription(id.clone()), limit: 9, ..LettersWanted::default() };
        let letters = view.dead_letters(&wanted, |_| true).expect("letters").letters.len();
        let retries = view.retries(id).expect("retries").len();
        (view.has_cursor(id).expect("read"), retries, letters, view.is_renamed_in_part(id).expect("read"))
    };
    let rename = || bench.settle(Unit { renamed: vec![(old.clone(), new.clone())], ..bench.unit() });
    assert_eq!(kept(&old), (true, MOVED_PER_UNIT_MAX, 3, false));
    rename();
    assert_eq!((kept(&old), kept(&new)), ((false, 0, 3, true), (true, MOVED_PER_UNIT_MAX, 0, false)));
    rename();
    assert_eq!((kept(&old), kept(&new)), ((false, 0, 0, false), (true, MOVED_PER_UNIT_MAX, 3, false)));
}
