//! TL606: no version on offer is one that is wanted.

use crate::context::Context;
use crate::finding::Finding;
use crate::rule::{Check, Rule};
use checker_report::Severity;
use contract_graph::{Consumer, Graph, PluginView};
use contract_model::manifest::Used;
use contract_model::span::Spanned;
use semver::{Version, VersionReq};

pub(crate) const RULE: Rule = Rule {
    id: "TL606",
    name: "range-unsatisfied",
    severity: Severity::Error,
    since: "0.1.0",
    follows: None,
    text: include_str!("tl606.md"),
    check: Check::Composition(check),
};

fn check(cx: &Context<'_>, graph: &Graph<'_>) -> Vec<Finding> {
    let mut found: Vec<Finding> = graph.consumers().filter_map(|consumer| topic(cx, graph, consumer)).collect();
    for view in graph.plugins() {
        found.extend(plugins(cx, graph, view));
        found.extend(capabilities(cx, graph, view));
    }
    found
}

/// A consumer that understands other versions of a topic's contract than the one there is.
fn topic(cx: &Context<'_>, graph: &Graph<'_>, consumer: &Consumer<'_>) -> Option<Finding> {
    let entry = consumer.declared.filter(|entry| entry.value.topic.as_str() == consumer.topic)?;
    let owned = graph.contract(&consumer.topic)?;
    let (wanted, offered) = (entry.value.range.as_ref()?, owned.contract.version.as_ref()?);
    if wanted.matches(offered) {
        return None;
    }
    let topic = consumer.topic.as_str();
    let message = format!(
        "`{}` understands `{topic}` in {wanted}, but `{}` offers {offered}",
        consumer.slug,
        owned.plugin.slug()
    );
    let finding = Finding::new(consumer.slug, cx.suite.view(consumer.plugin).at(entry.span), message);
    let finding = finding.topic(topic).role("consume").label(format!("excludes {offered}"));
    let finding = finding.related(owned.plugin.at(owned.contract.name.span), format!("version {offered}"));
    Some(finding.help("make the handler understand this version and widen `range`"))
}

/// Plugins that are required and absent, or there in another version.
fn plugins(cx: &Context<'_>, graph: &Graph<'_>, view: PluginView<'_>) -> Vec<Finding> {
    let requires = view.manifest().map(|manifest| &manifest.requires).into_iter().flatten();
    requires
        .filter_map(|(slug, wanted)| {
            let offered = version_of(graph, slug);
            if offered.is_some_and(|version| wanted.value.matches(version)) {
                return None;
            }
            let unread = graph.unread().find(|view| view.slug() == slug).or_else(|| unnamed(graph, slug));
            if let Some(unread) = unread {
                return Some(unknown(cx, view, (slug, wanted), unread));
            }
            let there = offered.map_or("it is not enabled".to_owned(), |version| format!("{version} is enabled"));
            let message = format!("`{}` requires plugin `{slug}` in {}, and {there}", view.slug(), wanted.value);
            let finding = Finding::new(view.slug(), view.at(wanted.span), message).role(format!("plugin {slug}"));
            Some(finding.label(there).help(format!("enable a version of `{slug}` that fits, or change `requires`")))
        })
        .collect()
}

/// A plugin whose manifest cannot be read, where none is known to have the slug.
fn unnamed<'a>(graph: &Graph<'a>, slug: &str) -> Option<PluginView<'a>> {
    graph.unread().next().filter(|_| !graph.has_plugin(slug))
}

fn unknown(
    cx: &Context<'_>,
    view: PluginView<'_>,
    (slug, wanted): (&str, &Spanned<VersionReq>),
    unread: PluginView<'_>,
) -> Finding {
    let message =
        format!("whether `{slug}` is enabled in {}, as `{}` requires, is not known", wanted.value, view.slug());
    let finding = Finding::new(view.slug(), view.at(wanted.span), message).role(format!("plugin {slug}"));
    finding.severity(cx.unproven()).related(unread.top(), "this manifest cannot be read")
}

fn version_of<'g>(graph: &'g Graph<'_>, slug: &str) -> Option<&'g Version> {
    graph.plugin(slug)?.manifest().map(|manifest| &manifest.version.value)
}

/// Capabilities that are used and not provided in a version that will do.
fn capabilities(cx: &Context<'_>, graph: &Graph<'_>, view: PluginView<'_>) -> Vec<Finding> {
    let uses = view.manifest().map(|manifest| manifest.uses.as_slice()).unwrap_or_default();
    let required = uses.iter().filter(|used| !used.value.optional);
    required.filter(|used| !is_provided(graph, &used.value)).map(|used| unprovided(cx, graph, view, used)).collect()
}

fn is_provided(graph: &Graph<'_>, used: &Used) -> bool {
    let manifests = graph.plugins().filter_map(PluginView::manifest);
    let mut offers = manifests.flat_map(|manifest| &manifest.provides).filter(|offer| offer.value.name == used.name);
    offers.any(|offer| used.range.as_ref().is_none_or(|range| range.matches(&offer.value.version)))
}

fn unprovided(cx: &Context<'_>, graph: &Graph<'_>, view: PluginView<'_>, used: &Spanned<Used>) -> Finding {
    let Used { name, range, .. } = &used.value;
    let range = range.as_ref().map(|range| format!(" in {range}")).unwrap_or_default();
    if let Some(unread) = graph.unread().next() {
        let message = format!(
            "whether anybody provides the capability `{name}`{range}, which `{}` uses, is not known",
            view.slug()
        );
        let finding = Finding::new(view.slug(), view.at(used.span), message).role(format!("capability {name}"));
        return finding.severity(cx.unproven()).related(unread.top(), "this manifest cannot be read");
    }
    let message = format!("`{}` uses the capability `{name}`{range}, which no plugin provides", view.slug());
    let finding = Finding::new(view.slug(), view.at(used.span), message).role(format!("capability {name}"));
    finding.label("nobody provides this").help("enable a plugin that provides it, or mark it `optional: true`")
}
