//! `anyOf` and `oneOf`: what the consumer takes, and what follows of what the cases of the producer are answered.

use super::flat::Flat;
use super::values::fits;
use super::{Answer, Comparison, Pair};
use crate::node::Node;
use serde_json::Value;

impl Comparison {
    pub(super) fn compare_choices(&mut self, pair: &Pair<'_, '_>) -> Answer {
        let both = ["anyOf", "oneOf"].map(|keyword| match pair.consumer.list(keyword) {
            branches if branches.is_empty() || pair.producer.kept(pair.consumer, keyword) => Answer::Yes,
            branches => self.compare_choice(pair, keyword, &branches),
        });
        Answer::all(both)
    }

    /// A value of several types is compared type by type, so that each may find its own branch.
    fn compare_choice(&mut self, pair: &Pair<'_, '_>, keyword: &str, branches: &[Node<'_>]) -> Answer {
        let all = pair.producer.types.iter();
        Answer::all(all.map(|of| self.compare_typed(pair, keyword, branches, of)).collect::<Vec<_>>())
    }

    fn compare_typed(&mut self, pair: &Pair<'_, '_>, keyword: &str, branches: &[Node<'_>], of: &'static str) -> Answer {
        let producer = pair.producer.only(of);
        let meeting: Vec<&Node<'_>> = branches.iter().filter(|branch| !excludes(&producer, branch)).collect();
        match meeting.as_slice() {
            [] => pair.no(format!(
                "the producer may send {}, which fits none of the forms that the consumer takes",
                crate::message::with_article(of)
            )),
            [one] => self.compare_flat(&producer, one, pair.pointer),
            several => {
                let answers: Vec<Answer> =
                    several.iter().map(|branch| self.compare_flat(&producer, branch, pair.pointer)).collect();
                let taken = answers.iter().filter(|answer| **answer == Answer::Yes).count();
                // With `oneOf`, a second branch that takes some of the values refuses them.
                if taken > 0 && keyword == "anyOf" { Answer::Yes } else { pair.unknown(keyword) }
            }
        }
    }

    fn compare_flat<'s>(&mut self, producer: &Flat<'s>, consumer: &Node<'s>, pointer: &str) -> Answer {
        let parts = consumer.conjuncts();
        Answer::all(parts.into_iter().map(|part| self.compare_part(producer, &part, pointer)).collect::<Vec<_>>())
    }
}

/// Whether no value of the producer can fit the branch: by its type, or by the tag in a field that must be there.
fn excludes(producer: &Flat<'_>, branch: &Node<'_>) -> bool {
    let other = Flat::of(std::slice::from_ref(branch));
    other.never || !share_type(producer, &other) || tags_differ(producer, &other) || tags_differ(&other, producer)
}

fn share_type(a: &Flat<'_>, b: &Flat<'_>) -> bool {
    let numeric = |flat: &Flat<'_>| flat.types.contains("number") || flat.types.contains("integer");
    a.types.intersection(&b.types).next().is_some() || (numeric(a) && numeric(b))
}

/// Whether a field that `a` always sends has listed values, of which `b` takes none.
fn tags_differ(a: &Flat<'_>, b: &Flat<'_>) -> bool {
    if let (Some(values), None) = (&a.values, &b.values) {
        return values.iter().all(|value| b.parts.iter().any(|part| !fits(part, value)));
    }
    a.required().into_iter().any(|name| {
        let listed = a.parts.iter().find_map(|part| Flat::of(&[part.named("properties", name)?]).values);
        let takes = |value: &Value| {
            b.parts.iter().filter_map(|part| part.named("properties", name)).all(|part| fits(&part, value))
        };
        listed.is_some_and(|values| !values.iter().any(takes))
    })
}

/// What is answered for a producer, of the answers for each of its cases: every case must be taken. With `oneOf`, what a
/// case seems to send may be excluded by another.
pub(super) fn judged(producer: &Flat<'_>, cases: Vec<Answer>) -> Answer {
    let exclusive = producer
        .choice()
        .is_some_and(|(at, keyword)| keyword == "oneOf" && !are_disjoint(&producer.parts[at].list(keyword)));
    let answer = Answer::all(cases);
    if exclusive { answer.weakened() } else { answer }
}

/// Whether no value fits two of these.
fn are_disjoint(branches: &[Node<'_>]) -> bool {
    branches.iter().enumerate().all(|(at, one)| {
        let flat = Flat::of(std::slice::from_ref(one));
        branches.iter().skip(at + 1).all(|other| excludes(&flat, other))
    })
}
