//! P11: from the start of the process until it serves, and the memory it holds a second later.

use crate::contest::Plan;
use crate::floor::Floor;
use crate::ours;
use crate::peers::{Places, pocketbase};
use crate::row::{Aim, Figures, Row, Unit, Verdict};
use crate::side::Side;
use anyhow::Result;
use std::path::Path;
use std::time::Duration;

/// Between readiness and the look at the memory, for what is loaded behind it.
const SETTLE: Duration = Duration::from_secs(1);

/// Readiness in milliseconds; memory in MiB of the process, and with its children.
#[derive(Default)]
struct Boots {
    ready: Vec<f64>,
    resident: Vec<f64>,
    together: Vec<f64>,
}

pub(crate) fn beside_pocketbase(places: &Places, suite: &Path, plan: &Plan) -> Result<Vec<Row>> {
    let sides = [Some(ours::side(suite)), pocketbase::find(places)];
    let home = plan.folder.join("boot");
    let before = Floor::measure(&plan.folder)?;
    let mut boots = [Boots::default(), Boots::default()];
    let done = alternate(&sides, &home, plan.rounds, &mut boots);
    let after = Floor::measure(&plan.folder)?;
    std::fs::remove_dir_all(&home)?;
    let verdict = match done {
        Err(error) => Verdict::Wrong(format!("{error:#}")),
        Ok(()) => Verdict::by_floors(&before, &after),
    };
    Ok(rows(&sides, &boots, &verdict))
}

/// The first start makes the data folder and does not count.
fn alternate(sides: &[Option<Side>; 2], home: &Path, rounds: usize, boots: &mut [Boots; 2]) -> Result<()> {
    for round in 0..=rounds {
        for (place, side) in sides.iter().enumerate() {
            let Some(side) = side else { continue };
            let home = home.join(place.to_string());
            std::fs::create_dir_all(&home)?;
            let server = (side.start)(&home)?;
            std::thread::sleep(SETTLE);
            let (resident, together) = server.program.resident()?;
            if round > 0 {
                boots[place].ready.push(server.ready_after.as_secs_f64() * 1_000.0);
                boots[place].resident.push(resident);
                boots[place].together.push(together);
            }
        }
    }
    Ok(())
}

fn rows(sides: &[Option<Side>; 2], [ours, theirs]: &[Boots; 2], verdict: &Verdict) -> Vec<Row> {
    let figures = |side: &Option<Side>, each: &[f64]| Figures::of(&side.as_ref()?.name, each.to_vec());
    let row = |work: &str, unit, ours: &[f64], theirs: &[f64]| Row {
        id: "P11",
        work: work.to_owned(),
        connections: None,
        unit,
        aim: Aim::AtMost { floor: 2.0, goal: 60.0 },
        peer: "PocketBase",
        ours: figures(&sides[0], ours),
        theirs: figures(&sides[1], theirs),
        verdict: verdict.clone(),
    };
    vec![
        row("boot to ready", Unit::Milliseconds, &ours.ready, &theirs.ready),
        row("memory a second after boot: the daemon", Unit::Mebibytes, &ours.resident, &theirs.resident),
        row("memory a second after boot: with its workers", Unit::Mebibytes, &ours.together, &theirs.together),
    ]
}
