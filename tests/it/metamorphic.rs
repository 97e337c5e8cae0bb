//! What must not matter to the checker does not: the order of files, the number of threads, a topic's name, what else
//! is in the suite. And no text, however broken, ends it.

use checker_cli::{Color, Format, Report, Suite, load_suite_with, render};
use rand::rngs::StdRng;
use rand::seq::SliceRandom as _;
use rand::{RngExt as _, SeedableRng as _};
use std::collections::BTreeSet;
use std::process::Command;
use tests::binary;
use tests::daemon::run;
use tests::mutation::run::wires;
use tests::mutation::texts::{Texts, judge};
use tests::mutation::{Base, yaml};
use tests::report::say;

const RUNS: usize = 20;
/// Plugins judged with a text cut off or garbled.
const GARBLED: usize = 300;
const NESTING: usize = 20_000;

#[test]
fn output_is_the_same_bytes_whatever_the_threads_and_runs() {
    for folder in [binary::ledger_example(), binary::workspace().join("tests/suites/shopfloor")] {
        let first = everything(&load_suite_with(&folder, Some(1)).expect("the suite"));
        for at in 0..RUNS {
            let suite = load_suite_with(&folder, Some(1 + at % 4)).expect("the suite");
            assert!(everything(&suite) == first, "run {at} of {}", folder.display());
        }
    }
}

#[test]
fn output_does_not_depend_on_the_order_of_files() {
    let mut random = StdRng::seed_from_u64(3);
    for base in Base::all() {
        let expected = everything(&base.suite);
        for _ in 0..3 {
            let reversed: bool = random.random();
            let mut suite = base.texts.suite(|folder| Some(base.texts.plugin(folder, reversed)));
            suite.plugins.shuffle(&mut random);
            suite = Suite { plugins: Suite::of(suite.plugins).plugins, ..suite };
            assert!(everything(&suite) == expected, "{}", base.name);
        }
    }
}

#[test]
fn renaming_a_topic_everywhere_renames_it_in_the_graph() {
    let mut renamed = 0;
    for base in Base::all() {
        for topic in literal_topics(&base) {
            let new = format!("{topic}-by-another-name");
            let texts = base.texts.0.iter().map(|(path, text)| (path.clone(), rename(text, topic, &new))).collect();
            let suite = Texts(texts).suite(|_| None);
            let expected: BTreeSet<_> = wires(&base.suite)
                .into_iter()
                .map(|(plugin, kind, name)| (plugin, kind, if name == topic { new.clone() } else { name }))
                .collect();
            assert_eq!(wires(&suite), expected, "{topic} of {}", base.name);
            assert_eq!(spoken(&judge(&suite)), spoken(&base.report), "{topic} of {}", base.name);
            renamed += 1;
        }
    }
    assert!(renamed > 10, "only {renamed} topics were renamed");
}

#[test]
fn two_disjoint_suites_together_have_the_findings_of_both() {
    let [ledger, clinic, shopfloor] = Base::all().try_into().expect("three suites");
    for (one, other) in [(&ledger, &clinic), (&clinic, &shopfloor), (&shopfloor, &ledger)] {
        for broken in [false, true] {
            let (one, other) = (form(one, broken), form(other, broken));
            let mut expected = spoken(&judge(&one));
            expected.extend(spoken(&judge(&other)));
            assert_eq!(spoken(&judge(&union(&one, &other))), expected);
            assert!(!broken || !expected.is_empty(), "the broken form is not broken");
        }
    }
}

#[test]
fn no_garbled_text_makes_the_checker_panic() {
    let mut random = StdRng::seed_from_u64(11);
    let bases = Base::all();
    for _ in 0..GARBLED {
        let base = &bases[random.random_range(0..bases.len())];
        let mut texts = base.texts.clone();
        let at = random.random_range(0..texts.0.len());
        let text = texts.0.values_mut().nth(at).expect("a text");
        garble(text, &mut random);
        let report = judge(&texts.suite(|_| None));
        assert!(report.found().all(|one| one.location.line > 0 && !one.location.file.is_empty()));
    }
    say(&format!("{GARBLED} suites with a garbled text judged"));
}

#[test]
fn deep_nesting_is_answered() {
    let deep = |open: &str, close: &str| open.repeat(NESTING) + &close.repeat(NESTING);
    let sources = [
        format!("const x = {};\n", deep("(", ")")),
        format!("const x = {};\n", deep("[", "]")),
        deep("{", "}"),
        format!("const x = {}1;\n", "1 + ".repeat(NESTING)),
        format!("const x = {}1;\n", "!".repeat(NESTING)),
        format!("const x = y{};\n", ".z".repeat(NESTING)),
        format!("const x = {}1{};\n", "f(".repeat(NESTING), ")".repeat(NESTING)),
    ];
    for (at, source) in sources.iter().enumerate() {
        answered(&tests::Suite::new().plugin("probe", "", source), at);
    }
    let yaml = format!("x-deep: {}\n", deep("[", "]"));
    answered(&tests::Suite::new().plugin("probe", &yaml, "$app.log(\"info\", \"ready\", {});\n"), sources.len());
}

/// The binary ends by itself and says something.
fn answered(suite: &tests::Suite, at: usize) {
    let ran = run(Command::new(binary::trunkline_check()).arg("check").arg(suite.path()).args(["--out", "json"]));
    assert!(matches!(ran.exit, Some(0 | 1 | 3)), "text {at}: {:?} {}", ran.exit, ran.err);
    assert!(ran.out.starts_with('{'), "text {at}: {}", ran.out);
}

fn everything(suite: &Suite) -> Vec<String> {
    let report = judge(suite);
    Format::ALL.iter().map(|(_, format)| render(suite, &report, *format, Color::Never)).collect()
}

/// Topics that stand in full wherever the code uses them.
fn literal_topics(base: &Base) -> BTreeSet<&str> {
    let written = |place: &tests::mutation::truth::Place, topic: &str| {
        let argument = base.argument(place).map(|range| &base.text(&place.file)[range]);
        argument.is_some_and(|text| text.trim_matches(['"', '\'', '`']) == topic)
    };
    let topics = base.topics().into_iter().filter(|topic| !topic.contains('*') && !base.is_request(topic));
    let literal = |topic: &&str| {
        let mut places = base.places.iter().filter(|place| place.topics.contains(*topic));
        places.all(|place| written(place, topic))
    };
    let patterns: Vec<&str> = base.topics().into_iter().filter(|topic| topic.contains('*')).collect();
    topics.filter(literal).filter(|topic| !patterns.iter().any(|one| contract_graph::overlap(one, topic))).collect()
}

fn rename(text: &str, topic: &str, new: &str) -> String {
    let mut out = text.to_owned();
    let words: Vec<_> = yaml::words(text, topic).collect();
    for word in words.into_iter().rev() {
        out.replace_range(word, new);
    }
    out
}

type Spoken = BTreeSet<(&'static str, String, Option<String>, String, u32)>;

fn spoken(report: &Report) -> Spoken {
    let line = |one: &checker_report::Diagnostic| {
        (one.rule, one.plugin.clone(), one.topic.clone(), one.location.file.to_string(), one.location.line)
    };
    report.found().map(line).collect()
}

/// A suite as it is, or with the manifests of its plugins emptied of what they consume.
fn form(base: &Base, broken: bool) -> Suite {
    let mut texts = base.texts.clone();
    if broken {
        for (_, text) in texts.0.iter_mut().filter(|(path, _)| path.ends_with("plugin.yaml")) {
            if let Some(section) = yaml::section(text, "consumes") {
                text.replace_range(section, "");
            }
        }
    }
    texts.suite(|_| None)
}

/// Both suites in one, with the compositions of both.
fn union(one: &Suite, other: &Suite) -> Suite {
    let plugins = one.plugins.iter().chain(&other.plugins).cloned().collect();
    let mut manifest = one.manifest.clone();
    manifest.external.extend(other.manifest.external.clone());
    for (name, slugs) in &other.manifest.compositions {
        manifest.compositions.insert(format!("other-{name}"), slugs.clone());
    }
    Suite { manifest, manifest_text: one.manifest_text.clone(), ..Suite::of(plugins) }
}

/// Cuts a text off, or puts something into it that does not belong there.
fn garble(text: &mut String, random: &mut StdRng) {
    const JUNK: [&str; 12] =
        ["{", "}", "\"", "`${", "\u{0}", "\u{2028}", ": - ? |", "&a *a", "<<: *x", "/*", "\u{1F600}", "import("];
    let mut at = random.random_range(0..=text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    if random.random() {
        text.truncate(at);
    } else {
        text.insert_str(at, JUNK[random.random_range(0..JUNK.len())]);
    }
}
