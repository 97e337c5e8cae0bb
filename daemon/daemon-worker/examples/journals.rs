//! Posts journals through the ledger's own code in one worker, without a daemon, so that a profiler sees nothing else:
//!
//! ```console
//! cargo build --profile profiling -p daemon-worker --example journals --features rustix/use-libc-auxv
//! valgrind --tool=callgrind target/profiling/examples/journals 400
//! ```
//!
//! Under valgrind a program has no auxiliary vector of the kernel's; with that feature it asks the C library instead.
//! Its arguments are the number of journals and how many of them travel together, in one lane; what it prints is the
//! wall time of each in the worker.

#![expect(clippy::print_stdout, reason = "a tool for who works on the worker")]

use contract_model::collection::Collections;
use daemon_frame::{
    Answer, Ask, Asked, Budget, Call, Context, Done, Ended, EventDelivery, FromWorker, Item, Known, Load, Module, Run,
    ToWorker, TopicFacts, Write, read_frame, write_frame,
};
use daemon_worker::CappedAlloc;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, HashMap};
use std::os::unix::net::UnixStream;
use std::path::Path;

#[global_allocator]
static ALLOC: CappedAlloc = CappedAlloc::new();

type Records = HashMap<(String, String), Value>;

fn main() {
    let argument = |at| std::env::args().nth(at).and_then(|text| text.parse::<usize>().ok());
    println!("{}", posted(argument(1).unwrap_or(2_000), argument(2).unwrap_or(16).max(1)));
}

/// Posts so many journals, so many of them at a time, and tells what each took.
fn posted(count: usize, batch: usize) -> String {
    let lane = (batch > 1).then_some(0);
    let (mut here, there) = UnixStream::pair().expect("socket pair");
    std::thread::spawn(move || daemon_worker::serve(there));
    write_frame(&mut here, &ToWorker::Load(Box::new(load()))).expect("writes");
    match read_frame(&mut here).expect("reads") {
        FromWorker::Ready(_) => {}
        other => panic!("{other:?}"),
    }
    let mut records = books();
    let (mut wall_us, mut asks, mut posted) = (0, 0, 0);
    for first in (0..count).step_by(batch) {
        let items: Vec<Item> = (first..count.min(first + batch)).map(|at| item(lane, at)).collect();
        for done in run(&mut here, &mut records, items) {
            wall_us += done.usage.wall_us;
            asks += u64::from(done.usage.asks);
            let Ended::Returned { draft, .. } = done.ended else { panic!("{:?}", done.ended) };
            let other = draft.events.iter().find(|event| event.topic != "gl.journal.posted");
            assert!(other.is_none() && !draft.events.is_empty(), "{:?}", (other, done.logs, draft.writes.len()));
            posted += draft.events.len();
        }
    }
    assert_eq!(posted, count, "every journal is posted");
    let each = |sum: u64| sum / count.max(1) as u64;
    format!("{posted} journals, {} us and {} questions each", each(wall_us), each(asks))
}

#[test]
fn the_ledger_as_it_is_now_can_be_measured() {
    assert!(posted(40, 16).starts_with("40 journals, "));
}

fn load() -> Load {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../ledger-example/gl");
    let text = |path: &Path| std::fs::read_to_string(path).expect("a file of ledger-example/gl");
    let mut modules: Vec<Module> = ["src", "contracts"]
        .into_iter()
        .flat_map(|part| std::fs::read_dir(folder.join(part)).expect("a folder of ledger-example/gl").flatten())
        .map(|entry| Module {
            path: entry.path().strip_prefix(&folder).expect("it lies in it").to_string_lossy().into_owned(),
            source: text(&entry.path()),
        })
        .collect();
    modules.sort_by(|a, b| a.path.cmp(&b.path));
    let collections: Collections = serde_json::from_str(&text(&folder.join("schema.json"))).expect("collections");
    let facts = |topic: &str| (topic.to_owned(), TopicFacts::default());
    let replies = |name: &str| ("gl.journal.posted".to_owned(), Some(format!("gl.journal.{name}")));
    Load {
        slug: "gl".to_owned(),
        version: "1.0.0".to_owned(),
        entry: "src/main.js".to_owned(),
        modules,
        collections: collections.collections,
        consumes: vec!["gl.**".to_owned()],
        publishes: ["gl.journal.posted", "gl.journal.rejected", "gl.journal.reversed"].map(facts).into(),
        publishes_patterns: vec!["gl.**".to_owned()],
        promised_publishes: None,
        promised_consumes: None,
        replies: BTreeMap::from([
            ("gl.journal.post.request".to_owned(), replies("rejected")),
            ("gl.journal.reverse.request".to_owned(), replies("rejected")),
        ]),
        provides: Vec::new(),
        uses: Vec::new(),
        granted: ["records:own", "events:publish", "events:subscribe", "jobs"].map(str::to_owned).to_vec(),
        config: json!({}),
        rehearses: false,
        license: daemon_frame::License::default(),
        budget: Budget {
            memory_bytes_max: 256 << 20,
            recursion_max: 500,
            events_max: 1_000,
            records_max: 10_000,
            log_lines_max: 100,
            records_read_max: 1_000_000,
            bytes_out_max: 32 << 20,
            wall_ms_max: 60_000,
            cpu_ms_max: 60_000,
        },
    }
}

/// An entity with twenty accounts and one open month.
fn books() -> Records {
    let mut records = Records::new();
    let mut put = |collection: &str, id: String, mut record: Value| {
        record["id"] = id.as_str().into();
        record["created"] = "2024-01-01T00:00:00.000Z".into();
        record["updated"] = "2024-01-01T00:00:00.000Z".into();
        record["revision"] = 1.into();
        records.insert((collection.to_owned(), id), record);
    };
    put(
        "gl_books",
        "E1".to_owned(),
        json!({"name": "E1", "functionalCurrency": "EUR",
        "currencies": {"EUR": 2}, "numbers": {}, "length": 0, "head": ""}),
    );
    put(
        "gl_periods",
        "E1/2024-01".to_owned(),
        json!({"entity": "E1", "period": "2024-01", "from": "2024-01-01",
        "to": "2024-01-31", "status": "open"}),
    );
    for number in 0..20 {
        let code = format!("{}", 1_000 + number);
        put(
            "gl_accounts",
            format!("E1/{code}"),
            json!({"entity": "E1", "code": code, "name": format!("Account {code}"),
            "type": "asset", "normalSide": "debit", "parent": "Assets", "postable": true, "active": true}),
        );
    }
    records
}

fn item(shared: Option<u32>, at: usize) -> Item {
    let account = |step: usize| format!("{}", 1_000 + (at * 7 + step * 3) % 20);
    let line = |number: u32, step: usize, debit: u64, credit: u64| json!({"line": number, "account": account(step), "currency": "EUR", "scale": 2, "debit": debit, "credit": credit});
    let payload = json!({
        "idempotencyKey": format!("bench-{at}"), "entity": "E1", "postingDate": "2024-01-15", "memo": "a journal of three lines",
        "source": {"plugin": "ap", "docType": "bill", "docId": format!("B-{at}")},
        "lines": [line(1, 0, 10_000, 0), line(2, 1, 1_900, 0), line(3, 2, 0, 11_900)],
    });
    let mut entropy = [7; 16];
    entropy[..8].copy_from_slice(&(at as u64).to_le_bytes());
    let context = Context {
        tenant: "demo".to_owned(),
        actor: "user-1".to_owned(),
        now_ms: 1_705_300_000_000 + at as u64,
        entropy,
        correlation: format!("story-{at}"),
    };
    let call = Call::Event(EventDelivery {
        subscription: 0,
        id: format!("event-{at}"),
        topic: "gl.journal.post.request".to_owned(),
        payload,
        sequence: at as u64 + 1,
        publisher: "plugin:ap".to_owned(),
        roles: Vec::new(),
        time_ms: 1_705_300_000_000,
        attempt: 1,
        replay: false,
        headers: Map::new(),
    });
    Item { lane: shared, context, call }
}

fn run(stream: &mut UnixStream, records: &mut Records, items: Vec<Item>) -> Vec<Done> {
    let count = items.len();
    write_frame(stream, &ToWorker::Run(Run { items })).expect("writes");
    let mut dones: Vec<Done> = Vec::new();
    while dones.len() < count {
        match read_frame(stream).expect("reads") {
            FromWorker::Ask(ask) => {
                let answer = Answer(Ok(answer(records, ask)));
                write_frame(stream, &ToWorker::Answer(answer)).expect("writes");
            }
            FromWorker::Done(done) => {
                if let Ended::Returned { draft, .. } = &done.ended {
                    draft.writes.iter().for_each(|write| commit(records, write));
                }
                dones.push(*done);
            }
            other => panic!("{other:?}"),
        }
    }
    dones
}

fn answer(records: &Records, ask: Ask) -> Asked {
    let get = |collection: &str, id: &str| records.get(&(collection.to_owned(), id.to_owned())).cloned();
    match ask {
        Ask::Get { collection, id } => Asked::Record(get(&collection, &id)),
        Ask::GetAcross { wanted } | Ask::Ahead { wanted } => {
            let pairs = wanted.iter().flat_map(|(collection, ids)| ids.iter().map(move |id| (collection, id)));
            Asked::Records(pairs.map(|(collection, id)| get(collection, id)).collect())
        }
        Ask::Known { .. } => Asked::Known(Known::New),
        other => panic!("{other:?}"),
    }
}

fn commit(records: &mut Records, write: &Write) {
    let Write::Put { collection, id, record, base_revision } = write else { return };
    let mut record = Value::clone(record);
    record["id"] = id.as_str().into();
    record["created"] = "2024-01-01T00:00:00.000Z".into();
    record["updated"] = "2024-01-01T00:00:00.000Z".into();
    record["revision"] = (base_revision + 1).into();
    records.insert((collection.clone(), id.clone()), record);
}
