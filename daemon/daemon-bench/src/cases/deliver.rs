//! P7: events that lie in the log are delivered, handled and acknowledged, and the acknowledgement is on disk. Ours are
//! handled in Rust over the bus and the store; the peer's client pulls as many at once and waits for the answer to each
//! acknowledgement.

use super::item;
use crate::contest::Plan;
use crate::floor::Floor;
use crate::native::Native;
use crate::nats::Connection;
use crate::peers::{Places, nats};
use crate::request::Target;
use crate::row::{Aim, Figures, Row, Unit, Verdict};
use crate::side::{Server, Side};
use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use std::path::Path;
use std::time::{Duration, Instant};

const IN_FLIGHT: u64 = 256;
/// Events of a round by its length: what both sides handle in about as long.
const EVENTS_A_SECOND: u32 = 10_000;
const ASK_AGAIN_AFTER: Duration = Duration::from_millis(200);
const SUBJECT: &str = "bench.item.added";
const OURS: &str = concat!("Trunkline ", env!("CARGO_PKG_VERSION"), ", native handler");

pub(crate) async fn beside_nats(places: &Places, plan: &Plan) -> Result<Row> {
    let home = plan.folder.join("deliver");
    let side = nats::find(places);
    let before = Floor::measure(&plan.folder)?;
    let mut each = [Vec::new(), Vec::new()];
    let done = alternate(side.as_ref(), &home, plan, &mut each).await;
    let after = Floor::measure(&plan.folder)?;
    std::fs::remove_dir_all(&home)?;
    let [ours, theirs] = each;
    Ok(Row {
        id: "P7",
        work: "event delivered, handled, acknowledged, durable".to_owned(),
        connections: Some(IN_FLIGHT),
        unit: Unit::PerSecond,
        aim: Aim::AtLeast { floor: 0.2, goal: 1.0 },
        peer: "NATS JetStream",
        ours: Figures::of(OURS, ours),
        theirs: side.and_then(|side| Figures::of(&side.name, theirs)),
        verdict: match done {
            Err(error) => Verdict::Wrong(format!("{error:#}")),
            Ok(()) => Verdict::by_floors(&before, &after),
        },
    })
}

/// The first round warms up. At the end both are killed, and must know what was handled.
async fn alternate(side: Option<&Side>, home: &Path, plan: &Plan, each: &mut [Vec<f64>; 2]) -> Result<()> {
    let events = u32::try_from(plan.length.as_millis() * u128::from(EVENTS_A_SECOND) / 1_000)?.max(1);
    let (our_home, their_home) = (home.join("ours"), home.join("theirs"));
    let mut ours = Native::start(&our_home)?;
    let mut theirs = match side {
        Some(side) => Some(Puller::start(side, &their_home).await.with_context(|| side.name.clone())?),
        None => None,
    };
    let mut all = 0;
    for round in 0..=plan.rounds {
        let events = if round == 0 { events.div_ceil(4) } else { events };
        all += u64::from(events);
        ours.publish(events.into())?;
        let our_seconds = ours.deliver(events.into())?;
        let their_seconds = match &mut theirs {
            Some(puller) => Some(puller.round(events.into()).await?),
            None => None,
        };
        if round > 0 {
            each[0].push(f64::from(events) / our_seconds);
            each[1].extend(their_seconds.map(|seconds| f64::from(events) / seconds));
        }
    }
    drop(ours);
    let state = Native::start(&our_home)?.state()?;
    ensure!((state.end, state.open) == (all, 0), "after a kill {} of {all} are there, {} open", state.end, state.open);
    drop(theirs);
    match side {
        Some(side) => Puller::prove(side, &their_home, all, plan).await.with_context(|| side.name.clone()),
        None => Ok(()),
    }
}

/// A stream with a consumer, and the connection that it is pulled by.
struct Puller {
    _server: Server,
    connection: Connection,
    published: u64,
}

impl Puller {
    async fn connect(side: &Side, home: &Path) -> Result<(Server, Connection)> {
        std::fs::create_dir_all(home)?;
        let server = (side.start)(home)?;
        let Target::Nats(address) = &server.target else { bail!("{} does not speak NATS", side.name) };
        let connection = Connection::open(*address).await?;
        Ok((server, connection))
    }

    async fn start(side: &Side, home: &Path) -> Result<Self> {
        let (server, mut connection) = Self::connect(side, home).await?;
        let stream = json!({"name": "bench", "subjects": [SUBJECT]}).to_string();
        let answer = connection.ask("$JS.API.STREAM.CREATE.bench", &stream).await?;
        ensure!(answer.contains("\"created\""), "the stream was answered {answer}");
        let config = json!({"durable_name": "native", "ack_policy": "explicit", "max_ack_pending": IN_FLIGHT});
        let consumer = json!({"stream_name": "bench", "config": config}).to_string();
        let answer = connection.ask("$JS.API.CONSUMER.DURABLE.CREATE.bench.native", &consumer).await?;
        ensure!(answer.contains("\"created\""), "the consumer was answered {answer}");
        Ok(Self { _server: server, connection, published: 0 })
    }

    /// Publishes so many, and gives the seconds that it takes to handle and acknowledge them.
    async fn round(&mut self, events: u64) -> Result<f64> {
        let mut left = events;
        while left > 0 {
            let count = left.min(IN_FLIGHT);
            let numbers = self.published..self.published + count;
            let asked: Vec<_> = numbers.map(|number| (SUBJECT, item(number).to_string())).collect();
            self.connection.ask_all(&asked, "\"seq\":").await?;
            (self.published, left) = (self.published + count, left - count);
        }
        let begun = Instant::now();
        let (mut left, mut amounts) = (events, 0_u64);
        while left > 0 {
            let count = usize::try_from(left.min(IN_FLIGHT))?;
            let messages = self.connection.pull("bench", "native", count).await?;
            let mut acknowledged = Vec::with_capacity(count);
            for message in messages {
                let data: Value = serde_json::from_str(&message.payload)?;
                amounts = amounts.wrapping_add(data["amount"].as_u64().context("an amount")?);
                acknowledged.push((message.reply_to.context("a subject for the acknowledgement")?, "+ACK".to_owned()));
            }
            // The answer to an acknowledgement is empty.
            self.connection.ask_all(&acknowledged, "").await?;
            left -= u64::try_from(count)?;
        }
        ensure!(amounts > 0, "the handler has seen nothing");
        Ok(begun.elapsed().as_secs_f64())
    }

    /// Starts the server once more: the stream must hold all, the consumer must have nothing left.
    async fn prove(side: &Side, home: &Path, all: u64, plan: &Plan) -> Result<()> {
        let (_server, mut connection) = Self::connect(side, home).await?;
        let asked = Instant::now();
        loop {
            let stream = connection.ask("$JS.API.STREAM.INFO.bench", "").await.unwrap_or_default();
            let consumer = connection.ask("$JS.API.CONSUMER.INFO.bench.native", "").await.unwrap_or_default();
            let is_there = stream.contains(&format!("\"messages\":{all},"));
            let is_done = ["\"num_pending\":0", "\"num_ack_pending\":0"].iter().all(|part| consumer.contains(part));
            if is_there && is_done {
                return Ok(());
            }
            ensure!(asked.elapsed() < plan.patience, "after a kill: {stream} {consumer}");
            tokio::time::sleep(ASK_AGAIN_AFTER).await;
        }
    }
}
