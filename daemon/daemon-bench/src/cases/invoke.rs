//! P8: an event in, a handler in JavaScript, the reply event out, both kept before it is answered.

use super::item;
use crate::contest::{Case, Contest};
use crate::load::{Make, Sending};
use crate::ours;
use crate::peers::{Places, restate};
use crate::request::Request;
use crate::row::Aim;
use crate::side::Entrant;
use serde_json::json;
use std::path::Path;
use std::sync::Arc;

const TOPIC: &str = "bench.echo.request";
const REPLY: &str = "bench.echo.answered";

pub(crate) fn with_restate(places: &Places, suite: &Path, connections: u64) -> Contest {
    let case = Case {
        id: "P8",
        work: "event in, handler, reply event out, durable".to_owned(),
        sending: Sending { connections, window: 1, lines: None, writes: true },
        aim: Aim::AtLeast { floor: 2.0, goal: 5.0 },
        ours: Arc::new(event),
        theirs: invoke(),
    };
    let ours = Entrant { side: ours::side(suite), prepare: Vec::new(), proof: Box::new(proof) };
    let theirs = restate::find(places).map(|side| Entrant {
        side,
        prepare: Vec::new(),
        proof: Box::new(|written| vec![completed(written)]),
    });
    Contest { name: "restate", peer: "Restate", ours, theirs, cases: vec![case] }
}

fn event(number: u64) -> Request {
    let body = json!({
        "specversion": "1.0", "id": format!("echo-{number}"), "source": "/bench", "type": TOPIC,
        "datacontenttype": "application/json", "data": item(number),
    });
    Request::post("/api/events", body.to_string(), 200).with_headers("prefer: wait=20\r\n").holding(REPLY)
}

fn invoke() -> Make {
    Arc::new(|number| Request::post("/bench/echo", item(number).to_string(), 200).holding("xxx"))
}

/// An event that was acknowledged is known by its id: sent again, it gives the reply of the first time.
fn proof(written: u64) -> Vec<Request> {
    (0..written).map(|number| event(number).holding("\"duplicate\":true")).collect()
}

fn completed(written: u64) -> Request {
    Request::post("/query", json!({"query": restate::COMPLETED}).to_string(), 200)
        .with_headers("accept: application/json\r\n")
        .holding(format!("\"n\":{written}}}"))
}
