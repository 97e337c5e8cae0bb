//! This program and one peer on the same work: A B A B, each case as many rounds as asked for.

use crate::floor::Floor;
use crate::load::{Make, Round, Sending};
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
    /// How long a server started after a crash may take to recover.
    pub(crate) patience: Duration,
    /// Folder whose disk is measured.
    pub(crate) folder: PathBuf,
}

/// One row of work, the same for both.
pub(crate) struct Case {
    pub(crate) id: &'static str,
    pub(crate) work: String,
    pub(crate) sending: Sending,
    pub(crate) aim: Aim,
    pub(crate) ours: Make,
    pub(crate) theirs: Make,
}

/// Both entrants and the cases they meet in. Each contest begins with empty folders.
pub(crate) struct Contest {
    /// Name of its folder.
    pub(crate) name: &'static str,
    pub(crate) ours: Entrant,
    /// The peer's name, also where it is not installed.
    pub(crate) peer: &'static str,
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
        let mut ours = Running::start(&self.ours, home.join("ours")).await?;
        let mut theirs = match &self.theirs {
            Some(entrant) => Some(Running::start(entrant, home.join("theirs")).await?),
            None => None,
        };
        for case in &self.cases {
            measured.push(alternate(case, plan, &mut ours, theirs.as_mut()).await?);
        }
        ours.prove(plan.patience).await?;
        match theirs {
            Some(theirs) => theirs.prove(plan.patience).await,
            None => Ok(()),
        }
    }

    fn row(&self, case: &Case, (ours, theirs): &Measured, verdict: &Verdict) -> Row {
        Row {
            id: case.id,
            work: case.work.clone(),
            connections: Some(case.sending.connections),
            unit: Unit::PerSecond,
            aim: case.aim,
            peer: self.peer,
            ours: Figures::of_rounds(&self.ours.side.name, ours),
            theirs: self.theirs.as_ref().and_then(|peer| Figures::of_rounds(&peer.side.name, theirs)),
            verdict: verdict.clone(),
        }
    }
}

/// The round before the first warms up: code is compiled, caches are filled, files have their first pages.
async fn alternate(
    case: &Case,
    plan: &Plan,
    ours: &mut Running<'_>,
    mut theirs: Option<&mut Running<'_>>,
) -> Result<Measured> {
    let mut measured = Measured::default();
    ours.hang_up();
    if let Some(theirs) = &mut theirs {
        theirs.hang_up();
    }
    for round in 0..=plan.rounds {
        let length = if round == 0 { plan.length / 4 } else { plan.length };
        let a = ours.round(&case.ours, case.sending, length).await?;
        let b = match &mut theirs {
            Some(theirs) => Some(theirs.round(&case.theirs, case.sending, length).await?),
            None => None,
        };
        if round > 0 {
            measured.0.push(a);
            measured.1.extend(b);
        }
    }
    Ok(measured)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::program::Program;
    use crate::request::{Request, Target};
    use crate::side::{Server, Side};
    use rustix::process::Signal;
    use std::io::{Read, Write};
    use std::net::{TcpListener, TcpStream};
    use std::process::Command;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};

    /// Counts what is posted to it, and says that it holds `lost` less; beside it runs a process that can be ended.
    fn server(lost: u64) -> Side {
        let count = Arc::new(AtomicU64::new(0));
        let start = move |home: &Path| {
            let listener = TcpListener::bind("127.0.0.1:0")?;
            let target = Target::Http { address: listener.local_addr()?, token: None };
            let count = count.clone();
            std::thread::spawn(move || {
                for stream in listener.incoming().flatten() {
                    let count = count.clone();
                    std::thread::spawn(move || serve(stream, &count, lost));
                }
            });
            let mut command = Command::new("sleep");
            command.arg("600");
            let program = Program::start("sleep", command, home, Signal::KILL)?;
            Ok(Server { program, _beside: None, judge: target.clone(), target, ready_after: Duration::ZERO })
        };
        Side { name: "server".to_owned(), start: Box::new(start) }
    }

    fn serve(mut stream: TcpStream, count: &AtomicU64, lost: u64) {
        let mut request = [0; 4096];
        while stream.read(&mut request).is_ok_and(|bytes| bytes > 0) {
            let posted = u64::from(request.starts_with(b"POST"));
            let body =
                format!("{{\"count\":{}}}", (count.fetch_add(posted, Ordering::SeqCst) + posted).saturating_sub(lost));
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len());
            if stream.write_all(format!("{head}{body}").as_bytes()).is_err() {
                return;
            }
        }
    }

    fn entrant(lost: u64) -> Entrant {
        let proof = |written: u64| vec![Request::get("/").holding(format!("\"count\":{written}}}"))];
        Entrant { side: server(lost), prepare: Vec::new(), proof: Box::new(proof) }
    }

    async fn rows(lost: u64) -> Vec<Row> {
        let make = || -> Make { Arc::new(|_| Request::post("/", "{}".to_owned(), 200)) };
        let case = Case {
            id: "P3",
            work: "add".to_owned(),
            sending: Sending { connections: 4, window: 1, lines: None, writes: true },
            aim: Aim::AtLeast { floor: 1.0, goal: 2.0 },
            ours: make(),
            theirs: make(),
        };
        let (ours, theirs) = (entrant(0), Some(entrant(lost)));
        let contest = Contest { name: "test", peer: "server", ours, theirs, cases: vec![case] };
        let scratch = crate::scratch(None).expect("a folder");
        let length = Duration::from_millis(40);
        let folder = scratch.path().to_path_buf();
        contest.run(&Plan { rounds: 3, length, patience: length, folder }).await.expect("rows")
    }

    #[tokio::test]
    async fn a_row_has_a_figure_of_each_round_of_both_sides() {
        let rows = rows(0).await;
        assert!(rows[0].ours.is_some() && rows[0].ratio().is_some());
        assert!(!matches!(rows[0].verdict, Verdict::Wrong(_)), "{:?}", rows[0].verdict);
    }

    #[tokio::test]
    async fn a_row_does_not_count_where_one_acknowledged_write_is_gone() {
        let rows = rows(1).await;
        let Verdict::Wrong(why) = &rows[0].verdict else { panic!("{:?}", rows[0].verdict) };
        assert!(why.contains("server after a kill"), "{why}");
    }
}
