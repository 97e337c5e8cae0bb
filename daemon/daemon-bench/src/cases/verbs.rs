//! P1 to P5: verbs and records over HTTP, and the same done by `PocketBase`, by Fastify with `SQLite` and by `PostgreSQL`.

use super::item;
use crate::contest::{Case, Contest};
use crate::load::{Make, Sending};
use crate::ours;
use crate::peers::{Places, fastify, pocketbase, postgres};
use crate::request::Request;
use crate::row::Aim;
use crate::side::{Entrant, Side};
use std::path::Path;
use std::sync::Arc;

/// A record that is there to be read; its id has the form that `PocketBase` asks for.
const READ: &str = "benchitem000001";

/// P1 to P3, and P5.
pub(crate) fn with_pocketbase(places: &Places, suite: &Path, connections: u64) -> Contest {
    let case = |id, work: &str, aim, writes, ours: Make, theirs: Make| {
        let work = work.to_owned();
        Case { id, work, sending: Sending { connections, window: 1, lines: None, writes }, aim, ours, theirs }
    };
    let read = |path: &'static str| -> Make { Arc::new(move |_| Request::get(path)) };
    let cases = vec![
        case(
            "P1",
            "verb: constant",
            Aim::AtLeast { floor: 1.0, goal: 2.0 },
            false,
            read("/api/bench/constant"),
            read("/bench/constant"),
        ),
        case(
            "P2",
            "verb: one read",
            Aim::AtLeast { floor: 1.5, goal: 3.0 },
            false,
            read("/api/bench/items/benchitem000001"),
            read("/bench/items/benchitem000001"),
        ),
        case(
            "P3",
            "verb: record + event, durable; peer: record, not durable",
            Aim::AtLeast { floor: 2.0, goal: 10.0 },
            true,
            add("/api/bench/items"),
            add("/bench/items"),
        ),
        case(
            "P5",
            "record over REST, durable; peer: the same, not durable",
            Aim::AtLeast { floor: 1.0, goal: 4.0 },
            true,
            create("/api/collections/bench_items/records", 201),
            create("/api/collections/items/records", 200),
        ),
    ];
    let theirs = pocketbase::find(places).map(|side| served(side, "/bench"));
    Contest { name: "pocketbase", peer: "PocketBase", ours: served(ours::side(suite), "/api/bench"), theirs, cases }
}

/// P4 against `SQLite` behind Fastify.
pub(crate) fn with_fastify(places: &Places, suite: &Path, connections: u64) -> Contest {
    let theirs = fastify::find(places).map(|side| Entrant {
        side,
        prepare: Vec::new(),
        proof: Box::new(|written| vec![Request::get("/bench/count").holding(format!("\"count\":{written}}}"))]),
    });
    durable(["fastify", "Fastify"], suite, connections, theirs, add("/bench/items"))
}

/// P4 against `PostgreSQL`, without a server of verbs in front of it.
pub(crate) fn with_postgres(places: &Places, suite: &Path, connections: u64) -> Contest {
    const ADD: &str = "WITH item AS (INSERT INTO items (title, amount, note) \
        SELECT given.title, given.amount, given.note \
        FROM jsonb_to_record($1::text::jsonb) AS given (title text, amount bigint, note text) RETURNING *) \
        INSERT INTO outbox (topic, payload) SELECT 'bench.item.added', to_jsonb(item) FROM item RETURNING id::text";
    const COUNT: &str = "SELECT 'count=' || least((SELECT count(*) FROM items), (SELECT count(*) FROM outbox)) || '.'";
    let theirs = postgres::find(places).map(|side| Entrant {
        side,
        prepare: vec![Request::script(postgres::OUTBOX)],
        proof: Box::new(|written| vec![Request::sql(COUNT, Vec::new()).holding(format!("count={written}."))]),
    });
    let add: Make = Arc::new(|number| Request::sql(ADD, vec![item(number).to_string()]));
    durable(["postgres-outbox", "PostgreSQL"], suite, connections, theirs, add)
}

fn durable(
    [name, peer]: [&'static str; 2],
    suite: &Path,
    connections: u64,
    theirs: Option<Entrant>,
    add_theirs: Make,
) -> Contest {
    let case = Case {
        id: "P4",
        work: "verb: record + event, durable; peer: row + outbox, durable".to_owned(),
        sending: Sending { connections, window: 1, lines: None, writes: true },
        aim: Aim::AtLeast { floor: 0.5, goal: 2.0 },
        ours: add("/api/bench/items"),
        theirs: add_theirs,
    };
    Contest { name, peer, ours: served(ours::side(suite), "/api/bench"), theirs, cases: vec![case] }
}

/// A side that serves the verbs under `base`: the record to be read is added first, and is one more at the end.
fn served(side: Side, base: &'static str) -> Entrant {
    let mut first = item(0);
    first["id"] = READ.into();
    let prepare = vec![Request::post(format!("{base}/items"), first.to_string(), 201).holding(READ)];
    let proof =
        move |written: u64| vec![Request::get(format!("{base}/count")).holding(format!("\"count\":{}}}", written + 1))];
    Entrant { side, prepare, proof: Box::new(proof) }
}

fn add(path: &'static str) -> Make {
    Arc::new(move |number| Request::post(path, item(number).to_string(), 201))
}

/// A right answer holds the id of the record that was made, which is a text on both sides.
fn create(path: &'static str, status: u16) -> Make {
    Arc::new(move |number| Request::post(path, item(number).to_string(), status).holding("\"id\":\""))
}
