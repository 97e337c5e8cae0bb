//! Plugins that do not fit together in a composition.

use super::names::{quoted, renamed};
use crate::mutation::truth::Place;
use crate::mutation::{Base, Edit, Mutant, Operator, yaml};
use contract_parse::FactKind;
use std::collections::BTreeSet;

pub(super) const ALL: &[Operator] = &[
    Operator { name: "publisher-not-enabled", expects: &["TL204", "TL401"], sites: not_enabled },
    Operator { name: "plugin-removed", expects: &["TL201", "TL203", "TL204", "TL401"], sites: removed },
    Operator { name: "outside-source-cut", expects: &["TL201", "TL203", "TL206"], sites: outside_cut },
    Operator { name: "external-mistyped", expects: &["TL908"], sites: external_mistyped },
    Operator { name: "dead-island", expects: &["TL206"], sites: island },
    Operator { name: "foreign-namespace", expects: &["TL208"], sites: foreign },
    Operator {
        name: "pattern-matches-nothing",
        expects: &["TL209"],
        sites: |base| hears(base, |plugin| format!("{plugin}.nowhere.*")),
    },
    Operator { name: "pattern-over-everything", expects: &["TL210"], sites: |base| hears(base, |_| "**".to_owned()) },
    Operator { name: "feedback-loop", expects: &["TL211"], sites: feedback },
    Operator { name: "topic-made-private", expects: &["TL214"], sites: private },
    Operator { name: "nobody-listens", expects: &["TL202"], sites: unheard },
    Operator { name: "dependency-dropped", expects: &["TL110"], sites: dependency },
    Operator { name: "second-responder", expects: &["TL402"], sites: responder },
    Operator { name: "refusal-never-sent", expects: &["TL403", "TL303"], sites: |base| reply_cut(base, "e.reject(") },
    Operator { name: "answer-never-sent", expects: &["TL403", "TL303"], sites: |base| reply_cut(base, "e.reply(") },
    Operator { name: "refusal-unheard", expects: &["TL404"], sites: refusal_unheard },
    Operator { name: "version-range-passed", expects: &["TL606"], sites: range },
];

/// The owner of a topic that others need is taken out of the first composition.
fn not_enabled(base: &Base) -> Vec<Mutant> {
    owners_needed(base, |slug| {
        let text = base.text("suite.yaml");
        let list = text.match_indices('[').nth(1).map(|(at, _)| at)?;
        let end = list + text[list..].find(']')?;
        let word = yaml::words(text, slug).find(|word| word.start > list && word.end < end)?;
        Some(vec![Edit::replace("suite.yaml", without_comma(text, word), "")])
    })
}

/// The owner of a topic that others need is taken out of the suite.
fn removed(base: &Base) -> Vec<Mutant> {
    owners_needed(base, |slug| {
        let text = base.text("suite.yaml");
        let to = text.find("\nexternal").unwrap_or(text.len());
        let words = yaml::words(text, slug).filter(|word| word.end < to);
        Some(words.map(|word| Edit::replace("suite.yaml", without_comma(text, word), "")).collect())
    })
}

fn owners_needed(base: &Base, edits: impl Fn(&str) -> Option<Vec<Edit>>) -> Vec<Mutant> {
    let needed = |slug: &String| {
        let own = format!("{slug}.");
        base.topics().iter().any(|topic| topic.starts_with(&own) && base.required_elsewhere(slug, topic))
    };
    let slugs = base.plugins().into_iter().filter(needed);
    slugs.filter_map(|slug| Some(Mutant::new(format!("without {slug}"), edits(&slug)?))).collect()
}

fn without_comma(text: &str, word: std::ops::Range<usize>) -> std::ops::Range<usize> {
    if text[word.end..].starts_with(", ") {
        word.start..word.end + 2
    } else if text[..word.start].ends_with(", ") {
        word.start - 2..word.end
    } else {
        word
    }
}

/// A topic that clients send in is no longer named as such.
fn outside_cut(base: &Base) -> Vec<Mutant> {
    let suite = base.text("suite.yaml");
    let Some(section) = yaml::section(suite, "external") else { return Vec::new() };
    let mut out = Vec::new();
    for topic in base.topics().into_iter().filter(|topic| !base.is_request(topic)) {
        if yaml::words(&suite[section.clone()], topic).next().is_none() {
            continue;
        }
        let owner = topic.split('.').next().unwrap_or_default();
        let (path, text) = base.manifest(owner);
        let public = text.lines().find(|line| line.trim_start().starts_with(&format!("{topic}: "))).and_then(|line| {
            let start = line.as_ptr() as usize - text.as_ptr() as usize;
            Some(start + line.find("visibility: public")?)
        });
        if let Some(at) = public {
            let narrower = Edit::replace(&path, at..at + "visibility: public".len(), "visibility: suite");
            out.push(Mutant::new(topic, vec![Edit::replace("suite.yaml", section.clone(), ""), narrower]));
        }
    }
    out
}

/// A topic that suite.yaml names external is written otherwise in the catalogue that it names.
fn external_mistyped(base: &Base) -> Vec<Mutant> {
    let suite = base.text("suite.yaml");
    let Some(section) = yaml::section(suite, "external") else { return Vec::new() };
    let words = |topic: &str| -> Vec<std::ops::Range<usize>> {
        let words = yaml::words(suite, topic);
        words.filter(|word| section.contains(&word.start)).collect()
    };
    let mistyped = |topic: &str| {
        let renames = words(topic).into_iter().map(|word| Edit::replace("suite.yaml", word, renamed(topic)));
        Mutant::new(topic, catalogue(base).into_iter().chain(renames).collect())
    };
    external(base).into_iter().map(mistyped).collect()
}

/// The topics that suite.yaml names external.
fn external(base: &Base) -> Vec<&str> {
    base.suite.manifest.external.iter().map(|entry| entry.value.topic.as_str()).collect()
}

/// A catalogue that lists what suite.yaml names external, and its name there.
pub(crate) fn catalogue(base: &Base) -> Vec<Edit> {
    let text = serde_json::json!({"topics": external(base)}).to_string();
    let named = Edit::replace("suite.yaml", 0..0, "catalog: catalog.json\n");
    vec![named, Edit::Write { file: "catalog.json".to_owned(), text }]
}

/// Two plugins that only feed each other.
fn island(base: &Base) -> Vec<Mutant> {
    let plugin = |own: &str, other: &str| {
        let more = format!(
            "topics:\n  {own}.ball.thrown: {{kind: event, visibility: suite}}\npublishes: [{own}.ball.thrown]\nconsumes: [{other}.ball.thrown]\n"
        );
        let code = format!(
            "$app.onEvent(\"{other}.ball.thrown\", function back(e) {{ if (e.attempt < 3) $app.realtime().publish(\"{own}.ball.thrown\", {{}}); }});\n"
        );
        base.join(own, &more, &code)
    };
    vec![Mutant::new("left and right", [plugin("left", "right"), plugin("right", "left")].concat())]
}

/// A plugin publishes another's event and declares that it does.
fn foreign(base: &Base) -> Vec<Mutant> {
    let publish = |topic: &&str| !base.is_request(topic) && !topic.contains('*');
    let mut out = Vec::new();
    for topic in base.topics().into_iter().filter(publish) {
        for plugin in base.plugins().into_iter().filter(|plugin| !topic.starts_with(&format!("{plugin}."))) {
            let code = format!(
                "$app.routerAdd(\"POST\", \"/api/{plugin}/foreign\", () => {{ $app.realtime().publish({}, {{}}); }});",
                quoted(topic)
            );
            let edits = vec![base.append(&base.entry(&plugin), &code), base.declare(&plugin, "publishes", topic)];
            out.push(Mutant::new(format!("{plugin} publishes {topic}"), edits));
        }
    }
    out
}

fn hears(base: &Base, pattern: fn(&str) -> String) -> Vec<Mutant> {
    let hears = |plugin: String| {
        let pattern = pattern(&plugin);
        let code = format!("$app.onEvent({}, {{ name: \"all of it\" }}, (e) => e.id);", quoted(&pattern));
        let edits = vec![
            base.append(&base.entry(&plugin), &code),
            base.declare(&plugin, "consumes", &format!("\"{pattern}\"")),
        ];
        Mutant::new(format!("{plugin} hears {pattern}"), edits)
    };
    base.plugins().into_iter().map(hears).collect()
}

/// A plugin answers its own event with the same event.
fn feedback(base: &Base) -> Vec<Mutant> {
    let own = base.sole(&[FactKind::Publish]).filter(|(place, topic)| topic.starts_with(&format!("{}.", place.plugin)));
    let mutant = |(place, topic): (&Place, &str)| {
        let code = format!(
            "$app.onEvent({0}, function again(e) {{ $app.realtime().publish({0}, e.payload); }});",
            quoted(topic)
        );
        let declared = base.rename_entry(&place.plugin, "consumes", topic, topic).is_none();
        let edits = vec![base.append(&place.file, &code), base.declare(&place.plugin, "consumes", topic)];
        declared.then(|| Mutant::new(format!("{topic} in {}", place.file), edits))
    };
    own.filter_map(mutant).collect()
}

fn private(base: &Base) -> Vec<Mutant> {
    let mut out = Vec::new();
    for (plugin, text) in base.manifests() {
        let (path, _) = base.manifest(&plugin);
        let Some(section) = yaml::section(text, "topics") else { continue };
        for topic in base.topics().into_iter().filter(|topic| base.required_elsewhere(&plugin, topic)) {
            let head = format!("  {topic}:");
            let Some(start) = text[section.clone()].find(&head).map(|at| section.start + at + head.len()) else {
                continue;
            };
            let next = text[start..section.end].find("\n  ").filter(|_| text[start..].starts_with(" {"));
            let end = next.map_or(section.end, |at| start + at);
            let end = if text[start..].starts_with(" {") { end } else { block_end(text, start, section.end) };
            let word = ["visibility: public", "visibility: suite"]
                .iter()
                .find_map(|word| Some((start + text[start..end].find(word)?, word.len())));
            let edit = match word {
                Some((at, length)) => Edit::replace(&path, at..at + length, "visibility: private"),
                None => Edit::insert(&path, start + 2, "visibility: private, "),
            };
            out.push(Mutant::new(topic, vec![edit]));
        }
    }
    out
}

/// Where the deeper lines below a key end.
fn block_end(text: &str, start: usize, end: usize) -> usize {
    let mut at = start;
    for (index, line) in text[start..end].split_inclusive('\n').enumerate() {
        if index > 0 && !line.starts_with("    ") {
            break;
        }
        at += line.len();
    }
    at
}

/// A plugin publishes an event that no plugin consumes and no client may hear.
fn unheard(base: &Base) -> Vec<Mutant> {
    let mutant = |plugin: String| {
        let topic = format!("{plugin}.void.called");
        let code = format!(
            "$app.routerAdd(\"POST\", \"/api/{plugin}/void\", () => {{ $app.realtime().publish({}, {{}}); }});",
            quoted(&topic)
        );
        let edits = vec![
            base.append(&base.entry(&plugin), &code),
            base.declare(&plugin, "publishes", &topic),
            base.contract(&plugin, &topic, "{kind: event, visibility: suite}"),
        ];
        Mutant::new(topic, edits)
    };
    base.plugins().into_iter().map(mutant).collect()
}

fn dependency(base: &Base) -> Vec<Mutant> {
    let mut out = Vec::new();
    for (plugin, text) in base.manifests() {
        let (path, _) = base.manifest(&plugin);
        if let Some(section) = yaml::section(text, "requires") {
            out.push(Mutant::new(path.clone(), vec![Edit::replace(&path, section, "")]));
        }
    }
    out
}

/// A newcomer answers a request that somebody answers already.
fn responder(base: &Base) -> Vec<Mutant> {
    let asked = base.of(&[FactKind::Subscribe]).flat_map(|place| &place.topics).filter(|topic| base.is_request(topic));
    let mutant = |topic: &String| {
        let code = format!("$app.onEvent({}, function answerToo(e) {{ e.reply({{}}); }});\n", quoted(topic));
        Mutant::new(topic.clone(), base.join("rival", &format!("consumes: [{topic}]\n"), &code))
    };
    asked.map(mutant).collect()
}

/// The only call that sends one of the outcomes is cut.
fn reply_cut(base: &Base, call: &'static str) -> Vec<Mutant> {
    let of = |place: &&Place| base.text(&place.file)[place.range.clone()].starts_with(call);
    let replies: Vec<_> = base.of(&[FactKind::Reply]).filter(of).collect();
    let cut = |place: &&Place| {
        let edit = Edit::replace(&place.file, base.call(place), "undefined");
        Mutant::new(format!("{:?} in {}", place.topics, place.file), vec![edit])
    };
    replies.iter().map(cut).collect()
}

/// Nobody hears any longer that a request was refused: every subscription to it is taken out, with its line of the
/// manifest, where each has a place of its own.
fn refusal_unheard(base: &Base) -> Vec<Mutant> {
    let refusals = base.manifests().into_iter().flat_map(|(_, owner)| owner.lines()).filter_map(refusal);
    let refusals: BTreeSet<&str> = refusals.collect();
    refusals.into_iter().filter_map(|topic| unheard_by_all(base, topic)).collect()
}

/// The topic of a refusal, in a line that names both replies.
fn refusal(line: &str) -> Option<&str> {
    line.split_once("replies:")?.1.split_once("error: ").map(|(_, rest)| rest.trim_end_matches(['}', ' ']))
}

fn unheard_by_all(base: &Base, topic: &str) -> Option<Mutant> {
    let mut edits = Vec::new();
    for place in base.of(&[FactKind::Subscribe]).filter(|place| place.topics.contains(topic)) {
        place.topic()?;
        edits.push(Edit::replace(&place.file, base.call(place), "undefined"));
    }
    for (plugin, text) in base.manifests() {
        let (path, _) = base.manifest(&plugin);
        edits.extend(yaml::entry(text, "consumes", topic).map(|entry| Edit::replace(&path, entry, "")));
    }
    (!edits.is_empty()).then(|| Mutant::new(format!("{topic} everywhere"), edits))
}

fn range(base: &Base) -> Vec<Mutant> {
    let mut out = Vec::new();
    for (plugin, text) in base.manifests() {
        let (path, _) = base.manifest(&plugin);
        for (at, found) in text.match_indices("range: \"^") {
            let from = at + found.len();
            out.push(Mutant::new(format!("{path} byte {at}"), vec![Edit::replace(&path, from..from + 1, "9")]));
        }
    }
    out
}
