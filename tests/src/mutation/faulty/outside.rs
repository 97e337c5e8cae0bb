//! What a plugin asks of others at once and of hosts outside, and what its manifest says of it.

use crate::mutation::{Base, Edit, Mutant, Operator};
use contract_model::Permission;
use contract_model::collection::Collection;
use contract_parse::ParsedPlugin;

pub(super) const ALL: &[Operator] = &[
    Operator {
        name: "capability-provided-undeclared",
        expects: &["TL313"],
        sites: |base| code(base, "$app.provide(\"extra.thing\", { it: () => 1 });"),
    },
    Operator {
        name: "capability-used-undeclared",
        expects: &["TL313"],
        sites: |base| code(base, "$app.onAttach(() => $app.capability(\"extra.thing\").call(\"it\"));"),
    },
    Operator { name: "capability-misspelt-in-code", expects: &["TL313", "TL315"], sites: misspelt },
    Operator {
        name: "capability-never-provided",
        expects: &["TL314"],
        sites: |base| manifests(base, "capabilities: {provides: [{name: extra.thing, version: 1.0.0}]}\n"),
    },
    Operator {
        name: "capability-never-used",
        expects: &["TL315"],
        sites: |base| manifests(base, "capabilities: {consumes: [{name: extra.thing, optional: true}]}\n"),
    },
    Operator {
        name: "host-not-granted",
        expects: &["TL113"],
        sites: |base| code(base, "$app.onAttach(() => $http.fetch(`https://api.outside.test/${$app.now()}`));"),
    },
    Operator { name: "collection-misspelt", expects: &["TL316"], sites: misspelt_collections },
    Operator { name: "collection-read-without-leave", expects: &["TL113"], sites: without_leave },
    Operator { name: "host-on-another-port", expects: &["TL113"], sites: another_port },
    Operator { name: "host-never-asked", expects: &["TL114"], sites: never_asked },
];

/// More code in the entry of each plugin.
fn code(base: &Base, code: &'static str) -> Vec<Mutant> {
    let add = |plugin: String| {
        let file = base.entry(&plugin);
        Mutant::new(file.clone(), vec![base.append(&file, code)])
    };
    base.plugins().into_iter().map(add).collect()
}

fn manifests(base: &Base, lines: &'static str) -> Vec<Mutant> {
    let add = |(plugin, text): (String, &str)| {
        let file = format!("{plugin}/plugin.yaml");
        Mutant::new(file.clone(), vec![Edit::insert(&file, text.len(), lines)])
    };
    base.manifests().into_iter().map(add).collect()
}

/// Each plugin declares one name and asks for another.
fn misspelt(base: &Base) -> Vec<Mutant> {
    let add = |plugin: String| {
        let (file, text) = base.manifest(&plugin);
        let declared = "capabilities: {consumes: [{name: extra.thing, optional: true}]}\n";
        let asked = "$app.routerAdd(\"GET\", \"/api/status\", () => $app.capability(\"extra.thong\").providers());";
        let edits = vec![Edit::insert(&file, text.len(), declared), base.append(&base.entry(&plugin), asked)];
        Mutant::new(plugin, edits)
    };
    base.plugins().into_iter().map(add).collect()
}

/// Each plugin is granted a host on the usual port and asks it on another.
fn another_port(base: &Base) -> Vec<Mutant> {
    let add = |plugin: String| {
        let asked = "$app.onAttach(() => $http.fetch(\"https://api.outside.test:8443/rates\"));";
        let granted = base.declare(&plugin, "permissions", "\"net:api.outside.test\"");
        let edits = vec![granted, base.append(&base.entry(&plugin), asked)];
        Mutant::new(plugin, edits)
    };
    base.plugins().into_iter().map(add).collect()
}

fn never_asked(base: &Base) -> Vec<Mutant> {
    let add = |plugin: String| {
        let edits = vec![base.declare(&plugin, "permissions", "\"net:api.outside.test\"")];
        Mutant::new(plugin, edits)
    };
    base.plugins().into_iter().map(add).collect()
}

/// The collections of all plugins, each with its plugin's folder.
fn collections(base: &Base) -> impl Iterator<Item = (&str, &Collection)> {
    let own = |plugin| collections_of(plugin).iter().map(move |one| (plugin.folder.as_str(), one));
    base.suite.plugins.iter().flat_map(own)
}

fn collections_of(plugin: &ParsedPlugin) -> &[Collection] {
    plugin.collections.as_ref().map_or(&[], |all| &all.collections)
}

/// Each collection, counted by its plugin under a name with a letter too many.
fn misspelt_collections(base: &Base) -> Vec<Mutant> {
    let add = |(plugin, collection): (&str, &Collection)| {
        let code = format!("$app.onAttach(() => $app.dao().countRecords(\"{}z\", {{}}));", collection.name);
        Mutant::new(collection.name.clone(), vec![base.append(&base.entry(plugin), &code)])
    };
    collections(base).map(add).collect()
}

/// Each collection, read by a plugin that has not asked to.
fn without_leave(base: &Base) -> Vec<Mutant> {
    let add = |(plugin, collection): (&str, &Collection)| {
        let name = &collection.name;
        let reader = base.suite.plugins.iter().find(|reader| {
            let asked = reader.manifest.as_ref().is_some_and(|one| one.permits(&Permission::ReadRecords(name.clone())));
            reader.folder != plugin && !asked
        })?;
        let code = format!("$app.onAttach(() => $app.dao().findRecordById(\"{name}\", \"a\"));");
        Some(Mutant::new(name.clone(), vec![base.append(&base.entry(&reader.folder), &code)]))
    };
    collections(base).filter_map(add).collect()
}
