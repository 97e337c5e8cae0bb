//! The ways to write the same call.

/// A way to write calls of the bus.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Style {
    /// `publish("a.b")`.
    Literal,
    /// A constant of the same module.
    Constant,
    /// A constant of another module.
    Imported,
    /// A field of a frozen object of another module.
    Member,
    /// A template over a constant.
    Template,
    /// A sum of texts.
    Sum,
    /// A function that takes the topic.
    Wrapper,
    /// The bus under another name.
    Alias,
    /// Either of two topics.
    Choice,
    /// A loop over a list.
    Loop,
    /// A class that holds the bus.
    Class,
}

/// All styles.
pub const STYLES: [Style; 11] = [
    Style::Literal,
    Style::Constant,
    Style::Imported,
    Style::Member,
    Style::Template,
    Style::Sum,
    Style::Wrapper,
    Style::Alias,
    Style::Choice,
    Style::Loop,
    Style::Class,
];

/// A call as it is written.
#[derive(Debug, Default)]
pub struct Written {
    /// What stands in topics.js.
    pub topics: String,
    /// What stands in the module itself, before the call.
    pub setup: String,
    /// The call, inside of a handler for publishing, at top level for subscribing.
    pub call: String,
    /// What the module imports from topics.js.
    pub imports: Vec<String>,
    /// The names after the first that it concerns, beside `<slug>.<name>`.
    pub more: Vec<String>,
}

impl Style {
    /// Writes a call for topic `<slug>.<name>`; `id` is unique in the plugin. `verb` is `publish` or `subscribe`.
    pub fn write(self, slug: &str, name: &str, id: &str, verb: &str) -> Written {
        let full = format!("{slug}.{name}");
        let call = |topic: &str| on_bus(verb, "$app", topic);
        let mut out = Written::default();
        match self {
            Self::Literal => out.call = call(&format!("\"{full}\"")),
            Self::Constant => {
                out.setup = format!("const T_{id} = \"{full}\";");
                out.call = call(&format!("T_{id}"));
            }
            Self::Imported => {
                out.topics = format!("export const T_{id} = \"{full}\";");
                out.imports.push(format!("T_{id}"));
                out.call = call(&format!("T_{id}"));
            }
            Self::Member => {
                out.topics = format!("export const E_{id} = Object.freeze({{ FLOW: {{ STEP: \"{full}\" }} }});");
                out.imports.push(format!("E_{id}"));
                out.call = call(&format!("E_{id}.FLOW.STEP"));
            }
            Self::Template => {
                out.imports.push("NS".to_owned());
                out.call = call(&format!("`${{NS}}.{name}`"));
            }
            Self::Sum => {
                out.imports.push("NS".to_owned());
                out.call = call(&format!("NS + \".\" + \"{name}\""));
            }
            Self::Wrapper => {
                out.setup = format!("function emit_{id}(topic, work) {{ {} }}", on_bus(verb, "$app", "topic"));
                out.call = format!("emit_{id}(\"{full}\", (e) => e);");
            }
            Self::Alias => {
                out.setup = format!("const bus_{id} = $app;");
                out.call = on_bus(verb, &format!("bus_{id}"), &format!("\"{full}\""));
            }
            Self::Choice => {
                out.more.push(format!("{name}.late"));
                out.call = call(&format!("$app.config.late_{id} ? \"{full}.late\" : \"{full}\""));
            }
            Self::Loop => {
                out.more.push(format!("{name}.again"));
                out.setup = format!("const LIST_{id} = [\"{full}\", \"{full}.again\"];");
                out.call = format!("for (const topic of LIST_{id}) {{ {} }}", call("topic"));
            }
            Self::Class => {
                let inner = on_bus(verb, "this.app", "`${this.ns}.${name}`");
                out.setup = format!(
                    "class Wire_{id} {{\n  constructor(app, ns) {{ this.app = app; this.ns = ns; }}\n  run(name) {{ {inner} }}\n}}\nconst wire_{id} = new Wire_{id}($app, \"{slug}\");"
                );
                out.call = format!("wire_{id}.run(\"{name}\");");
            }
        }
        out
    }
}

fn on_bus(verb: &str, app: &str, topic: &str) -> String {
    match verb {
        "publish" => format!("{app}.realtime().publish({topic}, {{ at: $app.now() }});"),
        _ => format!("{app}.onEvent({topic}, (e) => {{ seen(e); }});"),
    }
}
