//! P6 and P6b: events of 256 bytes published, 256 of them under way, each acknowledged when it is on disk.
//!
//! There are three ways to have as many under way. Every side gets a connection for each, or one connection for all of
//! them, ours over HTTP and the peers over their own protocols. Or, which a server cannot offer, ours are published within
//! the process of who publishes, while the peer has its one connection.

use super::item;
use crate::contest::{Case, Contest, Plan};
use crate::floor::Floor;
use crate::load::{Make, Round, Sending};
use crate::native::Native;
use crate::ours;
use crate::peers::{Places, nats, redis};
use crate::request::Request;
use crate::row::{Aim, Figures, Row, Unit, Verdict};
use crate::side::{Entrant, Running};
use anyhow::{Result, ensure};
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;

const TOPIC: &str = "bench.item.added";
const IN_FLIGHT: u64 = 256;
const WINDOW: usize = 256;
/// Events that are asked for at once within the process, as long as a round lasts.
const PORTION: u32 = 4_096;
const OURS: &str = concat!("Trunkline ", env!("CARGO_PKG_VERSION"), ", in process");

/// A row and who stands in it beside this program.
struct Peer {
    id: &'static str,
    name: &'static str,
    full_name: &'static str,
    aim: Aim,
    theirs: Option<Entrant>,
    publish: Make,
}

/// P6.
fn nats(places: &Places) -> Peer {
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
    Peer {
        id: "P6",
        name: "nats",
        full_name: "NATS JetStream",
        aim: Aim::AtLeast { floor: 1.0, goal: 5.0 },
        theirs,
        publish: Arc::new(|number| Request::nats(TOPIC, payload(number).to_string()).holding("\"seq\":")),
    }
}

/// P6b.
fn redis(places: &Places) -> Peer {
    let theirs = redis::find(places).map(|side| Entrant {
        side,
        prepare: Vec::new(),
        proof: Box::new(|written| vec![Request::redis(&["XLEN", TOPIC]).being(written.to_string())]),
    });
    Peer {
        id: "P6b",
        name: "redis",
        full_name: "Redis streams",
        aim: Aim::AtLeast { floor: 0.4, goal: 1.0 },
        theirs,
        publish: Arc::new(|number| {
            Request::redis(&["XADD", TOPIC, "*", "data", &payload(number).to_string()]).holding("-")
        }),
    }
}

/// Over the network.
pub(crate) fn contests(places: &Places, suite: &Path) -> [Contest; 2] {
    [nats(places), redis(places)].map(|peer| {
        let case = |work: &str, connections, window, ours: fn(u64) -> Request| Case {
            id: peer.id,
            work: format!("event of 256 bytes published, durable, {work}"),
            sending: Sending { connections, window, lines: (window > 1).then_some(""), writes: true },
            aim: peer.aim,
            ours: Arc::new(ours),
            theirs: peer.publish.clone(),
        };
        let cases = vec![
            case("a connection each", IN_FLIGHT, 1, |number| Request::post("/api/events", event(number), 202)),
            case("256 under way on one", 1, WINDOW, |number| line(number, false)),
        ];
        let ours = Entrant { side: ours::side(suite), prepare: Vec::new(), proof: Box::new(proof) };
        Contest { name: peer.name, peer: peer.full_name, ours, theirs: peer.theirs, cases }
    })
}

/// Ours within the process.
pub(crate) async fn native(places: &Places, plan: &Plan, wants: impl Fn(&str) -> bool) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for peer in [nats(places), redis(places)] {
        if wants(peer.id) {
            rows.push(beside(&peer, plan).await?);
        }
    }
    Ok(rows)
}

async fn beside(peer: &Peer, plan: &Plan) -> Result<Row> {
    let home = plan.folder.join("native");
    let before = Floor::measure(&plan.folder)?;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    let done = alternate(peer, plan, &home, &mut ours, &mut theirs).await;
    let after = Floor::measure(&plan.folder)?;
    std::fs::remove_dir_all(&home)?;
    Ok(Row {
        id: peer.id,
        work: "event of 256 bytes published, durable, 256 under way, ours in process".to_owned(),
        connections: Some(1),
        unit: Unit::PerSecond,
        aim: peer.aim,
        peer: peer.full_name,
        ours: Figures::of(OURS, ours),
        theirs: peer.theirs.as_ref().and_then(|theirs_| Figures::of_rounds(&theirs_.side.name, &theirs)),
        verdict: match done {
            Err(error) => Verdict::Wrong(format!("{error:#}")),
            Ok(()) => Verdict::by_floors(&before, &after),
        },
    })
}

/// The first round warms up. At the end both are killed, and must have what they acknowledged.
async fn alternate(peer: &Peer, plan: &Plan, home: &Path, ours: &mut Vec<f64>, theirs: &mut Vec<Round>) -> Result<()> {
    let our_home = home.join("ours");
    let mut native = Native::start(&our_home)?;
    let mut running = match &peer.theirs {
        Some(entrant) => Some(Running::start(entrant, home.join("theirs")).await?),
        None => None,
    };
    let sending = Sending { connections: 1, window: WINDOW, lines: Some(""), writes: true };
    let mut all = 0;
    for round in 0..=plan.rounds {
        let length = if round == 0 { plan.length / 4 } else { plan.length };
        let (mut events, mut seconds) = (0, 0.0);
        while seconds < length.as_secs_f64() {
            seconds += native.publish(PORTION.into())?;
            events += PORTION;
        }
        all += u64::from(events);
        let their_round = match &mut running {
            Some(running) => Some(running.round(&peer.publish, sending, length).await?),
            None => None,
        };
        if round > 0 {
            ours.push(f64::from(events) / seconds);
            theirs.extend(their_round);
        }
    }
    drop(native);
    let state = Native::start(&our_home)?.state()?;
    ensure!(state.end == all, "after a kill {} of {all} are there", state.end);
    match running {
        Some(running) => running.prove(plan.patience).await,
        None => Ok(()),
    }
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

fn event(number: u64) -> String {
    let body = json!({
        "specversion": "1.0", "id": format!("item-{number}"), "source": "/bench", "type": TOPIC,
        "datacontenttype": "application/json", "data": payload(number),
    });
    body.to_string()
}

fn line(number: u64, duplicate: bool) -> Request {
    Request::line(event(number)).holding(format!("\"duplicate\":{duplicate}"))
}

/// An event that was acknowledged is known by its id.
fn proof(written: u64) -> Vec<Request> {
    (0..written).map(|number| line(number, true)).collect()
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
