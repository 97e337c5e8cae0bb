//! A suite that follows its folder says what one that is read afresh says, whatever was saved before.

use crate::common::{MANIFEST, write};
use checker_cli::{LiveSuite, Options, check, load_suite};
use jiff::civil::date;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

const SAVES: usize = 150;

const SLUGS: &[&str] = &["gl", "ap", "ar"];
const MODULES: &[&str] = &[
    "$app.log('info', 'ready');",
    "import { T } from './names.js';\n$app.onEvent(T, e => $app.log('info', e.topic));",
    "$app.routerAdd('POST', '/api/x', e => $app.realtime().publish(e.query.topic, {}));",
    "$app.routerAdd('POST', '/api/x', () => $app.realtime().publish('gl.item.made', { net: 1 }));",
    "$app.onEvent('ap.item.made', e => $app.realtime().publish('ar.item.made', {}));",
    "const = broken",
];
const NAMES: &[&str] = &["export const T = 'ar.item.made';", "export const T = 'ar.item.mad';", "export const U = 1;"];
const MORE: &[&str] = &["", "consumes: [ar.item.made]\n", "publishes: [gl.item.made]\n", "publishes: [\n"];
const SUITES: &[&str] = &["", "name: s\n", "rules: {TL106: error}\n", "compositions: {one: [gl, ap]}\n"];

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
    let (path, text) = match dice.below(8) {
        0..=2 => (format!("{slug}/src/main.js"), dice.of(MODULES).to_owned()),
        3 | 4 => (format!("{slug}/src/names.js"), dice.of(NAMES).to_owned()),
        5 | 6 => (format!("{slug}/plugin.yaml"), MANIFEST.replace("gl", slug) + dice.of(MORE)),
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
        assert_eq!(check(live.suite(), &options), check(&fresh, &options), "save {at}: {changed:?}");
    }
}
