//! P7: events that lie in the log are delivered, handled and acknowledged, and the acknowledgement is on disk. Ours are
//! handled in Rust over the bus and the store; the peer's client pulls as many at once and waits for the answer to each
//! acknowledgement.
//!
//! The peer's stream is a work queue: there an acknowledged message is taken out of the stream, which `sync_interval:
//! always` flushes before the answer. In a stream that keeps its messages NATS answers first and writes where the
//! consumer stands some time later, so a kill brings back what was acknowledged.

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
        let stream = json!({"name": "bench", "subjects": [SUBJECT], "retention": "workqueue"}).to_string();
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

    /// Starts the server once more, and asks until stream and consumer are there with nothing left, or patience is over.
    async fn prove(side: &Side, home: &Path, all: u64, plan: &Plan) -> Result<()> {
        let (_server, mut connection) = Self::connect(side, home).await?;
        let asked = Instant::now();
        loop {
            let found = async {
                let stream = answered(&connection.ask("$JS.API.STREAM.INFO.bench", "").await?)?;
                let consumer = answered(&connection.ask("$JS.API.CONSUMER.INFO.bench.native", "").await?)?;
                nothing_left(&stream, &consumer, all)
            };
            match found.await {
                Err(_) if asked.elapsed() < plan.patience => tokio::time::sleep(ASK_AGAIN_AFTER).await,
                done => return done.context("after a kill"),
            }
        }
    }
}

/// An answer of the API, unless it is an error, such as that there is no such stream (yet).
fn answered(text: &str) -> Result<Value> {
    let answer: Value = serde_json::from_str(text).with_context(|| format!("the answer was {text}"))?;
    ensure!(answer["error"].is_null(), "the answer was {}", answer["error"]);
    Ok(answer)
}

/// All were stored, and none will be delivered again.
fn nothing_left(stream: &Value, consumer: &Value, all: u64) -> Result<()> {
    let number = |of: &Value, name: &str| of[name].as_u64().with_context(|| format!("`{name}` of {of}"));
    let stored = number(&stream["state"], "last_seq")?;
    ensure!(stored == all, "{stored} of {all} were stored");
    let again = [(&stream["state"], "messages"), (consumer, "num_pending"), (consumer, "num_ack_pending")]
        .map(|(of, name)| number(of, name).map(|count| (name, count)));
    for left in again {
        let (name, count) = left?;
        ensure!(count == 0, "of {all} acknowledged {count} are still there (`{name}`)");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(state: &Value, consumer: &Value) -> Result<(), String> {
        nothing_left(&json!({"state": state}), consumer, 256).map_err(|error| error.to_string())
    }

    #[test]
    fn a_consumer_counts_that_has_nothing_left() {
        let done = json!({"num_pending": 0, "num_ack_pending": 0, "delivered": {"consumer_seq": 256}});
        assert_eq!(judged(&json!({"messages": 0, "last_seq": 256, "consumer_count": 1}), &done), Ok(()));
    }

    #[test]
    fn one_lost_message_or_acknowledgement_does_not_count() {
        let done = json!({"num_pending": 0, "num_ack_pending": 0});
        let lost = judged(&json!({"messages": 0, "last_seq": 255}), &done);
        assert_eq!(lost, Err("255 of 256 were stored".to_owned()));
        let again = judged(&json!({"messages": 1, "last_seq": 256}), &done);
        assert_eq!(again, Err("of 256 acknowledged 1 are still there (`messages`)".to_owned()));
        let empty = json!({"messages": 0, "last_seq": 256});
        assert!(judged(&empty, &json!({"num_pending": 1, "num_ack_pending": 0})).is_err());
        assert!(judged(&empty, &json!({"num_pending": 0, "num_ack_pending": 1})).is_err());
    }

    #[test]
    fn what_is_not_there_yet_or_says_nothing_does_not_count() {
        assert!(answered("").is_err());
        let absent = answered(r#"{"error": {"code": 404, "description": "consumer not found"}}"#);
        assert!(absent.is_err_and(|error| error.to_string().contains("consumer not found")));
        assert!(judged(&json!({"messages": 0, "last_seq": 256}), &json!({"config": {}})).is_err());
        assert!(judged(&Value::Null, &Value::Null).is_err());
    }
}
