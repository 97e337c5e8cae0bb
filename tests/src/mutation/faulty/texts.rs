//! Texts that cannot be read as what they should be.

use crate::mutation::{Base, Edit, Mutant, Operator, yaml};

pub(super) const ALL: &[Operator] = &[
    Operator { name: "source-does-not-parse", expects: &["TL704"], sites: |base| modules(base, "const = ;") },
    Operator { name: "source-cut-off", expects: &["TL704"], sites: |base| modules(base, "function unfinished() {") },
    Operator { name: "import-mistyped", expects: &["TL705"], sites: import_mistyped },
    Operator {
        name: "import-leaves-the-plugin",
        expects: &["TL705"],
        sites: |base| running(base, "import \"../../shared/bus.js\";"),
    },
    Operator { name: "import-of-a-package", expects: &["TL705"], sites: |base| running(base, "import \"left-pad\";") },
    Operator {
        name: "manifest-does-not-parse",
        expects: &["TL101"],
        sites: |base| manifests(base, "tags: [unfinished\n"),
    },
    Operator {
        name: "manifest-key-twice",
        expects: &["TL101", "TL104"],
        sites: |base| manifests(base, "version: 9.9.9\n"),
    },
    Operator { name: "manifest-key-unknown", expects: &["TL102"], sites: |base| manifests(base, "consume: []\n") },
    Operator { name: "consumed-twice", expects: &["TL104"], sites: consumed_twice },
    Operator {
        name: "topic-name-ungrammatical",
        expects: &["TL103"],
        sites: |base| contracts(base, "Journal Posted", "{kind: event}"),
    },
    Operator { name: "topics-collide", expects: &["TL107"], sites: collide },
    Operator {
        name: "contract-without-schema",
        expects: &["TL106"],
        sites: |base| contracts(base, "bare.event", "{kind: event, visibility: public}"),
    },
    Operator { name: "entry-missing", expects: &["TL105"], sites: entry_missing },
    Operator { name: "core-too-old", expects: &["TL111"], sites: core_too_old },
    Operator { name: "folder-missing", expects: &["TL101", "TL105"], sites: folder_missing },
];

fn modules(base: &Base, code: &'static str) -> Vec<Mutant> {
    let files =
        base.plugins().into_iter().flat_map(|plugin| base.modules(&plugin).map(str::to_owned).collect::<Vec<_>>());
    files.map(|file| Mutant::new(file.clone(), vec![base.append(&file, code)])).collect()
}

/// The same in modules that run.
fn running(base: &Base, code: &'static str) -> Vec<Mutant> {
    let files = base.running_modules().into_iter().filter(|file| !file.ends_with("json"));
    files.map(|file| Mutant::new(file.clone(), vec![base.append(&file, code)])).collect()
}

fn import_mistyped(base: &Base) -> Vec<Mutant> {
    let mut out = Vec::new();
    for file in base.plugins().iter().flat_map(|plugin| base.modules(plugin).collect::<Vec<_>>()) {
        let text = base.text(file);
        let imports = text.match_indices("\"./").filter(|(at, _)| {
            let line = text[..*at].rfind('\n').map_or(0, |end| end + 1);
            let line = &text[line..*at];
            (line.starts_with("import") || line.starts_with("export") || line.starts_with('}'))
                && !line.contains("type {")
        });
        for (at, _) in imports {
            let end = at + 1 + text[at + 1..].find('.').unwrap_or_default() + 2;
            out.push(Mutant::new(format!("{file} byte {at}"), vec![Edit::insert(file, end, "x")]));
        }
    }
    out
}

fn manifests(base: &Base, line: &'static str) -> Vec<Mutant> {
    let add = |(plugin, text): (String, &str)| {
        let file = format!("{plugin}/plugin.yaml");
        Mutant::new(file.clone(), vec![Edit::insert(&file, text.len(), line)])
    };
    base.manifests().into_iter().map(add).collect()
}

fn consumed_twice(base: &Base) -> Vec<Mutant> {
    let mut out = Vec::new();
    for (plugin, text) in base.manifests() {
        let file = format!("{plugin}/plugin.yaml");
        for topic in base.topics() {
            if let Some(line) =
                yaml::entry(text, "consumes", topic).filter(|line| text[line.clone()].starts_with("  - "))
            {
                out.push(Mutant::new(
                    format!("{topic} in {file}"),
                    vec![Edit::insert(&file, line.end, &text[line.clone()])],
                ));
            }
        }
    }
    out
}

fn contracts(base: &Base, rest: &'static str, contract: &'static str) -> Vec<Mutant> {
    let add = |plugin: String| {
        let topic = format!("{plugin}.{rest}");
        let edits = vec![base.contract(&plugin, &topic, contract)];
        Mutant::new(topic, edits)
    };
    base.plugins().into_iter().map(add).collect()
}

/// A second topic that differs from the first in a dot only.
fn collide(base: &Base) -> Vec<Mutant> {
    let mut out = Vec::new();
    for topic in base.topics().into_iter().filter(|topic| !topic.contains('*')) {
        let owner = topic.split('.').next().unwrap_or_default();
        let at = topic.rfind('.').unwrap_or_default();
        let twin = format!("{}-{}", &topic[..at], &topic[at + 1..]);
        let contract = format!("{{kind: event, visibility: public, schema: contracts/{topic}.json}}");
        out.push(Mutant::new(twin.clone(), vec![base.contract(owner, &twin, &contract)]));
    }
    out
}

fn entry_missing(base: &Base) -> Vec<Mutant> {
    head(base, "entry: ", |line| format!("{line}x"))
}

fn core_too_old(base: &Base) -> Vec<Mutant> {
    head(base, "min_core: ", |_| "min_core: 99.0.0".to_owned())
}

fn head(base: &Base, key: &'static str, change: fn(&str) -> String) -> Vec<Mutant> {
    let mut out = Vec::new();
    for (plugin, text) in base.manifests() {
        let file = format!("{plugin}/plugin.yaml");
        let Some(start) = text.find(key) else { continue };
        let end = start + text[start..].find('\n').unwrap_or_default();
        out.push(Mutant::new(file.clone(), vec![Edit::replace(&file, start..end, change(&text[start..end]))]));
    }
    out
}

fn folder_missing(base: &Base) -> Vec<Mutant> {
    let remove = |plugin: String| {
        let below = format!("{plugin}/");
        let files = base.texts.0.keys().filter(|path| path.starts_with(&below));
        Mutant::new(plugin.clone(), files.map(|file| Edit::Remove { file: file.clone() }).collect())
    };
    base.plugins().into_iter().map(remove).collect()
}
