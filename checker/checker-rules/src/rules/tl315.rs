//! TL315: the manifest lists a capability that the code does not use.

use crate::capabilities::CONSUMES;
use crate::finding::{Finding, taken_out};
use crate::rule::{Check, Rule};
use checker_report::Severity;
use contract_graph::PluginView;

pub(crate) const RULE: Rule = Rule {
    id: "TL315",
    name: "capability-not-used",
    severity: Severity::Warning,
    since: "0.1.0",
    follows: None,
    text: include_str!("tl315.md"),
    check: Check::Plugin(check),
};

fn check(view: PluginView<'_>) -> Vec<Finding> {
    if hears_of_providers(view) {
        return Vec::new();
    }
    let unused = CONSUMES.untouched(view).into_iter();
    unused
        .map(|(name, span)| {
            let message =
                format!("`{}` declares that it uses the capability `{name}`, but its code never does", view.slug());
            Finding::new(view.slug(), view.at(span), message)
                .role(name)
                .label("no such call in the code")
                .suggest("take the entry out, or ask for it with `$app.capability`", taken_out(view, span))
        })
        .collect()
}

/// Whether its code may hear of providers that come and go: that is a use of whatever is listed. The word decides, however
/// it comes to be called.
fn hears_of_providers(view: PluginView<'_>) -> bool {
    let texts = view.parsed.modules.iter().filter_map(|module| view.parsed.texts.get(module));
    texts.into_iter().any(|text| text.contains("onAttach") || text.contains("onDetach"))
}
