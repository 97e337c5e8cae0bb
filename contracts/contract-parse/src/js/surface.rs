//! What `$app`, `$jobs` and `$http` offer, and what each method takes.

use super::value::{Host, Value};

/// One object of the host and its members.
struct HostObject {
    name: &'static str,
    /// As it is written in messages.
    shown: &'static str,
    methods: &'static [&'static str],
    /// Members that are no methods, with the host object they are, or an empty name for plain data.
    data: &'static [(&'static str, &'static str)],
    /// Whether other members may exist.
    open: bool,
}

const OBJECTS: &[HostObject] = &[
    HostObject {
        name: "app",
        shown: "$app",
        methods: &[
            "routerAdd",
            "dao",
            "realtime",
            "onEvent",
            "request",
            "capability",
            "provide",
            "onAttach",
            "onDetach",
            "onRecord",
            "onOutcome",
            "reserve",
            "release",
            "confirm",
            "log",
            "now",
            "uuid",
            "hash",
            "sha256",
        ],
        data: &[("license", "license"), ("config", "config"), ("money", "money"), ("plugin", "plugin")],
        open: false,
    },
    HostObject { name: "realtime", shown: "$app.realtime()", methods: &["publish"], data: &[], open: false },
    HostObject {
        name: "dao",
        shown: "$app.dao()",
        methods: &[
            "findRecordById",
            "findRecordsByIds",
            "findAcross",
            "prefetch",
            "saveRecords",
            "addToRecords",
            "findFirstRecordByFilter",
            "findRecordsByFilter",
            "countRecords",
            "saveRecord",
            "deleteRecord",
        ],
        data: &[],
        open: false,
    },
    HostObject { name: "jobs", shown: "$jobs", methods: &["register", "enqueue", "cron"], data: &[], open: false },
    HostObject { name: "http", shown: "$http", methods: &["fetch"], data: &[], open: false },
    HostObject {
        name: "license",
        shown: "$app.license",
        methods: &["quota", "has"],
        data: &[("plan", ""), ("seats", "")],
        open: false,
    },
    HostObject {
        name: "capability",
        shown: "$app.capability()",
        methods: &["call", "providers"],
        data: &[("name", ""), ("provider", "")],
        open: false,
    },
    HostObject { name: "config", shown: "$app.config", methods: &[], data: &[], open: true },
    HostObject {
        name: "money",
        shown: "$app.money",
        methods: &["parse", "format", "add", "sub", "mul", "allocate"],
        data: &[],
        open: false,
    },
    HostObject {
        name: "plugin",
        shown: "$app.plugin",
        methods: &[],
        data: &[("slug", ""), ("version", "")],
        open: false,
    },
];

/// The names that code may use of an object of the host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostMembers {
    /// How the object is written: `$app.dao()`, or `e` for a handler's argument.
    pub object: &'static str,
    /// Its methods, each with the number of arguments that it cannot do without.
    pub methods: Vec<(&'static str, usize)>,
    /// Its other members.
    pub data: Vec<&'static str>,
}

/// What the analysis takes for the surface of the host. Objects whose members are not fixed are left out.
pub fn host_members() -> Vec<HostMembers> {
    let closed = OBJECTS.iter().filter(|object| !object.open).map(|object| HostMembers {
        object: object.shown,
        methods: object.methods.iter().map(|method| (*method, needed(object.name, method).0)).collect(),
        data: object.data.iter().map(|(name, _)| *name).collect(),
    });
    let event = HostMembers { object: "e", methods: EVENT_METHODS.map(|name| (name, 0)).to_vec(), data: Vec::new() };
    closed.chain([event]).collect()
}

/// Methods of a handler's argument; more may exist, so only a near miss is a mistake.
pub(crate) const EVENT_METHODS: [&str; 7] = ["reply", "reject", "json", "text", "header", "setStatus", "outcome"];

/// The host object behind a global name.
pub(crate) fn global<'a>(name: &str) -> Option<Value<'a>> {
    let object = match name {
        "$app" => "app",
        "$jobs" => "jobs",
        "$http" => "http",
        "globalThis" => "global",
        _ => return None,
    };
    Some(Value::Host(Host::Object(object)))
}

fn object(name: &str) -> Option<&'static HostObject> {
    OBJECTS.iter().find(|object| object.name == name)
}

/// A member of a host object.
pub(crate) fn member<'a>(name: &'static str, key: &str) -> Value<'a> {
    if name == "global" {
        return global(key).unwrap_or_else(|| Value::unknown(&format!("the global `{key}`")));
    }
    let Some(object) = object(name) else { return Value::unknown("a member of the host") };
    if let Some(method) = object.methods.iter().find(|method| **method == key) {
        return Value::Host(Host::Method(object.name, method));
    }
    match object.data.iter().find(|(data, _)| *data == key) {
        Some((_, "")) | None => Value::unknown(&format!("`{}.{key}` is known only when the plugin runs", object.shown)),
        Some((_, inner)) => Value::Host(Host::Object(inner)),
    }
}

/// What calling a method gives.
pub(crate) fn result<'a>(name: &'static str, method: &'static str) -> Value<'a> {
    match (name, method) {
        ("app", "realtime") => Value::Host(Host::Object("realtime")),
        ("app", "dao") => Value::Host(Host::Object("dao")),
        ("app", "capability") => Value::Host(Host::Object("capability")),
        _ => Value::unknown(&format!("the result of `{}`", shown(name, method))),
    }
}

/// How a method is written.
pub(crate) fn shown(name: &str, method: &str) -> String {
    format!("{}.{method}", object(name).map_or(name, |object| object.shown))
}

/// Whether a member does not exist: then how the object is written, and what its members are called.
pub(crate) fn missing(name: &str, key: &str) -> Option<(&'static str, Vec<&'static str>)> {
    // Every object has these.
    if matches!(key, "toString" | "valueOf" | "hasOwnProperty" | "constructor") {
        return None;
    }
    let object = object(name).filter(|object| !object.open)?;
    let members: Vec<&str> = object.methods.iter().copied().chain(object.data.iter().map(|(data, _)| *data)).collect();
    (!members.contains(&key)).then_some((object.shown, members))
}

/// The least arguments of a method, and what they are.
pub(crate) fn needed(object: &str, method: &str) -> (usize, &'static str) {
    match (object, method) {
        ("realtime", "publish") | ("app", "request") => (1, "a topic"),
        ("app", "onEvent") => (2, "a topic and a handler"),
        ("app", "routerAdd") => (3, "a method, a path and a handler"),
        ("app", "onRecord") => (4, "when, operation, collection and a handler"),
        ("app", "onOutcome" | "provide") => (2, "a name and a handler"),
        ("app", "onAttach" | "onDetach") => (1, "a handler"),
        ("app", "capability") | ("license", "quota" | "has") => (1, "a name"),
        ("app", "reserve") => (2, "a resource and an amount"),
        ("app", "release" | "confirm") => (1, "a reservation"),
        ("jobs", "register") => (2, "a kind and a handler"),
        ("jobs", "cron") => (3, "a name, a schedule and a handler"),
        ("jobs", "enqueue") => (1, "a kind"),
        ("dao", "findRecordById" | "findRecordsByIds" | "saveRecord" | "deleteRecord") => {
            (2, "a collection and what to find, save or delete")
        }
        ("dao", "addToRecords") => (3, "a collection, the records and the fields to add to"),
        ("dao", "saveRecords") => (2, "a collection and the records"),
        ("dao", "findAcross" | "prefetch") => (1, "what to find"),
        ("dao", _) => (1, "a collection"),
        ("money", "parse" | "format") => (2, "an amount and its scale"),
        ("money", "mul") => (2, "an amount and a factor"),
        ("money", "allocate") => (2, "an amount and the weights"),
        ("money", _) => (1, "an amount"),
        ("app", "log" | "hash" | "sha256") => (1, "what to log or to hash"),
        ("http", "fetch") => (1, "an address"),
        _ => (0, ""),
    }
}
