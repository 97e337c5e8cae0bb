//! Manifest and code say different things.

use super::names::{quoted, renamed};
use crate::mutation::truth::Place;
use crate::mutation::{Base, Edit, Mutant, Operator, javascript, yaml};
use contract_parse::FactKind;

pub(super) const ALL: &[Operator] = &[
    Operator {
        name: "publish-deleted",
        expects: &["TL303"],
        sites: |base| publishes(base, |_| "undefined".to_owned()),
    },
    Operator {
        name: "publish-commented-out",
        expects: &["TL303"],
        sites: |base| publishes(base, |call| format!("/* {} */ undefined", call.replace("*/", "* /"))),
    },
    Operator {
        name: "publish-behind-false",
        expects: &["TL205", "TL303"],
        sites: |base| publishes(base, |call| format!("(false && {call})")),
    },
    Operator { name: "publish-in-unused-function", expects: &["TL205", "TL303"], sites: publish_unused },
    Operator { name: "publish-renamed-in-code", expects: &["TL303", "TL304"], sites: publish_renamed },
    Operator { name: "publishes-line-deleted", expects: &["TL304"], sites: |base| lines(base, "publishes") },
    Operator {
        name: "publishes-renamed-in-manifest",
        expects: &["TL303", "TL304"],
        sites: |base| declared(base, "publishes"),
    },
    Operator { name: "publishes-a-ghost", expects: &["TL303"], sites: ghost },
    Operator {
        name: "subscribe-deleted",
        expects: &["TL301"],
        sites: |base| subscribes(base, |_| "undefined".to_owned()),
    },
    Operator {
        name: "subscribe-commented-out",
        expects: &["TL301"],
        sites: |base| subscribes(base, |call| format!("/* {} */ undefined", call.replace("*/", "* /"))),
    },
    Operator {
        name: "subscribe-behind-false",
        expects: &["TL301", "TL306"],
        sites: |base| subscribes(base, |call| format!("(false && {call})")),
    },
    Operator { name: "subscribe-in-unused-function", expects: &["TL301", "TL306"], sites: subscribe_unused },
    Operator { name: "subscribe-in-a-test", expects: &["TL301", "TL306"], sites: subscribe_in_test },
    Operator { name: "subscribe-renamed-in-code", expects: &["TL301", "TL302"], sites: subscribe_renamed },
    Operator { name: "consumes-line-deleted", expects: &["TL302"], sites: |base| lines(base, "consumes") },
    Operator {
        name: "consumes-renamed-in-manifest",
        expects: &["TL301", "TL302"],
        sites: |base| declared(base, "consumes"),
    },
    Operator { name: "handler-missing", expects: &["TL305"], sites: handler },
    Operator {
        name: "subscribe-under-config",
        expects: &["TL307"],
        sites: |base| subscribes(base, |call| format!("($app.config.heard && {call})")),
    },
    Operator { name: "subscribe-late", expects: &["TL308"], sites: late },
    Operator { name: "subscribe-twice", expects: &["TL309"], sites: twice },
];

const PUBLISHES: &[FactKind] = &[FactKind::Publish, FactKind::Request];

/// Puts something else in the place of the only call that publishes a topic.
fn publishes(base: &Base, change: fn(&str) -> String) -> Vec<Mutant> {
    base.sole(PUBLISHES).map(|(place, topic)| replaced(base, place, topic, change)).collect()
}

fn subscribes(base: &Base, change: fn(&str) -> String) -> Vec<Mutant> {
    base.sole(&[FactKind::Subscribe]).map(|(place, topic)| replaced(base, place, topic, change)).collect()
}

fn replaced(base: &Base, place: &Place, topic: &str, change: fn(&str) -> String) -> Mutant {
    let call = base.call(place);
    let text = change(&base.text(&place.file)[call.clone()]);
    Mutant::new(format!("{topic} in {}", place.file), vec![Edit::replace(&place.file, call, text)])
}

fn publish_unused(base: &Base) -> Vec<Mutant> {
    let mutant = |(place, topic): (&Place, &str)| {
        let unused = format!("function neverCalled() {{ $app.realtime().publish({}, {{}}); }}", quoted(topic));
        let edits = vec![Edit::replace(&place.file, base.call(place), "undefined"), base.append(&place.file, &unused)];
        Mutant::new(format!("{topic} in {}", place.file), edits)
    };
    base.sole(PUBLISHES).map(mutant).collect()
}

fn subscribe_unused(base: &Base) -> Vec<Mutant> {
    let mutant = |(place, topic): (&Place, &str)| {
        let unused = format!("function neverCalled() {{ $app.onEvent({}, (e) => e.id); }}", quoted(topic));
        let edits = vec![Edit::replace(&place.file, base.call(place), "undefined"), base.append(&place.file, &unused)];
        Mutant::new(format!("{topic} in {}", place.file), edits)
    };
    base.sole(&[FactKind::Subscribe]).map(mutant).collect()
}

fn subscribe_in_test(base: &Base) -> Vec<Mutant> {
    let mutant = |(place, topic): (&Place, &str)| {
        let test = format!("$app.onEvent({}, (e) => e.id);\n", quoted(topic));
        let file = format!("{}/test/heard.test.js", place.plugin);
        let edits = vec![Edit::replace(&place.file, base.call(place), "undefined"), Edit::write(&file, test)];
        Mutant::new(format!("{topic} in {file}"), edits)
    };
    base.sole(&[FactKind::Subscribe]).map(mutant).collect()
}

fn publish_renamed(base: &Base) -> Vec<Mutant> {
    renamed_in_code(base, PUBLISHES)
}

fn subscribe_renamed(base: &Base) -> Vec<Mutant> {
    renamed_in_code(base, &[FactKind::Subscribe])
}

fn renamed_in_code(base: &Base, kinds: &'static [FactKind]) -> Vec<Mutant> {
    let mutant = |(place, topic): (&Place, &str)| {
        let edit = base.retopic(place, &quoted(&renamed(topic)))?;
        Some(Mutant::new(format!("{topic} in {}", place.file), vec![edit]))
    };
    base.sole(kinds).filter_map(mutant).collect()
}

/// Every topic that the code of a plugin uses in this direction, except for those that only a reply publishes.
fn used<'b>(base: &'b Base, plugin: &str, key: &str) -> Vec<&'b str> {
    let kinds: &'static [FactKind] = if key == "publishes" { PUBLISHES } else { &[FactKind::Subscribe] };
    let mut topics: Vec<&str> =
        base.of(kinds).filter(|p| p.plugin == plugin).flat_map(|p| &p.topics).map(String::as_str).collect();
    topics.sort_unstable();
    topics.dedup();
    topics
}

fn lines(base: &Base, key: &'static str) -> Vec<Mutant> {
    let mut out = Vec::new();
    for (plugin, _) in base.manifests() {
        let (path, text) = base.manifest(&plugin);
        for topic in used(base, &plugin, key) {
            if let Some(line) = yaml::entry(text, key, topic).filter(|line| !text[line.clone()].contains("pattern")) {
                out.push(Mutant::new(format!("{topic} in {path}"), vec![Edit::replace(&path, line, "")]));
            }
        }
    }
    out
}

fn declared(base: &Base, key: &'static str) -> Vec<Mutant> {
    let mut out = Vec::new();
    for (plugin, _) in base.manifests() {
        for topic in used(base, &plugin, key).into_iter().filter(|topic| !topic.contains('*')) {
            let edit = base.rename_entry(&plugin, key, topic, &renamed(topic));
            out.extend(edit.map(|edit| Mutant::new(format!("{topic} in {plugin}"), vec![edit])));
        }
    }
    out
}

fn ghost(base: &Base) -> Vec<Mutant> {
    let ghost = |plugin: String| {
        let topic = format!("{plugin}.ghost.seen");
        let edits = vec![
            base.declare(&plugin, "publishes", &topic),
            base.contract(&plugin, &topic, "{kind: event, visibility: public}"),
        ];
        Mutant::new(format!("{topic} in {plugin}"), edits)
    };
    base.plugins().into_iter().map(ghost).collect()
}

fn handler(base: &Base) -> Vec<Mutant> {
    let mut out = Vec::new();
    for (plugin, text) in base.manifests() {
        let (path, _) = base.manifest(&plugin);
        for topic in used(base, &plugin, "consumes") {
            let Some(line) = yaml::entry(text, "consumes", topic) else { continue };
            if text[line.clone()].trim() == format!("- {topic}") {
                let entry = format!("  - {{topic: {topic}, handler: nobodyExportsThis}}\n");
                out.push(Mutant::new(format!("{topic} in {path}"), vec![Edit::replace(&path, line, entry)]));
            }
        }
    }
    out
}

/// The subscription happens when a verb is called, not when the plugin starts.
fn late(base: &Base) -> Vec<Mutant> {
    let mutant = |(place, topic): (&Place, &str)| {
        let path = format!("/api/{}/late", place.plugin);
        let late = format!(
            "$app.routerAdd(\"POST\", {}, () => {{ $app.onEvent({}, (e) => e.id); }});",
            quoted(&path),
            quoted(topic)
        );
        let edits = vec![Edit::replace(&place.file, base.call(place), "undefined"), base.append(&place.file, &late)];
        Mutant::new(format!("{topic} in {}", place.file), edits)
    };
    base.sole(&[FactKind::Subscribe]).map(mutant).collect()
}

/// The same function hears the same topic twice.
fn twice(base: &Base) -> Vec<Mutant> {
    let mutant = |(place, topic): (&Place, &str)| {
        let text = base.text(&place.file);
        let top = text[..place.range.start].ends_with('\n') && text[place.range.clone()].starts_with("$app.");
        let call = base.call(place);
        javascript::close(text, place.range.end)?;
        let heard = format!(
            "const heardTwice = (e) => e.id;\n$app.onEvent({0}, heardTwice);\n$app.onEvent({0}, heardTwice);",
            quoted(topic)
        );
        let edits = vec![Edit::replace(&place.file, call, "undefined"), base.append(&place.file, &heard)];
        top.then(|| Mutant::new(format!("{topic} in {}", place.file), edits))
    };
    base.sole(&[FactKind::Subscribe]).filter_map(mutant).collect()
}
