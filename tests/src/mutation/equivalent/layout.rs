//! Files, lines, comments and manifests rearranged; and additions that concern nobody.

use crate::mutation::faulty::catalogue;
use crate::mutation::{Base, Edit, Mutant, Operator, yaml};
use serde_json::Value;

pub(super) const ALL: &[Operator] = &[
    operator("files-in-another-order", |_| vec![Mutant { reversed: true, ..Mutant::new("all plugins", Vec::new()) }]),
    operator("line-ends-of-windows", |base| texts(base, |text| text.replace('\n', "\r\n"))),
    operator("byte-order-mark", |base| texts(base, |text| format!("\u{feff}{text}"))),
    operator("catalogue-of-what-is-external", |base| vec![Mutant::new("suite.yaml", catalogue(base))]),
    operator("blank-lines", |base| texts(base, |text| format!("\n\n{text}\n\n"))),
    operator("decoys-in-comments", |base| {
        texts(base, |text| {
            format!(
                "// $app.realtime().publish(\"decoy.in.comment\", {{}});\n/* $app.onEvent(\"decoy.in.block\", (e) => e); */\n{text}"
            )
        })
    }),
    operator("decoys-in-strings", |base| {
        texts(base, |text| {
            format!(
                "const tlDecoy = \"$app.realtime().publish('decoy.in.string', {{}})\" + `$app.onEvent('decoy.in.template')`;\n{text}"
            )
        })
    }),
    operator("decoy-emitter", |base| {
        texts(base, |text| {
            format!(
                "const tlEmitter = {{ publish: (topic) => topic, onEvent: (topic) => topic }};\ntlEmitter.publish(\"decoy.of.emitter\");\ntlEmitter.onEvent(\"decoy.of.emitter\");\n{text}"
            )
        })
    }),
    operator("decoy-in-dead-code", |base| {
        texts(base, |text| {
            format!("function tlNobody() {{\n  return $app.realtime().publish(\"decoy.in.dead\", {{}});\n}}\n{text}")
        })
    }),
    operator("decoy-shadowed", |base| {
        texts(base, |text| {
            format!(
                "const tlShadow = (($app) => $app.onEvent(\"decoy.shadowed\"))({{ onEvent: (topic) => topic }});\n{text}"
            )
        })
    }),
    operator("constants-renamed", renamed),
    operator("entry-moved", entry_moved),
    operator("plugin-split", split),
    operator("manifest-list-reversed", |base| lists(base, true)),
    operator("manifest-topics-quoted", |base| lists(base, false)),
    operator("manifest-comments", |base| {
        manifests(base, |text| format!("# A comment with consumes: [decoy.in.yaml]\n{text}"))
    }),
    operator("manifest-free-keys", |base| {
        manifests(base, |text| format!("{text}x-team: {{name: finance, topics: [decoy.in.yaml]}}\n"))
    }),
    operator("optional-consumer-added", |base| listener(base, true)),
    operator("consumer-added", |base| listener(base, false)),
    operator("unread-field-added", unread),
    operator("capability-lent", lent),
    operator("granted-host-asked", host_asked),
];

/// Two plugins of which one provides what the other uses.
fn lent(base: &Base) -> Vec<Mutant> {
    let lender = base.join(
        "lender",
        "capabilities: {provides: [{name: tl.thing, version: 1.2.0}]}\n",
        "const NAME = [\"tl\", \"thing\"].join(\".\");\n$app.provide(NAME, { it: () => 1 });\n",
    );
    let borrower = base.join(
        "borrower",
        "capabilities: {consumes: [{name: tl.thing, range: \"^1\"}]}\n",
        "const use = (name) => $app.capability(name);\n$app.routerAdd(\"GET\", \"/api/status\", () => use(\"tl.thing\").call(\"it\"));\n",
    );
    vec![Mutant::new("lender and borrower", [lender, borrower].concat())]
}

/// Each plugin asks a host that it was granted.
fn host_asked(base: &Base) -> Vec<Mutant> {
    let add = |plugin: String| {
        let asked = "const tlHost = \"outside.test\";\n$app.routerAdd(\"GET\", \"/api/status\", (e) => $http.fetch(`https://api.${tlHost}/${e.query.day}`));";
        let granted = base.declare(&plugin, "permissions", "\"net:*.outside.test\"");
        let edits = vec![granted, base.append(&base.entry(&plugin), asked)];
        Mutant::new(plugin, edits)
    };
    base.plugins().into_iter().map(add).collect()
}

const fn operator(name: &'static str, sites: fn(&Base) -> Vec<Mutant>) -> Operator {
    Operator { name, expects: &[], sites }
}

fn modules(base: &Base) -> Vec<&str> {
    base.plugins().iter().flat_map(|plugin| base.modules(plugin).collect::<Vec<_>>()).collect()
}

fn texts(base: &Base, change: fn(&str) -> String) -> Vec<Mutant> {
    modules(base).into_iter().map(|file| Mutant::new(file, vec![Edit::write(file, change(base.text(file)))])).collect()
}

fn manifests(base: &Base, change: fn(&str) -> String) -> Vec<Mutant> {
    let files = base.plugins().into_iter().map(|plugin| format!("{plugin}/plugin.yaml"));
    files.map(|file| Mutant::new(file.clone(), vec![Edit::write(&file, change(base.text(&file)))])).collect()
}

/// Renames constants of a module that it neither exports nor uses as a property.
fn renamed(base: &Base) -> Vec<Mutant> {
    let mut out = Vec::new();
    for file in modules(base) {
        let text = base.text(file);
        let names = text.lines().filter_map(|line| line.strip_prefix("const ")?.split([' ', ':']).next());
        for name in names.filter(|name| name.len() > 2 && name.chars().all(|c| c.is_ascii_uppercase() || c == '_')) {
            let words: Vec<_> = yaml::words(text, name).collect();
            let plain = |word: &std::ops::Range<usize>| {
                let (before, after) = (text[..word.start].trim_end(), text[word.end..].trim_start());
                !before.ends_with(['{', ',', '.', '"']) && !after.starts_with([':', '}', '"'])
            };
            if words.iter().skip(1).all(plain) && text.matches(name).count() == words.len() {
                let edits = words.into_iter().map(|word| Edit::replace(file, word, "RENAMED_CONSTANT")).collect();
                out.push(Mutant::new(format!("{name} in {file}"), edits));
            }
        }
    }
    out
}

/// The entry is another file that imports the old one.
fn entry_moved(base: &Base) -> Vec<Mutant> {
    let moved = |plugin: String| {
        let entry = base.entry(&plugin);
        let name = entry.rsplit('/').next().unwrap_or_default();
        let (manifest, text) = base.manifest(&plugin);
        let start = text.find("entry: ").unwrap_or_default();
        let end = start + text[start..].find('\n').unwrap_or_default();
        let edits = vec![
            Edit::replace(&manifest, start..end, "entry: src/tl-entry.js"),
            Edit::write(&format!("{plugin}/src/tl-entry.js"), format!("export * from \"./{name}\";\n")),
        ];
        Mutant::new(entry, edits)
    };
    base.plugins().into_iter().map(moved).collect()
}

/// A module becomes one that only passes on another.
fn split(base: &Base) -> Vec<Mutant> {
    let mut out = Vec::new();
    for file in modules(base) {
        let (folder, name) = file.rsplit_once('/').unwrap_or_default();
        let text = base.text(file);
        let default = if text.contains("export default") {
            format!("export {{ default }} from \"./tl-{name}\";\n")
        } else {
            String::new()
        };
        let edits = vec![
            Edit::write(&format!("{folder}/tl-{name}"), text),
            Edit::write(file, format!("{default}export * from \"./tl-{name}\";\n")),
        ];
        out.push(Mutant::new(file, edits));
    }
    out
}

/// The lists of manifests with their lines reversed, or with their topics in quotes.
fn lists(base: &Base, reversed: bool) -> Vec<Mutant> {
    let mut out = Vec::new();
    for (plugin, text) in base.manifests() {
        let file = format!("{plugin}/plugin.yaml");
        for key in ["publishes", "consumes"] {
            let Some(section) = yaml::section(text, key).filter(|range| text[range.clone()].contains("\n  - ")) else {
                continue;
            };
            let mut lines: Vec<String> = text[section.clone()].lines().map(str::to_owned).collect();
            if reversed {
                lines[1..].reverse();
            } else {
                for line in lines.iter_mut().filter(|line| !line.contains(['{', '"', '#'])) {
                    *line = line.replace("- ", "- \"") + if line.contains("- ") { "\"" } else { "" };
                }
            }
            out.push(Mutant::new(
                format!("{key} of {plugin}"),
                vec![Edit::replace(&file, section, lines.join("\n") + "\n")],
            ));
        }
    }
    out
}

/// A newcomer hears a topic that is published already.
fn listener(base: &Base, optional: bool) -> Vec<Mutant> {
    let suite = base.text("suite.yaml");
    let first =
        suite.match_indices('[').nth(1).map(|(at, _)| &suite[at..at + suite[at..].find(']').unwrap_or_default()]);
    let enabled = |topic: &&str| first.is_none_or(|list| list.contains(topic.split('.').next().unwrap_or_default()));
    let published = base.of(&[contract_parse::FactKind::Publish]).filter_map(|place| place.topic());
    let published: std::collections::BTreeSet<&str> =
        published.filter(|topic| !base.is_request(topic)).filter(enabled).collect();
    let mut out = Vec::new();
    for topic in published.into_iter().filter(|topic| !is_private(base, topic)) {
        let owner = topic.split('.').next().unwrap_or_default();
        let code = format!("$app.onEvent(\"{topic}\", function note(e) {{ $app.log(\"info\", e.topic, {{}}); }});\n");
        let more = if optional {
            format!(
                "consumes:\n  - {{topic: {topic}, optional: true, reason: notes are taken where there is something to note}}\n"
            )
        } else {
            format!("consumes: [{topic}]\nrequires: {{{owner}: \"*\"}}\n")
        };
        out.push(Mutant::new(topic, base.join("newcomer", &more, &code)));
    }
    out
}

fn is_private(base: &Base, topic: &str) -> bool {
    let (_, text) = base.manifest(topic.split('.').next().unwrap_or_default());
    text.lines().any(|line| line.trim_start().starts_with(&format!("{topic}:")) && line.contains("visibility: private"))
}

/// A schema has one more field that need not be there.
fn unread(base: &Base) -> Vec<Mutant> {
    let schemas = base.texts.0.keys().filter(|path| path.contains("/contracts/"));
    let add = |file: &String| {
        let mut schema: Value = serde_json::from_str(base.text(file)).ok()?;
        schema["properties"].as_object_mut()?.insert("remark".to_owned(), serde_json::json!({"type": "string"}));
        Some(Mutant::new(file.clone(), vec![Edit::write(file, schema.to_string())]))
    };
    schemas.filter_map(add).collect()
}
