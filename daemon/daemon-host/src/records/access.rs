//! Who may do what with the records of a collection.

use super::{Place, RecordCaller};
use crate::api::HostError;
use contract_model::ErrorCode;
use contract_model::collection::Action;
use contract_model::filter::{Filter, RuleFacts};
use serde_json::{Map, Value};

impl Place {
    /// The condition on the records with which the caller may do this; an error where it is plain that there are none.
    ///
    /// A rule decides alone. Without one it takes a role of the plugin that owns the collection.
    pub(super) fn admits(
        &self,
        caller: &RecordCaller,
        action: Action,
        body: Option<&Map<String, Value>>,
    ) -> Result<Filter, HostError> {
        let Some(rule) = self.collection().rules.as_ref().and_then(|rules| rules.of(action)) else {
            return if self.holds_role(caller) { Ok(Filter::All) } else { Err(self.wants_role(action)) };
        };
        let identity = &caller.identity;
        let facts = RuleFacts {
            user: &identity.user,
            email: identity.email.as_deref(),
            roles: &identity.roles,
            tenant: caller.tenant.as_str(),
            body,
        };
        let filter = facts.decide(rule).map_err(|error| self.broken_rule(action, &error.to_string()))?;
        if filter.is_never() { Err(self.forbidden(action)) } else { Ok(filter) }
    }

    /// What a caller is told whom the rule does not let do this.
    pub(super) fn forbidden(&self, action: Action) -> HostError {
        let text = format!("the rule `{}` of `{}` does not allow you this", action.name(), self.name());
        HostError::new(ErrorCode::Forbidden, text)
    }

    fn holds_role(&self, caller: &RecordCaller) -> bool {
        let mut taught = self.plugin.manifest.roles.iter();
        taught.any(|role| caller.identity.roles.contains(&role.value.name))
    }

    fn wants_role(&self, action: Action) -> HostError {
        let roles: Vec<&str> = self.plugin.manifest.roles.iter().map(|role| role.value.name.as_str()).collect();
        let (slug, name, action) = (self.plugin.slug(), self.name(), action.name());
        let text = if roles.is_empty() {
            format!("`{name}` has no rule `{action}`, and plugin `{slug}` teaches no role that would open it")
        } else {
            format!("`{name}` is open to who holds a role of plugin `{slug}`: {}", roles.join(", "))
        };
        HostError::new(ErrorCode::Forbidden, text)
    }

    /// The check refuses such a rule, so whoever meets one meets a fault of ours; nothing is let through.
    fn broken_rule(&self, action: Action, why: &str) -> HostError {
        let text = format!("the rule `{}` of `{}` cannot be read: {why}", action.name(), self.name());
        HostError::new(ErrorCode::PluginInvalid, text).of_plugin(self.plugin.slug())
    }
}
