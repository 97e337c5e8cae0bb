//! P12: what an event costs while a million of them wait for a handler that is slower, against what it costs while ten
//! thousand do, and the memory that is held. Both sides are this program.

use crate::contest::Plan;
use crate::floor::Floor;
use crate::native::Native;
use crate::row::{Aim, Figures, Row, Unit, Verdict};
use anyhow::{Result, ensure};
use std::path::Path;

const FEW: u64 = 10_000;
/// Events of a round: as many are published and handled while the others wait.
const ROUND_EVENTS: u32 = 10_000;
const MOST: f64 = 1.3;

/// Figures of one side: microseconds of an event, and MiB.
#[derive(Default)]
struct Costs {
    published: Vec<f64>,
    handled: Vec<f64>,
    memory: Vec<f64>,
}

pub(crate) fn beside_itself(plan: &Plan, many: u64) -> Result<Vec<Row>> {
    let home = plan.folder.join("backlog");
    let before = Floor::measure(&plan.folder)?;
    let mut costs = [Costs::default(), Costs::default()];
    let done = alternate(plan, &home, many, &mut costs);
    let after = Floor::measure(&plan.folder)?;
    std::fs::remove_dir_all(&home)?;
    let verdict = match done {
        Err(error) => Verdict::Wrong(format!("{error:#}")),
        Ok(()) => Verdict::by_floors(&before, &after),
    };
    Ok(rows(many, &costs, &verdict))
}

/// After the rounds both are killed and started again: all is there, what was handled is, and the rest can be.
fn alternate(plan: &Plan, home: &Path, many: u64, costs: &mut [Costs; 2]) -> Result<()> {
    let (mut sides, waiting) = ([Native::start(&home.join("many"))?, Native::start(&home.join("few"))?], [many, FEW]);
    for (side, waiting) in sides.iter_mut().zip(waiting) {
        side.publish(waiting)?;
    }
    for _ in 0..plan.rounds {
        for (side, costs) in sides.iter_mut().zip(costs.iter_mut()) {
            costs.published.push(micros(side.publish(ROUND_EVENTS.into())?));
            costs.handled.push(micros(side.deliver(ROUND_EVENTS.into())?));
            costs.memory.push(side.state()?.own_mib);
        }
    }
    drop(sides);
    let rounds = u64::try_from(plan.rounds)? * u64::from(ROUND_EVENTS);
    for (name, waiting) in ["many", "few"].into_iter().zip(waiting) {
        let mut side = Native::start(&home.join(name))?;
        let state = side.state()?;
        ensure!(state.end == waiting + rounds, "after a kill {} of {} are there", state.end, waiting + rounds);
        side.deliver(FEW)?;
        if name == "few" {
            ensure!(side.state()?.open == 0, "after a kill more is open than was left");
        }
    }
    Ok(())
}

fn micros(seconds: f64) -> f64 {
    seconds * 1e6 / f64::from(ROUND_EVENTS)
}

fn rows(many: u64, [at_many, at_few]: &[Costs; 2], verdict: &Verdict) -> Vec<Row> {
    let row = |work: String, unit, ours: &[f64], theirs: &[f64]| Row {
        id: "P12",
        work,
        connections: None,
        unit,
        aim: Aim::Flat { most: MOST },
        peer: "itself",
        ours: Figures::of("Trunkline", ours.to_vec()),
        theirs: Figures::of(&format!("itself, {FEW} waiting"), theirs.to_vec()),
        verdict: verdict.clone(),
    };
    vec![
        row(
            format!("event published, durable, {many} waiting"),
            Unit::Microseconds,
            &at_many.published,
            &at_few.published,
        ),
        row(format!("event handled, durable, {many} waiting"), Unit::Microseconds, &at_many.handled, &at_few.handled),
        row(format!("memory of its own, {many} waiting"), Unit::Mebibytes, &at_many.memory, &at_few.memory),
    ]
}
