//! The same topic, written another way.

use crate::mutation::truth::Place;
use crate::mutation::{Base, Edit, Mutant, Operator};
use contract_parse::FactKind;

const KINDS: &[FactKind] = &[FactKind::Publish, FactKind::Subscribe, FactKind::Request];

pub(super) const ALL: &[Operator] = &[
    operator("topic-as-literal", |base| written(base, |topic| (quoted(topic), String::new()))),
    operator("topic-in-a-constant", |base| {
        written(base, |topic| ("TL_TOPIC".to_owned(), format!("const TL_TOPIC = {};", quoted(topic))))
    }),
    operator("topic-in-a-template", |base| {
        written(base, |topic| {
            let (head, rest) = split(topic);
            (format!("`${{TL_HEAD}}.{rest}`"), format!("const TL_HEAD = {};", quoted(head)))
        })
    }),
    operator("topic-by-plus", |base| {
        written(base, |topic| {
            let (head, rest) = split(topic);
            (format!("{} + \".\" + {}", quoted(head), quoted(rest)), String::new())
        })
    }),
    operator("topic-by-concat", |base| {
        written(base, |topic| {
            let (head, rest) = split(topic);
            (format!("{}.concat(\".\", {})", quoted(head), quoted(rest)), String::new())
        })
    }),
    operator("topic-by-join", |base| {
        written(base, |topic| {
            let parts: Vec<String> = topic.split('.').map(quoted).collect();
            (format!("[{}].join(\".\")", parts.join(", ")), String::new())
        })
    }),
    operator("topic-by-replace", |base| {
        written(base, |topic| (format!("{}.replaceAll(\"/\", \".\")", quoted(&topic.replace('.', "/"))), String::new()))
    }),
    operator("topic-by-a-pattern", |base| {
        written(base, |topic| {
            (format!("{}.replace(/[/](\\w)/g, \".$1\")", quoted(&topic.replace('.', "/"))), String::new())
        })
    }),
    operator("topic-by-padding", |base| {
        written(base, |topic| {
            let (head, last) = topic.split_at(topic.len() - 1);
            (format!("{}.padEnd({}, {})", quoted(head), topic.len(), quoted(last)), String::new())
        })
    }),
    operator("topic-by-a-number", |base| {
        written(base, |topic| {
            let (head, rest) = split(topic);
            (
                format!("[\"x\", {}, {}].slice(TL_ONE + 1 - 1).join(\".\")", quoted(head), quoted(rest)),
                "const TL_ONE = 3 - 2;".to_owned(),
            )
        })
    }),
    operator("topic-by-push", |base| {
        written(base, |topic| {
            let pushes: Vec<String> =
                topic.split('.').skip(1).map(|part| format!("parts.push({});", quoted(part))).collect();
            let (first, pushes) = (quoted(split(topic).0), pushes.join("\n  "));
            let body = format!("  const parts = [{first}];\n  {pushes}\n  return parts.join(\".\");");
            ("tlPushed()".to_owned(), format!("function tlPushed() {{\n{body}\n}}"))
        })
    }),
    operator("topic-by-recursion", |base| {
        written(base, |topic| {
            let parts: Vec<String> = topic.split('.').map(quoted).collect();
            (
                format!("tlPath([{}])", parts.join(", ")),
                "const tlPath = ([head, ...rest]) => (rest.length > 0 ? `${head}.${tlPath(rest)}` : head);".to_owned(),
            )
        })
    }),
    operator("topic-by-a-tag", |base| {
        written(base, |topic| {
            let (head, rest) = split(topic);
            (
                format!("tlTag`${{{}}}.{rest}`", quoted(head)),
                "const tlTag = (texts, ...values) => texts.reduce((all, text, at) => all + text + (values[at] ?? \"\"), \"\");"
                    .to_owned(),
            )
        })
    }),
    operator("topic-by-an-inherited-static", |base| {
        written(base, |topic| {
            let (head, rest) = split(topic);
            let (head, rest) = (quoted(head), quoted(rest));
            (
                format!("TlHeir.topic({rest})"),
                format!(
                    "class TlNames {{\n  static head = \"x\";\n  static topic(rest) {{\n    return `${{this.head}}.${{rest}}`;\n  }}\n}}\nclass TlHeir extends TlNames {{\n  static head = {head};\n}}"
                ),
            )
        })
    }),
    operator("topic-by-a-base-constructor", |base| {
        written(base, |topic| {
            (
                "new TlHeir().topic".to_owned(),
                format!(
                    "class TlBase {{\n  constructor() {{\n    this.topic = this.name();\n  }}\n  name() {{\n    return \"x\";\n  }}\n}}\nclass TlHeir extends TlBase {{\n  name() {{\n    return {};\n  }}\n}}",
                    quoted(topic)
                ),
            )
        })
    }),
    operator("topic-by-a-prototype", |base| {
        written(base, |topic| {
            (
                "Object.create(new TlNames()).topic()".to_owned(),
                format!(
                    "function TlNames() {{}}\nTlNames.prototype.topic = function () {{\n  return {};\n}};",
                    quoted(topic)
                ),
            )
        })
    }),
    operator("topic-by-lower-case", |base| {
        written(base, |topic| (format!("{}.toLowerCase()", quoted(&topic.to_uppercase())), String::new()))
    }),
    operator("topic-in-a-frozen-object", |base| {
        written(base, |topic| {
            (
                "TL_TOPICS.a.b".to_owned(),
                format!("const TL_TOPICS = Object.freeze({{ a: {{ b: {} }}, c: \"x\" }});", quoted(topic)),
            )
        })
    }),
    operator("topic-by-computed-key", |base| {
        written(base, |topic| {
            (
                "TL_TOPICS[TL_KEY]".to_owned(),
                format!("const TL_KEY = \"k\";\nconst TL_TOPICS = {{ [TL_KEY]: {}, other: \"x\" }};", quoted(topic)),
            )
        })
    }),
    operator("topic-through-a-spread", |base| {
        written(base, |topic| {
            (
                "TL_ALL.one".to_owned(),
                format!("const TL_PART = {{ one: {} }};\nconst TL_ALL = {{ ...TL_PART, two: \"x\" }};", quoted(topic)),
            )
        })
    }),
    operator("topic-in-a-static-field", |base| {
        written(base, |topic| {
            ("TlTopics.One".to_owned(), format!("class TlTopics {{ static One = {}; }}", quoted(topic)))
        })
    }),
    operator("topic-destructured", |base| {
        written(base, |topic| {
            (
                "tlOne".to_owned(),
                format!("const {{ deep: {{ one: tlOne }} }} = {{ deep: {{ one: {} }} }};", quoted(topic)),
            )
        })
    }),
    operator("topic-by-a-builder", |base| {
        written(base, |topic| {
            let (head, rest) = split(topic);
            (
                format!("tlTopic({})", quoted(rest)),
                format!("const tlTopic = (rest) => {} + \".\" + rest;", quoted(head)),
            )
        })
    }),
    operator("topic-by-a-curried-builder", |base| {
        written(base, |topic| {
            let (head, rest) = split(topic);
            (
                format!("tlUnder({})({})", quoted(head), quoted(rest)),
                "const tlUnder = (head) => (rest) => `${head}.${rest}`;".to_owned(),
            )
        })
    }),
    operator("topic-by-a-default-parameter", |base| {
        written(base, |topic| {
            ("tlDefault()".to_owned(), format!("function tlDefault(topic = {}) {{\n  return topic;\n}}", quoted(topic)))
        })
    }),
    operator("topic-by-a-condition", |base| {
        written(base, |topic| (format!("($app.now() > 0 ? {0} : {0})", quoted(topic)), String::new()))
    }),
    operator("topic-by-a-switch", |base| {
        written(base, |topic| {
            let body =
                format!("switch (what) {{\n    case 1: return {0};\n    default: return {0};\n  }}", quoted(topic));
            ("tlSwitch(1)".to_owned(), format!("function tlSwitch(what) {{\n  {body}\n}}"))
        })
    }),
    operator("topic-by-a-fallback", |base| {
        written(base, |topic| (format!("(null ?? {})", quoted(topic)), String::new()))
    }),
    operator("topic-in-another-module", |base| {
        elsewhere(base, "import { TL_TOPIC } from \"./tl-topics.js\";", "TL_TOPIC", |t| {
            format!("export const TL_TOPIC = {};\n", quoted(t))
        })
    }),
    operator("topic-exported-by-default", |base| {
        elsewhere(base, "import tlTopic from \"./tl-topics.js\";", "tlTopic", |t| {
            format!("export default {};\n", quoted(t))
        })
    }),
    operator("topic-in-a-namespace", |base| {
        elsewhere(base, "import * as tlTopics from \"./tl-topics.js\";", "tlTopics.one", |t| {
            format!("const first = {};\nexport {{ first as one }};\n", quoted(t))
        })
    }),
    operator("topic-re-exported", re_exported),
    operator("topic-in-a-json-file", in_json),
];

const fn operator(name: &'static str, sites: fn(&Base) -> Vec<Mutant>) -> Operator {
    Operator { name, expects: &[], sites }
}

fn quoted(text: &str) -> String {
    format!("\"{text}\"")
}

fn split(topic: &str) -> (&str, &str) {
    topic.split_once('.').unwrap_or((topic, ""))
}

fn places(base: &Base) -> impl Iterator<Item = (&Place, &str)> {
    base.of(KINDS).filter_map(|place| Some((place, place.topic()?)))
}

/// Writes each topic as an expression, with what the module needs for it.
fn written(base: &Base, write: fn(&str) -> (String, String)) -> Vec<Mutant> {
    let mutant = |(place, topic): (&Place, &str)| {
        let (expression, before) = write(topic);
        let mut edits = vec![base.retopic(place, &expression)?];
        if !before.is_empty() {
            edits.push(Edit::insert(&place.file, 0, format!("{before}\n")));
        }
        Some(Mutant::new(format!("{topic} in {}", place.file), edits))
    };
    places(base).filter_map(mutant).collect()
}

/// Moves each topic to a module beside its own.
fn elsewhere(base: &Base, import: &'static str, name: &'static str, module: fn(&str) -> String) -> Vec<Mutant> {
    let mutant = |(place, topic): (&Place, &str)| {
        let edits = vec![
            base.retopic(place, name)?,
            Edit::insert(&place.file, 0, format!("{import}\n")),
            Edit::write(&beside(&place.file, "tl-topics.js"), module(topic)),
        ];
        Some(Mutant::new(format!("{topic} in {}", place.file), edits))
    };
    places(base).filter_map(mutant).collect()
}

fn re_exported(base: &Base) -> Vec<Mutant> {
    let mut all = elsewhere(base, "import { tlOne } from \"./tl-index.js\";", "tlOne", |topic| {
        format!("export const TL_INNER = {};\n", quoted(topic))
    });
    for mutant in &mut all {
        let inner = mutant.files().into_iter().find(|file| file.ends_with("tl-topics.js")).map(str::to_owned);
        let inner = inner.unwrap_or_default();
        mutant.edits.push(Edit::write(&beside(&inner, "tl-index.js"), "export * from \"./tl-middle.js\";\n"));
        let middle = "export { TL_INNER as tlOne } from \"./tl-topics.js\";\n";
        mutant.edits.push(Edit::write(&beside(&inner, "tl-middle.js"), middle));
    }
    all
}

fn in_json(base: &Base) -> Vec<Mutant> {
    let mutant = |(place, topic): (&Place, &str)| {
        let import = "import tlWiring from \"./tl-wiring.json\" with { type: \"json\" };\n";
        let edits = vec![
            base.retopic(place, "tlWiring.topics[0]")?,
            Edit::insert(&place.file, 0, import),
            Edit::write(&beside(&place.file, "tl-wiring.json"), format!("{{\"topics\": [{}]}}\n", quoted(topic))),
        ];
        Some(Mutant::new(format!("{topic} in {}", place.file), edits))
    };
    places(base).filter_map(mutant).collect()
}

fn beside(file: &str, name: &str) -> String {
    let folder = file.rsplit_once('/').map_or("", |(folder, _)| folder);
    format!("{folder}/{name}")
}
