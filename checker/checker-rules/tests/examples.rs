//! Every rule's own examples: where it must fire it does, where it must not it keeps quiet.

use checker_report::{Color, Format, Report, Sheet, Wiring};
use checker_rules::{Against, Baseline, Example, Options, REGISTRY, RecordedEvent, Rule, check_against};
use contract_graph::Suite;
use contract_parse::{PluginSource, SourceFile, parse_plugin, parse_suite_manifest};
use jiff::civil::date;
use std::collections::BTreeMap;

/// The file of an example that holds recorded events.
const RECORDED: &str = "recorded.jsonl";

fn suite(files: &[(&str, &str)]) -> Suite {
    let mut folders: BTreeMap<&str, Vec<SourceFile>> = BTreeMap::new();
    let mut suite = Suite::default();
    for (path, text) in files.iter().filter(|(path, _)| *path != RECORDED) {
        if let Some((folder, path)) = path.split_once('/') {
            folders.entry(folder).or_default().push(file(path, text));
        } else if *path == "catalog.json" {
            suite.catalog_text = Some((*text).to_owned());
        } else if *path == "suite.yaml" {
            (suite.manifest, suite.problems) = parse_suite_manifest(path, text);
            suite.manifest_text = Some((*text).to_owned());
        }
    }
    let plugins = folders.into_iter().map(|(folder, mut files)| {
        files.sort_by(|a, b| a.path.cmp(&b.path));
        parse_plugin(&PluginSource { folder: folder.to_owned(), files })
    });
    suite.plugins = plugins.collect();
    suite
}

/// A file of a plugin. `main.js repeat 3000` stands for one long line of that text, so many times over.
fn file(path: &str, text: &str) -> SourceFile {
    match path.split_once(" repeat ") {
        None => SourceFile { path: path.to_owned(), text: text.to_owned() },
        Some((path, times)) => {
            let times = times.parse().expect("a number");
            SourceFile { path: path.to_owned(), text: text.trim_end().repeat(times) }
        }
    }
}

/// The suite as it was: the files given for it, and the others as they are. An empty file was not there.
fn base(example: &Example<'_>) -> Option<Suite> {
    let mut files: BTreeMap<&str, &str> = example.files.iter().copied().collect();
    files.extend(example.base.iter().copied());
    files.retain(|_, text| !text.trim().is_empty());
    (!example.base.is_empty()).then(|| suite(&files.into_iter().collect::<Vec<_>>()))
}

fn recorded(example: &Example<'_>) -> Vec<RecordedEvent> {
    let logs = example.files.iter().filter(|(path, _)| *path == RECORDED);
    logs.flat_map(|(_, text)| RecordedEvent::read_all(text).expect("events")).collect()
}

/// The example's `baseline.txt`.
fn baseline(example: &Example<'_>) -> Option<Baseline> {
    let (file, text) = example.files.iter().find(|(path, _)| *path == "baseline.txt")?;
    Some(Baseline::parse(file, text).expect("a baseline"))
}

fn judge(example: &Example<'_>) -> (Report, String) {
    let suite = suite(&example.files);
    let base = base(example);
    let recorded = recorded(example);
    let against = Against { base: base.as_ref(), recorded: &recorded };
    let options = Options { baseline: baseline(example), ..Options::on(date(2026, 11, 21)) };
    let report = check_against(&suite, &against, &options);
    let texts = |file: &str| suite.text(file);
    let (wiring, color) = (Wiring::default(), Color::Never);
    let sheet = Sheet { report: &report, texts: &texts, rules: &[], wiring: &wiring, root: "", docs: "", color };
    let text = Format::Text.render(&sheet);
    (report.clone(), text)
}

fn fires(rule: &Rule, report: &Report) -> bool {
    report.found().any(|finding| finding.rule == rule.id && finding.suppressed.is_none())
}

#[test]
fn every_rule_holds_its_examples() {
    let mut wrong = Vec::new();
    for rule in REGISTRY {
        let doc = rule.doc();
        assert!(!doc.what.is_empty() && !doc.fix.is_empty(), "{} lacks text", rule.id);
        assert!(!doc.fires.is_empty() && !doc.quiet.is_empty(), "{} lacks examples", rule.id);
        for (expected, examples) in [(true, &doc.fires), (false, &doc.quiet)] {
            for (at, example) in examples.iter().enumerate() {
                let (report, text) = judge(example);
                if fires(rule, &report) != expected {
                    wrong.push(format!("{} example {at}, must fire: {expected}\n{text}", rule.id));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_finding_has_a_place_and_a_fingerprint() {
    for rule in REGISTRY {
        for example in rule.doc().fires {
            for finding in judge(&example).0.findings {
                assert!(!finding.location.file.is_empty() && finding.location.line > 0, "{finding:?}");
                assert_eq!(finding.fingerprint.len(), 16);
                assert!(!finding.message.ends_with('.'), "{}", finding.message);
            }
        }
    }
}

#[test]
fn examples_that_must_not_fire_are_otherwise_clean_of_reading_faults() {
    for rule in REGISTRY {
        for example in rule.doc().quiet {
            let (report, text) = judge(&example);
            let reading = ["TL101", "TL102", "TL103", "TL105", "TL310", "TL501", "TL704", "TL705"];
            assert!(report.found().all(|finding| !reading.contains(&finding.rule)), "{}\n{text}", rule.id);
        }
    }
}
