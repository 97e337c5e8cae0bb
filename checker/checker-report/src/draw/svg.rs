//! The wiring as a picture: publishers at the left, topics in the middle, consumers at the right.
//!
//! Three columns stay readable where a free layout becomes a knot, and need no layout engine: only the order within
//! each column is to be found, so that edges cross little.

use super::Drawing;
use crate::{Direction, Edge, Severity};
use maud::{Markup, html};
use std::collections::BTreeMap;

/// Height of a row, in pixels.
const ROW: usize = 30;
/// Height of a node.
const NODE: usize = 22;
/// Room between columns, for the edges.
const GAP: usize = 150;
/// Estimated width of a letter.
const LETTER: usize = 7;
/// How often the order of the columns is improved; it settles after a few times.
const ROUNDS: usize = 6;

/// One column: its nodes from top to bottom, its left edge and its width.
struct Column<'a> {
    names: Vec<&'a str>,
    rows: BTreeMap<&'a str, usize>,
    left: usize,
    width: usize,
    /// Rows that are left free above, so that short columns stand in the middle.
    above: usize,
}

impl<'a> Column<'a> {
    fn new(names: Vec<&'a str>, left: usize, height: usize) -> Self {
        let longest = names.iter().map(|name| name.chars().count()).max().unwrap_or_default();
        let rows = names.iter().enumerate().map(|(row, name)| (*name, row)).collect();
        Self { above: (height - names.len()) / 2, names, rows, left, width: longest * LETTER + 24 }
    }

    fn right(&self) -> usize {
        self.left + self.width
    }

    fn top(&self, row: usize) -> usize {
        (self.above + row) * ROW + (ROW - NODE) / 2
    }

    fn middle(&self, name: &str) -> Option<usize> {
        self.rows.get(name).map(|row| self.top(*row) + NODE / 2)
    }
}

/// An `svg` element. Nodes and edges carry `data-plugin` and `data-topic`, by which a script lights up what belongs
/// together.
pub(crate) fn svg(drawing: Drawing<'_>) -> Markup {
    let edges: Vec<&Edge> = drawing.wiring.edges.iter().collect();
    let (publishers, topics, consumers) = columns(drawing, &edges);
    let height = publishers.names.len().max(topics.names.len()).max(consumers.names.len());
    html! {
        svg class="graph" role="img" aria-label="Publishers, topics and consumers" width=(consumers.right() + 2)
            height=(height * ROW) viewBox={ "-1 0 " (consumers.right() + 2) " " (height * ROW) } {
            g class="edges" { @for edge in &edges { (link(&publishers, &topics, &consumers, edge)) } }
            g class="nodes" {
                (plugins(drawing, &publishers))
                (topic_nodes(drawing, &topics))
                (plugins(drawing, &consumers))
            }
        }
    }
}

fn columns<'a>(drawing: Drawing<'a>, edges: &[&'a Edge]) -> (Column<'a>, Column<'a>, Column<'a>) {
    let of = |direction| edges.iter().filter(move |edge| edge.direction == direction);
    let ends = |direction| {
        let mut names: Vec<&str> = of(direction).map(|edge| edge.plugin.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        names
    };
    let (mut left, mut right) = (ends(Direction::Publishes), ends(Direction::Consumes));
    let mut middle: Vec<&str> = drawing.wiring.topics.iter().map(|topic| topic.name.as_str()).collect();
    let outwards =
        |direction| of(direction).map(|edge| (edge.plugin.as_str(), edge.topic.as_str())).collect::<Vec<_>>();
    let inwards = |pairs: &[(&'a str, &'a str)]| pairs.iter().map(|(a, b)| (*b, *a)).collect::<Vec<_>>();
    let (published, consumed) = (outwards(Direction::Publishes), outwards(Direction::Consumes));
    for _ in 0..ROUNDS {
        sort_by_neighbours(&mut middle, &left, &inwards(&published));
        sort_by_neighbours(&mut right, &middle, &consumed);
        sort_by_neighbours(&mut middle, &right, &inwards(&consumed));
        sort_by_neighbours(&mut left, &middle, &published);
    }
    let height = left.len().max(middle.len()).max(right.len());
    let left = Column::new(left, 0, height);
    let middle = Column::new(middle, left.right() + GAP, height);
    let right = Column::new(right, middle.right() + GAP, height);
    (left, middle, right)
}

/// Sorts names by the mean row of their neighbours in the other column; those without any keep their place.
fn sort_by_neighbours(names: &mut [&str], other: &[&str], pairs: &[(&str, &str)]) {
    let rows: BTreeMap<&str, usize> = other.iter().enumerate().map(|(row, name)| (*name, row)).collect();
    let mut sums: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for (name, neighbour) in pairs {
        if let Some(row) = rows.get(neighbour) {
            let sum = sums.entry(name).or_default();
            *sum = (sum.0 + row, sum.1 + 1);
        }
    }
    let scale = |part: usize, whole: usize| part * 1000 / whole.max(1);
    let mut keyed: Vec<(usize, &str)> = names
        .iter()
        .enumerate()
        .map(|(row, name)| match sums.get(name) {
            // Both columns are measured in thousandths of their height, so that a place means the same in either.
            Some((sum, count)) => (scale(sum * 1000 / count, other.len()), *name),
            None => (scale(row * 1000, names.len()), *name),
        })
        .collect();
    keyed.sort_unstable();
    for (place, (_, name)) in names.iter_mut().zip(keyed) {
        *place = name;
    }
}

fn link(publishers: &Column<'_>, topics: &Column<'_>, consumers: &Column<'_>, edge: &Edge) -> Markup {
    let topic = topics.middle(&edge.topic);
    let ends = match edge.direction {
        Direction::Publishes => {
            publishers.middle(&edge.plugin).zip(topic).map(|(a, b)| ((publishers.right(), a), (topics.left, b)))
        }
        Direction::Consumes => {
            topic.zip(consumers.middle(&edge.plugin)).map(|(a, b)| ((topics.right(), a), (consumers.left, b)))
        }
    };
    let Some(((x1, y1), (x2, y2))) = ends else { return html! {} };
    let bend = usize::midpoint(x1, x2);
    html! {
        path class=(if edge.firm { "edge" } else { "edge unsure" }) data-plugin=(edge.plugin) data-topic=(edge.topic)
            d={ "M" (x1) " " (y1) "C" (bend) " " (y1) " " (bend) " " (y2) " " (x2) " " (y2) } {}
    }
}

fn plugins(drawing: Drawing<'_>, column: &Column<'_>) -> Markup {
    html! {
        @for (row, slug) in column.names.iter().enumerate() {
            (node(column, row, "plugin", slug, drawing.marks.plugins.get(*slug), ""))
        }
    }
}

fn topic_nodes(drawing: Drawing<'_>, column: &Column<'_>) -> Markup {
    html! {
        @for (row, name) in column.names.iter().enumerate() {
            @let state = drawing.wiring.topic(name).map_or("live", |topic| topic.verdict.as_str());
            (node(column, row, "topic", name, drawing.marks.topics.get(*name), state))
        }
    }
}

fn node(column: &Column<'_>, row: usize, kind: &str, name: &str, mark: Option<&Severity>, state: &str) -> Markup {
    let mark = mark.map_or("", |severity| severity.as_str());
    let round = if kind == "topic" { NODE / 2 } else { 4 };
    html! {
        g class={ "node " (kind) " " (state) " " (mark) } tabindex="0" data-plugin=[(kind == "plugin").then_some(name)]
            data-topic=[(kind == "topic").then_some(name)] transform={ "translate(" (column.left) " " (column.top(row)) ")" } {
            rect width=(column.width) height=(NODE) rx=(round) {}
            text x="12" y="15" { (name) }
            title { (kind) " " (name) @if !state.is_empty() && state != "live" { ", " (state) } }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_decide_the_order() {
        let mut names = ["a", "b", "c"];
        sort_by_neighbours(&mut names, &["x", "y", "z"], &[("a", "z"), ("b", "y"), ("c", "x")]);
        assert_eq!(names, ["c", "b", "a"]);
    }
}
