//! What became of a suite: renames, versions deserved, order of upgrades.

use contract_graph::evolution::Bump;
use contract_graph::{Evolution, Suite};
use contract_parse::{PluginSource, SourceFile, parse_plugin};

/// A plugin: the rest of its manifest, its code, its schemas.
fn plugin(slug: &str, manifest: &str, code: &str, schemas: &[(&str, &str)]) -> PluginSource {
    let head = format!("manifest: 1\nslug: {slug}\nname: {slug}\nversion: 1.0.0\nentry: main.js\n");
    let own = [("main.js".to_owned(), code.to_owned()), ("plugin.yaml".to_owned(), format!("{head}{manifest}"))];
    let schemas = schemas.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned()));
    let files = own.into_iter().chain(schemas).map(|(path, text)| SourceFile { path, text }).collect();
    PluginSource { folder: slug.to_owned(), files }
}

fn suite(plugins: &[PluginSource]) -> Suite {
    Suite::of(plugins.iter().map(parse_plugin).collect())
}

/// A plugin that owns topics `slug.NAME`, each with its schema, and publishes them; and hears others.
fn trader(slug: &str, owns: &[(&str, &str)], hears: &[&str]) -> PluginSource {
    let topics: String = owns
        .iter()
        .map(|(name, _)| format!("  {slug}.{name}: {{kind: event, version: 1.0.0, schema: {name}.json}}\n"))
        .collect::<Vec<_>>()
        .concat();
    let names: Vec<String> = owns.iter().map(|(name, _)| format!("{slug}.{name}")).collect();
    let manifest = format!("topics:\n{topics}publishes: [{}]\nconsumes: [{}]\n", names.join(", "), hears.join(", "));
    let publish = names.iter().map(|name| format!("  $app.realtime().publish('{name}', {{}});\n"));
    let verb =
        format!("$app.routerAdd('POST', '/api/{slug}/run', () => {{\n{}}});\n", publish.collect::<Vec<_>>().concat());
    let listen = hears.iter().map(|topic| format!("$app.onEvent('{topic}', e => $app.log('info', e.payload.a));\n"));
    let code = verb + &listen.collect::<Vec<_>>().concat();
    let paths: Vec<String> = owns.iter().map(|(name, _)| format!("{name}.json")).collect();
    let schemas: Vec<(&str, &str)> = paths.iter().zip(owns).map(|(path, (_, text))| (path.as_str(), *text)).collect();
    plugin(slug, &manifest, &code, &schemas)
}

const A: &str = r#"{"type": "object", "properties": {"a": {"type": "string"}}, "additionalProperties": false}"#;
const A_NULL: &str =
    r#"{"type": "object", "properties": {"a": {"type": ["string", "null"]}}, "additionalProperties": false}"#;
const A_CONST: &str = r#"{"type": "object", "properties": {"a": {"const": "x"}}, "additionalProperties": false}"#;
const NOT_A: &str = r#"{"type": "object", "properties": {"a": {"type": "integer"}}, "additionalProperties": false}"#;

/// The steps of the order of upgrades, plugins joined by "+", first to last.
#[track_caller]
fn check_rollout(before: &[PluginSource], after: &[PluginSource], want: &[&str]) {
    let (before, after) = (suite(before), suite(after));
    let evolution = Evolution::between(&before, &after);
    let steps = evolution.rollout().map(|rollout| rollout.steps).unwrap_or_default();
    let got: Vec<String> = steps.iter().map(|step| step.plugins.join("+")).collect();
    assert_eq!(got, want);
    assert!(steps.iter().rev().skip(1).all(|step| !step.because.is_empty()), "{steps:?}");
}

/// The same reader, changed, so that it is part of the upgrade.
fn changed(slug: &str, hears: &[&str]) -> PluginSource {
    let mut source = trader(slug, &[], hears);
    source.files[0].text.push_str("// Changed.\n");
    source
}

#[test]
fn who_is_surprised_is_upgraded_first() {
    let full = |schema: &str| {
        let mut source = trader("gl", &[("t", schema)], &[]);
        source.files[1].text =
            source.files[1].text.replace("version: 1.0.0, schema", "compatibility: full, version: 1.0.0, schema");
        source
    };
    let (reader, newer) = (trader("ar", &[], &["gl.t"]), changed("ar", &["gl.t"]));
    check_rollout(&[full(A), reader.clone()], &[full(A_NULL), newer.clone()], &["ar", "gl"]);
    check_rollout(&[full(A), reader.clone()], &[full(A_CONST), newer.clone()], &["gl", "ar"]);
    check_rollout(&[full(A), reader.clone()], &[full(NOT_A), newer.clone()], &["ar+gl"]);
    check_rollout(&[full(A), reader.clone()], &[full(A), newer], &[]);
    check_rollout(&[full(A), reader.clone()], &[full(A_NULL), reader], &[]);
}

#[test]
fn a_removed_topic_is_given_up_by_its_consumers_first() {
    let before = [trader("gl", &[("t", A)], &[]), trader("ar", &[], &["gl.t"])];
    let after = [trader("gl", &[], &[]), trader("ar", &[], &[])];
    check_rollout(&before, &after, &["ar", "gl"]);
}

#[test]
fn plugins_that_wait_for_each_other_go_at_once() {
    let before = [trader("gl", &[("t", A)], &["ap.t"]), trader("ap", &[("t", A)], &["gl.t"])];
    let after = [trader("gl", &[("t", A_CONST)], &["ap.t"]), trader("ap", &[("t", A_CONST)], &["gl.t"])];
    check_rollout(&before, &after, &["ap+gl"]);
}

#[test]
fn a_rename_is_the_same_payload_from_the_same_place() {
    let before = suite(&[trader("gl", &[("journal.posted", A), ("period.closed", A)], &[])]);
    let after = suite(&[trader("gl", &[("period.shut", A), ("journal.booked", A)], &[])]);
    let evolution = Evolution::between(&before, &after);
    let to = |name: &str| evolution.topic(name).and_then(|topic| topic.renamed_to.clone());
    assert_eq!(to("gl.journal.posted").as_deref(), Some("gl.journal.booked"));
    assert_eq!(to("gl.period.closed").as_deref(), Some("gl.period.shut"));
    let other = suite(&[trader("gl", &[("journal.booked", NOT_A)], &[])]);
    let evolution = Evolution::between(&before, &other);
    assert!(evolution.topics.iter().all(|topic| topic.renamed_to.is_none()));
}

#[test]
fn a_change_deserves_what_it_does_to_others() {
    let deserves = |old: &str, new: &str| {
        let (before, after) = (suite(&[trader("gl", &[("t", old)], &[])]), suite(&[trader("gl", &[("t", new)], &[])]));
        Evolution::between(&before, &after).topic("gl.t").map(contract_graph::evolution::TopicChange::deserves)
    };
    assert_eq!(deserves(A, A), None);
    assert_eq!(
        deserves(A, &A.replace("\"type\": \"object\"", "\"title\": \"T\", \"type\": \"object\"")),
        Some(Bump::Patch)
    );
    assert_eq!(deserves(A, A_NULL), Some(Bump::Minor));
    assert_eq!(deserves(A, A_CONST), Some(Bump::Major));
    assert_eq!(deserves(A, "{"), Some(Bump::Minor));
}
