//! Whether a plugin is wired as it was before its code was changed, and where its places stand now.

use crate::suite::PluginView;
use contract_model::Location;
use contract_parse::{Fact, FactKind, ParsedPlugin};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// A change of a plugin's code that changed nothing of its wiring: where the places of its facts went.
#[derive(Debug, Clone)]
pub struct Moved {
    /// The modules whose text is another, relative to the suite.
    files: Vec<String>,
    places: BTreeMap<Location, Location>,
}

impl Moved {
    /// From one reading of a plugin to the next. None where anything but code was changed, or where the code now does
    /// something else on the bus: what was known of the suite then holds no longer.
    pub fn between(before: &ParsedPlugin, after: &ParsedPlugin) -> Option<Self> {
        let view = |parsed| PluginView { index: 0, parsed };
        let same_code = before.modules == after.modules && before.excluded == after.excluded;
        if before.folder != after.folder || !same_code || view(before).is_complete() != view(after).is_complete() {
            return None;
        }
        Some(Self { files: changed_modules(before, after)?, places: places(before, after)? })
    }

    /// Whether a place may stand elsewhere now: it is in a changed module.
    pub fn is_elsewhere(&self, at: &Location) -> bool {
        self.files.iter().any(|file| at.file == **file)
    }

    /// Where a place stands now. None where it stood in a changed module and belongs to no fact.
    pub fn place(&self, at: &Location) -> Option<Location> {
        if !self.is_elsewhere(at) {
            return Some(at.clone());
        }
        self.places.get(at).cloned()
    }
}

/// The modules with another text; none where another file differs, came or went.
fn changed_modules(before: &ParsedPlugin, after: &ParsedPlugin) -> Option<Vec<String>> {
    if !before.texts.keys().eq(after.texts.keys()) {
        return None;
    }
    // Imported data may be a schema, too.
    let is_data = |path: &str| Path::new(path).extension().is_some_and(|ending| ending.eq_ignore_ascii_case("json"));
    let is_code = |path: &String| (before.modules.contains(path) || before.excluded.contains(path)) && !is_data(path);
    let changed = before.texts.iter().filter(|(path, text)| after.texts.get(*path) != Some(text));
    changed.map(|(path, _)| is_code(path).then(|| PluginView { index: 0, parsed: after }.path(path))).collect()
}

/// Where each fact stood and where it stands, if they are the same facts in the same order.
fn places(before: &ParsedPlugin, after: &ParsedPlugin) -> Option<BTreeMap<Location, Location>> {
    let wired = |plugin: &'_ ParsedPlugin| -> usize { plugin.facts.iter().filter(|fact| is_wiring(fact)).count() };
    if wired(before) != wired(after) {
        return None;
    }
    let old = before.facts.iter().filter(|fact| is_wiring(fact));
    let new = after.facts.iter().filter(|fact| is_wiring(fact));
    let (mut places, mut taken) = (BTreeMap::new(), BTreeSet::new());
    for (old, new) in old.zip(new) {
        if !is_alike(old, new) {
            return None;
        }
        match places.get(&old.location) {
            Some(known) if *known == new.location => {}
            None if taken.insert(new.location.clone()) => _ = places.insert(old.location.clone(), new.location.clone()),
            // Two places became one, or one became two.
            Some(_) | None => return None,
        }
    }
    Some(places)
}

/// What a handler reads is no part of the wiring.
fn is_wiring(fact: &Fact) -> bool {
    fact.kind != FactKind::ReadsField
}

/// Whether two facts are one, wherever they stand and whatever they send.
fn is_alike(a: &Fact, b: &Fact) -> bool {
    let what = |fact: &'_ Fact| (fact.kind, fact.provenance, fact.reachable, fact.guard, fact.late, fact.result);
    what(a) == what(b)
        && a.location.file == b.location.file
        && a.topic == b.topic
        && a.handler == b.handler
        && a.options == b.options
        && a.within == b.within
        && a.triggers == b.triggers
        && a.detail == b.detail
        && a.proved == b.proved
}
