//! Answers that are kept: an expression asked for twice in one call, or by two questions, is evaluated once.
//!
//! What an expression is depends on the call it is evaluated in and on what is taken for granted, its *ground*. An
//! answer also leaves notes, such as the parameters that it touched; they are kept with it and left again. Not kept
//! is what a cycle cut short: asked for from elsewhere, it may be more.

use super::frames::{Assumed, LoopId};
use super::{Ctx, Evaluator};
use crate::js::value::{Func, Value};
use oxc_ast::ast::Expression;
use rustc_hash::{FxHashMap, FxHashSet};
use std::hash::Hash;
use std::rc::Rc;

/// The most answers that are kept at a time, which bounds the memory of a plugin.
const KEPT_MAX: usize = 100_000;
/// How many sets of assumptions are looked through for one that was there before.
const GROUNDS_MAX: usize = 64;
/// The ground on which nothing is taken for granted.
const BARE: usize = 0;

/// An expression, the call that it is evaluated in, by their addresses, and the ground.
type Key = (usize, usize, usize);

/// The answers of an evaluator.
pub(super) struct Memo<'a> {
    known: FxHashMap<Key, Kept<'a>>,
    /// Sets of assumptions, by the number of their ground.
    grounds: Vec<Ground<'a>>,
    /// The ground at hand.
    ground: usize,
    /// The grounds that callers' assumptions lead to, from each ground.
    onwards: FxHashMap<(usize, Func, usize), usize>,
    /// How many grounds there were, so that none has the number of another.
    counted: usize,
}

/// What is taken for granted.
struct Ground<'a> {
    number: usize,
    assumed: Vec<Assumed<'a>>,
    picks: Vec<(LoopId, usize)>,
}

/// An answer and the notes that it leaves.
struct Kept<'a> {
    value: Value<'a>,
    /// Keeps the address of the call from being given to another.
    #[expect(dead_code, reason = "it is held, not read")]
    ctx: Ctx<'a>,
    passing: bool,
    notes: Option<Box<Notes>>,
}

/// What evaluation notes besides a value.
#[derive(Default, Clone)]
struct Notes {
    touched: Vec<(Func, usize)>,
    touched_this: Vec<Func>,
    used: Vec<(usize, usize)>,
    loops: Vec<(LoopId, usize)>,
    consulted: Vec<Func>,
}

/// Where the notes stood before an evaluation.
struct Marks {
    touched: usize,
    touched_this: usize,
    used: usize,
    loops: usize,
    consulted: usize,
    passing: usize,
}

impl Memo<'_> {
    pub(super) fn new() -> Self {
        let (known, onwards) = (FxHashMap::default(), FxHashMap::default());
        Self { known, grounds: Vec::new(), ground: BARE, onwards, counted: BARE }
    }

    pub(super) fn forget(&mut self) {
        self.known.clear();
        self.onwards.clear();
    }
}

/// Whether an expression is worth keeping: what is made of others is quickly made again.
fn is_worth(expression: &Expression<'_>) -> bool {
    matches!(
        expression,
        Expression::Identifier(_)
            | Expression::CallExpression(_)
            | Expression::NewExpression(_)
            | Expression::StaticMemberExpression(_)
            | Expression::ComputedMemberExpression(_)
            | Expression::ChainExpression(_)
    )
}

impl<'a> Evaluator<'_, 'a> {
    /// Takes calls for granted, in the place of what was taken so before.
    pub(crate) fn assume(&mut self, assumed: Vec<Assumed<'a>>) {
        self.assumed = assumed;
        self.settle_ground();
    }

    /// Goes through loops at these items, in the place of those before.
    pub(crate) fn pick_items(&mut self, picks: Vec<(LoopId, usize)>) {
        self.picks = picks;
        self.settle_ground();
    }

    fn settle_ground(&mut self) {
        if self.assumed.is_empty() && self.picks.is_empty() {
            self.memo.ground = BARE;
            return;
        }
        let same = |one: &&Ground<'a>| one.picks == self.picks && one.assumed == self.assumed;
        if let Some(known) = self.memo.grounds.iter().rev().find(same) {
            self.memo.ground = known.number;
            return;
        }
        self.memo.counted += 1;
        let number = self.memo.counted;
        if self.memo.grounds.len() == GROUNDS_MAX {
            self.memo.grounds.remove(0);
        }
        self.memo.grounds.push(Ground { number, assumed: self.assumed.clone(), picks: self.picks.clone() });
        self.memo.ground = number;
    }

    /// Answers a question with a caller's assumptions added, the `at`-th of a function.
    pub(super) fn on_ground_of<T>(
        &mut self,
        (func, at): (Func, usize),
        assumed: &[Assumed<'a>],
        question: impl FnOnce(&mut Self) -> T,
    ) -> T {
        if assumed.is_empty() {
            return question(self);
        }
        let (outer, ground) = (self.assumed.len(), self.memo.ground);
        let counted = &mut self.memo.counted;
        let onwards = self.memo.onwards.entry((ground, func, at)).or_insert_with(|| {
            *counted += 1;
            *counted
        });
        self.memo.ground = *onwards;
        self.assumed.extend_from_slice(assumed);
        let answer = question(self);
        self.assumed.truncate(outer);
        self.memo.ground = ground;
        answer
    }

    /// Answers a question for which nothing is taken for granted and all callers count together.
    pub(super) fn on_bare_ground<T>(&mut self, question: impl FnOnce(&mut Self) -> T) -> T {
        let (picks, assumed) = (std::mem::take(&mut self.picks), std::mem::take(&mut self.assumed));
        let ground = std::mem::replace(&mut self.memo.ground, BARE);
        let merging = std::mem::replace(&mut self.merging, true);
        let answer = question(self);
        (self.merging, self.memo.ground) = (merging, ground);
        (self.picks, self.assumed) = (picks, assumed);
        answer
    }

    /// Notes that an answer was cut short because what it asks for, begun at this depth, is still being answered.
    pub(super) fn cut_short(&mut self, begun: usize) {
        self.cycle = self.cycle.min(begun);
    }

    /// Evaluates an expression, unless its value in this call is known.
    pub(super) fn eval_once(&mut self, module: usize, expression: &'a Expression<'a>, ctx: &Ctx<'a>) -> Value<'a> {
        if !is_worth(expression) {
            return self.eval_one(module, expression, ctx);
        }
        let frame = ctx.as_ref().map_or(0, |frame| Rc::as_ptr(frame) as usize);
        let key = (std::ptr::from_ref(expression) as usize, frame, self.memo.ground * 2 + usize::from(self.merging));
        if let Some(value) = self.known(key) {
            return value;
        }
        let marks = self.marks();
        let outer = std::mem::replace(&mut self.cycle, usize::MAX);
        let value = self.eval_one(module, expression, ctx);
        let is_whole = self.cycle >= self.depth;
        if is_whole && !self.exhausted {
            self.keep(key, ctx, &value, &marks);
        }
        self.cycle = if is_whole { outer } else { outer.min(self.cycle) };
        value
    }

    fn known(&mut self, key: Key) -> Option<Value<'a>> {
        let kept = self.memo.known.get(&key)?;
        self.passing += usize::from(kept.passing);
        if let Some(notes) = &kept.notes {
            self.touched.extend_from_slice(&notes.touched);
            self.touched_this.extend_from_slice(&notes.touched_this);
            self.used.extend_from_slice(&notes.used);
            self.loops.extend_from_slice(&notes.loops);
            self.consulted.extend_from_slice(&notes.consulted);
        }
        Some(kept.value.clone())
    }

    fn marks(&self) -> Marks {
        Marks {
            touched: self.touched.len(),
            touched_this: self.touched_this.len(),
            used: self.used.len(),
            loops: self.loops.len(),
            consulted: self.consulted.len(),
            passing: self.passing,
        }
    }

    fn keep(&mut self, key: Key, ctx: &Ctx<'a>, value: &Value<'a>, marks: &Marks) {
        if self.memo.known.len() >= KEPT_MAX {
            self.memo.forget();
        }
        let notes = Notes {
            touched: distinct(&mut self.touched, marks.touched),
            touched_this: distinct(&mut self.touched_this, marks.touched_this),
            used: distinct(&mut self.used, marks.used),
            loops: distinct(&mut self.loops, marks.loops),
            consulted: distinct(&mut self.consulted, marks.consulted),
        };
        let is_silent = notes.touched.is_empty()
            && notes.touched_this.is_empty()
            && notes.used.is_empty()
            && notes.loops.is_empty()
            && notes.consulted.is_empty();
        let kept = Kept {
            value: value.clone(),
            ctx: ctx.clone(),
            passing: self.passing != marks.passing,
            notes: (!is_silent).then(|| Box::new(notes)),
        };
        self.memo.known.insert(key, kept);
    }
}

/// Up to so many notes are compared with each other; more are looked up.
const COMPARED_MAX: usize = 16;

/// What was noted from a mark on, each once; the notes themselves are thinned to that, too.
pub(crate) fn distinct<T: Eq + Hash + Copy>(all: &mut Vec<T>, mark: usize) -> Vec<T> {
    if all.len() == mark {
        return Vec::new();
    }
    let mut kept = mark;
    let mut seen: FxHashSet<T> = FxHashSet::default();
    let is_long = all.len() - mark > COMPARED_MAX;
    for at in mark..all.len() {
        let one = all[at];
        let is_new = if is_long { seen.insert(one) } else { !all[mark..kept].contains(&one) };
        if is_new {
            all[kept] = one;
            kept += 1;
        }
    }
    all.truncate(kept);
    all[mark..].to_vec()
}
