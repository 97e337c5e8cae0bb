//! What one comparison came to: figures with their spread, their ratio, and how that stands to what is aimed at.

use crate::floor::{Floor, MOST_APART};
use crate::load::Round;

/// A median with the least and the most.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) least: f64,
    pub(crate) most: f64,
}

impl Spread {
    /// Of at least one figure.
    pub(crate) fn of(figures: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut sorted: Vec<f64> = figures.into_iter().collect();
        sorted.sort_by(f64::total_cmp);
        let (least, most) = (*sorted.first()?, *sorted.last()?);
        Some(Self { median: sorted[sorted.len() / 2], least, most })
    }
}

/// What the figures count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    PerSecond,
    Milliseconds,
    Microseconds,
    Mebibytes,
}

/// What a row should reach.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Aim {
    /// So many times the peer's figure, more being better.
    AtLeast { floor: f64, goal: f64 },
    /// At most so many times the peer's figure; the goal is a figure of its own.
    AtMost { floor: f64, goal: f64 },
    /// At most so many times the other figure, and no more is aimed at.
    Flat { most: f64 },
}

/// How far a row got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reached {
    Goal,
    Floor,
    Neither,
}

impl Aim {
    fn reached(self, ours: f64, ratio: f64) -> Reached {
        let (floor, goal) = match self {
            Self::AtLeast { floor, goal } => (ratio >= floor, ratio >= goal),
            Self::AtMost { floor, goal } => (ratio <= floor, ours <= goal),
            Self::Flat { most } => (ratio <= most, ratio <= most),
        };
        match (floor, goal) {
            (_, true) => Reached::Goal,
            (true, false) => Reached::Floor,
            (false, false) => Reached::Neither,
        }
    }
}

/// Whether a row counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    Counts,
    /// The disk was not the same before and after.
    ThrownAway(String),
    /// An answer was wrong, or something acknowledged was gone.
    Wrong(String),
}

impl Verdict {
    /// By the floors around the measurement.
    pub(crate) fn by_floors(before: &Floor, after: &Floor) -> Self {
        if before.apart(after) <= MOST_APART {
            return Self::Counts;
        }
        Self::ThrownAway(format!("the flush floor was {before} before and {after} after"))
    }
}

/// The figures of one side.
#[derive(Debug, Clone)]
pub(crate) struct Figures {
    pub(crate) name: String,
    pub(crate) spread: Spread,
    /// 50th and 99th percentile in milliseconds, where latency was measured: of the median round.
    pub(crate) latency: Option<(f64, f64)>,
    each: Vec<f64>,
}

impl Figures {
    pub(crate) fn of(name: &str, each: Vec<f64>) -> Option<Self> {
        let spread = Spread::of(each.iter().copied())?;
        Some(Self { name: name.to_owned(), spread, latency: None, each })
    }

    pub(crate) fn of_rounds(name: &str, rounds: &[Round]) -> Option<Self> {
        let mut sorted = rounds.to_vec();
        sorted.sort_by(|a, b| a.per_second.total_cmp(&b.per_second));
        let median = sorted.get(sorted.len() / 2)?;
        let figures = Self::of(name, rounds.iter().map(|round| round.per_second).collect())?;
        Some(Self { latency: Some((median.p50, median.p99)), ..figures })
    }
}

/// One line of the table.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) id: &'static str,
    pub(crate) work: String,
    pub(crate) connections: Option<u64>,
    pub(crate) unit: Unit,
    pub(crate) aim: Aim,
    /// The peer's name, also where it is not installed.
    pub(crate) peer: &'static str,
    /// Nothing where the comparison failed before it had figures.
    pub(crate) ours: Option<Figures>,
    pub(crate) theirs: Option<Figures>,
    pub(crate) verdict: Verdict,
}

impl Row {
    /// The ratio of ours to the peer's, pair by pair.
    pub(crate) fn ratio(&self) -> Option<Spread> {
        let (ours, theirs) = (self.ours.as_ref()?, self.theirs.as_ref()?);
        Spread::of(ours.each.iter().zip(&theirs.each).map(|(ours, theirs)| ours / theirs))
    }

    pub(crate) fn reached(&self) -> Option<Reached> {
        Some(self.aim.reached(self.ours.as_ref()?.spread.median, self.ratio()?.median))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(aim: Aim, ours: &[f64], theirs: &[f64]) -> Row {
        Row {
            id: "P1",
            work: String::new(),
            connections: None,
            unit: Unit::PerSecond,
            aim,
            peer: "theirs",
            ours: Figures::of("ours", ours.to_vec()),
            theirs: Figures::of("theirs", theirs.to_vec()),
            verdict: Verdict::Counts,
        }
    }

    #[test]
    fn a_ratio_is_taken_pair_by_pair() {
        let row = row(Aim::AtLeast { floor: 1.0, goal: 2.0 }, &[10.0, 200.0, 30.0], &[10.0, 100.0, 10.0]);
        assert_eq!(row.ratio(), Some(Spread { median: 2.0, least: 1.0, most: 3.0 }));
        assert_eq!(row.reached(), Some(Reached::Goal));
    }

    #[test]
    fn less_memory_is_better_and_its_goal_is_absolute() {
        let aim = Aim::AtMost { floor: 2.0, goal: 60.0 };
        assert_eq!(row(aim, &[50.0], &[10.0]).reached(), Some(Reached::Goal));
        assert_eq!(row(aim, &[70.0], &[40.0]).reached(), Some(Reached::Floor));
        assert_eq!(row(aim, &[90.0], &[40.0]).reached(), Some(Reached::Neither));
    }

    #[test]
    fn what_is_to_be_flat_is_at_most_so_many_times_as_much() {
        let aim = Aim::Flat { most: 1.3 };
        assert_eq!(row(aim, &[12.0], &[10.0]).reached(), Some(Reached::Goal));
        assert_eq!(row(aim, &[14.0], &[10.0]).reached(), Some(Reached::Neither));
    }

    #[test]
    fn without_a_peer_there_is_no_ratio() {
        let row = row(Aim::AtLeast { floor: 1.0, goal: 2.0 }, &[10.0], &[]);
        assert_eq!((row.ratio(), row.reached()), (None, None));
    }
}
