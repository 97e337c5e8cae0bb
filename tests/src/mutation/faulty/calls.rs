//! Calls of the host that are wrong, or that say too little.

use crate::mutation::truth::Place;
use crate::mutation::{Base, Edit, Mutant, Operator};
use contract_parse::FactKind;

pub(super) const ALL: &[Operator] = &[
    Operator { name: "publish-misspelt", expects: &["TL310"], sites: |base| misspelt(base, ".publish(", ".publsh(") },
    Operator {
        name: "realtime-misspelt",
        expects: &["TL310"],
        sites: |base| misspelt(base, ".realtime()", ".realTime()"),
    },
    Operator {
        name: "on-event-misspelt",
        expects: &["TL310"],
        sites: |base| misspelt(base, "$app.onEvent(", "$app.onEvents("),
    },
    Operator {
        name: "reply-misspelt",
        expects: &["TL303", "TL310"],
        sites: |base| misspelt(base, "e.reply(", "e.repply("),
    },
    Operator { name: "publish-without-topic", expects: &["TL310"], sites: without_topic },
    Operator { name: "publish-chained", expects: &["TL311"], sites: chained },
    Operator { name: "timeout-taken-away", expects: &["TL407"], sites: impatient },
    Operator {
        name: "condition-of-a-missing-field",
        expects: &["TL503"],
        sites: |base| conditions(base, |text| text.replacen('.', ".no", 1)),
    },
    Operator {
        name: "condition-cut-off",
        expects: &["TL310"],
        sites: |base| conditions(base, |text| text.split_inclusive('=').next().unwrap_or_default().to_owned()),
    },
    Operator {
        name: "publish-anything",
        expects: &["TL701"],
        sites: |base| dynamic(base, &[FactKind::Publish], |_| "String($app.now())".to_owned()),
    },
    Operator {
        name: "subscribe-to-anything",
        expects: &["TL701"],
        sites: |base| dynamic(base, &[FactKind::Subscribe], |_| "String($app.uuid())".to_owned()),
    },
    Operator {
        name: "publish-a-family",
        expects: &["TL702"],
        sites: |base| dynamic(base, &[FactKind::Publish], |place| format!("`{}.seen.${{$app.uuid()}}`", place.plugin)),
    },
    Operator { name: "annotation-contradicted", expects: &["TL703"], sites: annotated },
    Operator {
        name: "eval",
        expects: &["TL707"],
        sites: |base| appended(base, "eval(\"$app.realtime().publish('x.y.z', {})\");"),
    },
    Operator {
        name: "new-function",
        expects: &["TL707"],
        sites: |base| appended(base, "new Function(\"a\", \"a.publish('x.y.z')\")($app.realtime());"),
    },
    Operator {
        name: "bus-escapes",
        expects: &["TL706"],
        sites: |base| appended(base, "globalThis.busForAll = $app.realtime();"),
    },
];

fn misspelt(base: &Base, right: &'static str, wrong: &'static str) -> Vec<Mutant> {
    let mutant = |place: &Place| {
        let text = &base.text(&place.file)[place.range.clone()];
        let start = place.range.start + text.find(right).filter(|_| text.starts_with('$') || text.starts_with("e."))?;
        let edit = Edit::replace(&place.file, start..start + right.len(), wrong);
        Some(Mutant::new(format!("{:?} in {}", place.topics, place.file), vec![edit]))
    };
    base.places.iter().filter_map(mutant).collect()
}

fn without_topic(base: &Base) -> Vec<Mutant> {
    let direct = |place: &&Place| base.text(&place.file)[place.range.clone()].starts_with("$app.realtime().publish(");
    let mutant = |place: &Place| {
        let edit = Edit::replace(&place.file, base.call(place), "$app.realtime().publish()");
        Mutant::new(format!("{:?} in {}", place.topics, place.file), vec![edit])
    };
    base.of(&[FactKind::Publish]).filter(direct).map(mutant).collect()
}

/// What publishing gives is taken for a promise.
fn chained(base: &Base) -> Vec<Mutant> {
    let direct = |place: &&Place| base.text(&place.file)[place.range.clone()].starts_with("$app.realtime().publish(");
    let mutant = |place: &Place| {
        let edit = Edit::insert(&place.file, base.call(place).end, ".catch(() => {})");
        Mutant::new(format!("{:?} in {}", place.topics, place.file), vec![edit])
    };
    base.of(&[FactKind::Publish]).filter(direct).map(mutant).collect()
}

/// Neither who asks nor the contract says any more how long to wait.
fn impatient(base: &Base) -> Vec<Mutant> {
    let mut out = Vec::new();
    for place in base.of(&[FactKind::Request]) {
        let call = base.call(place);
        let own = span(base.text(&place.file), call.start, call.end);
        let own = own.map(|own| Edit::replace(&place.file, own, "...{}"));
        let Some(topic) = place.topic() else { continue };
        for (plugin, text) in base.manifests() {
            let (path, _) = base.manifest(&plugin);
            let Some(head) = text.find(&format!("  {topic}:")) else { continue };
            let promised = span(text, head, text.len()).map(|at| Edit::replace(&path, at, "x-patience: none"));
            out.push(Mutant::new(
                format!("{topic} in {}", place.file),
                own.clone().into_iter().chain(promised).collect(),
            ));
        }
    }
    out
}

/// The first `timeout: …` between two places.
fn span(text: &str, from: usize, to: usize) -> Option<std::ops::Range<usize>> {
    let start = from + text[from..to].find("timeout: ")?;
    Some(start..start + text[start..].find([',', '}', '\n'])?)
}

/// A subscription's condition says something else.
fn conditions(base: &Base, change: fn(&str) -> String) -> Vec<Mutant> {
    let mut out = Vec::new();
    for file in base.plugins().iter().flat_map(|plugin| base.modules(plugin)) {
        let text = base.text(file);
        for (at, found) in text.match_indices("when: \"") {
            let start = at + found.len();
            let end = start + text[start..].find('"').unwrap_or_default();
            let edit = Edit::replace(file, start..end, change(&text[start..end]));
            out.push(Mutant::new(format!("{} in {file}", &text[start..end]), vec![edit]));
        }
    }
    out
}

/// The topic is whatever comes out of an expression that nobody can know.
fn dynamic(base: &Base, kinds: &'static [FactKind], expression: fn(&Place) -> String) -> Vec<Mutant> {
    let mutant = |place: &Place| {
        let annotated =
            base.text(&place.file)[..place.range.start].lines().rev().take(2).any(|line| line.contains("@topics"));
        let edit = base.retopic(place, &expression(place)).filter(|_| !annotated)?;
        Some(Mutant::new(format!("{:?} in {}", place.topics, place.file), vec![edit]))
    };
    base.of(kinds).filter_map(mutant).collect()
}

/// The author says another topic than the code.
fn annotated(base: &Base) -> Vec<Mutant> {
    let mutant = |(place, topic): (&Place, &str)| {
        let comment = format!("/** @topics {}.other.thing */ ", place.plugin);
        let edits = vec![Edit::insert(&place.file, place.range.start, comment)];
        Mutant::new(format!("{topic} in {}", place.file), edits)
    };
    base.sole(&[FactKind::Publish]).map(mutant).collect()
}

fn appended(base: &Base, code: &'static str) -> Vec<Mutant> {
    let append = |file: String| Mutant::new(file.clone(), vec![base.append(&file, code)]);
    base.running_modules().into_iter().filter(|file| !file.ends_with("json")).map(append).collect()
}
