//! `JUnit` XML: one suite a plugin, one case a family of rules, so that a pipeline's test tab shows counts.

use crate::{Diagnostic, Sheet};
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// The families by the first digit of their rules.
const FAMILIES: [(char, &str); 9] = [
    ('1', "TL1xx manifest"),
    ('2', "TL2xx wiring"),
    ('3', "TL3xx manifest and code agree"),
    ('4', "TL4xx requests and replies"),
    ('5', "TL5xx payloads"),
    ('6', "TL6xx evolution"),
    ('7', "TL7xx nothing overlooked"),
    ('8', "TL8xx policy"),
    ('9', "TL9xx exceptions"),
];

/// What fails the suite fails its case; findings below the floor are in the case's output.
pub(super) fn render(sheet: &Sheet<'_>) -> String {
    let mut report = Report::new("trunkline check");
    for plugin in plugins(sheet) {
        let mut suite = TestSuite::new(if plugin.is_empty() { "suite.yaml" } else { plugin });
        suite.add_test_cases(FAMILIES.map(|family| case(sheet, plugin, family)));
        report.add_test_suite(suite);
    }
    // Writing into memory does not fail, and every text is cleaned of what XML cannot hold. The attribute `disabled` is
    // none of the schema that readers of test results go by; no text can hold it, as quotes are escaped there.
    report.to_string().unwrap_or_default().replace(" disabled=\"0\"", "")
}

/// Every plugin of the suite, and what a finding names besides them; the suite itself has no name.
fn plugins<'a>(sheet: &Sheet<'a>) -> BTreeSet<&'a str> {
    let found = sheet.report.findings.iter().map(|finding| finding.plugin.as_str());
    found.chain(sheet.wiring.plugins.iter().map(|plugin| plugin.slug.as_str())).collect()
}

fn case(sheet: &Sheet<'_>, plugin: &str, (digit, name): (char, &str)) -> TestCase {
    let of_case = |finding: &&Diagnostic| {
        finding.suppressed.is_none() && finding.plugin == plugin && finding.rule.chars().nth(2) == Some(digit)
    };
    let open: Vec<&Diagnostic> = sheet.report.findings.iter().filter(of_case).collect();
    let (failing, other): (Vec<_>, Vec<_>) = open.into_iter().partition(|one| sheet.report.gate.fails(one));
    let mut case = TestCase::new(name, status(sheet, &failing));
    case.set_classname(if plugin.is_empty() { "suite.yaml" } else { plugin });
    if !other.is_empty() {
        case.set_system_out(lines(sheet, &other));
    }
    case
}

fn status(sheet: &Sheet<'_>, failing: &[&Diagnostic]) -> TestCaseStatus {
    let Some(first) = failing.first() else { return TestCaseStatus::success() };
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
    let more = if failing.len() > 1 { format!(", and {} more", failing.len() - 1) } else { String::new() };
    status.set_message(format!("{} {}{more}", first.rule, first.message));
    status.set_type(first.name);
    status.set_description(lines(sheet, failing));
    status
}

fn lines(sheet: &Sheet<'_>, findings: &[&Diagnostic]) -> String {
    let mut out = String::new();
    for finding in findings {
        let Diagnostic { severity, rule, message, location: at, .. } = finding;
        let _ = writeln!(out, "{severity} {rule} {}:{}:{} {message}", sheet.path(at), at.line, at.column);
    }
    out
}
