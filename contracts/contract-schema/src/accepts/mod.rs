//! Whether one schema takes every value of another.
//!
//! Decidable are types, constants, ranges, lengths, fields, items and choices told apart by a tag; see [`undecided`]
//! for the rest. What is not decided is [`Answer::Unknown`], never a silent yes.
//!
//! One reading is practical rather than formal: a name that the producer does not declare is taken as not sent, as
//! long as the consumer does not forbid unknown names.

mod choices;
mod decidable;
mod fields;
mod flat;
mod items;
mod limits;
mod values;

pub use decidable::undecided;

use crate::Schema;
use crate::node::Node;
use flat::Flat;
use serde_json::Value;

/// The deepest nesting that is followed.
const DEPTH_MAX: usize = 48;
/// The most comparisons of one question; choices within choices multiply.
const STEPS_MAX: usize = 20_000;

/// Whether the consumer's schema takes every value of the producer's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It does.
    Yes,
    /// It does not: some value that the producer may send is refused.
    No(Reason),
    /// Not decided, because of something at this place.
    Unknown(Reason),
}

/// What decides, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// JSON pointer into the values, `*` standing for each item or further field.
    pub pointer: String,
    /// What the producer may send and the consumer does not take, as a sentence without the place.
    pub why: String,
    /// JSON pointer to the consumer's schema.
    pub consumer_pointer: String,
    /// JSON pointer to the producer's schema.
    pub producer_pointer: String,
}

/// Whether `consumer` takes every value of `producer`.
pub fn accepts(consumer: &Schema, producer: &Schema) -> Answer {
    if consumer.source() == producer.source() {
        return Answer::Yes;
    }
    Comparison::default().compare(&[Node::root(producer.source())], &Node::root(consumer.source()), "")
}

impl Answer {
    /// Both must hold: a no weighs most, then an unknown; of two noes the one nearer to the top is told.
    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::No(a), Self::No(b)) => Self::No(if b.pointer.len() < a.pointer.len() { b } else { a }),
            (Self::No(reason), _) | (_, Self::No(reason)) => Self::No(reason),
            (Self::Unknown(reason), _) | (_, Self::Unknown(reason)) => Self::Unknown(reason),
            (Self::Yes, Self::Yes) => Self::Yes,
        }
    }

    fn all(answers: impl IntoIterator<Item = Self>) -> Self {
        answers.into_iter().fold(Self::Yes, Self::and)
    }

    /// A no that rests on what was not followed is none.
    fn weakened(self) -> Self {
        match self {
            Self::No(reason) => Self::Unknown(reason),
            other => other,
        }
    }
}

/// One comparison: what the producer sends is the conjunction of several nodes, the consumer one node.
#[derive(Default)]
struct Comparison {
    depth: usize,
    steps: usize,
    /// Pairs under way; meeting one again proves nothing against it.
    busy: Vec<(Vec<String>, String)>,
}

/// What both sides say at one place.
struct Pair<'p, 's> {
    producer: &'p Flat<'s>,
    consumer: &'p Node<'s>,
    pointer: &'p str,
}

impl Pair<'_, '_> {
    fn reason(&self, why: impl Into<String>) -> Reason {
        Reason {
            pointer: self.pointer.to_owned(),
            why: why.into(),
            consumer_pointer: self.consumer.pointer.clone(),
            producer_pointer: self.producer.pointer.clone(),
        }
    }

    fn no(&self, why: impl Into<String>) -> Answer {
        let answer = Answer::No(self.reason(why));
        if self.producer.hidden { answer.weakened() } else { answer }
    }

    fn unknown(&self, keyword: &str) -> Answer {
        Answer::Unknown(self.reason(format!("`{keyword}` cannot be compared")))
    }
}

impl Comparison {
    fn compare<'s>(&mut self, producer: &[Node<'s>], consumer: &Node<'s>, pointer: &str) -> Answer {
        let key = (producer.iter().map(|node| node.pointer.clone()).collect::<Vec<_>>(), consumer.pointer.clone());
        if self.busy.contains(&key) {
            return Answer::Yes;
        }
        self.steps += 1;
        if self.depth >= DEPTH_MAX || self.steps > STEPS_MAX {
            let producer = Flat::of(producer);
            return Pair { producer: &producer, consumer, pointer }.unknown("so much nesting");
        }
        self.depth += 1;
        self.busy.push(key);
        let answer = self.compare_now(producer, consumer, pointer);
        self.busy.pop();
        self.depth -= 1;
        answer
    }

    fn compare_now<'s>(&mut self, producer: &[Node<'s>], consumer: &Node<'s>, pointer: &str) -> Answer {
        if is_true(consumer) || producer.iter().any(|node| is_same(node, consumer)) {
            return Answer::Yes;
        }
        let flat = Flat::of(producer);
        if flat.never {
            return Answer::Yes;
        }
        if let Some(branches) = flat.branches() {
            let answers = branches.iter().map(|branch| self.compare(branch, consumer, pointer)).collect::<Vec<_>>();
            return choices::judged(&flat, answers);
        }
        let parts = consumer.conjuncts();
        Answer::all(parts.into_iter().map(|part| self.compare_part(&flat, &part, pointer)).collect::<Vec<_>>())
    }

    /// Against the keywords of one schema object of the consumer; references and `allOf` are taken apart already.
    fn compare_part<'s>(&mut self, producer: &Flat<'s>, consumer: &Node<'s>, pointer: &str) -> Answer {
        let pair = Pair { producer, consumer, pointer };
        if consumer.is_lost() {
            return pair.unknown("$ref");
        }
        if consumer.value == &Value::Bool(false) {
            return pair.no("nothing is taken here");
        }
        if let Some(keyword) = decidable::foreign(consumer).find(|keyword| !producer.says_the_same(consumer, keyword)) {
            return pair.unknown(keyword);
        }
        if let Some(answer) = values::compare_finite(&pair) {
            return answer;
        }
        let own = values::compare(&pair).and(limits::compare(&pair));
        if matches!(own, Answer::No(_)) {
            return own;
        }
        let own = own.and(self.compare_fields(&pair)).and(self.compare_items(&pair));
        own.and(self.compare_choices(&pair))
    }
}

fn is_true(node: &Node<'_>) -> bool {
    match node.value {
        Value::Bool(true) => true,
        Value::Object(map) => map.keys().all(|keyword| decidable::says_nothing(keyword)),
        _ => false,
    }
}

/// Whether two schemas are written alike and mean the same: references are only the same within one document.
fn is_same(a: &Node<'_>, b: &Node<'_>) -> bool {
    a.value == b.value && (std::ptr::eq(a.root, b.root) || !has_reference(a.value) || a.root == b.root)
}

fn has_reference(value: &Value) -> bool {
    match value {
        Value::Object(map) => {
            map.keys().any(|key| matches!(key.as_str(), "$ref" | "$dynamicRef")) || map.values().any(has_reference)
        }
        Value::Array(items) => items.iter().any(has_reference),
        _ => false,
    }
}
