//! Large suites: the report is the same in whatever order the plugins come, and every fault of many is found.
//! `SCALE=5000 cargo test -p checker-rules --test scale` makes it larger, for counting instructions.

use checker_rules::{Options, check};
use contract_graph::Suite;
use contract_parse::{ParsedPlugin, PluginSource, SourceFile, parse_plugin};
use jiff::civil::date;

/// Every plugin publishes two topics and consumes one of its neighbour; every tenth misspells it.
fn plugin(at: usize, count: usize) -> ParsedPlugin {
    let (slug, next) = (format!("p{at:05}"), format!("p{:05}", (at + 1) % count));
    let heard = if at.is_multiple_of(10) { format!("{next}.item.creatd") } else { format!("{next}.item.created") };
    let manifest = format!(
        "manifest: 1\nslug: {slug}\nname: N\nversion: 1.0.0\nentry: src/main.js\ntopics:\n  {slug}.item.created: \
         {{kind: event}}\n  {slug}.item.removed: {{kind: event, visibility: public}}\npublishes: [{slug}.item.created, \
         {slug}.item.removed]\nconsumes: [{heard}]\n"
    );
    let code = format!(
        "$app.routerAdd('POST', '/api/{slug}/x', e => {{\n  $app.realtime().publish('{slug}.item.created', {{}});\n  \
         $app.realtime().publish(`{slug}.item.${{'removed'}}`, {{}});\n}});\n$app.onEvent('{heard}', e => \
         $app.log('info', e.topic));\n"
    );
    let file = |path: &str, text: String| SourceFile { path: path.to_owned(), text };
    parse_plugin(&PluginSource { folder: slug, files: vec![file("plugin.yaml", manifest), file("src/main.js", code)] })
}

#[test]
fn a_large_suite_is_judged_whole_and_the_same_in_any_order() {
    let count = std::env::var("SCALE").ok().and_then(|text| text.parse().ok()).unwrap_or(600);
    let mut plugins: Vec<ParsedPlugin> = (0..count).map(|at| plugin(at, count)).collect();
    let options = Options::on(date(2026, 11, 21));
    let report = check(&Suite::of(plugins.clone()), &options);
    let of = |rule: &str| report.found().filter(|finding| finding.rule == rule).count();
    assert_eq!((of("TL201"), of("TL203")), (count / 10, count / 10));
    assert_eq!(report.summary.plugins, count);
    if count <= 1000 {
        plugins.reverse();
        plugins.rotate_left(count / 3);
        assert_eq!(check(&Suite::of(plugins), &options), report);
    }
}
