//! The documentation of a rule, taken apart.
//!
//! A rule's Markdown is: what it reports and why, `## Fix`, `## Must fire`, `## Must not fire`. Each example is a run
//! of fenced files whose info string is a language and a path: ` ```yaml gl/plugin.yaml `. A sub-heading starts a
//! further example. A path that begins with `base:` gives a file as it was, for rules about what became of a suite;
//! `recorded.jsonl` gives recorded events.

/// The documentation of one rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Doc<'a> {
    /// What the rule reports and why it matters.
    pub what: &'a str,
    /// How to repair a finding.
    pub fix: &'a str,
    /// Suites in which the rule fires.
    pub fires: Vec<Example<'a>>,
    /// Suites in which it keeps quiet.
    pub quiet: Vec<Example<'a>>,
}

/// A small suite.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Example<'a> {
    /// Path and text of each file.
    pub files: Vec<(&'a str, &'a str)>,
    /// Path and text of each file as it was. Files that are not here were as they are.
    pub base: Vec<(&'a str, &'a str)>,
}

impl<'a> Doc<'a> {
    /// Takes a rule's Markdown apart. A part that is missing is empty.
    pub fn parse(text: &'a str) -> Self {
        let mut doc = Self { what: "", fix: "", fires: Vec::new(), quiet: Vec::new() };
        let (what, rest) = text.split_once("\n## ").unwrap_or((text, ""));
        doc.what = what.trim();
        for section in rest.split("\n## ") {
            let (title, body) = section.split_once('\n').unwrap_or((section, ""));
            match title.trim() {
                "Fix" => doc.fix = body.trim(),
                "Must fire" => doc.fires = examples(body),
                "Must not fire" => doc.quiet = examples(body),
                _ => {}
            }
        }
        doc
    }

    /// The first sentence of `what`.
    pub fn summary(&self) -> &'a str {
        let paragraph = self.what.split("\n\n").next().unwrap_or_default();
        paragraph.split_once(". ").map_or(paragraph, |(first, _)| first).trim_end_matches('.')
    }
}

fn examples(body: &str) -> Vec<Example<'_>> {
    body.split("\n### ").map(example).filter(|example| !example.files.is_empty()).collect()
}

fn example(body: &str) -> Example<'_> {
    let mut example = Example::default();
    let mut rest = body;
    while let Some((_, fence)) = rest.split_once("```") {
        let Some((info, after)) = fence.split_once('\n') else { break };
        let end = if after.starts_with("```") { Some(0) } else { after.find("\n```").map(|at| at + 1) };
        let Some(end) = end else { break };
        match info.split_once(' ').map(|(_, path)| path.trim()) {
            None => {}
            Some(path) => match path.strip_prefix("base:") {
                Some(path) => example.base.push((path, &after[..end])),
                None => example.files.push((path, &after[..end])),
            },
        }
        rest = &after[end + 3..];
    }
    example
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_comes_apart() {
        let text = "It hurts. More.\n\n## Fix\nMend it.\n\n## Must fire\n```yaml a/plugin.yaml\nx: 1\n```\n```js a/m.js\ncode\n```\n### Another\n```js b.js\n```\n\n## Must not fire\n";
        let doc = Doc::parse(text);
        assert_eq!((doc.summary(), doc.fix), ("It hurts", "Mend it."));
        assert_eq!(doc.fires[0].files, [("a/plugin.yaml", "x: 1\n"), ("a/m.js", "code\n")]);
        assert_eq!(doc.fires[1].files, [("b.js", "")]);
        assert!(doc.quiet.is_empty());
    }
}
