//! A suite that follows its folder says what one that is read afresh says, whatever was saved before.

use crate::common::{MANIFEST, write};
use checker_cli::{Color, Format, LiveSuite, Options, Suite, check, load_suite, render};
use contract_graph::Moved;
use jiff::civil::date;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

const SAVES: usize = 500;

const SLUGS: &[&str] = &["gl", "ap", "ar"];
const MODULES: &[&str] = &[
    "$app.log('info', 'ready');",
    "import { T } from './names.js';\n$app.onEvent(T, e => $app.log('info', e.topic));",
    "$app.routerAdd('POST', '/api/x', e => $app.realtime().publish(e.query.topic, {}));",
    "$app.routerAdd('POST', '/api/x', () => $app.realtime().publish('gl.item.made', { net: 1 }));",
    "$app.onEvent('ap.item.made', e => $app.realtime().publish('ar.item.made', {}));",
    "const = broken",
    // The same wiring elsewhere, and written otherwise: names that are nearly others, two in one, a loop, an answer.
    "// one\n// two\n$app.onEvent('ap.item.made', e => $app.realtime().publish('ar.item.made', {}));",
    "$app.onEvent(`ap.item.${'made'}`, e =>\n  $app.realtime().publish('ar.item.made', {}));",
    "$app.onEvent('ap.item.maed', e => $app.log('info', e.payload.total));",
    "\n$app.onEvent('ap.item.maed', e => $app.log('info', e.payload.sum));",
    "$app.onEvent('ap.Item.made', e => $app.log('info', e.topic)); // tl-allow TL201: it comes",
    "\n\n$app.onEvent(`ap.Item.${'made'}`, e => $app.log('info', e.topic));",
    "$app.onEvent('ar.item.made', e => $app.realtime().publish('ap.item.made', {}));",
    "\n$app.onEvent('ar.item.made', e => $app.realtime().publish('ap.item.made', { net: 0.5 }));",
    "$app.onEvent('gl.item.get.request', e => e.reply({}));\n$app.onEvent('gl.item.*', e => $app.log('info', e.topic));",
    "\n$app.onEvent('gl.item.get.request', e => { if (e.payload.id) e.reply({}); });\n$app.onEvent('gl.item.*', () => {});",
    "function later() { $app.onEvent('ar.item.made', e => $app.log('info', e.topic)); }",
    "\nfunction later() { $app.onEvent('ar.item.made', e => $app.log('info', e.topic)); }",
    "$app.routerAdd('POST', '/api/x', e => { $app.realtime().publish(e.query.topic, {}); $app.realtime().publish(e.query.b, {}); });",
];
/// One half of a circle: the same facts in the same order under another handler, another condition, another guard; and
/// the other half.
const CIRCLE: &[&str] = &[
    "$app.onEvent('ap.item.made', e => $app.realtime().publish('ar.item.made', {}));",
    "$app.onEvent('ap.item.made', () => go());\nfunction go() { $app.realtime().publish('ar.item.made', {}); }\n$app.routerAdd('POST', '/api/x', () => {});",
    "$app.onEvent('ap.item.made', () => {});\nfunction go() { $app.realtime().publish('ar.item.made', {}); }\n$app.routerAdd('POST', '/api/x', () => go());",
    "$app.onEvent('ap.item.made', { when: 'id > 1' }, e => $app.realtime().publish('ar.item.made', {}));",
    "$app.onEvent('ap.item.made', e => { if (e.payload.id) $app.realtime().publish('ar.item.made', {}); });",
    "$app.onEvent('ar.item.made', e => $app.realtime().publish('ap.item.made', {}));",
];
const NAMES: &[&str] = &["export const T = 'ar.item.made';", "export const T = 'ar.item.mad';", "export const U = 1;"];
const MORE: &[&str] = &[
    "",
    "consumes: [ar.item.made]\n",
    "publishes: [gl.item.made]\n",
    "publishes: [\n",
    "topics:\n  ap.item.made: {kind: event, deprecated: {since: 1.0.0, use: ar.item.made}}\n  gl.item.get.request: {kind: request}\n",
    "topics:\n  ar.item.made: {kind: event, visibility: private}\nconsumes: ['**', ap.item.made]\n",
];
const SUITES: &[&str] = &[
    "",
    "name: s\n",
    "rules: {TL106: error}\n",
    "compositions: {one: [gl, ap]}\n",
    "compositions: {one: [gl, ap], two: [gl, ar]}\n",
];

/// Numbers that look random and are the same in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(end).expect("small")).expect("small")
    }

    fn of<'t>(&mut self, all: &[&'t str]) -> &'t str {
        all[self.below(all.len())]
    }
}

/// Saves, adds or takes one file; its path.
fn save(folder: &Path, dice: &mut Dice) -> PathBuf {
    let slug = dice.of(SLUGS);
    let (path, text) = match dice.below(16) {
        0..=4 => (format!("{slug}/src/main.js"), dice.of(MODULES).to_owned()),
        5..=9 => (format!("{slug}/src/main.js"), dice.of(CIRCLE).to_owned()),
        10 | 11 => (format!("{slug}/src/names.js"), dice.of(NAMES).to_owned()),
        12..=14 => (format!("{slug}/plugin.yaml"), MANIFEST.replace("gl", slug) + dice.of(MORE)),
        _ => ("suite.yaml".to_owned(), dice.of(SUITES).to_owned()),
    };
    // One plugin always stays, as a folder without plugins is no suite.
    if dice.below(6) == 0 && slug != "gl" && path != "suite.yaml" {
        drop(std::fs::remove_file(folder.join(&path)));
    } else {
        write(folder, &path, text.as_bytes());
    }
    PathBuf::from(path)
}

#[test]
fn what_follows_a_folder_says_what_a_fresh_look_says() {
    let folder = tempfile::tempdir().expect("folder");
    for slug in SLUGS {
        write(folder.path(), &format!("{slug}/plugin.yaml"), MANIFEST.replace("gl", slug).as_bytes());
        write(folder.path(), &format!("{slug}/src/main.js"), MODULES[0].as_bytes());
    }
    let options = Options::on(date(2026, 11, 21));
    let mut live = LiveSuite::load(folder.path()).expect("a suite");
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    for at in 0..SAVES {
        let changed: BTreeSet<PathBuf> = (0..=dice.below(2)).map(|_| save(folder.path(), &mut dice)).collect();
        live.refresh(&changed).expect("readable");
        let fresh = load_suite(folder.path()).expect("a suite");
        let (incremental, cold) = (live.check(&options), check(&fresh, &options));
        assert_eq!(incremental, cold, "save {at}: {changed:?}");
        let json = |suite: &Suite, report| render(suite, report, Format::Json, Color::Never);
        assert_eq!(json(live.suite(), &incremental), json(&fresh, &cold), "save {at}: {changed:?}");
    }
}

/// What may be remembered: the saves of the test above would pass if nothing ever were.
#[test]
fn a_change_of_code_that_wires_nothing_else_only_moves_places() {
    let folder = tempfile::tempdir().expect("folder");
    let read = |manifest: &str, module: &str| {
        write(folder.path(), "gl/plugin.yaml", manifest.as_bytes());
        write(folder.path(), "gl/src/main.js", module.as_bytes());
        checker_cli::read_plugin(folder.path(), "gl")
    };
    let before = read(MANIFEST, "$app.onEvent('ap.item.made', e => {});");
    let moved = |module: &str| Moved::between(&before, &read(MANIFEST, module));
    let known = moved("// a word\n$app.onEvent('ap.item.made', e => $app.log('info', e.topic));").expect("alike");
    let place = &before.facts[0].location;
    assert_eq!(known.place(place).map(|at| at.line), Some(place.line + 1));
    assert_eq!(known.place(&contract_model::Location { column: 9, ..place.clone() }), None, "no fact stands there");
    for other in
        ["$app.onEvent('ap.item.mad', e => {});", "", "const = broken", "if (e) $app.onEvent('ap.item.made', e => {});"]
    {
        assert!(moved(other).is_none(), "{other}");
    }
    let code = "$app.onEvent('ap.item.made', e => {});";
    assert!(Moved::between(&before, &read(&(MANIFEST.to_owned() + "tags: [a]\n"), code)).is_none(), "a manifest");
}
