//! Exceptions that should not be there.

use crate::mutation::{Base, Edit, Mutant, Operator};

pub(super) const ALL: &[Operator] = &[
    Operator { name: "exception-stale", expects: &["TL901"], sites: |base| allowed(base, "rule: TL202", KEPT) },
    Operator {
        name: "exception-without-reason",
        expects: &["TL902"],
        sites: |base| allowed(base, "rule: TL202", "owner: somebody"),
    },
    Operator {
        name: "exception-with-an-empty-reason",
        expects: &["TL902"],
        sites: |base| allowed(base, "rule: TL202", "reason: todo, owner: somebody"),
    },
    Operator {
        name: "exception-expired",
        expects: &["TL903"],
        sites: |base| {
            allowed(
                base,
                "rule: TL202",
                "reason: the archive of the bank consumes it, owner: finance, expires: 2020-01-31",
            )
        },
    },
    Operator {
        name: "exception-too-broad",
        expects: &["TL904"],
        sites: |base| entries(base, |_| format!("{{rule: TL202, topic: \"**\", {KEPT}}}")),
    },
    Operator {
        name: "exception-of-an-unknown-rule",
        expects: &["TL907"],
        sites: |base| allowed(base, "rule: TL2O2", KEPT),
    },
    Operator { name: "exception-outlived", expects: &["TL901", "TL906"], sites: outlived },
    Operator {
        name: "inline-exception-stale",
        expects: &["TL901"],
        sites: |base| inline(base, "// tl-allow TL304: declared by the plugin before this one"),
    },
    Operator {
        name: "inline-exception-without-reason",
        expects: &["TL902"],
        sites: |base| inline(base, "// tl-allow TL304"),
    },
];

const KEPT: &str = "reason: the archive of the bank consumes it, owner: finance";

fn allowed(base: &Base, rule: &'static str, rest: &'static str) -> Vec<Mutant> {
    entries(base, |topic| format!("{{{rule}, topic: {topic}, {rest}}}"))
}

/// One exception for each exact topic in its owner's manifest.
fn entries(base: &Base, entry: impl Fn(&str) -> String) -> Vec<Mutant> {
    let topics = base.topics().into_iter().filter(|topic| !topic.contains('*'));
    let add = |topic: &str| {
        let owner = topic.split('.').next().unwrap_or_default();
        Mutant::new(topic, vec![base.declare(owner, "allow", &entry(topic))])
    };
    topics.map(add).collect()
}

/// The exception names the condition that ends it, and the condition has come true.
fn outlived(base: &Base) -> Vec<Mutant> {
    entries(base, |topic| format!("{{rule: TL202, topic: {topic}, {KEPT}, until: publisher({topic})}}"))
}

fn inline(base: &Base, comment: &'static str) -> Vec<Mutant> {
    let add = |plugin: String| {
        let file = base.entry(&plugin);
        Mutant::new(file.clone(), vec![Edit::insert(&file, 0, format!("{comment}\n"))])
    };
    base.plugins().into_iter().map(add).collect()
}
