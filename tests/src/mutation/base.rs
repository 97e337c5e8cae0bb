//! A sound suite with its truth: what operators are applied to.

use super::edit::Edit;
use super::javascript;
use super::texts::{Texts, judge};
use super::truth::{self, Place, Score};
use super::yaml;
use crate::binary;
use checker_cli::{Report, Suite};
use contract_parse::FactKind;
use std::collections::BTreeSet;
use std::ops::Range;

/// The suites of the corpus, by the folder they lie in.
const SUITES: [(&str, &str); 3] =
    [("ledger-example", "ledger-example"), ("clinic", "tests/suites/clinic"), ("shopfloor", "tests/suites/shopfloor")];

/// A sound suite.
#[derive(Debug)]
pub struct Base {
    /// Its name.
    pub name: &'static str,
    /// Its texts.
    pub texts: Texts,
    /// The same, parsed.
    pub suite: Suite,
    /// What the checker says of it as it is.
    pub report: Report,
    /// What its code does on the bus, by hand.
    pub places: Vec<Place>,
}

impl Base {
    /// Every suite of the corpus.
    #[must_use]
    pub fn all() -> Vec<Self> {
        SUITES.into_iter().map(|(name, folder)| Self::read(name, folder)).collect()
    }

    fn read(name: &'static str, folder: &str) -> Self {
        let texts = Texts::read(&binary::workspace().join(folder));
        let truth = binary::workspace().join(format!("tests/suites/{name}.truth"));
        let truth = std::fs::read_to_string(truth).expect("the suite's truth");
        let places = truth::places(&truth, &texts);
        let suite = texts.suite(|_| None);
        let report = judge(&suite);
        Self { name, texts, suite, report, places }
    }

    /// How well the checker reads this suite.
    #[must_use]
    pub fn score(&self) -> Score {
        truth::score(&self.places, &self.texts, self.suite.plugins.iter().flat_map(|plugin| &plugin.facts))
    }

    /// The text of a file.
    #[must_use]
    pub fn text(&self, file: &str) -> &str {
        self.texts.text(file)
    }

    /// The plugins' folders, sorted.
    #[must_use]
    pub fn plugins(&self) -> Vec<String> {
        self.texts.folders()
    }

    /// The places of these kinds.
    pub fn of(&self, kinds: &'static [FactKind]) -> impl Iterator<Item = &Place> {
        self.places.iter().filter(move |place| kinds.contains(&place.kind))
    }

    /// The places of these kinds that have one exact topic, which nothing else of the plugin has.
    pub fn sole(&self, kinds: &'static [FactKind]) -> impl Iterator<Item = (&Place, &str)> {
        self.of(kinds).filter_map(move |place| {
            let topic = place.topic()?;
            let same = |other: &&Place| other.plugin == place.plugin && other.topics.contains(topic);
            let times = self.of(kinds).filter(same).count();
            (times == 1 && !self.is_reply(topic)).then_some((place, topic))
        })
    }

    /// Whether a responder publishes this topic by replying, so that no single place is its only one.
    #[must_use]
    pub fn is_reply(&self, topic: &str) -> bool {
        let replies = self.manifests().into_iter().flat_map(|(_, text)| text.lines());
        let mut replies = replies.filter(|line| line.contains("replies:"));
        replies.any(|line| yaml::words(line, topic).next().is_some())
    }

    /// Whether this topic is a request.
    #[must_use]
    pub fn is_request(&self, topic: &str) -> bool {
        topic.ends_with(".request")
    }

    /// Every plugin with the text of its manifest.
    #[must_use]
    pub fn manifests(&self) -> Vec<(String, &str)> {
        let folders = self.plugins().into_iter();
        folders.map(|folder| (folder.clone(), self.text(&format!("{folder}/plugin.yaml")))).collect()
    }

    /// The manifest of a plugin: its path and text.
    #[must_use]
    pub fn manifest(&self, plugin: &str) -> (String, &str) {
        let path = format!("{plugin}/plugin.yaml");
        let text = self.text(&path);
        (path, text)
    }

    /// The path of a plugin's entry module.
    #[must_use]
    pub fn entry(&self, plugin: &str) -> String {
        let (_, text) = self.manifest(plugin);
        let line = text.lines().find_map(|line| line.strip_prefix("entry: ")).expect("an entry");
        format!("{plugin}/{line}")
    }

    /// A plugin's modules.
    pub fn modules<'b>(&'b self, plugin: &str) -> impl Iterator<Item = &'b str> + 'b {
        let below = format!("{plugin}/src/");
        self.texts.0.keys().map(String::as_str).filter(move |path| path.starts_with(&below) && !path.ends_with("json"))
    }

    /// The modules of all plugins that run. One of nothing but types is never loaded: what is wrong in it does no harm.
    #[must_use]
    pub fn running_modules(&self) -> Vec<String> {
        let plugins = self.suite.plugins.iter();
        plugins.flat_map(|plugin| plugin.modules.iter().map(|path| format!("{}/{path}", plugin.folder))).collect()
    }

    /// The whole call of a place.
    #[must_use]
    pub fn call(&self, place: &Place) -> Range<usize> {
        let text = self.text(&place.file);
        let whole = javascript::last_argument(text, place.range.clone()).is_none();
        let end = if whole { None } else { javascript::close(text, place.range.end) };
        place.range.start..end.unwrap_or(place.range.end)
    }

    /// The topic argument of a place.
    #[must_use]
    pub fn argument(&self, place: &Place) -> Option<Range<usize>> {
        javascript::last_argument(self.text(&place.file), place.range.clone())
    }

    /// Puts another expression in the place of a topic argument, where the argument is the topic and not a part of it.
    #[must_use]
    pub fn retopic(&self, place: &Place, expression: &str) -> Option<Edit> {
        let argument = self.argument(place)?;
        let text = &self.text(&place.file)[argument.clone()];
        let literal =
            text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).filter(|inner| !inner.contains('"'));
        let whole = literal.is_none_or(|inner| place.topics.contains(inner));
        whole.then(|| Edit::replace(&place.file, argument, expression))
    }

    /// Renames a topic in one list of a plugin's manifest.
    #[must_use]
    pub fn rename_entry(&self, plugin: &str, key: &str, topic: &str, new: &str) -> Option<Edit> {
        let (path, text) = self.manifest(plugin);
        let line = yaml::entry(text, key, topic)?;
        let word = yaml::words(&text[line.clone()], topic).next()?;
        Some(Edit::replace(&path, line.start + word.start..line.start + word.end, new))
    }

    /// Renames a topic everywhere in one file.
    #[must_use]
    pub fn rename_all(&self, file: &str, topic: &str, new: &str) -> Vec<Edit> {
        yaml::words(self.text(file), topic).map(|word| Edit::replace(file, word, new)).collect()
    }

    /// Adds a line at the end of a file.
    #[must_use]
    pub fn append(&self, file: &str, code: &str) -> Edit {
        Edit::insert(file, self.text(file).len(), format!("\n{code}\n"))
    }

    /// Adds an entry to a list of a plugin's manifest, or the list with it.
    #[must_use]
    pub fn declare(&self, plugin: &str, key: &str, entry: &str) -> Edit {
        let (path, text) = self.manifest(plugin);
        match yaml::section(text, key) {
            None => Edit::insert(&path, text.len(), format!("{key}:\n  - {entry}\n")),
            Some(section) => {
                match text[section.clone()].find('[').filter(|_| !text[section.clone()].contains("\n  - ")) {
                    Some(bracket) => Edit::insert(&path, section.start + bracket + 1, format!("{entry}, ")),
                    None => Edit::insert(&path, section.end, format!("  - {entry}\n")),
                }
            }
        }
    }

    /// Adds a contract to a plugin's manifest.
    #[must_use]
    pub fn contract(&self, plugin: &str, topic: &str, contract: &str) -> Edit {
        let (path, text) = self.manifest(plugin);
        let line = format!("  {topic}: {contract}\n");
        match yaml::section(text, "topics") {
            None => Edit::insert(&path, text.len(), format!("topics:\n{line}")),
            Some(section) => Edit::insert(&path, section.end, line),
        }
    }

    /// Adds a plugin to the suite and to its first composition.
    #[must_use]
    pub fn join(&self, slug: &str, more: &str, code: &str) -> Vec<Edit> {
        let text = self.text("suite.yaml");
        let brackets = text.match_indices('[').map(|(at, _)| at + 1).take(2);
        let mut edits: Vec<Edit> = brackets.map(|at| Edit::insert("suite.yaml", at, format!("{slug}, "))).collect();
        let head = format!(
            "manifest: 1\nslug: {slug}\nname: Newcomer\nversion: 1.0.0\nmin_core: 0.1.0\nentry: src/main.js\n\
             permissions: [events:publish, events:subscribe, records:own]\n"
        );
        edits.push(Edit::write(&format!("{slug}/plugin.yaml"), format!("{head}{more}")));
        edits.push(Edit::write(&format!("{slug}/src/main.js"), code));
        edits
    }

    /// Topics that another plugin consumes by name and cannot do without.
    #[must_use]
    pub fn required_elsewhere(&self, plugin: &str, topic: &str) -> bool {
        self.manifests()
            .iter()
            .filter(|(other, _)| other != plugin)
            .any(|(_, text)| yaml::entry(text, "consumes", topic).is_some_and(|line| !text[line].contains("optional")))
    }

    /// Whether a plugin can do without a topic that it consumes.
    #[must_use]
    pub fn is_optional(&self, plugin: &str, topic: &str) -> bool {
        let (_, text) = self.manifest(plugin);
        yaml::entry(text, "consumes", topic).is_some_and(|line| text[line].contains("optional"))
    }

    /// Every topic that the code uses.
    #[must_use]
    pub fn topics(&self) -> BTreeSet<&str> {
        self.places.iter().flat_map(|place| &place.topics).map(String::as_str).collect()
    }
}
