//! The roles that the installed plugins teach.

use contract_model::PluginSlug;
use contract_model::manifest::Role;
use std::collections::BTreeMap;

/// Roles by plugin. What a plugin teaches replaces what it taught before.
#[derive(Debug, Default)]
pub(crate) struct Roles(BTreeMap<PluginSlug, Vec<Role>>);

impl Roles {
    pub(crate) fn teach(&mut self, plugin: &PluginSlug, roles: Vec<Role>) {
        self.0.insert(plugin.clone(), roles);
    }

    pub(crate) fn forget(&mut self, plugin: &PluginSlug) {
        self.0.remove(plugin);
    }

    pub(crate) fn all(&self) -> Vec<(PluginSlug, Role)> {
        let each = |(plugin, roles): (&PluginSlug, &Vec<Role>)| {
            roles.iter().map(|role| (plugin.clone(), role.clone())).collect::<Vec<_>>()
        };
        self.0.iter().flat_map(each).collect()
    }

    /// Whether one of the held roles grants this.
    pub(crate) fn grant(&self, held: &[String], grant: &str) -> bool {
        let mut roles = self.0.values().flatten().filter(|role| held.contains(&role.name));
        roles.any(|role| role.grants.iter().any(|granted| granted == grant))
    }
}
