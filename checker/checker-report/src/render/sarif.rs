//! SARIF 2.1.0, for code scanning and editors.

use super::{Ordinals, family};
use crate::uri::uri_path;
use crate::{Baseline, Diagnostic, Edit, Known, RuleCard, Severity, Sheet, Status, Suggestion, Suppressed};
use contract_model::Location;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// One log with one run: every finding, the suppressed ones marked as such, and what the baseline still lists.
pub(super) fn render(sheet: &Sheet<'_>) -> String {
    let report = sheet.report;
    let rules = used_rules(sheet);
    let mut ordinals = Ordinals::default();
    let found = report.found().map(|one| result(sheet, &rules, one, ordinals.next(&one.fingerprint)));
    let mut results: Vec<Value> = found.collect();
    results.extend(report.absent.iter().flatten().map(|known| absent(sheet, known)));
    super::json::document(&json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": report.tool.name,
                "version": report.tool.version,
                "semanticVersion": report.tool.version,
                "informationUri": sheet.docs,
                "rules": rules.iter().map(|rule| descriptor(sheet, rule)).collect::<Vec<_>>(),
            }},
            "automationDetails": {"id": format!("trunkline-check/{}", uri_path(sheet.root))},
            "columnKind": "unicodeCodePoints",
            "invocations": [{"executionSuccessful": report.status != Status::Incomplete}],
            "results": results,
        }],
    }))
}

/// The rules that some finding names, in the order of their ids.
fn used_rules<'a>(sheet: &Sheet<'a>) -> Vec<&'a RuleCard> {
    let used: BTreeSet<&str> = sheet.report.found().map(|finding| finding.rule).collect();
    sheet.rules.iter().filter(|rule| used.contains(rule.id)).collect()
}

fn descriptor(sheet: &Sheet<'_>, rule: &RuleCard) -> Value {
    json!({
        "id": rule.id,
        "name": rule.name,
        "shortDescription": {"text": format!("{}.", rule.summary)},
        "fullDescription": {"text": rule.what},
        "helpUri": sheet.page(rule.id),
        "help": {"text": rule.fix, "markdown": format!("{}\n\n## Fix\n\n{}", rule.what, rule.fix)},
        "defaultConfiguration": {"level": level(rule.severity)},
        // What code scanning filters by.
        "properties": {"tags": ["contracts", family(rule.id).replace(' ', "-")], "problem.severity": problem(rule.severity)},
    })
}

fn problem(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "recommendation",
    }
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "note",
    }
}

fn result(sheet: &Sheet<'_>, rules: &[&RuleCard], finding: &Diagnostic, ordinal: usize) -> Value {
    let mut result = json!({
        "ruleId": finding.rule,
        "level": level(finding.severity),
        "message": {"text": finding.message},
        "locations": [{"physicalLocation": physical(sheet, &finding.location)}],
        "partialFingerprints": {
            "trunkline/v1": finding.fingerprint,
            // The one that GitHub follows a finding by. It wants a number that tells equal ones apart.
            "primaryLocationLineHash": format!("{}:{ordinal}", finding.fingerprint),
        },
        "properties": properties(finding),
    });
    let mut set = |key: &str, value: Value| result[key] = value;
    if let Some(index) = rules.iter().position(|rule| rule.id == finding.rule) {
        set("ruleIndex", json!(index));
    }
    if !finding.related.is_empty() {
        set("relatedLocations", related(sheet, finding));
    }
    if sheet.report.absent.is_some() {
        let known = finding.baseline == Baseline::Existing;
        set("baselineState", json!(if known { "unchanged" } else { "new" }));
    }
    if let Some(suppressed) = &finding.suppressed {
        set("suppressions", json!([suppression(suppressed)]));
    }
    if let Some(suggestion) = finding.suggestion.as_ref().filter(|suggestion| !suggestion.edits.is_empty()) {
        set("fixes", json!([fix(sheet, suggestion)]));
    }
    result
}

fn properties(finding: &Diagnostic) -> Value {
    let mut properties = json!({"plugin": finding.plugin});
    if let Some(topic) = &finding.topic {
        properties["topic"] = json!(topic);
    }
    properties
}

/// A finding that is gone, where it was.
fn absent(sheet: &Sheet<'_>, known: &Known) -> Value {
    json!({
        "ruleId": known.rule,
        "level": "none",
        "kind": "pass",
        "locations": [{"physicalLocation": physical(sheet, &known.location)}],
        "message": {"text": format!("no longer found: {}", known.hint)},
        "partialFingerprints": {"trunkline/v1": known.fingerprint},
        "baselineState": "absent",
    })
}

fn related(sheet: &Sheet<'_>, finding: &Diagnostic) -> Value {
    let one = |(id, related): (usize, &crate::Related)| {
        json!({
            "id": id + 1,
            "message": {"text": related.message},
            "physicalLocation": physical(sheet, &related.location),
        })
    };
    finding.related.iter().enumerate().map(one).collect()
}

fn suppression(suppressed: &Suppressed) -> Value {
    let kind = if suppressed.by == "inline" { "inSource" } else { "external" };
    json!({"kind": kind, "status": "accepted", "justification": format!("{}: {}", suppressed.by, suppressed.reason)})
}

fn fix(sheet: &Sheet<'_>, suggestion: &Suggestion) -> Value {
    let mut files: BTreeMap<String, Vec<&Edit>> = BTreeMap::new();
    for edit in &suggestion.edits {
        files.entry(sheet.path(&edit.location)).or_default().push(edit);
    }
    let replacement =
        |edit: &&Edit| json!({"deletedRegion": region(&edit.location), "insertedContent": {"text": edit.text}});
    let change = |(file, edits): (&String, &Vec<&Edit>)| {
        json!({
            "artifactLocation": artifact(file),
            "replacements": edits.iter().map(replacement).collect::<Vec<_>>(),
        })
    };
    json!({"description": {"text": suggestion.message}, "artifactChanges": files.iter().map(change).collect::<Vec<_>>()})
}

fn physical(sheet: &Sheet<'_>, at: &Location) -> Value {
    json!({"artifactLocation": artifact(&sheet.path(at)), "region": region(at)})
}

fn artifact(path: &str) -> Value {
    json!({"uri": uri_path(path), "uriBaseId": "%SRCROOT%"})
}

fn region(at: &Location) -> Value {
    json!({"startLine": at.line, "startColumn": at.column, "endLine": at.end_line, "endColumn": at.end_column})
}

#[cfg(test)]
mod tests {
    #[test]
    fn paths_become_uris() {
        assert_eq!(super::uri_path("a b/c#1/ö%.js"), "a%20b/c%231/%C3%B6%25.js");
    }
}
