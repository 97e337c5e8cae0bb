//! References: what is referred to is there, and deletions do to those who refer what was declared.

use super::*;
use contract_model::ErrorCode;
use contract_model::limits::CASCADE_RECORDS_MAX;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

fn collection(value: Value) -> Collection {
    serde_json::from_value(value).expect("collection")
}

fn reference(name: &str, to: &str, on_delete: &str) -> Value {
    json!({"name": name, "type": "reference", "ref": {"collection": to, "onDelete": on_delete}})
}

/// Every kind of reference, in a chain and in a circle.
fn tree() -> Vec<Collection> {
    vec![
        collection(json!({"name": "t_a", "fields": [reference("up", "t_a", "set-null")]})),
        collection(
            json!({"name": "t_b", "fields": [reference("a", "t_a", "restrict")], "indexes": [["a", "created"]]}),
        ),
        collection(json!({"name": "t_c", "fields": [
            reference("a", "t_a", "cascade"), reference("b", "t_b", "set-null"), {"name": "n", "type": "integer"},
        ], "unique": [["n"]]})),
        collection(
            json!({"name": "t_d", "fields": [reference("c", "t_c", "cascade"), reference("a", "t_a", "restrict")]}),
        ),
    ]
}

fn bench() -> Bench {
    let bench = Bench::new();
    bench.store.declare(tree()).expect("declare");
    bench
}

fn gone(collection: &str, id: &str, base_revision: u64) -> Write {
    Write::Delete { collection: collection.into(), id: RecordId::new(id).expect("id"), base_revision }
}

fn record(bench: &Bench, collection: &str, id: &str) -> Option<Value> {
    let view = bench.store.view().expect("view");
    view.get(&bench.scope(), collection, id).expect("get").map(crate::Record::into_value)
}

fn refused(result: Result<Decided, Refused>) -> (ErrorCode, String) {
    let refused = result.expect_err("refused");
    (refused.code(), refused.to_string())
}

#[test]
fn what_is_not_there_cannot_be_referred_to() {
    let bench = bench();
    let save = |id: &str, a: &Value| bench.decide(bench.writing(put_in("t_b", id, 0, &json!({ "a": a }))));
    let (code, text) = refused(save("x", &json!("a1")));
    assert_eq!(code, ErrorCode::ReferenceNotFound);
    assert_eq!(text, "record `x` of `t_b` refers in `a` to `a1` of `t_a`, which is not there");
    save("x", &Value::Null).expect("null refers to nothing");
    // Both in one unit, the one that refers first.
    let writes = vec![put_in("t_b", "y", 0, &json!({"a": "a1"})), put_in("t_a", "a1", 0, &json!({"up": "a1"}))];
    bench.decide(Unit { writes, ..bench.unit() }).expect("together");
    let other = bench.store.create_tenant(&tenant_id("other"), "Other").expect("tenant");
    let across = Unit { scope: other.into(), ..bench.writing(put_in("t_b", "z", 0, &json!({"a": "a1"}))) };
    assert_eq!(refused(bench.decide(across)).0, ErrorCode::ReferenceNotFound, "another tenant's record");
}

#[test]
fn a_record_that_is_referred_to_stays_until_nobody_does() {
    let bench = bench();
    let writes = vec![put_in("t_a", "a1", 0, &json!({})), put_in("t_b", "b1", 0, &json!({"a": "a1"}))];
    bench.decide(Unit { writes, ..bench.unit() }).expect("stored");
    let (code, text) = refused(bench.decide(bench.writing(gone("t_a", "a1", 1))));
    assert_eq!(code, ErrorCode::RecordReferenced);
    assert!(
        text.starts_with("record `a1` of `t_a` cannot be deleted: record `b1` of `t_b` refers to it in `a`"),
        "{text}"
    );
    // The save of a record that goes on referring to what its unit deletes is at fault itself.
    let writes = vec![gone("t_a", "a1", 1), put_in("t_b", "b1", 1, &json!({"a": "a1"}))];
    assert_eq!(refused(bench.decide(Unit { writes, ..bench.unit() })).0, ErrorCode::ReferenceNotFound);
    let writes = vec![gone("t_a", "a1", 1), gone("t_b", "b1", 1)];
    bench.decide(Unit { writes, ..bench.unit() }).expect("both at once");
}

#[test]
fn deletions_carry_along_and_let_go_as_declared() {
    let bench = bench();
    let writes = vec![
        put_in("t_a", "a1", 0, &json!({})),
        put_in("t_a", "a2", 0, &json!({"up": "a1"})),
        put_in("t_b", "b1", 0, &json!({})),
        put_in("t_c", "c1", 0, &json!({"a": "a1", "b": "b1", "n": 1})),
        put_in("t_c", "c2", 0, &json!({"a": "a2", "b": "b1", "n": 2})),
        put_in("t_d", "d1", 0, &json!({"c": "c1"})),
    ];
    bench.settle(Unit { writes, ..bench.unit() });
    let writes = vec![gone("t_a", "a1", 1), gone("t_b", "b1", 1), put_in("t_c", "c3", 0, &json!({"n": 1}))];
    bench.decide(Unit { writes, ..bench.unit() }).expect("n = 1 is free again in the same unit");
    let bench = bench.reopened();
    assert_eq!(record(&bench, "t_c", "c1"), None);
    assert_eq!(record(&bench, "t_d", "d1"), None);
    let freed = |collection: &str, id: &str, field: &str| {
        let record = record(&bench, collection, id).expect("still there");
        (record[field].clone(), record["revision"].clone())
    };
    assert_eq!(freed("t_a", "a2", "up"), (Value::Null, json!(2)));
    assert_eq!(freed("t_c", "c2", "b"), (Value::Null, json!(2)));
    let report = bench.store.verify().expect("verify");
    assert!(report.is_sound(), "{report:?}");
}

#[test]
fn an_id_that_is_too_long_to_be_stored_is_one_that_is_not_there() {
    let bench = bench();
    for id in ["x".repeat(503), "x".repeat(504), "x".repeat(100_000)] {
        assert_eq!(record(&bench, "t_a", &id), None, "{} bytes", id.len());
        let (code, _) = refused(bench.decide(bench.writing(put_in("t_b", "b1", 0, &json!({ "a": id })))));
        assert_eq!(code, ErrorCode::ReferenceNotFound, "{} bytes", id.len());
    }
}

#[test]
fn who_read_what_a_deletion_changes_meets_it() {
    let bench = bench();
    let writes = vec![put_in("t_a", "a1", 0, &json!({})), put_in("t_c", "c1", 0, &json!({"a": "a1"}))];
    bench.decide(Unit { writes, ..bench.unit() }).expect("stored");
    let view = bench.store.view().expect("view");
    view.get(&bench.scope(), "t_c", "c1").expect("get").expect("there");
    bench.decide(bench.writing(gone("t_a", "a1", 1))).expect("deleted");
    let late = bench.store.decide(bench.writing(put_in("t_a", "a9", 0, &json!({}))), view.into_reads());
    assert!(matches!(late, Err(Refused::Conflict { .. })), "{late:?}");
}

#[test]
fn of_a_deletion_and_a_save_at_once_one_is_refused_by_name() {
    for round in 0..50 {
        let bench = bench();
        bench.settle(bench.writing(put_in("t_a", "a1", 0, &json!({}))));
        let (save, delete) = std::thread::scope(|scope| {
            let save =
                scope.spawn(|| bench.decide(bench.writing(put_in("t_b", "b1", 0, &json!({"a": "a1"})))).map(drop));
            let delete = scope.spawn(|| bench.decide(bench.writing(gone("t_a", "a1", 1))).map(drop));
            (save.join().expect("save"), delete.join().expect("delete"))
        });
        let codes = (save.map_err(|refused| refused.code()), delete.map_err(|refused| refused.code()));
        let sound = [(Ok(()), Err(ErrorCode::RecordReferenced)), (Err(ErrorCode::ReferenceNotFound), Ok(()))];
        assert!(sound.contains(&codes), "round {round}: {codes:?}");
    }
}

#[test]
fn a_deletion_takes_so_many_along_and_no_more() {
    let bench = Bench::with_map(256 * 1024 * 1024);
    bench.store.declare(tree()).expect("declare");
    bench.settle(bench.writing(put_in("t_a", "a1", 0, &json!({}))));
    let fill = |from: u64, to: u64| {
        let write = |n: u64| put_in("t_c", &format!("c{n}"), 0, &json!({"a": "a1"}));
        bench.settle(Unit { writes: (from..to).map(write).collect(), ..bench.unit() });
    };
    fill(0, CASCADE_RECORDS_MAX);
    fill(CASCADE_RECORDS_MAX, CASCADE_RECORDS_MAX + 1);
    let (code, text) = refused(bench.decide(bench.writing(gone("t_a", "a1", 1))));
    assert_eq!(code, ErrorCode::RecordReferenced);
    assert!(text.contains("CASCADE_RECORDS_MAX") && text.contains("`t_c`"), "{text}");
    bench.decide(bench.writing(gone("t_c", "c0", 1))).expect("one less");
    bench.decide(bench.writing(gone("t_a", "a1", 1))).expect("as many as may go along");
    let count = bench.store.view().expect("view").count(&bench.scope(), "t_c", &contract_model::filter::Filter::All);
    assert_eq!(count.expect("count"), 0);
}

#[test]
fn a_declaration_that_stored_records_break_is_refused() {
    let bench = Bench::new();
    let plain = json!({"name": "t_b", "fields": [{"name": "a", "type": "string"}]});
    bench.store.declare(vec![collection(json!({"name": "t_a", "fields": []})), collection(plain)]).expect("declare");
    bench.settle(bench.writing(put_in("t_b", "b1", 0, &json!({"a": "a1"}))));
    let refers = || collection(json!({"name": "t_b", "fields": [reference("a", "t_a", "restrict")]}));
    let error = bench.store.declare(vec![refers()]).expect_err("a1 is not there").to_string();
    assert!(error.contains("record `b1` refers in `a` to `a1` of `t_a`, which is not there"), "{error}");
    bench.settle(bench.writing(put_in("t_a", "a1", 0, &json!({}))));
    bench.store.declare(vec![refers()]).expect("now it is");
    let (code, _) = refused(bench.decide(bench.writing(gone("t_a", "a1", 1))));
    assert_eq!(code, ErrorCode::RecordReferenced, "records of before are found by the index that the declaration made");
}

const NAMES: [&str; 4] = ["t_a", "t_b", "t_c", "t_d"];
/// Of each collection its references: field, collection, what a deletion does.
const REFERENCES: [&[(&str, usize, &str)]; 4] = [
    &[("up", 0, "set-null")],
    &[("a", 0, "restrict")],
    &[("a", 0, "cascade"), ("b", 1, "set-null")],
    &[("c", 2, "cascade"), ("a", 0, "restrict")],
];

/// Collection and record.
type Id = (usize, u8);
/// What a record refers to, reference by reference.
type Links = Vec<Option<u8>>;

#[derive(Debug, Clone)]
enum Op {
    Put(Id, Links),
    Delete(Id),
}

fn op() -> impl Strategy<Value = Op> {
    let links = proptest::collection::vec(proptest::option::weighted(0.7, 0..3_u8), 2);
    prop_oneof![
        3 => (0..4_usize, 0..3_u8, links).prop_map(|(collection, id, mut links)| {
            links.truncate(REFERENCES[collection].len());
            Op::Put((collection, id), links)
        }),
        2 => (0..4_usize, 0..3_u8).prop_map(|(collection, id)| Op::Delete((collection, id))),
    ]
}

#[derive(Debug, Clone, Default, PartialEq)]
struct Model(BTreeMap<Id, (u64, Links)>);

impl Model {
    /// The state after a unit, or the code that refuses it; nothing is remembered of how the store does it.
    fn after(&self, ops: &[Op]) -> Result<Model, ErrorCode> {
        let mut next = self.0.clone();
        let mut saved = BTreeSet::new();
        for op in ops {
            match op {
                Op::Put(id, links) => {
                    let revision = self.0.get(id).map_or(0, |(revision, _)| *revision) + 1;
                    next.insert(*id, (revision, links.clone()));
                    saved.insert(*id);
                }
                Op::Delete(id) => drop(next.remove(id)),
            }
        }
        // Whoever is carried along is gone; again, until nobody else is.
        loop {
            let lost = Self::lost(&next, &saved, "cascade").next();
            let Some((id, _)) = lost else { break };
            next.remove(&id);
        }
        if Self::lost(&next, &saved, "restrict").next().is_some() {
            return Err(ErrorCode::RecordReferenced);
        }
        let nulled: Vec<(Id, usize)> = Self::lost(&next, &saved, "set-null").collect();
        for (id, at) in nulled {
            let (revision, links) = next.get_mut(&id).expect("there");
            *revision = self.0[&id].0 + 1;
            links[at] = None;
        }
        let missing = |id: &Id| {
            ["cascade", "restrict", "set-null"]
                .iter()
                .any(|kind| Self::lost(&next, &BTreeSet::new(), kind).any(|(lost, _)| lost == *id))
        };
        if saved.iter().any(missing) { Err(ErrorCode::ReferenceNotFound) } else { Ok(Model(next)) }
    }

    /// References of a kind that lead nowhere, of records that the unit has not saved.
    fn lost<'a>(
        state: &'a BTreeMap<Id, (u64, Links)>,
        saved: &'a BTreeSet<Id>,
        kind: &'a str,
    ) -> impl Iterator<Item = (Id, usize)> + 'a {
        let unsaved = state.iter().filter(|(id, _)| !saved.contains(id));
        unsaved.flat_map(move |(id, (_, links))| {
            let kinds = REFERENCES[id.0].iter().zip(links).enumerate();
            kinds.filter_map(move |(at, ((_, target, on_delete), link))| {
                let lost = link.is_some_and(|link| !state.contains_key(&(*target, link)));
                (lost && *on_delete == kind).then_some((*id, at))
            })
        })
    }

    fn unit(&self, bench: &Bench, ops: &[Op]) -> Unit {
        let base = |id: &Id| self.0.get(id).map_or(0, |(revision, _)| *revision);
        let write = |op: &Op| match op {
            Op::Delete(id) => gone(NAMES[id.0], &format!("r{}", id.1), base(id)),
            Op::Put(id, links) => {
                let fields = REFERENCES[id.0].iter().zip(links).map(|((field, ..), link)| {
                    ((*field).to_owned(), link.map_or(Value::Null, |link| format!("r{link}").into()))
                });
                put_in(NAMES[id.0], &format!("r{}", id.1), base(id), &Value::Object(fields.collect()))
            }
        };
        Unit { writes: ops.iter().map(write).collect(), ..bench.unit() }
    }

    fn stored(bench: &Bench) -> Model {
        let mut found = BTreeMap::new();
        for id in (0..4).flat_map(|collection| (0..3_u8).map(move |id| (collection, id))) {
            let Some(record) = record(bench, NAMES[id.0], &format!("r{}", id.1)) else { continue };
            let link = |field: &str| record[field].as_str().and_then(|text| text[1..].parse().ok());
            let links = REFERENCES[id.0].iter().map(|(field, ..)| link(field)).collect();
            found.insert(id, (record["revision"].as_u64().expect("revision"), links));
        }
        Model(found)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn references_behave_like_the_model(units in proptest::collection::vec(proptest::collection::vec(op(), 1..4), 1..30)) {
        let bench = bench();
        let mut model = Model::default();
        for mut ops in units {
            let mut written = BTreeSet::new();
            ops.retain(|op| {
                let (Op::Put(id, _) | Op::Delete(id)) = op;
                written.insert(*id)
            });
            let decided = bench.decide(model.unit(&bench, &ops)).map(drop).map_err(|refused| refused.code());
            let expected = model.after(&ops);
            prop_assert_eq!(decided, expected.clone().map(drop), "{:?} on {:?}", ops, model);
            model = expected.unwrap_or(model);
            prop_assert_eq!(&Model::stored(&bench), &model);
        }
        let report = bench.store.verify().expect("verify");
        prop_assert!(report.is_sound(), "{:?}", report);
    }
}
