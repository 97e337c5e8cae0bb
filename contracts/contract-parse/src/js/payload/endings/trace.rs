//! A path through a handler on which nothing has answered yet.

use oxc_span::Span;
use std::rc::Rc;

/// Something that decides the path.
#[derive(Debug, Clone)]
pub(super) struct Step {
    pub(super) module: usize,
    pub(super) span: Span,
    pub(super) text: String,
}

/// A path so far: what decided it, and which conditions were found to hold or not.
#[derive(Debug, Clone)]
pub(super) struct Trace {
    last: Option<Rc<Link>>,
    length: usize,
    assumed: Rc<Vec<(String, bool)>>,
}

#[derive(Debug)]
struct Link {
    step: Step,
    before: Option<Rc<Link>>,
}

/// Where a path ends without an answer.
pub(super) struct End {
    pub(super) trace: Trace,
    pub(super) span: Span,
    pub(super) returns: bool,
}

impl Trace {
    pub(super) fn start() -> Self {
        Self { last: None, length: 0, assumed: Rc::new(Vec::new()) }
    }

    /// The same path after a further decision.
    pub(super) fn step(&self, module: usize, span: Span, text: impl Into<String>) -> Self {
        let step = Step { module, span, text: text.into() };
        let last = Some(Rc::new(Link { step, before: self.last.clone() }));
        Self { last, length: self.length + 1, assumed: self.assumed.clone() }
    }

    /// The same path where a condition holds or not; none where it was found otherwise before.
    pub(super) fn assume(&self, condition: Option<&(String, bool)>, holds: bool) -> Option<Self> {
        let Some((text, plain)) = condition else { return Some(self.clone()) };
        let value = holds == *plain;
        if let Some((_, known)) = self.assumed.iter().find(|(known, _)| known == text) {
            return (*known == value).then(|| self.clone());
        }
        let mut assumed = (*self.assumed).clone();
        assumed.push((text.clone(), value));
        Some(Self { assumed: Rc::new(assumed), ..self.clone() })
    }

    /// Forgets what was assumed, where values may have changed.
    pub(super) fn forget(mut self) -> Self {
        self.assumed = Rc::new(Vec::new());
        self
    }

    /// Everything that decided the path, first to last.
    pub(super) fn steps(&self) -> impl Iterator<Item = &Step> {
        let mut all: Vec<&Step> =
            std::iter::successors(self.last.as_deref(), |link| link.before.as_deref()).map(|link| &link.step).collect();
        all.reverse();
        all.into_iter()
    }
}

/// Either of two paths: the shorter one is told, and only what both assume is kept.
pub(super) fn either(a: Option<Trace>, b: Option<Trace>) -> Option<Trace> {
    let (Some(a), Some(b)) = (&a, &b) else { return a.or(b) };
    let (told, other) = if b.length < a.length { (b, a) } else { (a, b) };
    let both = told.assumed.iter().filter(|one| other.assumed.contains(one)).cloned().collect();
    Some(Trace { assumed: Rc::new(both), ..told.clone() })
}
