//! Random units against a map that does the same.

use super::*;
use contract_model::filter::Filter;
use proptest::prelude::*;
use std::collections::BTreeMap;

#[derive(Debug, Clone)]
enum Step {
    Put { id: u8, number: u8, total: i64 },
    Delete { id: u8 },
    Publish { id: u8 },
    Sync,
    Reopen,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0..6_u8, 0..8_u8, any::<i64>()).prop_map(|(id, number, total)| Step::Put { id, number, total }),
        2 => (0..6_u8).prop_map(|id| Step::Delete { id }),
        2 => (0..20_u8).prop_map(|id| Step::Publish { id }),
        2 => Just(Step::Sync),
        1 => Just(Step::Reopen),
    ]
}

#[derive(Default)]
struct Model {
    /// id -> (revision, number, total)
    bills: BTreeMap<u8, (u64, u8, i64)>,
    events: Vec<u8>,
}

impl Model {
    fn put(&mut self, id: u8, number: u8, total: i64) -> bool {
        let taken = self.bills.iter().any(|(other, bill)| *other != id && bill.1 == number);
        if !taken {
            let revision = self.bills.get(&id).map_or(0, |bill| bill.0) + 1;
            self.bills.insert(id, (revision, number, total));
        }
        !taken
    }

    fn check(&self, bench: &Bench) {
        let view = bench.store.view().expect("view");
        for id in 0..6_u8 {
            let record = view.get(&bench.scope(), "ap_bills", &format!("b{id}")).expect("get");
            let found = record.map(|record| {
                let number = record.fields["number"].as_str().and_then(|n| n.parse().ok()).expect("number");
                (record.revision, number, record.fields["total"].as_i64().expect("total"))
            });
            assert_eq!(found, self.bills.get(&id).copied());
        }
        let negative = Filter::parse("total < 0", &Map::new()).expect("filter");
        let count = view.count(&bench.scope(), "ap_bills", &negative).expect("count");
        assert_eq!(count, self.bills.values().filter(|bill| bill.2 < 0).count() as u64);
        assert_eq!(view.sequence().0, self.events.len() as u64);
        for (at, id) in self.events.iter().enumerate() {
            let event = view.event(Sequence(at as u64 + 1)).expect("event").expect("there");
            assert_eq!(event.id.as_str(), format!("e{id}"));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn the_store_behaves_like_a_map(steps in proptest::collection::vec(step(), 1..40)) {
        let mut bench = Bench::new();
        let mut model = Model::default();
        for step in steps {
            match step {
                Step::Put { id, number, total } => {
                    let base = model.bills.get(&id).map_or(0, |bill| bill.0);
                    let record = json!({"number": number.to_string(), "status": "s", "total": total});
                    let decided = bench.decide(bench.writing(put(&format!("b{id}"), base, &record)));
                    prop_assert_eq!(decided.is_ok(), model.put(id, number, total));
                }
                Step::Delete { id } => {
                    let base = model.bills.remove(&id).map_or(0, |bill| bill.0);
                    let decided = bench.decide(bench.writing(delete(&format!("b{id}"), base)));
                    prop_assert!(decided.is_ok());
                }
                Step::Publish { id } => {
                    let decided = bench.decide(bench.publishing(event(&format!("e{id}"), "a.b")));
                    prop_assert_eq!(decided.is_ok(), !model.events.contains(&id));
                    if decided.is_ok() {
                        model.events.push(id);
                    }
                }
                Step::Sync => drop(bench.settle(bench.unit())),
                Step::Reopen => bench = bench.reopened(),
            }
            model.check(&bench);
        }
        let report = bench.store.verify().expect("verify");
        prop_assert!(report.is_sound(), "{:?}", report);
    }
}
