//! Events, idempotency keys, deliveries and free values.

use super::*;
use crate::{
    DeadLetter, DeadLetterChange, EventFilter, EventsWanted, LettersWanted, Options, QueryLimits, Retry, RetryChange,
    Tenant,
};
use contract_model::{PluginSlug, SubscriptionId, TopicPattern};

#[test]
fn an_event_comes_back_as_it_was_with_its_tenant_stamped() {
    let bench = Bench::new();
    let mut new = event("e1", "ap.bill.approved");
    new.event.causation = Some("cause".into());
    new.event.trace = Some("00-x".into());
    new.event.due_ms = Some(17);
    new.event.headers = map(&json!({"a": [1, null]}));
    let expected = Event { sequence: Sequence(1), tenant: tenant_id("demo"), ..new.event.clone() };
    let decided = bench.settle(bench.publishing(new));
    assert_eq!(*decided.events[0], expected);
    let bench = bench.reopened();
    let view = bench.store.view().expect("view");
    assert_eq!(view.event(Sequence(1)).expect("event"), Some(expected.clone()));
    assert_eq!(view.event_by_id(&bench.tenant, &expected.id).expect("event"), Some(expected));
}

#[test]
fn events_are_found_by_topic_tenant_and_story() {
    let bench = Bench::new();
    let other = bench.store.create_tenant(&tenant_id("demo2"), "Other").expect("tenant");
    for (n, topic) in ["ap.bill.approved", "gl.journal.posted", "ap.bill.approved", "ap.bill.voided"].iter().enumerate()
    {
        bench.decide(bench.publishing(event(&format!("e{n}"), topic))).expect("decided");
    }
    let foreign = Unit { events: vec![event("e0", "ap.bill.approved")], ..Unit::new(other.clone(), 1) };
    bench.settle(foreign);
    let view = bench.store.view().expect("view");
    let topic = |pattern| Some(TopicPattern::new(pattern).expect("pattern"));
    let listed = |filter: EventFilter, after, limit| -> Vec<u64> {
        events(&view, filter, after, limit).iter().map(|event| event.sequence.0).collect()
    };
    assert_eq!(listed(EventFilter { tenant: None, topic: topic("ap.**") }, 0, 9), [1, 3, 4, 5]);
    assert_eq!(
        listed(EventFilter { tenant: Some(bench.tenant.clone()), topic: topic("ap.bill.approved") }, 0, 9),
        [1, 3]
    );
    assert_eq!(listed(EventFilter { tenant: None, topic: topic("ap.bill.approved") }, 1, 9), [3, 5]);
    assert_eq!(listed(EventFilter { tenant: Some(other.clone()), topic: None }, 0, 9), [5]);
    assert_eq!(listed(EventFilter::default(), 1, 2), [2, 3]);
    assert_eq!(story(&view, &other, "story").len(), 1);
    assert_eq!(story(&view, &bench.tenant, "story").len(), 4);
    assert!(story(&view, &bench.tenant, "stor").is_empty());
}

/// All pages of the log under a filter, and how many events were on each.
fn pages(bench: &Bench, wanted: EventsWanted) -> (Vec<u64>, Vec<usize>) {
    let (mut found, mut sizes, mut wanted) = (Vec::new(), Vec::new(), wanted);
    loop {
        let page = bench.store.view().expect("view").events_page(&wanted).expect("a page");
        sizes.push(page.events.len());
        found.extend(page.events.iter().map(|event| event.sequence.0));
        let Some(next) = page.next else { return (found, sizes) };
        if wanted.newest_first {
            assert!(wanted.before.is_none_or(|before| next < before), "it goes on");
            wanted.before = Some(next);
        } else {
            assert!(next > wanted.after, "it goes on");
            wanted.after = next;
        }
    }
}

#[test]
fn a_page_of_the_log_looks_at_so_many_events_and_says_where_to_go_on() {
    let query_limits = QueryLimits { events_scanned_max: 4, ..QueryLimits::default() };
    let bench = Bench::with(Options { query_limits, ..options() });
    let other = bench.store.create_tenant(&tenant_id("demo2"), "Other").expect("tenant");
    for n in 0..10 {
        let topic = if n % 5 == 4 { "gl.journal.posted" } else { "ap.bill.approved" };
        bench.decide(bench.publishing(event(&format!("e{n}"), topic))).expect("decided");
    }
    bench.settle(Unit { events: vec![event("e0", "ap.bill.approved")], ..Unit::new(other.clone(), 1) });
    let of = |tenant: Option<&Tenant>, pattern: &str| {
        let filter = EventFilter { tenant: tenant.cloned(), topic: Some(TopicPattern::new(pattern).expect("pattern")) };
        EventsWanted { filter, limit: 100, ..EventsWanted::default() }
    };
    assert_eq!(pages(&bench, of(None, "gl.**")), (vec![5, 10], vec![0, 1, 1]));
    assert_eq!(pages(&bench, EventsWanted { newest_first: true, ..of(None, "gl.**") }), (vec![10, 5], vec![1, 1, 0]));
    assert_eq!(pages(&bench, EventsWanted { limit: 1, ..of(None, "gl.**") }), (vec![5, 10], vec![0, 1, 0, 1, 0]));
    // Another tenant's events of a topic are passed over, and count.
    assert_eq!(pages(&bench, of(Some(&other), "ap.bill.approved")), (vec![11], vec![0, 0, 1]));
    let story = EventsWanted { correlation: Some("story".to_owned()), ..of(Some(&bench.tenant), "gl.**") };
    assert_eq!(pages(&bench, story), (vec![5, 10], vec![0, 1, 1]));
    let cut = bench.store.metrics().pages_cut_short;
    assert_eq!(cut, [("EVENTS_SCANNED_MAX", 10), ("EVENTS_READ_BYTES_MAX", 0)]);
}

#[test]
fn a_page_of_the_log_reads_so_many_bytes_but_one_event_however_large() {
    let query_limits = QueryLimits { events_read_bytes_max: 1, ..QueryLimits::default() };
    let bench = Bench::with(Options { query_limits, ..options() });
    for n in 0..3 {
        bench.settle(bench.publishing(event(&format!("e{n}"), "ap.bill.approved")));
    }
    let wanted = EventsWanted { limit: 100, ..EventsWanted::default() };
    assert_eq!(pages(&bench, wanted.clone()), (vec![1, 2, 3], vec![1, 1, 1]));
    let tenant = Some(bench.tenant.clone());
    let story =
        EventsWanted { filter: EventFilter { tenant, topic: None }, correlation: Some("story".into()), ..wanted };
    assert_eq!(pages(&bench, story), (vec![1, 2, 3], vec![1, 1, 1]));
    assert_eq!(bench.store.metrics().pages_cut_short[1], ("EVENTS_READ_BYTES_MAX", 4));
}

#[test]
fn an_id_or_idempotency_key_is_used_once_in_a_tenant() {
    let bench = Bench::new();
    let keyed = |id: &str| {
        let mut new = event(id, "gl.journal.post.request");
        new.event.idempotency_key = Some("bill-1".into());
        bench.publishing(new)
    };
    let view = bench.store.view().expect("view");
    let topic = TopicName::new("gl.journal.post.request").expect("topic");
    assert_eq!(view.known(&bench.tenant, &topic, "bill-1").expect("known"), None);
    bench.decide(keyed("e1")).expect("first");
    assert!(matches!(bench.decide(keyed("e2")), Err(Refused::Conflict { .. })));
    let read = bench.store.decide(bench.unit(), view.into_reads());
    assert!(matches!(read, Err(Refused::Conflict { .. })), "who relied on the key being unused is told");
    let same_id = bench.decide(bench.publishing(event("e1", "ap.bill.approved")));
    assert!(matches!(same_id, Err(Refused::EventExists { ref id }) if id.as_str() == "e1"), "{same_id:?}");
    let known = bench.store.view().expect("view").known(&bench.tenant, &topic, "bill-1").expect("known").expect("used");
    assert_eq!((known.event.as_str(), known.sequence, known.payload_hash.as_str()), ("e1", Sequence(1), "hash of e1"));
    let other = bench.store.create_tenant(&tenant_id("other"), "Other").expect("tenant");
    bench.decide(Unit { scope: other.into(), ..keyed("e1") }).expect("another tenant");
    let nobody = Unit { scope: Scope::System, ..keyed("e9") };
    assert!(matches!(bench.decide(nobody), Err(Refused::EventWithoutTenant { .. })));
}

#[test]
fn a_key_that_is_unique_until_handled_is_free_again_then() {
    let bench = Bench::new();
    let subscription = SubscriptionId::new(&PluginSlug::new("gl").expect("slug"), "job:nightly");
    let job = |id: &str| {
        let mut new = event(id, "jobs.gl.nightly");
        new.event.idempotency_key = Some("once".into());
        new.unique_until = Some(subscription.clone());
        bench.publishing(new)
    };
    let handled = |at: u64| Some((subscription.clone(), Sequence(at)));
    bench.decide(job("j1")).expect("the first");
    let view = bench.store.view().expect("view");
    assert!(!view.is_handled(&subscription, Sequence(1)).expect("a state"));
    assert!(matches!(bench.decide(job("j2")), Err(Refused::Conflict { .. })), "the first waits");
    // The unit that handles it may bring the next.
    bench.decide(Unit { handled: handled(1), ..job("j2") }).expect("the second");
    let read = bench.store.decide(bench.unit(), view.into_reads());
    assert!(matches!(read, Err(Refused::Conflict { .. })), "who relied on its waiting is told");
    assert!(matches!(bench.decide(job("j3")), Err(Refused::Conflict { .. })), "the second waits");
    // Taken up again by an operator after it was given up: it waits once more.
    bench.decide(Unit { handled: handled(2), ..bench.unit() }).expect("given up");
    let retry =
        Retry { sequence: Sequence(2), attempts: 1, due_ms: 0, error: String::new(), replay: false, payload: None };
    let again = Unit { retries: vec![RetryChange::Put(subscription.clone(), retry)], ..bench.unit() };
    bench.decide(again).expect("taken up");
    assert!(matches!(bench.decide(job("j3")), Err(Refused::Conflict { .. })));
    bench.decide(Unit { handled: handled(2), ..bench.unit() }).expect("handled");
    // The marks go when the cursor passes them; the key stays free.
    bench.decide(Unit { cursors: vec![(subscription.clone(), Sequence(2))], ..bench.unit() }).expect("passed");
    let mut two = job("j3");
    two.events.extend(job("j4").events);
    assert!(matches!(bench.decide(two), Err(Refused::Conflict { .. })), "two at once in one unit");
    bench.decide(job("j3")).expect("the third");
}

const MARKS: u64 = 5_000;

/// As of a subscription that a job due in a year keeps back.
#[test]
fn a_cursor_that_passes_many_marks_takes_so_many_along_and_all_stays_handled() {
    let bench = Bench::new();
    let subscription = SubscriptionId::new(&PluginSlug::new("gl").expect("slug"), "post");
    let events = (1..=MARKS).map(|n| event(&format!("e{n}"), "ap.bill.approved")).collect();
    bench.decide(Unit { events, ..bench.unit() }).expect("published");
    for n in 2..MARKS {
        bench.decide(Unit { handled: Some((subscription.clone(), Sequence(n))), ..bench.unit() }).expect("handled");
    }
    let pass = |handled: Option<u64>| {
        let handled = handled.map(|at| (subscription.clone(), Sequence(at)));
        let cursors = vec![(subscription.clone(), Sequence(MARKS))];
        bench.decide(Unit { handled, cursors, ..bench.unit() }).expect("passed");
        let view = bench.store.view().expect("view");
        let all = (1..=MARKS).all(|at| view.inbox_has(&subscription, Sequence(at)).expect("known"));
        (view.cursor(&subscription).expect("a cursor"), view.inbox(&subscription).expect("marks").len(), all)
    };
    // The last one is handled by the unit that moves the cursor, which does not come so far.
    assert_eq!(pass(Some(MARKS)), (Sequence(4_097), 903, true));
    assert_eq!(pass(None), (Sequence(MARKS), 0, true));
}

#[test]
fn retries_dead_letters_and_free_values_come_and_go() {
    let bench = Bench::new();
    let events = (1..=8).map(|n| event(&format!("e{n}"), "ap.bill.approved")).collect();
    bench.settle(Unit { events, ..bench.unit() });
    let subscription = SubscriptionId::new(&PluginSlug::new("gl").expect("slug"), "post");
    let retry = Retry {
        sequence: Sequence(7),
        attempts: 2,
        due_ms: 99,
        error: "boom".into(),
        replay: true,
        payload: Some(json!({"a": 1})),
    };
    let letter = DeadLetter {
        version: "1.0.0".to_owned(),
        subscription: subscription.clone(),
        sequence: Sequence(8),
        tenant: tenant_id("demo"),
        event: EventId::new("e8").expect("id"),
        topic: TopicName::new("ap.bill.approved").expect("topic"),
        attempts: 12,
        code: "PLUGIN_ERROR".into(),
        reason: "boom".into(),
        stack: vec!["at f (main.js:1:2)".into()],
        time_ms: 5,
        replay: false,
        payload: None,
    };
    let unit = Unit {
        retries: vec![RetryChange::Put(subscription.clone(), retry.clone())],
        dead_letters: vec![DeadLetterChange::Put(Box::new(letter.clone()))],
        meta: vec![("bus".into(), Some(json!({"a": 1})))],
        ..bench.unit()
    };
    bench.settle(unit);
    let view = bench.store.view().expect("view");
    assert_eq!(view.retries(&subscription).expect("retries"), [retry]);
    let all = LettersWanted { limit: 10, ..LettersWanted::default() };
    let page = view.dead_letters(&all, |_| true).expect("letters");
    assert_eq!((&page.letters[..], page.next), (std::slice::from_ref(&letter), None));
    assert_eq!(view.dead_letter(&subscription, Sequence(8)).expect("letter"), Some(letter));
    assert_eq!(view.meta("bus").expect("meta"), Some(json!({"a": 1})));
    let unit = Unit {
        retries: vec![RetryChange::Clear(subscription.clone(), Sequence(7))],
        dead_letters: vec![DeadLetterChange::Remove(subscription.clone(), Sequence(8))],
        meta: vec![("bus".into(), None)],
        ..bench.unit()
    };
    bench.settle(unit);
    let view = bench.store.view().expect("view");
    assert!(view.retries(&subscription).expect("retries").is_empty());
    assert!(view.dead_letters(&all, |_| true).expect("letters").letters.is_empty());
    assert_eq!(view.meta("bus").expect("meta"), None);
}

#[test]
fn a_tenant_is_made_once_and_never_sees_anothers_records() {
    let bench = Bench::new();
    assert!(bench.store.create_tenant(&tenant_id("demo"), "Again").is_err());
    let other = bench.store.create_tenant(&tenant_id("demo1"), "Other").expect("tenant");
    bench.settle(bench.writing(put("a", 0, &json!({"status": "open"}))));
    let view = bench.store.view().expect("view");
    for scope in [Scope::Tenant(other.clone()), Scope::System] {
        assert_eq!(view.get(&scope, "ap_bills", "a").expect("get"), None);
        assert_eq!(view.count(&scope, "ap_bills", &contract_model::filter::Filter::All).expect("count"), 0);
    }
    assert_eq!(bench.store.tenants().iter().map(|t| t.id().as_str().to_owned()).collect::<Vec<_>>(), ["demo", "demo1"]);
}
