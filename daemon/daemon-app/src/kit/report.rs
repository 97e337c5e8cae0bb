//! How tests went, as text, JSON and `JUnit`. Nothing of it depends on the time that it took.

use super::coverage::Coverage;
use super::misuse::broken;
use super::run::Run;
use crate::exit::Failure;
use anyhow::{Context, anyhow};
use daemon_frame::{AppError, Failure as Thrown, FaultKind};
use quick_junit::{NonSuccessKind, Report as JUnit, TestCase, TestCaseStatus, TestSuite};
use serde_json::json;
use similar::{ChangeTag, TextDiff};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write;
use std::path::PathBuf;
use std::str::FromStr;

/// How one test went.
pub(super) enum Verdict {
    Passed,
    /// It threw.
    Failed(Box<Thrown>),
    /// Its worker is no more.
    Lost(String),
}

impl Verdict {
    /// It could not even begin.
    pub(super) fn broken(why: &str) -> Self {
        Self::refused(broken(why))
    }

    /// It was not let begin.
    pub(super) fn refused(error: AppError) -> Self {
        Self::Failed(Box::new(Thrown {
            kind: FaultKind::App,
            error,
            function: None,
            position: None,
            stack: Vec::new(),
        }))
    }
}

/// One test and how it went.
pub(super) struct Told {
    plugin: String,
    file: String,
    name: String,
    verdict: Verdict,
    /// Calls that were refused and handlers that failed while it ran.
    troubles: Vec<String>,
    logs: Vec<String>,
}

impl Told {
    pub(super) fn new(run: &Run<'_>, name: &str, verdict: Verdict) -> Self {
        let (plugin, file, name) = (run.slug.to_owned(), run.file.to_owned(), name.to_owned());
        Self { plugin, file, name, verdict, troubles: Vec::new(), logs: Vec::new() }
    }

    pub(super) fn with(self, troubles: Vec<String>, logs: Vec<String>) -> Self {
        Self { troubles, logs, ..self }
    }

    fn passed(&self) -> bool {
        matches!(self.verdict, Verdict::Passed)
    }

    /// What went wrong, and where; none where nothing did.
    fn message(&self) -> Option<String> {
        match &self.verdict {
            Verdict::Passed => None,
            Verdict::Lost(why) => Some(why.clone()),
            // What the test's own code throws needs no code to be found by.
            Verdict::Failed(thrown) if ["EXPECTATION", "PLUGIN_ERROR"].contains(&thrown.error.code.as_str()) => {
                Some(thrown.error.message.clone())
            }
            Verdict::Failed(thrown) => Some(format!("{}: {}", thrown.error.code, thrown.error.message)),
        }
    }

    fn place(&self) -> Option<String> {
        let Verdict::Failed(thrown) = &self.verdict else { return None };
        let at = thrown.position.as_ref()?;
        Some(format!("{}:{}:{}", at.file, at.line, at.column))
    }

    /// The difference between what was expected and what was there, a line a field.
    fn difference(&self) -> Option<String> {
        let Verdict::Failed(thrown) = &self.verdict else { return None };
        let pretty = |name: &str| Some(format!("{:#}\n", thrown.error.details.get(name)?));
        let (expected, actual) = (pretty("expected")?, pretty("actual")?);
        if expected.lines().count() + actual.lines().count() <= 2 {
            return None;
        }
        let mut text = String::from("- expected\n+ actual\n");
        for change in TextDiff::from_lines(&expected, &actual).iter_all_changes() {
            let sign = match change.tag() {
                ChangeTag::Delete => '-',
                ChangeTag::Insert => '+',
                ChangeTag::Equal => ' ',
            };
            let _ = write!(text, "{sign} {}", change.value());
        }
        Some(text)
    }

    /// Everything that there is to say of a failure.
    fn detail(&self) -> String {
        let place = self.place().map(|place| format!("at {place}"));
        let stack = match &self.verdict {
            Verdict::Failed(thrown) if thrown.stack.len() > 1 => Some(thrown.stack.join("\n")),
            _ => None,
        };
        let troubles = (!self.troubles.is_empty())
            .then(|| format!("what went wrong on the way:\n  {}", self.troubles.join("\n  ")));
        let logs = (!self.logs.is_empty()).then(|| self.logs.join("\n"));
        let parts = [self.message(), place, self.difference(), stack, troubles, logs];
        parts.into_iter().flatten().map(|part| part.trim_end().to_owned()).collect::<Vec<_>>().join("\n")
    }
}

/// All tests, and what of the plugins they have reached.
#[derive(Default)]
pub(super) struct Report {
    pub(super) tests: Vec<Told>,
    pub(super) coverage: Vec<Coverage>,
}

impl Report {
    pub(super) fn failed(&self) -> usize {
        self.tests.iter().filter(|test| !test.passed()).count()
    }

    /// Tests by plugin and file, in the order in which they ran.
    fn by_file(&self) -> Vec<((&str, &str), Vec<&Told>)> {
        let mut all: Vec<((&str, &str), Vec<&Told>)> = Vec::new();
        for test in &self.tests {
            let key = (test.plugin.as_str(), test.file.as_str());
            match all.last_mut() {
                Some((last, tests)) if *last == key => tests.push(test),
                _ => all.push((key, vec![test])),
            }
        }
        all
    }

    fn text(&self) -> String {
        let mut text = String::new();
        for ((plugin, file), tests) in self.by_file() {
            let _ = writeln!(text, "{plugin}/{file}");
            for test in tests {
                let _ = writeln!(text, "  {}  {}", if test.passed() { "ok  " } else { "FAIL" }, test.name);
                if !test.passed() {
                    for line in test.detail().lines() {
                        let _ = writeln!(text, "        {line}");
                    }
                }
            }
        }
        for coverage in self.coverage.iter().filter(|one| self.tests.iter().any(|test| test.plugin == one.plugin)) {
            let lines = coverage.lines();
            let sums: Vec<String> =
                lines.iter().map(|(kind, reached, of, _)| format!("{kind} {reached}/{of}")).collect();
            let _ = writeln!(text, "\n{} reached: {}", coverage.plugin, sums.join(", "));
            for (kind, _, _, missing) in lines.iter().filter(|(_, _, _, missing)| !missing.is_empty()) {
                let _ = writeln!(text, "  {kind} not reached: {}", missing.join(", "));
            }
            for line in coverage.spent() {
                let _ = writeln!(text, "  at most {line}");
            }
        }
        let failed = self.failed();
        let _ = writeln!(text, "\n{} passed, {failed} failed", self.tests.len() - failed);
        text
    }

    fn json(&self) -> String {
        let test = |test: &Told| {
            json!({
                "plugin": test.plugin, "file": test.file, "name": test.name, "passed": test.passed(),
                "message": test.message(), "place": test.place(), "difference": test.difference(),
                "troubles": if test.passed() { &[][..] } else { &test.troubles }, "logs": test.logs,
            })
        };
        let failed = self.failed();
        let report = json!({
            "schema": "trunkline.test/1",
            "summary": {"passed": self.tests.len() - failed, "failed": failed},
            "tests": self.tests.iter().map(test).collect::<Vec<_>>(),
            "coverage": self.coverage,
        });
        format!("{report:#}\n")
    }

    fn junit(&self) -> Result<String, Failure> {
        let mut suites: BTreeMap<&str, TestSuite> = BTreeMap::new();
        for test in &self.tests {
            let mut status = TestCaseStatus::success();
            if let Some(message) = test.message() {
                status = TestCaseStatus::non_success(NonSuccessKind::Failure);
                status.set_message(message).set_description(test.detail());
            }
            let mut case = TestCase::new(test.name.as_str(), status);
            case.set_classname(format!("{}/{}", test.plugin, test.file));
            suites.entry(&test.plugin).or_insert_with(|| TestSuite::new(test.plugin.as_str())).add_test_case(case);
        }
        let mut junit = JUnit::new("trunkline test");
        junit.add_test_suites(suites.into_values());
        Ok(junit.to_string().context("write the JUnit report")?)
    }
}

/// A format, and the file that it goes to; standard output without one.
#[derive(Debug, Clone)]
pub(crate) struct Shape {
    format: Format,
    file: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy)]
enum Format {
    Text,
    Json,
    Junit,
}

impl Shape {
    pub(super) fn text() -> Self {
        Self { format: Format::Text, file: None }
    }

    pub(super) fn write(&self, report: &Report, out: &mut dyn Write) -> Result<(), Failure> {
        let text = match self.format {
            Format::Text => report.text(),
            Format::Json => report.json(),
            Format::Junit => report.junit()?,
        };
        let Some(file) = &self.file else { return Ok(out.write_all(text.as_bytes())?) };
        let failed = |error| Failure::usage(anyhow!("`{}` cannot be written: {error}", file.display()));
        std::fs::write(file, text).map_err(failed)
    }
}

impl FromStr for Shape {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (format, file) = text.split_once('=').map_or((text, None), |(format, file)| (format, Some(file)));
        let format = match format {
            "text" => Format::Text,
            "json" => Format::Json,
            "junit" => Format::Junit,
            other => return Err(format!("`{other}` is no format; there are text, json and junit")),
        };
        match file {
            Some("") => Err("name a file after the `=`".to_owned()),
            file => Ok(Self { format, file: file.map(PathBuf::from) }),
        }
    }
}
