//! Through both schemas at once.

use super::change::{Change, ChangeKind, Comparison, Verdict};
use super::document::Document;
use super::flatten::Flat;
use super::keywords::{OPAQUE, is_annotation};
use super::path::{Step, pointer};
use serde_json::{Map, Value};

/// How many pairs of schemas one comparison looks at. Past that, the rest is unknown.
const STEPS_MAX: usize = 20_000;
/// How deep schemas are followed into each other.
const DEPTH_MAX: usize = 64;

/// A comparison under way.
pub(super) struct Walk<'a> {
    pub(super) old: Document<'a>,
    pub(super) new: Document<'a>,
    path: Vec<Step>,
    /// Pairs with references that are being compared further up: a value that contains itself ends somewhere, so
    /// they may be taken to be what the rest of the walk finds them to be.
    open: Vec<String>,
    /// How many times the walk stands under something that turns the direction around, where nothing may be taken
    /// to be what is still to be found.
    contrary: usize,
    left: usize,
    changes: Vec<Change>,
}

/// What one pair of schemas is to another, without the details.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Relation {
    pub(super) backward: Verdict,
    pub(super) forward: Verdict,
}

impl Relation {
    pub(super) fn is_equal(self) -> bool {
        self.backward.max(self.forward) == Verdict::Compatible
    }
}

impl<'a> Walk<'a> {
    pub(super) fn compare(old: &'a Value, new: &'a Value) -> Comparison {
        let (old, new) = (Document::new(old), Document::new(new));
        let mut walk =
            Self { old, new, path: Vec::new(), open: Vec::new(), contrary: 0, left: STEPS_MAX, changes: Vec::new() };
        if old.root() != new.root() {
            if old.is_plain() && new.is_plain() {
                walk.schemas(old.root(), new.root());
            } else {
                walk.undecided("has parts with an `$id` of their own, which are not compared");
            }
        }
        walk.changes.sort();
        walk.changes.dedup();
        Comparison { changes: walk.changes }
    }

    /// Compares two schemas at the place where the walk stands.
    pub(super) fn schemas(&mut self, old: &Value, new: &Value) {
        if self.left == 0 || self.open.len() >= DEPTH_MAX {
            return self.undecided("is too large to compare");
        }
        self.left -= 1;
        let pair = format!("{old}\n{new}");
        // What refers to nothing else means what it says.
        let stands_alone = !["\"$ref\"", "\"$dynamicRef\"", "\"$recursiveRef\""].iter().any(|one| pair.contains(one));
        if stands_alone && old == new {
            return;
        }
        if self.open.contains(&pair) {
            if self.contrary > 0 {
                self.undecided("contains itself under `not` or one of several forms");
            }
            return;
        }
        self.open.push(pair);
        match (self.old.flatten(old), self.new.flatten(new)) {
            (old, new) if stands_alone && old == new => {}
            (Flat::Nothing, Flat::Nothing) => {}
            (Flat::Nothing, Flat::Of(_)) => self.widened(ChangeKind::SchemaOpened, "is allowed now"),
            (Flat::Of(_), Flat::Nothing) => self.narrowed(ChangeKind::SchemaForbidden, "is no longer allowed"),
            (Flat::Of(old), Flat::Of(new)) => self.flat(&old, &new),
        }
        self.open.pop();
    }

    fn flat(&mut self, old: &Map<String, Value>, new: &Map<String, Value>) {
        self.annotations(old, new);
        for keyword in OPAQUE.iter().filter(|keyword| old.contains_key(**keyword) || new.contains_key(**keyword)) {
            self.undecided(format!("uses `{keyword}`, which is not compared here"));
        }
        if self.listed(old, new) {
            return;
        }
        let both = self.types(old, new);
        self.numbers(both, old, new);
        self.strings(both, old, new);
        self.objects(both, old, new);
        self.arrays(both, old, new);
        self.combined(old, new);
    }

    fn annotations(&mut self, old: &Map<String, Value>, new: &Map<String, Value>) {
        let keywords: Vec<&String> = old.keys().chain(new.keys()).filter(|keyword| is_annotation(keyword)).collect();
        for keyword in keywords {
            if old.get(keyword) != new.get(keyword) {
                let message = format!("has another `{keyword}`");
                self.change(ChangeKind::AnnotationChanged, Verdict::Compatible, Verdict::Compatible, message);
            }
        }
    }

    /// Compares one step further in.
    pub(super) fn within(&mut self, step: Step, compare: impl FnOnce(&mut Self)) {
        self.path.push(step);
        compare(self);
        self.path.pop();
    }

    /// Compares where the direction is turned around, or both directions are asked for at once.
    pub(super) fn contrary<T>(&mut self, compare: impl FnOnce(&mut Self) -> T) -> T {
        self.contrary += 1;
        let found = compare(self);
        self.contrary -= 1;
        found
    }

    /// What the comparison finds, kept apart from what was found so far.
    pub(super) fn aside(&mut self, compare: impl FnOnce(&mut Self)) -> Vec<Change> {
        let before = std::mem::take(&mut self.changes);
        compare(self);
        std::mem::replace(&mut self.changes, before)
    }

    /// What one schema is to the other, without a word about it.
    pub(super) fn relation(&mut self, old: &Value, new: &Value) -> Relation {
        let changes = self.aside(|walk| walk.schemas(old, new));
        let found = Comparison { changes };
        Relation { backward: found.backward(), forward: found.forward() }
    }

    pub(super) fn change(&mut self, kind: ChangeKind, backward: Verdict, forward: Verdict, message: impl Into<String>) {
        self.changes.push(Change { path: pointer(&self.path), kind, backward, forward, message: message.into() });
    }

    /// A change after which less is valid.
    pub(super) fn narrowed(&mut self, kind: ChangeKind, message: impl Into<String>) {
        self.change(kind, Verdict::Incompatible, Verdict::Compatible, message);
    }

    /// A change after which more is valid.
    pub(super) fn widened(&mut self, kind: ChangeKind, message: impl Into<String>) {
        self.change(kind, Verdict::Compatible, Verdict::Incompatible, message);
    }

    /// A change of which nobody knows what it means.
    pub(super) fn undecided(&mut self, message: impl Into<String>) {
        self.change(ChangeKind::Undecided, Verdict::Unknown, Verdict::Unknown, message);
    }
}
