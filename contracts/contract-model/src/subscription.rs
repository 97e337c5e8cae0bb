//! Durable subscriptions by name.

use crate::ids::PluginSlug;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;

/// A durable subscription: the plugin and its handler's name, as text `plugin/handler`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub struct SubscriptionId(Arc<str>);

impl SubscriptionId {
    /// The subscription of a plugin's handler. The same pair is the same subscription, over restarts too.
    pub fn new(plugin: &PluginSlug, handler: &str) -> Self {
        Self(format!("{plugin}/{handler}").into())
    }

    /// `plugin/handler`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The plugin's slug.
    pub fn plugin(&self) -> &str {
        self.0.split_once('/').map_or(&*self.0, |(plugin, _)| plugin)
    }

    /// The handler's name, which may hold anything.
    pub fn handler(&self) -> &str {
        self.0.split_once('/').map_or("", |(_, handler)| handler)
    }
}

impl fmt::Display for SubscriptionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<String> for SubscriptionId {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

impl From<SubscriptionId> for String {
    fn from(id: SubscriptionId) -> Self {
        id.0.as_ref().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handlers_name_may_hold_a_slash() {
        let id = SubscriptionId::new(&PluginSlug::new("gl").expect("a slug"), "gl.journal/post");
        assert_eq!((id.plugin(), id.handler(), id.as_str()), ("gl", "gl.journal/post", "gl/gl.journal/post"));
        assert_eq!(SubscriptionId::from(String::from(id.clone())), id);
    }
}
