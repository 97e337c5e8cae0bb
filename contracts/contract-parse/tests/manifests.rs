//! plugin.yaml and suite.yaml in, manifests and problems out.

use contract_model::manifest::{AfterRetries, Compatibility, Form, TopicKind, Visibility};
use contract_model::{Manifest, Permission};
use contract_parse::{ParsedPlugin, PluginSource, Problem, SourceFile, parse_plugin, parse_suite_manifest};

const HEAD: &str = "manifest: 1\nslug: ap\nname: AP\nversion: 1.2.0\nentry: main.js\n";

fn parse(yaml: &str, more: &[(&str, &str)]) -> ParsedPlugin {
    let files = [("plugin.yaml", yaml), ("main.js", "")].into_iter().chain(more.iter().copied());
    let files = files.map(|(path, text)| SourceFile { path: path.to_owned(), text: text.to_owned() }).collect();
    parse_plugin(&PluginSource { folder: "plugins/ap".to_owned(), files })
}

fn shown(problems: &[Problem]) -> Vec<String> {
    let one = |one: &Problem| {
        let help = one.help.as_ref().map_or("", |(help, _)| help);
        format!("{:?} {}:{} {} {help}", one.kind, one.location.line, one.location.column, one.message)
    };
    problems.iter().map(one).collect()
}

/// The problems of the head and `rest`, each containing the text wanted; lines count from the rest's first.
#[track_caller]
fn check(rest: &str, want: &[&str]) -> Option<Manifest> {
    let parsed = parse(&format!("{rest}{HEAD}"), &[("contracts/a.json", "{}")]);
    let got = shown(&parsed.problems);
    assert_eq!(got.len(), want.len(), "{rest}: {got:#?}");
    for (got, want) in got.iter().zip(want) {
        assert!(got.contains(want), "{got} lacks {want}");
    }
    parsed.manifest
}

#[test]
fn the_whole_form_is_read() {
    let text = include_str!("fixtures/plugin.yaml");
    let names = ["schema.json", "widgets.json", "config.schema.json", "contracts/ap.bill.approved.json", "src/main.js"];
    let more: Vec<(&str, &str)> = names
        .iter()
        .map(|name| {
            (
                *name,
                if *name == "schema.json" {
                    "{\"collections\": []}"
                } else if *name == "src/main.js" {
                    ""
                } else {
                    "{}"
                },
            )
        })
        .collect();
    let parsed = parse(text, &more);
    assert_eq!(shown(&parsed.problems), Vec::<String>::new());
    let manifest = parsed.manifest.expect("a manifest");
    assert_eq!(manifest.slug.value.as_str(), "ap");
    assert_eq!(manifest.form, Form::Bundle);
    assert_eq!(manifest.topics.len(), 2);
    let topic = &manifest.topics[0];
    assert_eq!((topic.kind, topic.visibility), (TopicKind::Event, Visibility::Public));
    assert_eq!((topic.retry.attempts, topic.retry.backoff.0, topic.retry.then), (12, 200, AfterRetries::Park));
    assert_eq!(topic.key.as_ref().map(|key| key.value.as_str()), Some("/billId"));
    assert_eq!(manifest.topics[1].replies.as_ref().map(|one| one.ok.value.as_str()), Some("ap.bill.paid"));
    assert_eq!(manifest.publishes.len(), 3);
    assert_eq!(manifest.publishes[2].value.values.len(), 2);
    assert!(manifest.consumes[2].value.optional);
    assert!(manifest.consumes[1].value.range.as_ref().expect("a range").matches(&semver::Version::new(1, 9, 0)));
    assert_eq!(manifest.requires.len(), 1);
    assert_eq!(manifest.roles[0].value.grants, ["ap.bill.create", "ap.bill.read"]);
    assert_eq!(manifest.allow[0].value.until.as_ref().map(|one| one.value.as_str()), Some("consumer(ap.bill.voided)"));
    let span = manifest.consumes[0].span;
    assert_eq!(&text[span.start as usize..span.end as usize], "gl.journal.posted");
}

#[test]
fn unknown_keys_are_named_with_what_was_meant() {
    check(
        "consume: [gl.a]\n",
        &["UnknownField 1:1 `consume` is not a known key of plugin.yaml did you mean `consumes`?"],
    );
    check("x-team: finance\n", &[]);
    check("topics:\n  ap.a:\n    vissibility: public\n    x-note: 1\n", &["UnknownField 3:5"]);
    check("consumes:\n  - {topic: gl.a, optinal: true}\n", &["did you mean `optional`?"]);
}

/// A key that begins with `x-` is free; a name that does is a name.
#[test]
fn what_has_names_for_keys_has_those_that_begin_with_x() {
    let manifest =
        check("topics: {x-y.item.added: {kind: event}}\nrequires: {x-y: \"^1\"}\n", &[]).expect("a manifest");
    assert_eq!(manifest.topics.keys().map(ToString::to_string).collect::<Vec<_>>(), ["x-y.item.added"]);
    assert!(manifest.requires.contains_key("x-y"));
    check("topics: {x-y: {kind: event}}\n", &["BadTopicName 1:10"]);
    let text = "plugins: [gl]\ncompositions: {x-all: [gl]}\nlimits: {x-y: {deadline_ms: 5}}\nrules: {x-mine: warn}\n";
    let (suite, problems) = parse_suite_manifest("suite.yaml", text);
    assert_eq!(suite.compositions.keys().collect::<Vec<_>>(), ["x-all"], "{problems:?}");
    assert_eq!(suite.limits.iter().map(|one| one.plugin.value.as_str()).collect::<Vec<_>>(), ["x-y"], "{problems:?}");
    assert!(suite.rules.contains_key("x-mine"), "{problems:?}");
}

#[test]
fn wrong_values_leave_the_rest() {
    let manifest = check(
        "publishes: gl.a\nconsumes: [gl.b, 7]\n",
        &["BadValue 1:12 `publishes` must be a list", "BadValue 2:18 `consumes` must be a text, got a number"],
    );
    assert_eq!(manifest.expect("a manifest").consumes.len(), 1);
    check("min_core: 1.0\n", &["write it in quotes"]);
    check("min_core: one\n", &["`one` is not a version"]);
    check("form: bundel\n", &["did you mean `bundle`?"]);
    check("topics: {ap.a: {ttl: 3 weeks}}\n", &["is not a duration"]);
    check("topics: {ap.a: {key: billId}}\n", &["write it as /billId"]);
    check("topics: {ap.a: {retry: {attempts: 0}}}\n", &["from 1 to 1000"]);
    check("topics: {ap.a: {kind: request}}\n", &["names no reply"]);
    check("topics: {ap.a: {deprecated: {sunset: 2027-02-30}}}\n", &["is no day of the calendar"]);
    check("consumes: [{topic: gl.a, range: '^1 || ^2'}]\n", &["is not a version range"]);
    check("allow: [{rule: TL202, until: soon}]\n", &["is no condition"]);
    check("pricing: {metric: seats, amount: '9.00'}\n", &["`pricing.metric` must be one of"]);
}

#[test]
fn what_a_topic_must_keep_is_read() {
    for (word, mode) in [
        ("backward", Compatibility::Backward),
        ("forward", Compatibility::Forward),
        ("full", Compatibility::Full),
        ("none", Compatibility::None),
    ] {
        let manifest = check(&format!("topics: {{ap.a: {{compatibility: {word}}}}}\n"), &[]).expect("a manifest");
        assert_eq!(manifest.topics[0].compatibility, Some(mode));
    }
    let manifest = check("topics: {ap.a: {}}\n", &[]).expect("a manifest");
    assert_eq!(manifest.topics[0].compatibility, None, "the default depends on who hears the topic");
    check("topics: {ap.a: {compatibility: backwards}}\n", &["BadValue 1:32"]);
    check("topics: {ap.a: {compatibility: backwards}}\n", &["did you mean `backward`?"]);
    check("topics: {ap.a: {compatibility: 7}}\n", &["must be a text"]);
    check("topics: {ap.a: {compatability: full}}\n", &["did you mean `compatibility`?"]);
}

#[test]
fn topic_names_follow_the_grammar() {
    check("consumes: ['GL.Journal posted']\n", &["BadTopicName 1:12"]);
    check("publishes: [ap.*]\n", &["BadTopicName 1:13"]);
    check("publishes: [{pattern: ap.*}]\n", &["lists no `values`"]);
    check("publishes: [{pattern: ap.*, values: [gl.a]}]\n", &["does not fall under"]);
    check("topics: {ap: {}}\n", &["BadTopicName 1:10"]);
}

#[test]
fn what_stands_twice_is_found() {
    check("publishes: [ap.a, ap.a]\n", &["DuplicateDeclaration 1:19"]);
    check("consumes: [gl.a, {topic: gl.a, optional: true}]\n", &["DuplicateDeclaration 1:26"]);
    check("consumes: [ap.a]\npublishes: [ap.a]\n", &[]);
    check("tags: [a]\ntags: [b]\n", &["ManifestUnreadable 2:1 `tags` is written twice"]);
}

#[test]
fn files_that_are_missing_are_found() {
    let plugin = parse(&HEAD.replace("main.js", "mian.js"), &[]);
    assert!(shown(&plugin.problems)[0].contains("EntryMissing 5:8"), "{:?}", plugin.problems);
    assert!(shown(&plugin.problems)[0].contains("did you mean `main.js`?"));
    check("schema: schema.json\n", &["SchemaUnreadable 1:9"]);
    check("topics: {ap.a: {schema: contracts/b.json}}\n", &["did you mean `contracts/a.json`?"]);
    let plugin = parse(
        &format!("{HEAD}schema: s.json\n"),
        &[("s.json", "{\"collections\": [{\"name\": \"gl_x\", \"fields\": []}]}")],
    );
    assert!(shown(&plugin.problems)[0].contains("SchemaUnreadable 1:28 collection `gl_x` must start with `ap_`"));
    let plugin = parse(&format!("{HEAD}schema: s.json\n"), &[("s.json", "{\"collections\": [{\"nam\": 1}]}")]);
    assert!(shown(&plugin.problems)[0].contains("unknown field `nam`"));
}

#[test]
fn what_cannot_be_read_says_so() {
    for (text, want) in [
        ("", "plugin.yaml is empty"),
        ("slug: [", "not valid YAML"),
        ("- a\n", "must be a mapping"),
        ("manifest: 2\nslug: ap\nname: x\nversion: 1.0.0\nform: sidecar\n", "must be 1"),
        ("manifest: 1\nname: x\nversion: 1.0.0\nform: sidecar\n", "`slug` is missing"),
        ("a: 1\n---\nb: 2\n", "a second document"),
    ] {
        let problems = shown(&parse(text, &[]).problems);
        assert!(problems[0].contains(want), "{text}: {problems:?}");
    }
    let none = parse_plugin(&PluginSource { folder: "ap".to_owned(), files: Vec::new() });
    assert!(none.problems[0].message.contains("has no plugin.yaml"));
}

#[test]
fn aliases_expand_within_bounds() {
    check("publishes: &all [ap.a]\nconsumes: *all\n", &[]);
    let mut bomb = "x-a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for at in 1..9 {
        let list = vec![format!("*a{}", at - 1); 9].join(", ");
        bomb = format!("{bomb}x-a{at}: &a{at} [{list}]\n");
    }
    assert!(shown(&parse(&bomb, &[]).problems)[0].contains("nodes"));
}

#[test]
fn suites() {
    let text = "name: Ledger\nplugins: [gl, ./ap/]\ncompositions: {full: [gl, ap], ap-alone: [ap]}\nexternal:\n  - {topic: bank.statement.*, reason: the bank's gateway}\nrules: {TL202: off}\nprofile: strict\nx-a: 1\n";
    let (suite, problems) = parse_suite_manifest("suite.yaml", text);
    assert_eq!(shown(&problems), Vec::<String>::new());
    assert_eq!(suite.plugins.expect("plugins").into_iter().map(|one| one.value).collect::<Vec<_>>(), ["gl", "ap"]);
    assert_eq!(suite.compositions["ap-alone"].len(), 1);
    assert_eq!(suite.rules["TL202"].value, "off");
    assert_eq!(suite.external[0].value.reason, "the bank's gateway");
    let text = "compositions: {full: [gl, ap], ap-alone: [ap]}\ncustom:\n  - {name: a, when: 'true', message: m}\n  - {name: b, when: 'true', message: m, compositions: all}\n  - {name: c, when: 'true', message: m, compositions: [full]}\noverrides:\n  - {files: ['gl/old/**'], rules: {TL304: warn}, reason: moves out}\n";
    let (suite, problems) = parse_suite_manifest("suite.yaml", text);
    assert_eq!(shown(&problems), Vec::<String>::new());
    let asked = |at: usize| suite.custom[at].value.compositions.clone();
    assert_eq!((asked(0), asked(1).map(|all| all.len()), asked(2)), (None, Some(2), Some(vec!["full".to_owned()])));
    assert_eq!(suite.overrides[0].value.rules["TL304"].value, "warn");
    for (text, want) in [
        ("plugins: [../up]\n", "leaves the suite"),
        ("plugin: [gl]\n", "did you mean `plugins`?"),
        ("rules: {TL202: loud}\n", "off, info, warn or error"),
        ("external: [{topic: a.b}]\n", "needs a `reason`"),
        ("profile: harsh\n", "is no profile"),
        ("overrides: [{files: [\"a/**\"]}]\n", "needs `files` (globs) and `rules`"),
        ("overrides: [{files: [\"a/[\"], rules: {TL202: off}}]\n", "`a/[` is no glob"),
        ("overrides: [{files: [\"a/**\"], rules: {TL202: loud}}]\n", "off, info, warn or error"),
        (
            "compositions: {full: [gl]}\ncustom: [{name: a, when: \"true\", message: m, compositions: [ful]}]\n",
            "did you mean `full`?",
        ),
        (": [", "not valid YAML"),
    ] {
        let problems = shown(&parse_suite_manifest("suite.yaml", text).1);
        assert!(problems.first().is_some_and(|one| one.contains(want)), "{text}: {problems:?}");
    }
    assert_eq!(parse_suite_manifest("suite.yaml", "").1, Vec::new());
}

#[test]
fn no_truncation_panics() {
    let text = include_str!("fixtures/plugin.yaml");
    for end in (0..text.len()).filter(|end| text.is_char_boundary(*end)) {
        parse(&text[..end], &[]);
        parse_suite_manifest("suite.yaml", &text[..end]);
    }
}

#[test]
fn permissions_are_read_strictly() {
    let manifest = check("permissions: [events:publish, \"net:*.example.test\"]\n", &[]).expect("a manifest");
    assert!(manifest.permits(&Permission::Publish) && !manifest.permits(&Permission::OwnRecords));
    let manifest = check("permissions: []\n", &[]).expect("a manifest");
    assert!(!manifest.permits(&Permission::Subscribe), "an empty list asks for nothing");
    assert!(check("", &[]).expect("a manifest").permits(&Permission::Subscribe), "without the key: the usual ones");
    check("permissions: [event:publish]\n", &["BadValue 1:15 `event:publish` is not a permission"]);
    check("permissions: [event:publish]\n", &["did you mean `events:publish`?"]);
    check("permissions: [\"records:read:AR\"]\n", &["one collection's name"]);
    check("permissions: [jobs, jobs]\n", &["DuplicateDeclaration 1:21"]);
}
