//! JavaScript and TypeScript modules: parsed and linked (`program`), evaluated (`value`, `strings`, `eval`),
//! then read for facts (`extract`). The evaluator knows nothing of facts, the extractor nothing of values' insides.

mod absent;
mod comments;
mod conditions;
mod context;
mod escapes;
mod eval;
mod exports;
mod extract;
pub(crate) mod form;
mod index;
mod known;
mod late;
mod lines;
mod links;
mod misuse;
pub(crate) mod nesting;
mod payload;
mod program;
mod proposals;
mod reach;
mod registration;
mod strings;
mod summaries;
pub(crate) mod surface;
pub(crate) mod syntax;
mod topics;
mod value;

use crate::analysis::Analysis;
use contract_model::Manifest;
use oxc_allocator::Allocator;
use std::collections::{BTreeMap, BTreeSet};
use value::{Func, Value};

/// Analyses the entry and everything it imports, following all forms of writing a topic except one.
pub(crate) fn analyse(
    folder: &str,
    texts: &BTreeMap<String, String>,
    entry: &str,
    manifest: &Manifest,
    without: Option<form::Form>,
) -> Analysis {
    let allocator = Allocator::default();
    let mut modules = program::Modules::load(&allocator, folder, texts, entry);
    modules.add_dormant(&allocator, folder, texts);
    let mut problems = std::mem::take(&mut modules.problems);
    let known = known::Known::of(manifest, texts, without);
    let mut evaluator = eval::Evaluator::new(&modules, &known);
    let index = index::Index::build(&modules, &mut evaluator);
    let exports = exports(&modules, &mut evaluator);
    let named = named_handlers(manifest, &exports);
    let reach = reach::Reach::build(&modules, &mut evaluator, &index, &named);
    let code = payload::Code::build(&evaluator, &index);
    let lines = lines::Lines::of(&modules);
    let mut extracted = extract::facts(&mut evaluator, &index, &reach, &code, &lines);
    let mut endings = payload::endings(&code, &index, manifest, &lines);
    // They stay for as long as the suite does, and a list that grew has room for as many again.
    extracted.facts.shrink_to_fit();
    endings.shrink_to_fit();
    extracted.records.shrink_to_fit();
    problems.extend(extracted.problems);
    problems.extend(misuse::problems(&mut evaluator, &index, &reach));
    let loaded = || modules.list.iter().filter(|one| !one.dormant && !one.unread());
    Analysis {
        modules: sorted(loaded().map(|one| one.path.to_owned())),
        facts: extracted.facts,
        opaque: extracted.opaque,
        records: extracted.records,
        endings,
        suppressions: modules.list.iter().filter(|one| !one.dormant).flat_map(comments::suppressions).collect(),
        problems,
        exports: exports.into_iter().map(|(name, set)| (name, !set.is_empty())).collect(),
    }
}

/// The modules that an entry reaches, in the order they are found; the entry first.
pub(crate) fn reached(texts: &BTreeMap<String, String>, entry: &str) -> Vec<String> {
    let allocator = Allocator::default();
    program::Modules::load(&allocator, "", texts, entry).list.iter().map(|one| one.path.to_owned()).collect()
}

fn sorted(paths: impl Iterator<Item = String>) -> Vec<String> {
    paths.collect::<BTreeSet<_>>().into_iter().collect()
}

fn exports<'a>(
    modules: &program::Modules<'a>,
    evaluator: &mut eval::Evaluator<'_, 'a>,
) -> BTreeMap<String, BTreeSet<Func>> {
    if modules.list.is_empty() {
        return BTreeMap::new();
    }
    let names = modules.export_names(0);
    let functions = names.into_iter().map(|name| {
        let value = evaluator.glanced(|evaluator| evaluator.member(&Value::Module(0), &name));
        (name, value.closures().into_iter().map(|one| one.func).collect())
    });
    functions.collect()
}

/// The exported functions that the manifest names as handlers: they run although nothing calls them.
fn named_handlers(manifest: &Manifest, exports: &BTreeMap<String, BTreeSet<Func>>) -> BTreeSet<Func> {
    let names = manifest.consumes.iter().filter_map(|entry| entry.value.handler.as_ref());
    names.filter_map(|name| exports.get(&name.value)).flatten().copied().collect()
}
