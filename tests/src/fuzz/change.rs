//! One case: a suite with a few changes.

use super::Corpus;
use crate::mutation::texts::Texts;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{RngExt as _, SeedableRng as _};

/// The longest text that changes may make; what is longer is cut.
const TEXT_BYTES_MAX: usize = 200_000;
const CHANGES_MAX: usize = 4;

/// Words that code and manifests give a meaning to, and characters that readers stumble over.
const WORDS: &[&str] = &[
    "$app",
    "$app.realtime().publish(",
    "$app.onEvent(",
    "$app.request(",
    "$app.onOutcome(",
    "e.reply(",
    "e.payload",
    "import",
    "export",
    "import * as x from './main.js';",
    "export * from './main.js';",
    "await import('./main.js')",
    "const",
    "let",
    "function",
    "=>",
    "async",
    "await",
    "yield",
    "class",
    "extends",
    "static",
    "#x",
    "super",
    "this",
    "new",
    "eval(",
    "return",
    "throw",
    "try {",
    "catch",
    "finally {",
    "for (const x of ",
    "while (",
    "switch (",
    "...",
    "?.",
    "??",
    "`${",
    "`",
    "'",
    "\"",
    "//",
    "/*",
    "*/",
    "<!--",
    "/** @topics * */",
    "// tl-allow TL701: why",
    "enum E { A = 'a' }",
    "const enum",
    "namespace N {",
    "type T = ",
    "as const",
    "satisfies",
    "<T,>",
    "@x",
    "declare",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    ",",
    ";",
    ":",
    "- ",
    "? ",
    "|",
    ">",
    "&a",
    "*a",
    "<<: *a",
    "!!binary",
    "---",
    "...",
    "publishes:",
    "consumes:",
    "topics:",
    "replies: {ok: a.b}",
    "\"**\"",
    "$ref",
    "\"$ref\": \"#\"",
    "allOf",
    "not",
    "null",
    "true",
    "-1",
    "1e309",
    "0x",
    "9007199254740993",
    "\u{feff}",
    "\0",
    "\r",
    "\t",
    "\u{2028}",
    "\u{1f980}",
    "\u{202e}",
    "é",
    "\\u{110000}",
    "\\",
];
const OPENERS: &[(&str, &str)] = &[
    ("(", ")"),
    ("[", "]"),
    ("{", "}"),
    ("`${", "}`"),
    ("!", ""),
    ("a => ", ""),
    ("if (a) ", ""),
    ("- ", ""),
    ("x?.[", "]"),
];

/// A mutated suite.
#[derive(Debug, Clone)]
pub struct Case {
    /// The suite it was made of.
    pub suite: usize,
    /// Its texts.
    pub texts: Texts,
    /// What was done, in order.
    pub what: Vec<String>,
    /// The file that no reader can take any more, if one was made so after all other changes.
    pub unreadable: Option<String>,
}

impl Case {
    /// Makes the case that a seed and a number stand for.
    #[must_use]
    pub fn make(corpus: &Corpus, seed: u64, number: u64) -> Self {
        let mut dice = StdRng::seed_from_u64(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ number);
        let suite = dice.random_range(0..corpus.suites.len());
        let texts = corpus.suites[suite].1.clone();
        let mut case = Self { suite, texts, what: Vec::new(), unreadable: None };
        for _ in 0..dice.random_range(1..=CHANGES_MAX) {
            case.change(corpus, &mut dice);
        }
        if dice.random_ratio(1, 4) {
            case.blind(&mut dice);
        }
        case
    }

    /// Changes one of its files.
    fn change(&mut self, corpus: &Corpus, dice: &mut StdRng) {
        let Some(path) = self.any_path(dice) else { return };
        match dice.random_range(0..24) {
            0 => drop(self.texts.0.remove(&path)),
            1 => {
                let other = self.any_path(dice).unwrap_or_default();
                let text = self.texts.0.get(&other).cloned().unwrap_or_default();
                self.texts.0.insert(path.clone(), text);
            }
            2 => {
                let text = self.texts.0.get(&path).cloned().unwrap_or_default();
                self.texts.0.insert(format!("{path}.js"), text);
            }
            _ => {
                let ending = path.rsplit('.').next().unwrap_or_default().to_owned();
                let text = self.texts.0.get_mut(&path).expect("a file of the case");
                *text = changed(text, corpus.lines(&ending), dice);
            }
        }
        self.what.push(path);
    }

    /// Makes one file unreadable for certain: no text that goes on like this is a module, a manifest or JSON, whatever
    /// stands before, because it is neither a token nor closes what an earlier fault may have left open.
    fn blind(&mut self, dice: &mut StdRng) {
        let readable = |path: &&String| path.ends_with("/plugin.yaml") || path.ends_with("/src/main.js");
        let paths: Vec<String> = self.texts.0.keys().filter(readable).cloned().collect();
        let Some(path) = paths.choose(dice) else { return };
        let text = self.texts.0.get_mut(path).expect("a file of the case");
        text.push_str(if path.ends_with("/plugin.yaml") { "\n: [\n@)\n" } else { "\n@)\n" });
        self.unreadable = Some(path.clone());
    }

    fn any_path(&self, dice: &mut StdRng) -> Option<String> {
        let paths: Vec<&String> = self.texts.0.keys().collect();
        paths.choose(dice).map(|path| (*path).clone())
    }
}

/// A text with one change.
fn changed(text: &str, others: &[String], dice: &mut StdRng) -> String {
    let (from, to) = stretch(text, dice);
    let (before, middle, after) = (&text[..from], &text[from..to], &text[to..]);
    let other = others.choose(dice).map_or("", String::as_str);
    let mut changed = match dice.random_range(0..10) {
        0 => before.to_owned(),
        1 => format!("{before}{after}"),
        2 => format!("{before}{middle}{middle}{after}"),
        3 => format!("{before}{}{after}", middle.repeat(dice.random_range(2..200))),
        4 => format!("{before}{other}\n{middle}{after}"),
        5 => format!("{before}{}{after}", WORDS.choose(dice).unwrap_or(&"")),
        6 => format!("{before}{}{middle}{after}", WORDS.choose(dice).unwrap_or(&"")),
        7 => nested(before, middle, after, dice),
        8 => swapped_lines(text, dice),
        _ => without_line(text, dice),
    };
    let mut end = changed.len().min(TEXT_BYTES_MAX);
    while !changed.is_char_boundary(end) {
        end -= 1;
    }
    changed.truncate(end);
    changed
}

/// Two places in a text, in order, mostly near each other.
fn stretch(text: &str, dice: &mut StdRng) -> (usize, usize) {
    let from = dice.random_range(0..=text.len());
    let length = if dice.random_ratio(1, 4) { text.len() } else { 40 };
    let to = (from + dice.random_range(0..=length)).min(text.len());
    let whole = |mut at: usize| {
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        at
    };
    (whole(from), whole(to))
}

fn nested(before: &str, middle: &str, after: &str, dice: &mut StdRng) -> String {
    let (open, close) = OPENERS.choose(dice).copied().unwrap_or_default();
    let times = if dice.random_ratio(1, 8) { 10_000 } else { dice.random_range(1..130) };
    format!("{before}{}{middle}{}{after}", open.repeat(times), close.repeat(times))
}

fn swapped_lines(text: &str, dice: &mut StdRng) -> String {
    let mut lines: Vec<&str> = text.lines().collect();
    if lines.len() > 1 {
        let (a, b) = (dice.random_range(0..lines.len()), dice.random_range(0..lines.len()));
        lines.swap(a, b);
    }
    lines.join("\n")
}

fn without_line(text: &str, dice: &mut StdRng) -> String {
    let mut lines: Vec<&str> = text.lines().collect();
    if !lines.is_empty() {
        lines.remove(dice.random_range(0..lines.len()));
    }
    lines.join("\n")
}
