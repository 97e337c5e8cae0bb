//! Whose each collection is that code or a manifest names.

use crate::nearest::nearest;
use contract_graph::{PluginView, Suite};
use contract_model::Permission;
use std::collections::BTreeMap;

/// All collections that a suite declares, by name, each with its plugin.
pub(crate) struct Collections<'a> {
    declared: BTreeMap<&'a str, PluginView<'a>>,
    /// By how their collections begin.
    plugins: Vec<(String, PluginView<'a>)>,
}

/// Whose a collection is, as one plugin sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Whose<'a> {
    /// Its own.
    Own,
    /// Another plugin's; which one is not known where that is no part of the suite, or where its schema cannot be read.
    Anothers(Option<&'a str>),
    /// Nobody's, with the one that was probably meant.
    Nobodys(Option<&'a str>),
}

impl<'a> Collections<'a> {
    pub(crate) fn of(suite: &'a Suite) -> Self {
        let own = |view: PluginView<'a>| view.parsed.collections.iter().flat_map(|all| &all.collections);
        let declared = suite.views().flat_map(|view| own(view).map(move |one| (one.name.as_str(), view))).collect();
        let plugins = suite.views().map(|view| (prefix(view.slug()), view)).collect();
        Self { declared, plugins }
    }

    pub(crate) fn whose(&self, name: &str, view: PluginView<'a>) -> Whose<'a> {
        if let Some(owner) = self.declared.get(name) {
            return if owner.index == view.index { Whose::Own } else { Whose::Anothers(Some(owner.slug())) };
        }
        let permission = Permission::parse(&format!("records:read:{name}"));
        let Ok(permission) = permission else { return Whose::Nobodys(self.meant(name, view)) };
        let mut owners = self.plugins.iter().filter(|(prefix, _)| name.starts_with(prefix)).map(|(_, view)| view);
        if owners.clone().any(|owner| !is_read(*owner)) {
            return Whose::Anothers(None);
        }
        let meant = self.meant(name, view);
        let asks_for_it = view.manifest().is_some_and(|manifest| manifest.permits(&permission));
        let is_of_suite = owners.next().is_some();
        match meant {
            // Beyond the suite there may be others, whose collections are named much alike: `ap_bills` and `ar_bills`.
            Some(meant) if is_of_suite || strsim::osa_distance(name, meant) == 1 => Whose::Nobodys(Some(meant)),
            _ if is_of_suite && !asks_for_it => Whose::Nobodys(None),
            _ => Whose::Anothers(None),
        }
    }

    /// The collection that was probably meant: one of the plugin's own before any other.
    fn meant(&self, name: &str, view: PluginView<'a>) -> Option<&'a str> {
        let own = self.declared.iter().filter(|(_, owner)| owner.index == view.index).map(|(name, _)| *name);
        nearest(name, own).or_else(|| nearest(name, self.declared.keys().copied()))
    }
}

/// How the collections of a plugin begin.
fn prefix(slug: &str) -> String {
    format!("{}_", slug.replace('-', "_"))
}

/// Whether all collections of a plugin are known.
fn is_read(view: PluginView<'_>) -> bool {
    let has_none = view.manifest().is_some_and(|manifest| manifest.schema.is_none());
    view.knows("schema") && (has_none || view.parsed.collections.is_some())
}
