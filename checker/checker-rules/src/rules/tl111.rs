//! TL111: a plugin needs a newer core.

use crate::context::Context;
use crate::finding::Finding;
use crate::rule::{Check, Rule};
use checker_report::Severity;
use contract_graph::PluginView;
use semver::Version;

pub(crate) const RULE: Rule = Rule {
    id: "TL111",
    name: "min-core-too-new",
    severity: Severity::Error,
    since: "0.1.0",
    follows: None,
    text: include_str!("tl111.md"),
    check: Check::Suite(check),
};

fn check(cx: &Context<'_>) -> Vec<Finding> {
    cx.suite.views().filter_map(|view| too_new(view, &cx.options.core)).collect()
}

fn too_new(view: PluginView<'_>, core: &Version) -> Option<Finding> {
    let min_core = view.manifest()?.min_core.as_ref().filter(|min_core| min_core.value > *core)?;
    let message = format!("plugin `{}` needs core {} or newer, and this is {core}", view.slug(), min_core.value);
    let finding = Finding::new(view.slug(), view.at(min_core.span), message).label("newer than this core");
    Some(finding.help("run a newer trunkline, or use a version of the plugin that was made for this one"))
}
