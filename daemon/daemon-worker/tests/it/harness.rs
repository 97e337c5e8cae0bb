//! A parent for tests: serves a plugin in a thread and answers its questions from a small store in memory.

use contract_model::collection::{Collection, Collections};
use contract_model::filter::{Comparison, Filter};
use daemon_frame::{
    Answer, Ask, Asked, Auth, Budget, Call, Context, Done, Draft, Ended, EventDelivery, Failure, FetchAnswer,
    FromWorker, Item, Known, Load, Module, Registered, Run, ToWorker, TopicFacts, VerbCall, Write, read_frame,
    write_frame,
};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::os::unix::net::UnixStream;

pub(crate) const NOW_MS: u64 = 1_700_000_000_123;

/// Stored records by collection and id, and events by topic and idempotency key.
#[derive(Default)]
pub(crate) struct Store {
    pub(crate) records: BTreeMap<(String, String), Value>,
    pub(crate) events: BTreeMap<(String, String), (String, String)>,
    pub(crate) asked: Vec<Ask>,
}

pub(crate) struct Parent {
    stream: UnixStream,
    pub(crate) store: Store,
    pub(crate) entropy: u8,
    /// Whether the store takes in what comes back.
    pub(crate) commits: bool,
}

pub(crate) fn load(source: &str) -> Load {
    load_modules(&[("src/main.js", source)])
}

pub(crate) fn load_modules(modules: &[(&str, &str)]) -> Load {
    let collections = json!({"collections": [
        {"name": "ap_bills", "fields": [
            {"name": "no", "type": "string", "required": true, "maxLength": 20},
            {"name": "total", "type": "money"},
            {"name": "status", "type": "string", "default": "draft"},
            {"name": "memo", "type": "string"}]},
        {"name": "ap_log", "appendOnly": true, "fields": [{"name": "text", "type": "string"}]}]});
    let collections: Vec<Collection> =
        serde_json::from_value::<Collections>(collections).expect("collections").collections;
    let keyed = TopicFacts { idempotency: vec!["/billId".to_owned(), "/line".to_owned()], ..TopicFacts::default() };
    Load {
        slug: "ap".to_owned(),
        version: "1.2.3".to_owned(),
        entry: modules[0].0.to_owned(),
        modules: modules
            .iter()
            .map(|(path, source)| Module { path: (*path).to_owned(), source: (*source).to_owned() })
            .collect(),
        collections,
        consumes: vec!["gl.journal.posted".to_owned(), "ap.bill.check".to_owned(), "fx.*".to_owned()],
        publishes: BTreeMap::from([
            ("ap.bill.approved".to_owned(), TopicFacts::default()),
            ("ap.bill.keyed".to_owned(), keyed),
            ("ap.bill.checked".to_owned(), TopicFacts::default()),
            ("ap.bill.refused".to_owned(), TopicFacts::default()),
        ]),
        publishes_patterns: vec!["ap.audit.*".to_owned()],
        promised_publishes: None,
        promised_consumes: None,
        replies: BTreeMap::from([(
            "ap.bill.check".to_owned(),
            ("ap.bill.checked".to_owned(), Some("ap.bill.refused".to_owned())),
        )]),
        provides: vec!["ap.open-items".to_owned()],
        uses: vec!["fx.rate".to_owned()],
        granted: ["records:own", "events:publish", "events:subscribe", "jobs"].map(str::to_owned).to_vec(),
        config: json!({"limit": 5, "nested": {"on": true}}),
        license: daemon_frame::License::default(),
        rehearses: false,
        budget: Budget {
            memory_bytes_max: 64 << 20,
            recursion_max: 200,
            events_max: 10,
            records_max: 10,
            records_read_max: 1_000,
            bytes_out_max: 32 << 20,
            log_lines_max: 3,
            wall_ms_max: 5_000,
            cpu_ms_max: 5_000,
        },
    }
}

impl Parent {
    /// Loads a plugin that must load.
    pub(crate) fn of(source: &str) -> Self {
        Self::start(load(source)).expect("loads").0
    }

    pub(crate) fn start(load: Load) -> Result<(Self, Registered), Box<Failure>> {
        let (here, there) = UnixStream::pair().expect("socket pair");
        std::thread::spawn(move || daemon_worker::serve(there));
        let mut parent = Self { stream: here, store: Store::default(), entropy: 1, commits: false };
        parent.send(&ToWorker::Load(Box::new(load)));
        match parent.receive() {
            FromWorker::Ready(registered) => Ok((parent, registered)),
            FromWorker::LoadFailed(failure) => Err(Box::new(failure)),
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn send(&mut self, frame: &ToWorker) {
        write_frame(&mut self.stream, frame).expect("writes");
    }

    pub(crate) fn receive(&mut self) -> FromWorker {
        read_frame(&mut self.stream).expect("reads")
    }

    pub(crate) fn run(&mut self, calls: Vec<Call>) -> Vec<Done> {
        self.run_in(calls.into_iter().map(|call| (None, call)).collect())
    }

    /// Runs calls, each in a lane or alone.
    pub(crate) fn run_in(&mut self, calls: Vec<(Option<u32>, Call)>) -> Vec<Done> {
        let item = |(lane, call)| Item { lane, context: self.context(), call };
        let items: Vec<Item> = calls.into_iter().map(item).collect();
        let count = items.len();
        self.send(&ToWorker::Run(Run { items }));
        let mut dones: Vec<Done> = Vec::new();
        while dones.len() < count && !dones.last().is_some_and(|done| matches!(done.ended, Ended::Threw(_))) {
            match self.receive() {
                FromWorker::Ask(ask) => {
                    let answer = self.store.answer(ask);
                    self.send(&ToWorker::Answer(answer));
                }
                FromWorker::Done(done) => {
                    if let (true, Ended::Returned { draft, .. }) = (self.commits, &done.ended) {
                        self.store.commit(draft);
                    }
                    dones.push(*done);
                }
                other => panic!("{other:?}"),
            }
        }
        dones
    }

    fn context(&mut self) -> Context {
        Context {
            tenant: "demo".to_owned(),
            actor: "user-1".to_owned(),
            now_ms: NOW_MS,
            entropy: [self.entropy; 16],
            correlation: "story-1".to_owned(),
        }
    }

    pub(crate) fn call(&mut self, call: Call) -> Done {
        self.run(vec![call]).pop().expect("done")
    }

    /// The data of verb 0 with this body.
    pub(crate) fn data(&mut self, body: Value) -> Value {
        match self.call(verb(body)).ended {
            Ended::Returned { response: Some(response), .. } => match response.body {
                daemon_frame::Body::Data(data) => data,
                other => panic!("{other:?}"),
            },
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn draft(&mut self, body: Value) -> Draft {
        match self.call(verb(body)).ended {
            Ended::Returned { draft, .. } => draft,
            Ended::Threw(failure) => panic!("{failure:?}"),
        }
    }

    pub(crate) fn failure(&mut self, body: Value) -> Failure {
        match self.call(verb(body)).ended {
            Ended::Threw(failure) => failure,
            returned @ Ended::Returned { .. } => panic!("{returned:?}"),
        }
    }

    pub(crate) fn put(&mut self, collection: &str, id: &str, fields: Value) {
        let mut record = fields;
        record["id"] = id.into();
        record["created"] = "2020-01-01T00:00:00.000Z".into();
        record["updated"] = "2020-01-01T00:00:00.000Z".into();
        record["revision"] = 7.into();
        self.store.records.insert((collection.to_owned(), id.to_owned()), record);
    }
}

pub(crate) fn verb(body: Value) -> Call {
    Call::Verb(VerbCall {
        foreseen: None,
        route: 0,
        params: Map::new(),
        query: Map::new(),
        headers: [("x-test", "yes")].into_iter().collect(),
        body,
        request_id: "req-1".to_owned(),
        auth: Auth { id: "user-1".to_owned(), email: Some("a@b.test".to_owned()), roles: vec!["ap.clerk".to_owned()] },
    })
}

pub(crate) fn event(topic: &str, payload: Value) -> Call {
    Call::Event(EventDelivery {
        subscription: 0,
        id: "event-1".to_owned(),
        topic: topic.to_owned(),
        payload,
        sequence: 12,
        publisher: "plugin:gl".to_owned(),
        roles: Vec::new(),
        time_ms: NOW_MS,
        attempt: 2,
        replay: false,
        headers: Map::new(),
    })
}

/// A plugin with one verb whose body is this.
pub(crate) fn handler(body: &str) -> String {
    format!("$app.routerAdd('POST', '/api/ap/run', (e) => {{ {body} }});")
}

impl Store {
    fn answer(&mut self, ask: Ask) -> Answer {
        self.asked.push(ask.clone());
        let get = |collection: &str, id: &str| self.records.get(&(collection.to_owned(), id.to_owned())).cloned();
        Answer(Ok(match ask {
            Ask::Get { collection, id } => Asked::Record(get(&collection, &id)),
            Ask::GetAcross { wanted } | Ask::Ahead { wanted } => {
                let pairs = wanted.iter().flat_map(|(collection, ids)| ids.iter().map(move |id| (collection, id)));
                Asked::Records(pairs.map(|(collection, id)| get(collection, id)).collect())
            }
            Ask::Find { collection, query } => {
                let mut found = self.matching(&collection, &query.filter);
                for (field, descending) in query.sort.iter().rev() {
                    found.sort_by(|a, b| {
                        let ordered = a[field].to_string().cmp(&b[field].to_string());
                        if *descending { ordered.reverse() } else { ordered }
                    });
                }
                if let Some(cursor) = &query.cursor {
                    let at = found.iter().position(|record| record["id"] == cursor.as_str()).expect("cursor") + 1;
                    found.drain(..at);
                }
                let limit = query.limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(usize::MAX);
                let more = found.len() > limit;
                found.truncate(limit);
                let cursor =
                    more.then(|| found.last().and_then(|last| last["id"].as_str()).map(str::to_owned)).flatten();
                Asked::Page { items: found, cursor }
            }
            Ask::Reservation { .. } => Asked::Reservation(None),
            Ask::Count { collection, filter } => Asked::Count(self.matching(&collection, &filter).len() as u64),
            Ask::Known { topic, key, hash } => Asked::Known(match self.events.get(&(topic, key)) {
                None => Known::New,
                Some((id, known)) if *known == hash => Known::Same(id.clone()),
                Some((id, _)) => Known::Other(id.clone()),
            }),
            // As a host that tells what it was asked.
            Ask::Fetch(asked) => Asked::Fetched(Box::new(FetchAnswer {
                status: 200,
                headers: BTreeMap::from([("x-asked".to_owned(), asked.method.clone())]),
                body: Some(serde_json::to_string(&asked).expect("encodes")),
            })),
            // As a provider that tells its caller what it was asked.
            Ask::Call { capability, method, input, provider } => {
                Asked::Called(json!({"capability": capability, "method": method, "input": input, "provider": provider}))
            }
            Ask::Providers { .. } => Asked::Providers(vec![("fx".to_owned(), "1.0.0".to_owned())]),
            // As a rehearsal that tells the test what it was asked.
            Ask::Rehearse { what, args } => Asked::Rehearsed(json!({"what": what, "args": args})),
        }))
    }

    fn commit(&mut self, draft: &Draft) {
        for write in &draft.writes {
            match write {
                Write::Put { collection, id, record, base_revision } => {
                    let mut record = Value::clone(record);
                    record["id"] = id.as_str().into();
                    record["revision"] = (base_revision + 1).into();
                    self.records.insert((collection.clone(), id.clone()), record);
                }
                Write::Delete { collection, id, .. } => {
                    self.records.remove(&(collection.clone(), id.clone()));
                }
            }
        }
    }

    fn matching(&self, collection: &str, filter: &Filter) -> Vec<Value> {
        let of_collection = self.records.iter().filter(|((name, _), _)| name == collection);
        of_collection.map(|(_, record)| record.clone()).filter(|record| holds(filter, record)).collect()
    }
}

/// The filters that tests use, told apart from the crate's own evaluation on purpose.
fn holds(filter: &Filter, record: &Value) -> bool {
    match filter {
        Filter::All => true,
        Filter::And(parts) => parts.iter().all(|part| holds(part, record)),
        Filter::Or(parts) => parts.iter().any(|part| holds(part, record)),
        Filter::Not(part) => !holds(part, record),
        Filter::Field { field, op, value } => match op {
            Comparison::Eq => record[field] == *value,
            Comparison::Ne => record[field] != *value,
            Comparison::Gt => record[field].as_i64() > value.as_i64(),
            Comparison::In => value.as_array().is_some_and(|list| list.contains(&record[field])),
            other => panic!("{other:?}"),
        },
    }
}
