//! What the checker takes for the surface of the host, held against the declarations that the binding is held against.

use contract_parse::{HostMembers, host_members};
use std::collections::{BTreeMap, BTreeSet};
use tests::binary::workspace;

const DECLARATIONS: &str = "daemon/daemon-worker/src/surface";

/// The checker's objects and the interfaces that declare them; a handler's argument has two.
const OBJECTS: [(&str, &[&str]); 10] = [
    ("$app", &["App"]),
    ("$app.realtime()", &["Realtime"]),
    ("$app.dao()", &["Dao"]),
    ("$app.license", &["License"]),
    ("$app.money", &["Money"]),
    ("$app.plugin", &["PluginFacts"]),
    ("$app.capability()", &["Capability"]),
    ("$jobs", &["Jobs"]),
    ("$http", &["Http"]),
    ("e", &["VerbCall", "RequestDelivery"]),
];

/// Of a method the least number of arguments, over all its declarations; none for what is no method.
pub(crate) type Members = BTreeMap<String, Option<usize>>;

#[test]
fn the_checker_knows_what_is_declared_and_nothing_else() {
    let declared = declared();
    for HostMembers { object, methods, data } in host_members() {
        let interfaces = OBJECTS.iter().find(|(name, _)| *name == object).map(|(_, interfaces)| *interfaces);
        let interfaces = interfaces.unwrap_or_else(|| panic!("{object} is declared by no interface"));
        let members: Members = interfaces.iter().flat_map(|name| declared[*name].clone()).collect();
        let is_argument = object == "e";
        let wanted = members.iter().filter(|(_, least)| !is_argument || least.is_some());
        let wanted: BTreeSet<&str> = wanted.map(|(name, _)| name.as_str()).collect();
        let known: BTreeSet<&str> = methods.iter().map(|(name, _)| *name).chain(data).collect();
        assert_eq!(known, wanted, "{object}: the checker's names and those of {DECLARATIONS}");
        for (method, least) in methods {
            let declared = members.get(method).copied().flatten();
            assert!(declared.is_none_or(|declared| least <= declared), "{object}.{method} takes fewer than {least}");
        }
    }
}

/// The interfaces of the declarations.
pub(crate) fn declared() -> BTreeMap<String, Members> {
    let files = std::fs::read_dir(workspace().join(DECLARATIONS)).expect("the declarations");
    let texts = files.map(|file| std::fs::read_to_string(file.expect("a file").path()).expect("a declaration"));
    let text: String = texts.collect();
    let mut all: BTreeMap<String, Members> = BTreeMap::new();
    let mut open = None;
    for line in text.lines() {
        if let Some(head) = line.strip_prefix("  interface ") {
            open = head.split([' ', '<']).next().map(str::to_owned).filter(|_| line.ends_with('{'));
        } else if line == "  }" {
            open = None;
        } else if let (Some(name), Some((member, least))) = (&open, member(line)) {
            let least_of_all = |known: &mut Option<usize>| *known = (*known).min(least);
            all.entry(name.clone()).or_default().entry(member).and_modify(least_of_all).or_insert(least);
        }
    }
    all
}

/// A member and, of a method, the arguments that its declaration asks for.
fn member(line: &str) -> Option<(String, Option<usize>)> {
    let rest = line.strip_prefix("    ").filter(|rest| !rest.starts_with([' ', '/', '*', '(', '[']))?;
    let rest = rest.strip_prefix("readonly ").unwrap_or(rest);
    let end = rest.find(['?', ':', '(', '<'])?;
    let name = rest[..end].to_owned();
    match rest[end..].chars().next() {
        Some('(') => Some((name, Some(required(&rest[end..])))),
        Some('<') => Some((name, Some(required(&rest[end + generics(&rest[end..])..])))),
        _ => Some((name, None)),
    }
}

/// The length of what stands between angle brackets at the start.
fn generics(text: &str) -> usize {
    let mut depth = 0;
    let ends = |(_, c): &(usize, char)| {
        depth += i32::from(*c == '<') - i32::from(*c == '>');
        depth == 0
    };
    text.char_indices().find(ends).map_or(text.len(), |(at, _)| at + 1)
}

/// How many parameters of a list in parentheses are neither optional nor a rest.
fn required(text: &str) -> usize {
    let mut depth = 0;
    let mut parameters = vec![String::new()];
    let mut before = ' ';
    for c in text.chars() {
        // The bracket of an arrow closes nothing.
        let closes = matches!(c, ')' | '}' | ']') || c == '>' && before != '=';
        depth += i32::from(matches!(c, '(' | '{' | '[' | '<')) - i32::from(closes);
        before = c;
        match c {
            _ if depth == 0 => break,
            ',' if depth == 1 => parameters.push(String::new()),
            _ => parameters.last_mut().expect("one at least").push(c),
        }
    }
    let is_required = |one: &&String| {
        let one = one.trim_start_matches('(').trim();
        let name = one.split(':').next().unwrap_or_default();
        !one.is_empty() && !name.ends_with('?') && !name.starts_with("...")
    };
    parameters.iter().filter(is_required).count()
}

#[test]
fn declarations_are_read_as_they_are_meant() {
    for (line, expected) in [
        ("    now(): number;", ("now", Some(0))),
        ("    log: Log;", ("log", None)),
        ("    readonly plan: string;", ("plan", None)),
        ("    add(first: Amount, ...more: Amount[]): Amount;", ("add", Some(1))),
        (
            "    find<C extends keyof X<Y>>(c: C, f: { [N in C]?: Map<a, b> }, o?: (e: C) => D): void;",
            ("find", Some(2)),
        ),
        ("    on<T>(topic: T, handler: (e: T, f: U) => unknown): void;", ("on", Some(2))),
    ] {
        let (name, least) = member(line).expect("a member");
        assert_eq!((name.as_str(), least), expected, "{line}");
    }
}
