//! Names that do not meet: one side of a topic is renamed, mistyped or turned around.

use crate::mutation::truth::Place;
use crate::mutation::{Base, Mutant, Operator};
use contract_parse::FactKind;

const DANGLING: &[&str] = &["TL201", "TL203"];

pub(super) const ALL: &[Operator] = &[
    Operator { name: "publisher-renamed", expects: DANGLING, sites: publisher_renamed },
    Operator { name: "consumer-renamed", expects: DANGLING, sites: |base| consumers(base, renamed) },
    Operator { name: "consumer-drops-a-letter", expects: DANGLING, sites: |base| consumers(base, shorter) },
    Operator { name: "consumer-doubles-a-letter", expects: DANGLING, sites: |base| consumers(base, doubled) },
    Operator { name: "consumer-swaps-letters", expects: DANGLING, sites: |base| consumers(base, swapped) },
    Operator { name: "consumer-swaps-segments", expects: DANGLING, sites: |base| consumers(base, turned) },
    Operator { name: "consumer-uses-plural", expects: DANGLING, sites: |base| consumers(base, plural) },
    Operator { name: "consumer-uses-other-tense", expects: DANGLING, sites: |base| consumers(base, tense) },
    Operator { name: "consumer-drops-a-segment", expects: DANGLING, sites: |base| consumers(base, fewer) },
    Operator {
        name: "consumer-folds-a-dot",
        expects: &["TL107", "TL201", "TL203"],
        sites: |base| consumers(base, folded),
    },
    Operator { name: "consumer-changes-case", expects: &["TL103", "TL107"], sites: |base| consumers(base, cased) },
    Operator { name: "request-mistyped", expects: &["TL401", "TL208"], sites: request_mistyped },
    Operator { name: "responder-mistyped", expects: &["TL401", "TL201", "TL203"], sites: responder_mistyped },
    Operator { name: "wiring-file-mistyped", expects: &["TL201", "TL203", "TL301", "TL302"], sites: wiring_mistyped },
];

/// The owner renames its topic in code and manifest; who consumes it does not hear of that.
pub(super) fn publisher_renamed(base: &Base) -> Vec<Mutant> {
    let sites = base.sole(&[FactKind::Publish]).filter(|(place, topic)| {
        base.required_elsewhere(&place.plugin, topic) && topic.starts_with(&format!("{}.", place.plugin))
    });
    let mutant = |(place, topic): (&Place, &str)| {
        let new = renamed(topic);
        let (manifest, _) = base.manifest(&place.plugin);
        let mut edits = base.rename_all(&manifest, topic, &new);
        edits.push(base.retopic(place, &quoted(&new))?);
        Some(Mutant::new(format!("{} says {new}", place.file), edits))
    };
    sites.filter_map(mutant).collect()
}

/// A consumer follows another name in code and manifest.
fn consumers(base: &Base, change: fn(&str) -> String) -> Vec<Mutant> {
    let known = base.topics();
    let mut out = Vec::new();
    for (place, topic) in base.sole(&[FactKind::Subscribe]).filter(|(_, topic)| !base.is_request(topic)) {
        let new = change(topic);
        let required = || base.required_elsewhere("", topic) && !base.is_optional(&place.plugin, topic);
        if new == topic || known.contains(new.as_str()) || !required() {
            continue;
        }
        let edits = [base.retopic(place, &quoted(&new)), base.rename_entry(&place.plugin, "consumes", topic, &new)];
        if let Some(edits) = edits.into_iter().collect() {
            out.push(Mutant::new(format!("{} hears {new}", place.file), edits));
        }
    }
    out
}

fn request_mistyped(base: &Base) -> Vec<Mutant> {
    let asks = base.sole(&[FactKind::Request, FactKind::Publish]).filter(|(_, topic)| base.is_request(topic));
    let mutant = |(place, topic): (&Place, &str)| {
        let new = topic.replace(".request", ".reqest");
        let edits = [base.retopic(place, &quoted(&new))?, base.rename_entry(&place.plugin, "publishes", topic, &new)?];
        Some(Mutant::new(format!("{} asks {new}", place.file), edits.to_vec()))
    };
    asks.filter_map(mutant).collect()
}

fn responder_mistyped(base: &Base) -> Vec<Mutant> {
    let answers = base.sole(&[FactKind::Subscribe]).filter(|(_, topic)| base.is_request(topic));
    let mutant = |(place, topic): (&Place, &str)| {
        let new = topic.replace(".request", ".requests");
        let edits = [base.retopic(place, &quoted(&new))?, base.rename_entry(&place.plugin, "consumes", topic, &new)?];
        Some(Mutant::new(format!("{} answers {new}", place.file), edits.to_vec()))
    };
    answers.filter_map(mutant).collect()
}

/// A topic is mistyped in the JSON that a plugin registers from.
fn wiring_mistyped(base: &Base) -> Vec<Mutant> {
    let mut out = Vec::new();
    for path in base.texts.0.keys().filter(|path| path.contains("/src/") && path.ends_with("json")) {
        for topic in base.topics().into_iter().filter(|topic| !topic.contains('*')) {
            let edits = base.rename_all(path, topic, &shorter(topic));
            if !edits.is_empty() {
                out.push(Mutant::new(format!("{path} holds {}", shorter(topic)), edits));
            }
        }
    }
    out
}

pub(super) fn quoted(topic: &str) -> String {
    format!("\"{topic}\"")
}

fn segments(topic: &str) -> Vec<&str> {
    topic.split('.').collect()
}

/// Another word at the end.
pub(super) fn renamed(topic: &str) -> String {
    let (front, _) = topic.rsplit_once('.').unwrap_or((topic, ""));
    format!("{front}.renounced")
}

fn shorter(topic: &str) -> String {
    let at = topic.len() - 2;
    format!("{}{}", &topic[..at], &topic[at + 1..])
}

fn doubled(topic: &str) -> String {
    let at = topic.len() - 3;
    format!("{}{}", &topic[..=at], &topic[at..])
}

fn swapped(topic: &str) -> String {
    let at = topic.len() - 3;
    format!("{}{}{}{}", &topic[..at], &topic[at + 1..at + 2], &topic[at..=at], &topic[at + 2..])
}

fn turned(topic: &str) -> String {
    let mut all = segments(topic);
    let last = all.len() - 1;
    all.swap(last - 1, last);
    all.join(".")
}

fn plural(topic: &str) -> String {
    let mut all: Vec<String> = segments(topic).into_iter().map(str::to_owned).collect();
    all[1].push('s');
    all.join(".")
}

fn tense(topic: &str) -> String {
    topic.strip_suffix("ed").map_or_else(|| topic.to_owned(), |stem| format!("{stem}ing"))
}

fn fewer(topic: &str) -> String {
    let all = segments(topic);
    [&all[..1], &all[2..]].concat().join(".")
}

fn folded(topic: &str) -> String {
    let at = topic.rfind('.').unwrap_or_default();
    format!("{}-{}", &topic[..at], &topic[at + 1..])
}

fn cased(topic: &str) -> String {
    segments(topic).into_iter().map(|part| part[..1].to_uppercase() + &part[1..]).collect::<Vec<_>>().join(".")
}
