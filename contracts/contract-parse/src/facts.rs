//! What a plugin's sources say: the facts that the graph is built of.

use contract_model::collection::Collections;
use contract_model::shape::Shape;
use contract_model::span::Location;
use contract_model::{Manifest, TextSet};
use litemap::LiteMap;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Stands in the place of a text that could not be read. Nothing is concluded from it, and nothing is said of it: who
/// tried to read it knows why.
pub const UNREAD: &str = "\u{0}";

/// A text of a plugin's folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceFile {
    /// Path relative to the plugin's folder, with forward slashes.
    pub path: String,
    /// Its text, or [`UNREAD`].
    pub text: String,
}

/// All texts of one plugin's folder: plugin.yaml, modules, schemas, contracts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PluginSource {
    /// The folder, relative to the suite, with forward slashes.
    pub folder: String,
    /// Its files, sorted by path.
    pub files: Vec<SourceFile>,
}

/// What could be read of a plugin. Reading never fails: what is wrong is in `problems`.
#[derive(Debug, Clone, Default)]
pub struct ParsedPlugin {
    /// The folder, relative to the suite.
    pub folder: String,
    /// The manifest, unless it is unreadable.
    pub manifest: Option<Manifest>,
    /// The collections, where schema.json is readable.
    pub collections: Option<Collections>,
    /// Paths of the modules that were analysed, relative to the plugin's folder, sorted.
    pub modules: Vec<String>,
    /// Modules of the folder that the entry does not reach, or that are tests, sorted. What they would do is in
    /// `facts` as unreachable, with the guard `test` where they are tests.
    pub excluded: Vec<String>,
    /// What the entry module exports, and whether it is a function; for handlers named in the manifest.
    pub exports: BTreeMap<String, bool>,
    /// Every text, by path relative to the plugin's folder, for snippets and for reading schemas.
    pub texts: BTreeMap<String, String>,
    /// What the code does, sorted by place.
    pub facts: Vec<Fact>,
    /// Where payloads of events get out of sight, so that not every field that is read is known.
    pub opaque: Vec<Opaque>,
    /// Whose records the code reads and writes where it can run, sorted by place; only what is known for sure.
    pub records: Vec<RecordUse>,
    /// How the handlers of events end, for those of topics that may be requests.
    pub endings: Vec<Ending>,
    /// Inline suppressions (`// tl-allow TL311: reason`).
    pub suppressions: Vec<Suppression>,
    /// What is wrong with the texts themselves.
    pub problems: Vec<Problem>,
}

/// One thing that the code does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fact {
    /// What kind of thing.
    pub kind: FactKind,
    /// The topic, for the kinds that have one.
    pub topic: Option<TopicValue>,
    /// The call expression from its start to the end of its topic argument; paths relative to the suite.
    pub location: Location,
    /// How it is known.
    pub provenance: Provenance,
    /// Whether the place can be reached from the entry module; none where that is not known.
    pub reachable: Option<bool>,
    /// What stands between the entry and the place.
    pub guard: Guard,
    /// The conditions and loops around the place, innermost first, through the calls that lead to it.
    pub conditions: Vec<Condition>,
    /// Identity of the handler given to the call: its `name` option, its function's name, else none.
    pub handler: Option<String>,
    /// The function given as the handler, where it is one and known.
    pub handler_code: Option<HandlerCode>,
    /// Options given to the call, by name; `?` where a value is known only when the plugin runs.
    pub options: LiteMap<String, String>,
    /// For a registration that happens after the plugin has been loaded: how it comes to that.
    pub late: Option<Late>,
    /// What becomes of what the call returns.
    pub result: ResultUse,
    /// Identity of the handler that the place lies in, as `kind:name`, such as `event:gl.journal.posted`.
    pub within: Option<String>,
    /// All that comes to the place: the handlers, as in `within`, and `load` where loading the plugin does.
    pub triggers: TextSet,
    /// Free detail by name: `method` and `path` of a verb, `collection` of a record hook, `field` of a read,
    /// `address` of a fetch: the addresses that it may ask, each as far as it is known.
    pub detail: LiteMap<String, String>,
    /// What a publishing call sends: one shape for each way in which its callers give it.
    pub payloads: Vec<Shape>,
    /// At an annotated place: what the code itself proves the topic to be.
    pub proved: Option<TopicValue>,
    /// How the topic was resolved, step by step.
    pub evidence: Vec<String>,
}

/// A call that reads or writes the records of collections.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordUse {
    /// The collections that it names: one, or those that come to the place, or several at once.
    pub collections: TextSet,
    /// Whether it writes them.
    pub writes: bool,
    /// The call from its start to the end of the argument that names them.
    pub location: Location,
    /// Identity of the handler that the place lies in, as of a [`Fact`].
    pub within: Option<String>,
}

/// A payload, or a part of one, that goes where it is not followed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opaque {
    /// The topic of the handler.
    pub topic: TopicValue,
    /// The part, as a JSON pointer in which `*` is any item; empty for all of it.
    pub path: String,
    /// The place.
    pub location: Location,
    /// What happens there, as a sentence without a full stop.
    pub why: String,
}

/// How one handler of a topic that may be a request ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ending {
    /// The topic, exactly known.
    pub topic: TopicValue,
    /// The function's head.
    pub location: Location,
    /// Whether an answer is given on any path, or may be in code that is not followed.
    pub answers: bool,
    /// Ways to end without an answer; not all where there are many.
    pub open: Vec<EndingPath>,
}

/// A way to end without an answer. Ending by an exception is none: the event is tried again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndingPath {
    /// The `return`, or the end of the function.
    pub location: Location,
    /// Whether it ends by `return`.
    pub returns: bool,
    /// What decides the way, first to last, with its place.
    pub steps: Vec<(Location, String)>,
}

/// A condition or loop that stands around a place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Condition {
    /// Its kind.
    pub guard: Guard,
    /// What is written as the condition, on one line, or the loop's head.
    pub text: String,
    /// The keys of `$app.config` that it asks for, sorted.
    pub config: BTreeSet<String>,
    /// Where it is written.
    pub location: Location,
}

/// A function given as a handler.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct HandlerCode {
    /// Where the function stands.
    pub location: Location,
    /// Its text. Two anonymous functions of one text do the same.
    pub text: String,
}

/// Why a registration comes late.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Late {
    /// It comes after an `await` of the code that registers.
    AfterAwait,
    /// It stands in a handler or a callback that runs later.
    InHandler,
}

/// What becomes of what a call returns.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResultUse {
    /// Nothing: the call is a statement of its own.
    Dropped,
    /// Nothing, by `void`.
    Voided,
    /// It is awaited.
    Awaited,
    /// It is returned, stored, passed on or read.
    #[default]
    Used,
}

/// The kinds of facts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FactKind {
    /// `$app.realtime().publish(topic, …)`.
    Publish,
    /// `$app.onEvent(topic, …)`.
    Subscribe,
    /// `$app.request(topic, …)`.
    Request,
    /// `e.reply` or `e.reject` within a handler of a request; the topic is the request's.
    Reply,
    /// `$app.routerAdd(…)`.
    Verb,
    /// `$jobs.register`, `$jobs.cron`, `$jobs.enqueue`.
    Job,
    /// `$app.onRecord(…)`.
    Record,
    /// `$app.provide`, `$app.capability`.
    Capability,
    /// `$http.fetch(…)`.
    Fetch,
    /// A handler reads a field of its payload.
    ReadsField,
}

/// What is known of a topic argument.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TopicValue {
    /// One of these and nothing else.
    Exact(TextSet),
    /// Something under this pattern.
    Pattern(String),
    /// Not known, and why.
    Unknown(String),
}

/// How a fact is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Provenance {
    /// Read from the code.
    Extracted,
    /// The author's `@topics` says so.
    Annotated,
    /// The manifest says so.
    Declared,
    /// The daemon saw it happen.
    Observed,
}

/// What stands between the entry and a place.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Guard {
    /// Nothing.
    #[default]
    None,
    /// A condition on the configuration.
    Config,
    /// Another condition.
    Branch,
    /// A loop.
    Loop,
    /// A file or block of tests.
    Test,
}

/// An inline suppression.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suppression {
    /// The rule's id or name, as written.
    pub rule: String,
    /// The reason, possibly empty.
    pub reason: String,
    /// The comment.
    pub location: Location,
    /// The lines it covers: its own, or the statement after it.
    pub lines: (u32, u32),
}

/// Something wrong with a text itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// What kind, which decides the rule that reports it.
    pub kind: ProblemKind,
    /// What is wrong, naming the thing.
    pub message: String,
    /// Where; paths relative to the suite.
    pub location: Location,
    /// What to do, if known; with the replacement text for the place if there is one.
    pub help: Option<(String, Option<String>)>,
}

/// Kinds of problems, each reported by one rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum ProblemKind {
    /// plugin.yaml or suite.yaml cannot be read (TL101).
    ManifestUnreadable,
    /// A key that no manifest has (TL102).
    UnknownField,
    /// A value of the wrong type or form (TL101).
    BadValue,
    /// A topic name that breaks the grammar (TL103).
    BadTopicName,
    /// The same topic and direction twice (TL104).
    DuplicateDeclaration,
    /// The entry module or another named file is missing (TL105).
    EntryMissing,
    /// A method of `$app`, `$jobs` or `e` that does not exist, or with wrong arguments (TL310).
    WrongApi,
    /// A schema that is missing or not JSON (TL501); collections included.
    SchemaUnreadable,
    /// A module that cannot be parsed (TL704).
    SourceUnparsable,
    /// An import that cannot be resolved (TL705).
    UnresolvedImport,
    /// `eval`, `new Function` and the like (TL707).
    DynamicCode,
    /// A host object is given to code that cannot be followed, or made global (TL706).
    HostEscapes,
    /// More topics at one place than are told apart, widened to what they share (TL708).
    TopicsWidened,
    /// A module or a question takes more steps than the analysis grants, so its results are partial (TL709).
    BudgetExceeded,
    /// A module whose text is made by a bundler or minifier (TL710).
    BundledSource,
    /// A global of browsers or of Node.js that plugin code does not have (TL712).
    AbsentGlobal,
    /// A character that nobody sees, or one that turns the text around (TL711).
    HiddenCharacter,
}
