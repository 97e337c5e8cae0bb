//! Queries: every plan gives what a plain walk would give.

use super::*;
use crate::QueryLimits;
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
        view.next_question();
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

const FILTERS: [&str; 23] = [
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
    "id > 'r12'",
    "id <= 'r20' && id >= 'r12' && status != 'open'",
    "total = 1 && id > 'r1' && id < 'r3'",
    "status = 'open' && total = 1 && id >= 'r2'",
    "status = 'open' && status = 'held'",
    "tags ~ 'a' && tags ~ null",
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
        let sorts: [&[(&str, bool)]; 12] = [
            &[], &[("total", false)], &[("total", true)], &[("status", false), ("total", false)],
            &[("status", true), ("total", true)], &[("status", true), ("total", false)], &[("id", true)], &[("created", true)],
            &[("id", false)], &[("total", true), ("id", true)], &[("total", false), ("id", true)],
            &[("status", true), ("total", true), ("id", false)],
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
fn what_a_page_looks_at_does_not_grow_with_what_there_is() {
    let looked_at = |records: usize, filter: &str, sort: &[(&str, bool)]| {
        let rows: Vec<_> = (0..records).map(|n| (n, Some(0), Some(1))).collect();
        let bench = filled(&rows, false);
        let view = bench.store.view().expect("view");
        let filter = Filter::parse(filter, &Map::new()).expect("filter");
        let sort = sort.iter().map(|(field, descending)| ((*field).to_owned(), *descending)).collect();
        let mut query = Query { filter, sort, limit: Some(3), cursor: None };
        for _ in 0..4 {
            query.cursor = view.find(&bench.scope(), "ap_bills", &query).expect("page").cursor;
            assert!(query.cursor.is_some(), "{query:?}");
        }
        let told = view.explain(&bench.scope(), "ap_bills", &query).expect("explained");
        assert!(told.gives_order, "{query:?}");
        (told.scanned, told.bounded)
    };
    // All of them have the same status and total, so that only the ids give an order.
    for (filter, sort, bounded) in [
        ("status = 'open'", &[("total", true)][..], false),
        ("", &[("total", true), ("id", true)], false),
        ("total = 1", &[], false),
        ("total = 1", &[("id", false)], false),
        ("total = 1", &[("id", true)], false),
        ("total = 1 && id > 'r14'", &[("id", false)], true),
        ("total = 1 && id < 'r40'", &[("id", true)], true),
        ("number = null && id > 'r14'", &[("id", false)], true),
    ] {
        for records in [50, 200] {
            assert_eq!(looked_at(records, filter, sort), (4, bounded), "{filter} {sort:?} of {records}");
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
    let bench =
        Bench::with(Options { query_limits: QueryLimits { scanned_max: 20, ..QueryLimits::default() }, ..options() });
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

#[test]
fn a_question_that_finds_more_than_has_room_in_memory_is_given_up_by_name() {
    let memory_bytes_max = 50_000;
    let bench =
        Bench::with(Options { query_limits: QueryLimits { memory_bytes_max, ..QueryLimits::default() }, ..options() });
    for n in 0..60 {
        let record = json!({ "number": format!("n{n}"), "status": "open" });
        bench.decide(bench.writing(put(&format!("b{n}"), 0, &record))).expect("decided");
    }
    let ids: Vec<String> = (0..60).map(|n| format!("b{n}")).collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    let query = |sort: &[&str], limit: Option<u64>| {
        let sort = sort.iter().map(|field| ((*field).to_owned(), false)).collect();
        Query { filter: Filter::All, sort, limit, cursor: None }
    };
    let anew = || bench.store.view().expect("view");
    let ends = [
        anew().find(&bench.scope(), "ap_bills", &query(&[], None)).map(drop),
        anew().find(&bench.scope(), "ap_bills", &query(&["updated"], Some(1))).map(drop),
        anew().get_many(&bench.scope(), "ap_bills", &ids).map(drop),
    ];
    for end in ends {
        let error = end.expect_err("too much");
        assert_eq!(error.code(), contract_model::ErrorCode::QueryTooLarge);
        assert!(error.to_string().contains("more than 50000 bytes in memory (QUERY_MEMORY_BYTES_MAX)"), "{error}");
    }
    assert_eq!(bench.store.metrics().queries_given_up[3], ("QUERY_MEMORY_BYTES_MAX", 3));
    // What is looked at in vain is let go, and each question begins anew.
    let view = anew();
    for _ in 0..3 {
        view.next_question();
        assert_eq!(view.find(&bench.scope(), "ap_bills", &query(&[], Some(30))).expect("a page").items.len(), 30);
        let none = Query { filter: Filter::parse("number = 'x'", &Map::new()).expect("a filter"), ..query(&[], None) };
        assert_eq!(view.find(&bench.scope(), "ap_bills", &none).expect("a page").items.len(), 0);
    }
}

#[test]
fn a_question_that_reads_too_much_is_given_up_by_name_and_counted() {
    let read_bytes_max = 20_000;
    let bench =
        Bench::with(Options { query_limits: QueryLimits { read_bytes_max, ..QueryLimits::default() }, ..options() });
    for n in 0..60 {
        let record = json!({ "number": format!("n{n}"), "status": "open", "tags": ["s".repeat(400)] });
        bench.decide(bench.writing(put(&format!("b{n}"), 0, &record))).expect("decided");
    }
    let query = |filter: &str, limit: Option<u64>| Query {
        filter: Filter::parse(filter, &Map::new()).expect("a filter"),
        sort: Vec::new(),
        limit,
        cursor: None,
    };
    let all = query("", None);
    let ids: Vec<String> = (0..60).map(|n| format!("b{n}")).collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    let anew = || bench.store.view().expect("view");
    let ends = [
        anew().find(&bench.scope(), "ap_bills", &all).map(drop),
        anew().find(&bench.scope(), "ap_bills", &query("status = 'open'", None)).map(drop),
        anew().count(&bench.scope(), "ap_bills", &query("status = 'open' && number > 'n'", None).filter).map(drop),
        anew().count(&bench.scope(), "ap_bills", &query("status != 'open'", None).filter).map(drop),
        anew().get_many(&bench.scope(), "ap_bills", &ids).map(drop),
    ];
    for end in ends {
        let error = end.expect_err("too much");
        assert_eq!(error.code(), contract_model::ErrorCode::QueryTooLarge);
        assert!(error.to_string().contains("on `ap_bills` was given up after it had read 2"), "{error}");
    }
    assert_eq!(bench.store.metrics().queries_given_up[1], ("QUERY_READ_BYTES_MAX", 5));

    // Pages are read all the same, ids alone are few bytes, and each question begins anew.
    let view = anew();
    for _ in 0..3 {
        view.next_question();
        assert_eq!(view.find(&bench.scope(), "ap_bills", &query("", Some(30))).expect("a page").items.len(), 30);
    }
    assert_eq!(
        view.find(&bench.scope(), "ap_bills", &query("", Some(30))).map(drop).expect_err("one question").code(),
        contract_model::ErrorCode::QueryTooLarge
    );
    assert_eq!(anew().count(&bench.scope(), "ap_bills", &Filter::All).expect("a count"), 60);
    // So are the entries of an index that tell a match by themselves.
    for filter in ["status = 'open'", "status = 'open' && total = null"] {
        assert_eq!(anew().count(&bench.scope(), "ap_bills", &query(filter, None).filter).expect("a count"), 60);
    }
    assert_eq!(page_through(&bench, &query("", Some(20))).len(), 60);
}

#[test]
fn a_text_is_found_by_its_words_and_the_index_follows_it() {
    let bench = Bench::new();
    let searched = |full_text: &[&str]| -> Collection {
        let value = json!({"name": "gl_notes", "fullText": full_text, "fields": [{"name": "text", "type": "string"}, {"name": "n", "type": "integer"}]});
        serde_json::from_value(value).expect("collection")
    };
    bench.store.declare(vec![searched(&[])]).expect("declared");
    let texts = ["Rent for MAY", "rent for june, office", "Größe XL", "may may May", "", "office rent May"];
    let note =
        |at: usize, base, text: &str| put_in("gl_notes", &format!("n{at}"), base, &json!({"text": text, "n": at}));
    for (at, text) in texts.iter().enumerate() {
        bench.settle(bench.writing(note(at, 0, text)));
    }
    let ask = |filter: &str, by: &str, scanned: u64, ids: &[&str]| {
        let query = Query {
            filter: Filter::parse(filter, &Map::new()).expect("a filter"),
            sort: Vec::new(),
            limit: None,
            cursor: None,
        };
        let view = bench.store.view().expect("view");
        let page = view.find(&bench.scope(), "gl_notes", &query).expect("answered");
        assert_eq!(page.items.iter().map(crate::Record::id).collect::<Vec<_>>(), ids, "{filter}");
        let told = view.explain(&bench.scope(), "gl_notes", &query).expect("explained");
        assert_eq!((told.by, told.scanned, told.given), (by, scanned, ids.len() as u64), "{filter}");
    };
    ask("text matches 'may rent'", "collection", 6, &["n0", "n5"]);
    // For the records that are there, too.
    bench.store.declare(vec![searched(&["text"])]).expect("declared");
    ask("text matches 'may rent'", "words", 3, &["n0", "n5"]);
    ask("text matches 'OFFICE' && n > 1", "words", 2, &["n5"]);
    ask("text matches 'grösse'", "words", 0, &[]);
    ask("text matches 'GRÖßE'", "words", 1, &["n2"]);
    ask("!(text matches 'rent')", "collection", 6, &["n2", "n3", "n4"]);
    ask("text matches 'may' || n = 1", "collection", 6, &["n0", "n1", "n3", "n5"]);
    ask("text matches ''", "collection", 6, &[]);
    bench.settle(bench.writing(note(0, 1, "Rent for April")));
    bench.settle(Unit {
        writes: vec![Write::Delete {
            collection: "gl_notes".into(),
            id: RecordId::new("n5").expect("id"),
            base_revision: 1,
        }],
        ..bench.unit()
    });
    ask("text matches 'may'", "words", 1, &["n3"]);
    ask("text matches 'april'", "words", 1, &["n0"]);
    for at in 8..48 {
        bench.settle(bench.writing(note(at, 0, "common")));
    }
    let common = Filter::parse("text matches 'common'", &Map::new()).expect("a filter");
    let first = Query { filter: common, sort: Vec::new(), limit: Some(5), cursor: None };
    let told = bench.store.view().expect("view").explain(&bench.scope(), "gl_notes", &first).expect("explained");
    assert_eq!((told.by, told.scanned, told.given), ("words", 6, 5));
    assert_eq!(bench.store.verify().expect("verify").findings, [""; 0]);
    let long = (0..6_000).map(|n| format!("w{n}")).collect::<Vec<_>>().join(" ");
    let error = bench.decide(bench.writing(note(9, 0, &long))).expect_err("too many words");
    assert_eq!(error.code(), contract_model::ErrorCode::RecordInvalid);
    assert!(
        error.to_string().contains("6000 different words") && error.to_string().contains("FULL_TEXT_WORDS_MAX"),
        "{error}"
    );
    // What a unit found by a word is checked when it is decided.
    let view = bench.store.view().expect("view");
    let query = Query {
        filter: Filter::parse("text matches 'april'", &Map::new()).expect("a filter"),
        sort: Vec::new(),
        limit: None,
        cursor: None,
    };
    view.find(&bench.scope(), "gl_notes", &query).expect("answered");
    bench.settle(bench.writing(note(7, 0, "another april")));
    let met = bench.store.decide(bench.writing(note(8, 0, "later")), view.into_reads());
    assert!(matches!(met, Err(Refused::Conflict { .. })), "{met:?}");
    bench.store.declare(vec![searched(&[])]).expect("declared");
    ask("text matches 'april'", "collection", 46, &["n0", "n7"]);
    assert_eq!(bench.store.verify().expect("verify").findings, [""; 0]);
}
