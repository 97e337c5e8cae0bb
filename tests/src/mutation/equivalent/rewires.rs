//! The same call of the bus, made another way.

use crate::mutation::truth::Place;
use crate::mutation::{Base, Edit, Mutant, Operator};
use contract_parse::FactKind;

const PUBLISH: &str = "$app.realtime().publish(";
const HEAR: &str = "$app.onEvent(";

pub(super) const ALL: &[Operator] = &[
    operator("bus-in-a-constant", |base| called(base, PUBLISH, "tlBus.publish(", "const tlBus = $app.realtime();")),
    operator("publish-destructured", |base| {
        called(base, PUBLISH, "tlSay(", "const { publish: tlSay } = $app.realtime();")
    }),
    operator("publish-bound", |base| {
        called(base, PUBLISH, "tlSay(", "const tlBus = $app.realtime();\nconst tlSay = tlBus.publish.bind(tlBus);")
    }),
    operator("publish-by-computed-member", |base| called(base, PUBLISH, "$app.realtime()[\"publish\"](", "")),
    operator("publish-optionally", |base| called(base, PUBLISH, "$app.realtime()?.publish(", "")),
    operator("publish-in-a-function", |base| {
        called(
            base,
            PUBLISH,
            "tlSay(",
            "function tlSay(topic, payload, options) {\n  return $app.realtime().publish(topic, payload, options);\n}",
        )
    }),
    operator("publish-in-an-arrow", |base| {
        called(base, PUBLISH, "tlSay(", "const tlSay = (...args) => $app.realtime().publish(args[0], args[1]);")
    }),
    operator("publish-in-two-functions", |base| {
        called(
            base,
            PUBLISH,
            "tlOuter(",
            "const tlInner = (t, p) => $app.realtime().publish(t, p);\nfunction tlOuter(topic, payload) {\n  return tlInner(topic, payload);\n}",
        )
    }),
    operator("publish-by-a-method", |base| {
        called(
            base,
            PUBLISH,
            "tlVoice.say(",
            "class TlVoice {\n  say(topic, payload) {\n    return $app.realtime().publish(topic, payload);\n  }\n}\nconst tlVoice = new TlVoice();",
        )
    }),
    operator("publish-by-an-inherited-method", |base| {
        called(
            base,
            PUBLISH,
            "tlVoice.say(",
            "class TlBase {\n  say(topic, payload) {\n    return $app.realtime().publish(topic, payload);\n  }\n}\nclass TlVoice extends TlBase {}\nconst tlVoice = new TlVoice();",
        )
    }),
    operator("publish-by-an-object", |base| {
        called(
            base,
            PUBLISH,
            "tlVoice.say(",
            "const tlVoice = { say: (topic, payload) => $app.realtime().publish(topic, payload) };",
        )
    }),
    operator("publish-in-a-function-argument", |base| {
        wrapped(base, PUBLISH, |call| format!("tlTwice(() => {call})"), "const tlTwice = (work) => work();")
    }),
    operator("publish-in-a-loop-of-one", |base| {
        wrapped(base, PUBLISH, |call| format!("[0].forEach(() => {call})"), "")
    }),
    operator("publish-called-at-once", |base| wrapped(base, PUBLISH, |call| format!("(() => {call})()"), "")),
    operator("on-event-of-an-alias", |base| called(base, HEAR, "tlApp.onEvent(", "const tlApp = $app;")),
    operator("on-event-destructured", |base| called(base, HEAR, "tlHear(", "const { onEvent: tlHear } = $app;")),
    operator("on-event-in-a-function", |base| {
        called(
            base,
            HEAR,
            "tlHear(",
            "function tlHear(topic, a, b) {\n  if (b === undefined) $app.onEvent(topic, a);\n  else $app.onEvent(topic, a, b);\n}",
        )
    }),
    operator("on-event-in-a-block", |base| wrapped(base, HEAR, |call| format!("(() => {{ {call}; }})()"), "")),
    operator("topics-of-a-table", table),
];

const fn operator(name: &'static str, sites: fn(&Base) -> Vec<Mutant>) -> Operator {
    Operator { name, expects: &[], sites }
}

fn direct<'b>(base: &'b Base, call: &'static str) -> impl Iterator<Item = &'b Place> {
    let starts = move |place: &&Place| base.text(&place.file)[place.range.clone()].starts_with(call);
    base.of(&[FactKind::Publish, FactKind::Subscribe]).filter(starts)
}

/// Puts another callee in the place of a direct one.
fn called(base: &Base, call: &'static str, other: &'static str, before: &'static str) -> Vec<Mutant> {
    let mutant = |place: &Place| {
        let callee = place.range.start..place.range.start + call.len();
        let edits = with_head(place, Edit::replace(&place.file, callee, other), before);
        Mutant::new(format!("{:?} in {}", place.topics, place.file), edits)
    };
    direct(base, call).map(mutant).collect()
}

/// Puts a direct call into something that runs it once.
fn wrapped(base: &Base, call: &'static str, wrap: fn(&str) -> String, before: &'static str) -> Vec<Mutant> {
    let mutant = |place: &Place| {
        let whole = base.call(place);
        let text = wrap(&base.text(&place.file)[whole.clone()]);
        Mutant::new(
            format!("{:?} in {}", place.topics, place.file),
            with_head(place, Edit::replace(&place.file, whole, text), before),
        )
    };
    direct(base, call).map(mutant).collect()
}

fn with_head(place: &Place, edit: Edit, before: &str) -> Vec<Edit> {
    let head = (!before.is_empty()).then(|| Edit::insert(&place.file, 0, format!("{before}\n")));
    head.into_iter().chain([edit]).collect()
}

/// The topic of a publication comes out of a table of one by a loop over its entries.
fn table(base: &Base) -> Vec<Mutant> {
    let mutant = |place: &Place| {
        let topic = place.topic()?;
        let whole = base.call(place);
        let text = base.text(&place.file);
        let call = format!("{PUBLISH}tlTopic{}", &text[place.range.end..whole.end]);
        let looped = format!("Object.entries({{ one: \"{topic}\" }}).forEach(([, tlTopic]) => {call})");
        Some(Mutant::new(format!("{topic} in {}", place.file), vec![Edit::replace(&place.file, whole, looped)]))
    };
    direct(base, PUBLISH).filter_map(mutant).collect()
}
