//! The questions that others ask of a graph: what can happen, what was trusted, whether it explains what was seen.

use contract_graph::{Direction, Graph, ObservedEdge, Suite, Verdict};
use contract_parse::{FactKind, PluginSource, SourceFile, parse_plugin};
use std::collections::BTreeSet;

fn suite(plugins: &[(&str, &str, &str)]) -> Suite {
    let read = |(slug, more, code): &(&str, &str, &str)| {
        let manifest = format!("manifest: 1\nslug: {slug}\nname: N\nversion: 1.0.0\nentry: main.js\n{more}");
        let file = |path: &str, text: &str| SourceFile { path: path.to_owned(), text: text.to_owned() };
        let files = vec![file("main.js", code), file("plugin.yaml", &manifest)];
        parse_plugin(&PluginSource { folder: (*slug).to_owned(), files })
    };
    Suite::of(plugins.iter().map(read).collect())
}

fn relay(hears: &str, says: &str) -> String {
    format!("$app.onEvent('{hears}', e => $app.realtime().publish('{says}', e.payload));")
}

#[test]
fn what_happens_is_what_the_roots_lead_to() {
    let from_verb = "$app.routerAdd('POST', '/api/a/go', () => { $app.realtime().publish('a.x.done', {}); });";
    let suite = suite(&[
        ("aa", "", from_verb),
        ("bb", "", &relay("a.x.done", "b.y.done")),
        ("cc", "", &relay("b.*.done", "c.z.done")),
        ("dd", "", &relay("e.q.done", "d.p.done")),
        ("ee", "", &relay("d.p.done", "e.q.done")),
        ("ff", "", &relay("e.q.done", "f.o.done")),
    ]);
    let liveness = Graph::whole(&suite).liveness();
    for (topic, live) in
        [("a.x.done", true), ("b.y.done", true), ("c.z.done", true), ("d.p.done", false), ("f.o.done", false)]
    {
        assert_eq!(liveness.is_live(topic), live, "{topic}");
    }
    let [island] = liveness.islands() else { panic!("{:?}", liveness.islands()) };
    assert_eq!((island.topics.join(" ").as_str(), island.is_circle), ("d.p.done e.q.done", true));
    assert_eq!(island.beyond, ["f.o.done"]);
}

#[test]
fn a_circle_is_found_by_its_shortest_way() {
    let suite = suite(&[
        ("aa", "", &relay("c.z.done", "a.x.done")),
        ("bb", "", &relay("a.x.done", "b.y.done")),
        ("cc", "", &relay("b.**", "c.z.done")),
    ]);
    let loops = Graph::whole(&suite).loops();
    let ways: Vec<Vec<&str>> = loops.iter().map(|it| it.steps.iter().map(|step| step.1.as_str()).collect()).collect();
    assert_eq!(ways, [["bb", "cc", "aa"]]);
}

#[test]
fn what_was_trusted_is_listed_and_holds_the_code_to_it() {
    let code = "$app.routerAdd('POST', '/api/a/go', e => {\n  $app.realtime().publish('a.x.done', {});\n  \
                /** @topics a.y.* */\n  $app.realtime().publish(e.query.topic, {});\n  \
                $app.realtime().publish(`a.z.${e.query.state}`, {});\n});";
    let suite = suite(&[("aa", "publishes: [a.x.done, {pattern: a.z.*, values: [a.z.new, a.z.old]}]\n", code)]);
    let trusted = Graph::whole(&suite).trusted();
    let [one] = trusted.as_slice() else { panic!("{trusted:?}") };
    for (topic, allowed) in
        [("a.x.done", true), ("a.y.any", true), ("a.z.new", true), ("a.z.other", false), ("a.w.new", false)]
    {
        assert_eq!(one.allows(FactKind::Publish, topic), allowed, "{topic}");
    }
    assert!(!one.allows(FactKind::Subscribe, "a.x.done"));
    assert_eq!(one.uses.iter().map(|it| it.location.line).collect::<Vec<_>>(), [4, 5]);
    let promise = one.promise(&[FactKind::Publish]).expect("two calls promised");
    let calls: Vec<_> = promise.calls.iter().map(|call| (call.location.line, call.is_trusted())).collect();
    assert_eq!((calls, promise.open), (vec![(2, false), (4, true), (5, true)], false));
    assert!(one.promise(&[FactKind::Subscribe]).is_none(), "nothing was promised there");
}

#[test]
fn what_happened_is_compared_with_what_was_foreseen() {
    let code = "$app.routerAdd('POST', '/api/a/go', e => {\n  $app.realtime().publish('a.x.done', {});\n  \
                $app.realtime().publish('a.x.undone', {});\n  $app.realtime().publish(`a.z.${e.query.state}`, {});\n});";
    let suite = suite(&[
        ("aa", "", code),
        ("bb", "", "$app.onEvent('a.x.*', e => $app.log('info', e.topic)); $app.onEvent('a.q.done', () => {});"),
    ]);
    let edge = |plugin: &str, direction, topic: &str| ObservedEdge {
        plugin: plugin.to_owned(),
        direction,
        topic: topic.to_owned(),
    };
    let seen = BTreeSet::from([
        edge("aa", Direction::Publish, "a.x.done"),
        edge("aa", Direction::Publish, "a.z.new"),
        edge("aa", Direction::Publish, "a.w.done"),
        edge("bb", Direction::Consume, "a.x.done"),
        edge("stranger", Direction::Consume, "a.x.done"),
    ]);
    let found = Graph::whole(&suite).verify(&seen);
    assert_eq!(found.missed, [edge("aa", Direction::Publish, "a.w.done")]);
    assert_eq!(found.unresolved, [edge("aa", Direction::Publish, "a.z.new")]);
    assert_eq!(
        found.never_seen,
        [edge("aa", Direction::Publish, "a.x.undone"), edge("bb", Direction::Consume, "a.q.done")]
    );
    assert_eq!((found.seen, found.expected), (2, 4));
}

/// Unresolved calls stand in the way of every topic that nobody surely publishes: an answer names a few and counts all.
#[test]
fn of_many_unresolved_calls_the_first_are_named_and_all_counted() {
    let open = "$app.routerAdd('POST', '/api/x', e => $app.realtime().publish(e.query.topic, {}));";
    let under = "$app.routerAdd('POST', '/api/x', e => $app.realtime().publish(`a.${e.query.state}.done`, {}));";
    let slugs: Vec<String> = (0..12).map(|at| format!("p{at:02}")).collect();
    let mut plugins: Vec<(&str, &str, &str)> = slugs.iter().map(|slug| (slug.as_str(), "", open)).collect();
    plugins[3].2 = under;
    let suite = suite(&plugins);
    let graph = Graph::whole(&suite);
    let answer = |topic: &str| match graph.verdict(topic) {
        Verdict::Unproven { blocking, further } => (blocking.iter().map(|one| one.slug).collect::<Vec<_>>(), further),
        other => panic!("{other:?}"),
    };
    let eight = ["p00", "p01", "p02", "p03", "p04", "p05", "p06", "p07"];
    assert_eq!(answer("a.x.done"), (eight.to_vec(), 4));
    assert_eq!(answer("a.*.done"), (eight.to_vec(), 4));
    assert_eq!(answer("b.x.done"), (["p00", "p01", "p02", "p04", "p05", "p06", "p07", "p08"].to_vec(), 3));
    assert!(graph.may_be_published("b.x.done") && graph.emissions_of("b.x.done").next().is_none());
}
