//! One case: a file of the catalogue, with what it tries and what must become of it in its head.

use serde_json::Value;
use std::path::Path;
use tests::{Answer, binary};

/// What must become of a case.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Verdict {
    /// The call is answered with this status and code; `*` stands for any.
    Fails(u16, String),
    /// The call is answered with this status and, where it is given, this data.
    Answers(u16, Option<Value>),
    /// The plugin is left out at the start, its reason with this code.
    Refused(String),
    /// An event ends among the dead letters, its reason with this code.
    Dead(String),
    /// The checker reports this rule at this place, as `TL711 3:7`.
    Checked(String),
}

impl Verdict {
    fn parse(text: &str) -> Self {
        let (head, rest) = text.split_once(' ').unwrap_or((text, ""));
        match (head, head.parse::<u16>()) {
            ("refused", _) => Self::Refused(rest.to_owned()),
            ("dead", _) => Self::Dead(rest.to_owned()),
            ("checked", _) => Self::Checked(rest.to_owned()),
            (_, Ok(status)) if status < 300 => {
                let data = || serde_json::from_str(rest).unwrap_or_else(|_| panic!("no JSON: {rest}"));
                Self::Answers(status, (!rest.is_empty()).then(data))
            }
            (_, Ok(status)) => Self::Fails(status, rest.to_owned()),
            _ => panic!("no verdict: {text}"),
        }
    }

    /// Whether an answer is this verdict.
    pub(super) fn fits(&self, answer: &Answer) -> bool {
        match self {
            Self::Fails(status, code) => answer.status == *status && (code == "*" || answer.code() == code),
            Self::Answers(status, data) => {
                answer.status == *status && data.as_ref().is_none_or(|data| answer.data() == data)
            }
            Self::Refused(_) | Self::Dead(_) | Self::Checked(_) => false,
        }
    }
}

/// A file of the catalogue.
#[derive(Debug)]
pub(super) struct Case {
    /// Relative to `tests/hostile`.
    pub(super) path: String,
    /// The plugin that it is part of.
    pub(super) slug: String,
    /// Its file without the extension, which is its route in that plugin.
    pub(super) name: String,
    /// Whether it has a plugin of its own.
    alone: bool,
    /// Any one of these.
    pub(super) expected: Vec<Verdict>,
    /// What the answer, or the reason, must name.
    pub(super) says: Option<String>,
    /// How often it is called; the last answer is judged.
    pub(super) times: u32,
    /// How long a call may take. What must meet its deadline has a short one; everything else a long one, so that a
    /// slow machine gives no other answer.
    pub(super) deadline: String,
    /// Its source, `SLUG`, `NAME` and `SLUG_NAME`, its collection, replaced.
    pub(super) source: String,
}

impl Case {
    /// All cases, by family and name.
    pub(super) fn all() -> Vec<Self> {
        let root = binary::workspace().join("tests/hostile");
        let mut cases = Vec::new();
        for family in entries(&root) {
            let files = entries(&root.join(&family));
            let read = |file: &String| {
                let text = std::fs::read_to_string(root.join(&family).join(file)).expect("the case is readable");
                Self::parse(&family, file, text)
            };
            cases.extend(in_plugins(&family, files.iter().filter(|file| has_extension(file, "js")).map(read)));
        }
        cases
    }

    fn parse(family: &str, file: &str, source: String) -> Self {
        let head: Vec<&str> = source.lines().map_while(|line| line.strip_prefix("// ")).collect();
        let field = |name: &str| head.iter().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        let expected = field("expect").unwrap_or_else(|| panic!("{family}/{file} expects nothing"));
        let expected: Vec<Verdict> = expected.split(" or ").map(Verdict::parse).collect();
        Self {
            path: format!("{family}/{file}"),
            slug: String::new(),
            name: file.trim_end_matches(".js").to_owned(),
            alone: matches!(family, "load" | "pollution" | "smuggling") || field("alone").is_some(),
            says: field("says").map(str::to_owned),
            times: field("times").map_or(1, |times| times.parse().expect("a number")),
            deadline: field("deadline").unwrap_or_else(|| deadline(&expected)).to_owned(),
            expected,
            source,
        }
    }

    fn part_of(mut self, slug: String) -> Self {
        let collection = collection(&slug, &self.name);
        self.source = self.source.replace("SLUG_NAME", &collection).replace("SLUG", &slug).replace("NAME", &self.name);
        self.slug = slug;
        self
    }

    /// The collection of its own.
    pub(super) fn collection(&self) -> String {
        collection(&self.slug, &self.name)
    }

    pub(super) fn family(&self) -> &str {
        self.path.split('/').next().unwrap_or_default()
    }

    /// Whether its plugin holds no other.
    pub(super) fn is_alone(&self) -> bool {
        self.alone
    }

    /// Whether the checker refuses it, so that it never runs.
    pub(super) fn is_checked(&self) -> bool {
        matches!(self.expected[0], Verdict::Checked(_))
    }

    /// Whether it does its work while it loads.
    pub(super) fn is_module_only(&self) -> bool {
        !self.source.contains("export default")
    }
}

/// Most cases that share a plugin: one fault fewer than its breaker takes.
const SHARED_MAX: usize = 4;

fn in_plugins(family: &str, cases: impl Iterator<Item = Case>) -> Vec<Case> {
    let mut shared = 0;
    let mut place = |case: Case| {
        if case.alone {
            let slug = format!("{family}-{}", case.name);
            return case.part_of(slug);
        }
        shared += 1;
        case.part_of(format!("{family}-{}", (shared - 1) / SHARED_MAX + 1))
    };
    cases.map(&mut place).collect()
}

fn collection(slug: &str, name: &str) -> String {
    format!("{slug}_{}", name.replace('-', "_"))
}

fn deadline(expected: &[Verdict]) -> &'static str {
    let is_deadline = |verdict: &Verdict| *verdict == Verdict::Fails(504, "PLUGIN_DEADLINE".to_owned());
    match expected {
        [only] if is_deadline(only) => "400ms",
        several if several.iter().any(is_deadline) => "3s",
        _ => "30s",
    }
}

fn entries(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut names: Vec<String> = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort();
    names
}

fn has_extension(file: &str, extension: &str) -> bool {
    Path::new(file).extension().is_some_and(|found| found == extension)
}
