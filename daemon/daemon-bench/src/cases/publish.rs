//! P6 and P6b: events of 256 bytes published, 256 of them in flight, each acknowledged when it is on disk.
//! Every side gets a connection for each in flight: ours over HTTP, the peers over their own protocols.

use super::item;
use crate::contest::{Case, Contest};
use crate::load::Make;
use crate::ours;
use crate::peers::{Places, nats, redis};
use crate::request::Request;
use crate::row::Aim;
use crate::side::Entrant;
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;

const TOPIC: &str = "bench.item.added";
const IN_FLIGHT: u64 = 256;
const WORK: &str = "event of 256 bytes published, durable";

/// P6.
pub(crate) fn with_nats(places: &Places, suite: &Path) -> Contest {
    let theirs = nats::find(places).map(|side| Entrant {
        side,
        prepare: vec![
            Request::nats("$JS.API.STREAM.CREATE.bench", json!({"name": "bench", "subjects": [TOPIC]}).to_string())
                .holding("\"created\""),
        ],
        proof: Box::new(|written| {
            let state = Request::nats("$JS.API.STREAM.INFO.bench", String::new());
            vec![state.holding(format!("\"messages\":{written},"))]
        }),
    });
    let publish: Make = Arc::new(|number| Request::nats(TOPIC, payload(number).to_string()).holding("\"seq\":"));
    contest("P6", ["nats", "NATS JetStream"], (1.0, 5.0), suite, theirs, publish)
}

/// P6b.
pub(crate) fn with_redis(places: &Places, suite: &Path) -> Contest {
    let theirs = redis::find(places).map(|side| Entrant {
        side,
        prepare: Vec::new(),
        proof: Box::new(|written| vec![Request::redis(&["XLEN", TOPIC]).being(written.to_string())]),
    });
    let publish: Make =
        Arc::new(|number| Request::redis(&["XADD", TOPIC, "*", "data", &payload(number).to_string()]).holding("-"));
    contest("P6b", ["redis", "Redis streams"], (0.4, 1.0), suite, theirs, publish)
}

fn contest(
    id: &'static str,
    [name, peer]: [&'static str; 2],
    (floor, goal): (f64, f64),
    suite: &Path,
    theirs: Option<Entrant>,
    publish: Make,
) -> Contest {
    let case = Case {
        id,
        work: WORK.to_owned(),
        connections: IN_FLIGHT,
        aim: Aim::AtLeast { floor, goal },
        writes: true,
        ours: Arc::new(|number| event(number, 202)),
        theirs: publish,
    };
    let ours = Entrant { side: ours::side(suite), prepare: Vec::new(), proof: Box::new(proof) };
    Contest { name, peer, ours, theirs, cases: vec![case] }
}

/// An item of the same size with an id.
fn payload(number: u64) -> Value {
    let mut data = item(number);
    let id = json!(format!("{number:08}"));
    let more = format!(",\"id\":{id}").len();
    let note = data["note"].as_str().unwrap_or_default();
    data["note"] = json!(note[..note.len().saturating_sub(more)]);
    data["id"] = id;
    data
}

fn event(number: u64, status: u16) -> Request {
    let body = json!({
        "specversion": "1.0", "id": format!("item-{number}"), "source": "/bench", "type": TOPIC,
        "datacontenttype": "application/json", "data": payload(number),
    });
    Request::post("/api/events", body.to_string(), status)
}

/// An event that was acknowledged is known by its id.
fn proof(written: u64) -> Vec<Request> {
    (0..written).map(|number| event(number, 200).holding("\"duplicate\":true")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payload_is_as_long_as_an_item() {
        for number in [0, 7, 123_456] {
            assert_eq!(payload(number).to_string().len(), item(number).to_string().len());
        }
    }
}
