//! Questions about one topic or one plugin: who owns it, who publishes, who hears, who answers.

use crate::consumer::Consumer;
use crate::emission::Emission;
use crate::graph::Graph;
use crate::owners::Owned;
use crate::suite::PluginView;
use contract_model::manifest::TopicKind;

impl<'a> Graph<'a> {
    /// The contract of a topic, with its owner, within this composition.
    pub fn contract(&self, topic: &str) -> Option<Owned<'a>> {
        self.owners().get(topic).copied()
    }

    /// The slug of the plugin that owns a topic.
    pub fn owner(&self, topic: &str) -> Option<&'a str> {
        self.contract(topic).map(|owned| owned.plugin.slug())
    }

    /// The plugin of the composition with this slug; the first of several.
    pub fn plugin(&self, slug: &str) -> Option<PluginView<'a>> {
        self.slugs().get(slug).map(|index| self.suite().view(*index))
    }

    /// Whether a plugin of this slug is part of the composition.
    pub fn has_plugin(&self, slug: &str) -> bool {
        self.slugs().contains_key(slug)
    }

    /// The places that publish this topic, or something under this pattern, for certain; by plugin and place.
    pub fn emissions_of(&self, topic: &str) -> impl Iterator<Item = &Emission<'a>> {
        self.sure_near(topic).into_iter().filter(move |emission| emission.reach.surely_under(topic))
    }

    /// Whether some place publishes this topic, or something under this pattern, for all that is known.
    pub fn may_be_published(&self, topic: &str) -> bool {
        self.is_surely_published(topic) || self.perhaps_publishing(topic, 0).1 > 0
    }

    /// Everyone who hears a topic, by name or by pattern, sorted by plugin and topic.
    pub fn consumers_of<'g>(&'g self, topic: &'g str) -> impl Iterator<Item = &'g Consumer<'a>> {
        self.consumers_near(topic).into_iter().filter(move |consumer| consumer.hears(topic))
    }

    /// Whether anybody consumes this topic, or exactly this pattern.
    pub fn is_heard(&self, topic: &str) -> bool {
        self.consumers_near(topic).into_iter().any(|consumer| consumer.hears(topic) || consumer.topic == topic)
    }

    /// Whether a topic is a question: by its contract, else by its last segment.
    pub fn is_request(&self, topic: &str) -> bool {
        match self.contract(topic).or_else(|| self.suite_owners().get(topic).copied()) {
            Some(owned) => owned.contract.kind == TopicKind::Request,
            None => topic.ends_with(".request"),
        }
    }

    /// Those who answer a request: who subscribes by name, in code where there is code to read. Sorted; one is right.
    pub fn responders(&self, request: &str) -> Vec<&Consumer<'a>> {
        self.consumers_near(request)
            .into_iter()
            .filter(|consumer| consumer.hears_by_name(request))
            .filter(|consumer| !consumer.sites.is_empty() || !self.suite().view(consumer.plugin).has_code())
            .collect()
    }

    /// The one who answers a request.
    pub fn responder(&self, request: &str) -> Option<&'a str> {
        self.responders(request).first().map(|consumer| consumer.slug)
    }
}
