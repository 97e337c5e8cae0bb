//! Queries: every plan gives what a plain walk would give.

use super::*;
use contract_model::filter::{Filter, Query};
use proptest::prelude::*;

fn filled(records: &[(usize, Option<usize>, Option<i64>)], flushed: bool) -> Bench {
    let bench = Bench::new();
    let long = "l".repeat(400);
    let statuses = ["open", "held", "", &long, &format!("{long}x")].map(str::to_owned);
    for (id, status, total) in records {
        // One of the items comes twice in a list, and some lists are empty or missing.
        let tags = [None, Some(json!([])), Some(json!(["a"])), Some(json!(["b", "a", "b", 1])), Some(json!([long]))];
        let record = json!({"status": status.map(|at| &statuses[at]), "total": total, "tags": tags[id % tags.len()]});
        let unit = bench.writing(put(&format!("r{id}"), 0, &record));
        // The same id twice is simply refused.
        let decided = bench.decide(unit);
        if let (Ok(decided), true) = (decided, flushed) {
            decided.synced.wait().expect("synced");
        }
    }
    bench
}

fn page_through(bench: &Bench, query: &Query) -> Vec<String> {
    let view = bench.store.view().expect("view");
    let mut ids = Vec::new();
    let mut query = query.clone();
    loop {
        let page = view.find(&bench.scope(), "ap_bills", &query).expect("page");
        assert!(query.limit.is_none_or(|limit| page.items.len() as u64 <= limit));
        ids.extend(page.items.iter().map(|record| record.id().to_owned()));
        match page.cursor {
            Some(cursor) => query.cursor = Some(cursor),
            None => return ids,
        }
    }
}

/// The same by brute force.
fn expected(bench: &Bench, query: &Query) -> Vec<String> {
    let all = Query { filter: Filter::All, sort: Vec::new(), limit: None, cursor: None };
    let page = bench.store.view().expect("view").find(&bench.scope(), "ap_bills", &all).expect("all");
    let mut records: Vec<Value> = page.items.into_iter().map(crate::Record::into_value).collect();
    records.retain(|record| query.filter.matches(record));
    records.sort_by(|left, right| query.compare(left, right));
    records.iter().map(|record| record["id"].as_str().expect("id").to_owned()).collect()
}

const FILTERS: [&str; 17] = [
    "",
    "status = 'open'",
    "status = null",
    "status = 'open' && total > 1",
    "status = 'open' && total <= 2 && total >= 0",
    "total < 2",
    "total >= 1 && status != 'held'",
    "status > 'm' || total = 1",
    "id in ['r1', 'r3', 'nobody']",
    "total in [0, 2]",
    "status > 'llll'",
    "total > 2 && total < 1",
    "tags ~ 'a'",
    "tags ~ 'b' && total >= 1",
    "tags ~ 1 && tags ~ 'a' && total = 2",
    "tags = null && total < 3",
    "tags ~ 'nobody'",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn every_plan_gives_what_a_walk_gives(
        records in proptest::collection::vec((0..30_usize, proptest::option::of(0..5_usize), proptest::option::of(-1..4_i64)), 0..30),
        flushed in any::<bool>(),
        limit in proptest::option::of(1..7_u64),
    ) {
        let bench = filled(&records, flushed);
        let sorts: [&[(&str, bool)]; 8] = [
            &[], &[("total", false)], &[("total", true)], &[("status", false), ("total", false)],
            &[("status", true), ("total", true)], &[("status", true), ("total", false)], &[("id", true)], &[("created", true)],
        ];
        for filter in FILTERS {
            for sort in sorts {
                let sort = sort.iter().map(|(field, descending)| ((*field).to_owned(), *descending)).collect();
                let filter = Filter::parse(filter, &Map::new()).expect("filter");
                let query = Query { filter, sort, limit, cursor: None };
                prop_assert_eq!(page_through(&bench, &query), expected(&bench, &query), "{:?}", query);
                let count = bench.store.view().expect("view").count(&bench.scope(), "ap_bills", &query.filter);
                prop_assert_eq!(count.expect("count"), expected(&bench, &query).len() as u64);
            }
        }
    }
}

#[test]
fn unknown_fields_and_foreign_cursors_are_refused() {
    let bench = Bench::new();
    let view = bench.store.view().expect("view");
    let filter = Filter::parse("colour = 1", &Map::new()).expect("filter");
    let query = Query { filter, sort: Vec::new(), limit: None, cursor: None };
    let error = view.find(&bench.scope(), "ap_bills", &query).expect_err("unknown");
    assert_eq!(error.to_string(), "the query on `ap_bills` cannot be answered: it has no field `colour`");
    let query = Query { filter: Filter::All, sort: Vec::new(), limit: None, cursor: Some("zz".into()) };
    assert!(view.find(&bench.scope(), "ap_bills", &query).is_err());
}

#[test]
fn a_record_stands_in_the_index_of_a_list_once_for_each_item() {
    let bench = Bench::new();
    let put = |id: &str, revision, tags: Value| put(id, revision, &json!({"total": 1, "tags": tags}));
    let tagged = |tag: &str| {
        let filter = Filter::parse(&format!("tags ~ '{tag}'"), &Map::new()).expect("filter");
        page_through(&bench, &Query { filter, sort: vec![("total".into(), false)], limit: Some(1), cursor: None })
    };
    bench.decide(bench.writing(put("r1", 0, json!(["a", "b"])))).expect("r1");
    bench.decide(bench.writing(put("r2", 0, json!(["b", "c", "b"])))).expect("r2");
    assert_eq!((tagged("a"), tagged("b")), (vec!["r1".into()], vec!["r1".into(), "r2".into()]));
    let decided = bench.decide(bench.writing(put("r1", 1, json!(["c"])))).expect("r1 again");
    decided.synced.wait().expect("synced");
    assert_eq!((tagged("a"), tagged("b"), tagged("c")), (vec![], vec!["r2".into()], vec!["r1".into(), "r2".into()]));
    assert!(bench.store.verify().expect("verify").is_sound());
}

#[test]
fn a_changed_index_is_rebuilt_when_declared() {
    let bench = filled(&[(1, Some(0), Some(1)), (2, Some(1), Some(1)), (3, Some(0), Some(3))], true);
    let mut changed = bills();
    changed.indexes = vec![vec!["total".into()], vec!["total".into(), "status".into()]];
    bench.store.declare(vec![changed.clone()]).expect("declare");
    let query = Query {
        filter: Filter::parse("total = 1 && status = 'held'", &Map::new()).expect("filter"),
        sort: Vec::new(),
        limit: None,
        cursor: None,
    };
    assert_eq!(page_through(&bench, &query), ["r2"]);
    let report = bench.store.verify().expect("verify");
    assert!(report.is_sound(), "{report:?}");
    changed.unique.push(vec!["total".into()]);
    let error = bench.store.declare(vec![changed]).expect_err("not unique");
    assert!(error.to_string().contains("has the same total as another one"), "{error}");
    assert!(bench.reopened().store.verify().expect("verify").is_sound());
}

#[test]
fn a_query_that_looks_at_too_much_in_vain_is_given_up_by_name() {
    let bench = Bench::with(Options { scanned_max: 20, ..options() });
    for n in 0..60 {
        let record = json!({ "number": format!("n{n}"), "status": "open", "total": n % 2 });
        bench.decide(bench.writing(put(&format!("b{n}"), 0, &record))).expect("decided");
    }
    let view = bench.store.view().expect("view");
    let query = |filter: &str| Query {
        filter: Filter::parse(filter, &Map::new()).expect("a filter"),
        sort: Vec::new(),
        limit: None,
        cursor: None,
    };
    // All that are looked at are given, or all but few.
    for filter in ["", "status = 'open'", "status = 'open' && total = 1", "number != 'n7'"] {
        view.find(&bench.scope(), "ap_bills", &query(filter)).expect("answered");
    }
    let error = view.find(&bench.scope(), "ap_bills", &query("number > 'n7' && tags = null")).expect_err("in vain");
    assert_eq!(error.code(), contract_model::ErrorCode::QueryUnindexed);
    assert!(error.to_string().contains("declare an index over tags + number in schema.json"), "{error}");
    let counted = view.count(&bench.scope(), "ap_bills", &query("number < 'n'").filter).expect_err("in vain");
    assert_eq!(counted.code(), contract_model::ErrorCode::QueryUnindexed);
    let explained =
        view.explain(&bench.scope(), "ap_bills", &query("status = 'open' && total = 1")).expect("explained");
    assert_eq!((explained.by, explained.fixed, explained.scanned, explained.given), ("index", 2, 30, 30));
}
