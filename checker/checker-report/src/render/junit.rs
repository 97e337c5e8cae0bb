//! `JUnit` XML: one suite a plugin, one case a family of rules, so that a pipeline's test tab shows counts.

use super::FAMILIES;
use crate::{Diagnostic, Sheet, Status};
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// What fails the suite fails its case; findings below the floor are in the case's output. A suite of which something
/// could not be read has a case in error, as all the others prove nothing then.
pub(super) fn render(sheet: &Sheet<'_>) -> String {
    let mut report = Report::new("trunkline check");
    for plugin in plugins(sheet) {
        let mut suite = TestSuite::new(if plugin.is_empty() { "suite.yaml" } else { plugin });
        suite.add_test_cases(FAMILIES.map(|family| case(sheet, plugin, family)));
        if plugin.is_empty() {
            suite.add_test_case(complete(sheet));
        }
        report.add_test_suite(suite);
    }
    // Writing into memory does not fail, and every text is cleaned of what XML cannot hold. The attribute `disabled` is
    // none of the schema that readers of test results go by; no text can hold it, as quotes are escaped there.
    report.to_string().unwrap_or_default().replace(" disabled=\"0\"", "")
}

/// The suite itself, which has no name, every plugin of it, and what a finding names besides them.
fn plugins<'a>(sheet: &Sheet<'a>) -> BTreeSet<&'a str> {
    let found = sheet.report.found().map(|finding| finding.plugin.as_str()).chain([""]);
    found.chain(sheet.wiring.plugins.iter().map(|plugin| plugin.slug.as_str())).collect()
}

fn case(sheet: &Sheet<'_>, plugin: &str, (digit, name): (char, &str)) -> TestCase {
    let of_case = |finding: &&Diagnostic| {
        finding.suppressed.is_none() && finding.plugin == plugin && finding.rule.chars().nth(2) == Some(digit)
    };
    let open: Vec<&Diagnostic> = sheet.report.found().filter(of_case).collect();
    let (failing, other): (Vec<_>, Vec<_>) = open.into_iter().partition(|one| sheet.report.gate.fails(one));
    let mut case = TestCase::new(format!("TL{digit}xx {name}"), status(sheet, &failing));
    case.set_classname(if plugin.is_empty() { "suite.yaml" } else { plugin });
    if !other.is_empty() {
        case.set_system_out(lines(sheet, &other));
    }
    case
}

fn complete(sheet: &Sheet<'_>) -> TestCase {
    let status = if sheet.report.status == Status::Incomplete {
        let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
        status.set_message("something could not be read, so a clean result proves nothing");
        status
    } else {
        TestCaseStatus::success()
    };
    let mut case = TestCase::new("everything could be read", status);
    case.set_classname("suite.yaml");
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
