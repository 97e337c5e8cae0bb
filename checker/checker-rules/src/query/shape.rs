//! The variables of an expression and what they hold.

/// What kind of value a part of an expression gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Shape {
    /// What an empty list holds.
    Nothing,
    Text,
    Number,
    Flag,
    Fact,
    Topic,
    Plugin,
    /// Texts by name, as the detail of a fact.
    Detail,
    List(Box<Shape>),
    /// Known only when it runs.
    Any,
}

use Shape::{Detail, Fact, Flag, Number, Plugin, Text, Topic};

/// A field of a record: its name, its shape, whether it is a list of that shape, and what it says.
type Field = (&'static str, Shape, bool, &'static str);

pub(crate) const FACT: &[Field] = &[
    ("kind", Text, false, "publish, subscribe, request, reply, verb, job, record, capability, fetch or reads_field"),
    ("plugin", Text, false, "slug of the plugin whose code it is"),
    ("topic", Text, false, "the topic or pattern where there is one, else empty"),
    ("topics", Text, true, "every topic it may be, sorted"),
    ("resolved", Flag, false, "whether the topic is known exactly"),
    ("provenance", Text, false, "extracted, annotated, declared or observed"),
    ("reachable", Flag, false, "whether it can run: false in unreachable code and in tests"),
    ("guard", Text, false, "none, config, branch, loop or test"),
    ("handler", Text, false, "name of the handler given to the call, else empty"),
    ("within", Text, false, "the handler it lies in as kind:name, else empty"),
    ("file", Text, false, "path relative to the suite"),
    ("line", Number, false, "line, from 1"),
    ("column", Number, false, "column, from 1"),
    ("detail", Detail, false, "further texts by name, such as method and path of a verb"),
];

pub(crate) const TOPIC: &[Field] = &[
    ("name", Text, false, "the name"),
    ("owner", Text, false, "slug of the plugin that owns its contract, else empty"),
    ("kind", Text, false, "event, request or reply; event without a contract"),
    ("visibility", Text, false, "private, suite or public; suite without a contract"),
    ("version", Text, false, "version of the contract, else empty"),
    ("schema", Text, false, "file with the payload's schema, else empty"),
    ("deprecated", Flag, false, "whether it is on its way out"),
    ("external", Flag, false, "whether it enters from outside the suite"),
    ("live", Flag, false, "whether something that enters the suite leads to it"),
    ("verdict", Text, false, "live, dangling or unproven"),
    ("publishers", Text, true, "slugs of those who publish it for certain, sorted"),
    ("consumers", Text, true, "slugs of those who hear it, by name or pattern, sorted"),
    ("responders", Text, true, "slugs of those who answer it, where it is a request, sorted"),
];

pub(crate) const PLUGIN: &[Field] = &[
    ("slug", Text, false, "the slug"),
    ("name", Text, false, "display name"),
    ("version", Text, false, "version"),
    ("folder", Text, false, "folder relative to the suite"),
    ("form", Text, false, "bundle, sidecar or native"),
    ("category", Text, false, "category, else empty"),
    ("tags", Text, true, "tags, as written"),
    ("publishes", Text, true, "topics it declares to publish, sorted"),
    ("consumes", Text, true, "topics and patterns it declares to consume, sorted"),
    ("optional", Text, true, "those of them it can do without, sorted"),
    ("owns", Text, true, "topics whose contracts it owns, sorted"),
    ("requires", Text, true, "slugs of plugins it needs, sorted"),
    ("permissions", Text, true, "permissions it asks for, sorted"),
    ("roles", Text, true, "roles it teaches, sorted"),
    ("modules", Number, false, "number of modules its entry reaches"),
];

impl Shape {
    /// A list of these.
    pub(crate) fn list(self) -> Self {
        Self::List(Box::new(self))
    }

    /// The fields of a record; none for what is no record.
    pub(crate) fn fields(&self) -> &'static [Field] {
        match self {
            Fact => FACT,
            Topic => TOPIC,
            Plugin => PLUGIN,
            _ => &[],
        }
    }

    /// What a field of this holds; none where there is no such field.
    pub(crate) fn field(&self, name: &str) -> Option<Self> {
        match self {
            Self::Any => Some(Self::Any),
            Detail => Some(Text),
            _ => {
                let (_, shape, many, _) = self.fields().iter().find(|(known, ..)| *known == name)?;
                Some(if *many { shape.clone().list() } else { shape.clone() })
            }
        }
    }

    /// What holds for a value that is one of two.
    pub(crate) fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::Nothing, one) | (one, Self::Nothing) => one,
            (Self::List(a), Self::List(b)) => a.or(*b).list(),
            (a, b) if a == b => a,
            _ => Self::Any,
        }
    }

    /// The shape of a field, in a table.
    pub(crate) fn noun(&self) -> &'static str {
        match self {
            Detail => "texts by name",
            other => other.name().trim_start_matches("a "),
        }
    }

    /// The shape in a sentence.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Text => "a text",
            Number => "a number",
            Flag => "true or false",
            Fact => "a fact",
            Topic => "a topic",
            Plugin => "a plugin",
            Detail => "a fact's detail",
            Self::List(_) => "a list",
            Self::Any => "a value of no known kind",
        }
    }
}
