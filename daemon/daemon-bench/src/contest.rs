//! This program and one peer on the same work: A B A B, each case as many rounds as asked for.

use crate::floor::Floor;
use crate::load::{Make, Round};
use crate::row::{Aim, Figures, Row, Unit, Verdict};
use crate::side::{Entrant, Running};
use anyhow::Result;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long and how often.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) rounds: usize,
    pub(crate) length: Duration,
    /// Folder whose disk is measured.
    pub(crate) folder: PathBuf,
}

/// One row of work, the same for both.
pub(crate) struct Case {
    pub(crate) id: &'static str,
    pub(crate) work: String,
    pub(crate) connections: u64,
    pub(crate) aim: Aim,
    /// Whether each request is one acknowledged write that must be there at the end.
    pub(crate) writes: bool,
    pub(crate) ours: Make,
    pub(crate) theirs: Make,
}

/// Both entrants and the cases they meet in. Each contest begins with empty folders.
pub(crate) struct Contest {
    /// Name of its folder.
    pub(crate) name: &'static str,
    pub(crate) ours: Entrant,
    /// Nothing where the peer is not installed.
    pub(crate) theirs: Option<Entrant>,
    pub(crate) cases: Vec<Case>,
}

/// Figures of one case, of this program and of the peer.
type Measured = (Vec<Round>, Vec<Round>);

impl Contest {
    /// Its rows. A wrong answer spoils them all, for none says what the others were worth.
    pub(crate) async fn run(&self, plan: &Plan) -> Result<Vec<Row>> {
        let home = plan.folder.join(self.name);
        std::fs::create_dir_all(&home)?;
        let before = Floor::measure(&plan.folder)?;
        let mut measured = Vec::new();
        let proven = self.compete(plan, &home, &mut measured).await;
        let after = Floor::measure(&plan.folder)?;
        let verdict = match proven {
            Err(error) => Verdict::Wrong(format!("{error:#}")),
            Ok(()) => Verdict::by_floors(&before, &after),
        };
        std::fs::remove_dir_all(&home)?;
        measured.resize_with(self.cases.len(), Default::default);
        Ok(self.cases.iter().zip(&measured).map(|(case, rounds)| self.row(case, rounds, &verdict)).collect())
    }

    async fn compete(&self, plan: &Plan, home: &Path, measured: &mut Vec<Measured>) -> Result<()> {
        let ours = Running::start(&self.ours, home.join("ours")).await?;
        let theirs = match &self.theirs {
            Some(entrant) => Some(Running::start(entrant, home.join("theirs")).await?),
            None => None,
        };
        for case in &self.cases {
            measured.push(alternate(case, plan, &ours, theirs.as_ref()).await?);
        }
        ours.prove().await?;
        match theirs {
            Some(theirs) => theirs.prove().await,
            None => Ok(()),
        }
    }

    fn row(&self, case: &Case, (ours, theirs): &Measured, verdict: &Verdict) -> Row {
        Row {
            id: case.id,
            work: case.work.clone(),
            connections: Some(case.connections),
            unit: Unit::PerSecond,
            aim: case.aim,
            ours: Figures::of_rounds(&self.ours.side.name, ours),
            theirs: self.theirs.as_ref().and_then(|peer| Figures::of_rounds(&peer.side.name, theirs)),
            verdict: verdict.clone(),
        }
    }
}

async fn alternate(case: &Case, plan: &Plan, ours: &Running<'_>, theirs: Option<&Running<'_>>) -> Result<Measured> {
    let a = async |length| ours.round(&case.ours, case.writes, case.connections, length).await;
    let b = async |length| match theirs {
        Some(theirs) => theirs.round(&case.theirs, case.writes, case.connections, length).await.map(Some),
        None => Ok(None),
    };
    // Warm-up: code is compiled, caches are filled, files have their first pages.
    a(plan.length / 4).await?;
    b(plan.length / 4).await?;
    let mut measured = Measured::default();
    for _ in 0..plan.rounds {
        measured.0.push(a(plan.length).await?);
        measured.1.extend(b(plan.length).await?);
    }
    Ok(measured)
}
