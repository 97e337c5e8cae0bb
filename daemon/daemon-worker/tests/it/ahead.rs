//! What items of one lane take from each other, and what is read for all of them before the first runs.

use crate::harness::{Parent, handler, load, verb};
use daemon_frame::{Ask, Body, Call, Done, Ended, Write};
use serde_json::{Value, json};

const COUNT: &str = "const one = $app.dao().findRecordById('ap_bills', 'a');
    one.total += 1; $app.dao().saveRecord('ap_bills', one);
    if (e.body.fails) throw new AppError('NO', 'no');
    return one.total;";

/// A plugin whose handler counts in bill `a`, which says so beforehand.
fn counting(prefetch: &str) -> Parent {
    let code = format!("$app.routerAdd('POST', '/api/ap/run', {{prefetch: {prefetch}}}, (e) => {{ {COUNT} }});");
    let mut parent = Parent::of(&code);
    parent.put("ap_bills", "a", json!({"no": "1", "total": 1}));
    parent
}

fn calls(lanes: &[Option<u32>]) -> Vec<(Option<u32>, Call)> {
    lanes.iter().map(|lane| (*lane, verb(json!({})))).collect()
}

fn data(done: &Done) -> Value {
    match &done.ended {
        Ended::Returned { response: Some(response), .. } => match &response.body {
            Body::Data(data) => data.clone(),
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    }
}

fn base(done: &Done) -> u64 {
    match &done.ended {
        Ended::Returned { draft, .. } => match draft.writes.as_slice() {
            [Write::Put { base_revision, .. }] => *base_revision,
            other => panic!("{other:?}"),
        },
        other @ Ended::Threw(_) => panic!("{other:?}"),
    }
}

fn relied(done: &Done) -> Vec<(&str, Vec<&str>)> {
    done.relied.iter().map(|(name, ids)| (name.as_str(), ids.iter().map(String::as_str).collect())).collect()
}

#[test]
fn an_item_takes_what_those_before_it_left_and_says_so() {
    let mut parent = Parent::of(&handler(COUNT));
    parent.put("ap_bills", "a", json!({"no": "1", "total": 1}));
    let dones = parent.run_in(calls(&[Some(4), Some(4), Some(4)]));
    assert_eq!(dones.iter().map(data).collect::<Vec<_>>(), [2, 3, 4]);
    assert_eq!(dones.iter().map(base).collect::<Vec<_>>(), [7, 8, 9]);
    let taken: Vec<_> = dones.iter().map(relied).collect();
    assert_eq!(taken, [vec![], vec![("ap_bills", vec!["a"])], vec![("ap_bills", vec!["a"])]]);
    assert_eq!(parent.store.asked.len(), 1, "only the first asked: {:?}", parent.store.asked);
}

#[test]
fn items_alone_and_items_of_other_lanes_share_nothing() {
    for lanes in [[None, None], [Some(1), Some(2)], [Some(1), None], [None, Some(1)]] {
        let mut parent = Parent::of(&handler(COUNT));
        parent.put("ap_bills", "a", json!({"no": "1", "total": 1}));
        let dones = parent.run_in(calls(&lanes));
        assert!(dones.iter().all(|done| done.relied.is_empty()), "{lanes:?}");
        assert_eq!(parent.store.asked.len(), 2, "{lanes:?}");
    }
    let mut parent = Parent::of(&handler(COUNT));
    parent.put("ap_bills", "a", json!({"no": "1", "total": 1}));
    parent.run_in(calls(&[Some(1)]));
    parent.run_in(calls(&[Some(1)]));
    assert_eq!(parent.store.asked.len(), 2, "nor does one run with the next");
}

#[test]
fn what_a_lane_wants_is_asked_for_once_before_the_first_runs() {
    let mut parent = counting("(e) => ({ap_bills: ['b', 'a', `own-${e.body.no}`]})");
    let numbered = [1, 2].map(|no| (Some(0), verb(json!({"no": no}))));
    let dones = parent.run_in(numbered.into());
    let wanted = vec![("ap_bills".to_owned(), ["a", "b", "own-1", "own-2"].map(str::to_owned).to_vec())];
    assert_eq!(parent.store.asked, [Ask::Ahead { wanted }]);
    assert_eq!(dones.iter().map(data).collect::<Vec<_>>(), [2, 3]);
    assert!(dones.iter().all(|done| relied(done) == [("ap_bills", vec!["a"])]), "only what it read itself");
}

#[test]
fn an_item_alone_reads_nothing_ahead() {
    let mut parent = counting("() => { throw new Error('not asked') }");
    let dones = parent.run_in(calls(&[None]));
    assert_eq!((data(&dones[0]), dones[0].logs.len()), (json!(2), 0));
}

#[test]
fn a_prefetch_that_fails_is_told_and_the_handler_runs() {
    for (prefetch, part) in [
        ("() => { throw new Error('oh') }", "prefetch: Error: oh"),
        ("() => $app.dao().findRecordById('ap_bills', 'a')", "inside a handler"),
        ("() => 7", "an object of collections"),
        ("() => ({ap_bills: 'a'})", "array of texts"),
    ] {
        let mut parent = counting(prefetch);
        let dones = parent.run_in(calls(&[Some(0), Some(0)]));
        assert_eq!(dones.iter().map(data).collect::<Vec<_>>(), [2, 3], "{prefetch}");
        for done in &dones {
            let [line] = done.logs.as_slice() else { panic!("{:?}", done.logs) };
            assert!(line.level == "warn" && line.message.contains(part), "{line:?}");
        }
    }
}

#[test]
fn an_item_that_throws_leaves_nothing_to_the_next_run() {
    let mut parent = counting("() => ({ap_bills: ['a']})");
    let failing = vec![(Some(0), verb(json!({}))), (Some(0), verb(json!({"fails": true}))), (Some(0), verb(json!({})))];
    let dones = parent.run_in(failing);
    assert_eq!(dones.len(), 2, "the failure ends the run");
    assert_eq!(relied(&dones[1]), [("ap_bills", vec!["a"])], "what it stood on is told");
    assert_eq!(data(&parent.run_in(calls(&[Some(0), Some(0)]))[0]), json!(2), "as the store has it");
}

#[test]
fn prefetch_is_a_function() {
    let failure = Parent::start(load("$app.routerAdd('GET', '/api/ap/x', {prefetch: {a: []}}, () => 1);"));
    let failure = failure.err().expect("refused");
    assert!(failure.error.message.contains("options.prefetch must be a function"), "{}", failure.error.message);
    let mut events =
        Parent::start(load("$app.onEvent('gl.journal.posted', {name: 'n', prefetch: () => ({})}, () => {});"))
            .expect("loads");
    assert_eq!(events.1.subscriptions[0].name, "n");
    events.0.run(Vec::new());
}
