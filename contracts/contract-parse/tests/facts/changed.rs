//! Lists, maps and objects that are changed after they were made: by whatever name, in whatever module.

use crate::support::{check, check_topic};

/// What a loop over a list of another module subscribes to, after `change`.
#[track_caller]
fn check_loop(change: &str, want: &str) {
    let register = "for (const t of a) $app.onEvent(t, () => {});";
    check(&format!("const a = ['a.x', 'a.y'];\n{change}\n{register}"), &[&format!("subscribe {want} 3:20 loop")]);
    check(
        &format!("import {{ a }} from './a.js';\n{change}\n{register}\n--- a.js\nexport const a = ['a.x', 'a.y'];"),
        &[&format!("subscribe {want} 3:20 loop")],
    );
}

#[test]
fn lists_that_grow_by_any_name() {
    for change in [
        "a.push('a.z');",
        "a.push(...['a.z']);",
        "a.unshift('a.z');",
        "a.splice(0, 0, 'a.z');",
        "const b = a; b.push('a.z');",
        "const b = [a][0]; b.push('a.z');",
        "const add = (list, one) => list.push(one); add(a, 'a.z'); add([], 'a.other');",
        "function add(o, one) { o.list.push(one) } add({ list: a }, 'a.z'); add({ list: [] }, 'a.other');",
        "[a].forEach((list) => list.push('a.z'));",
        "const o = { a }; const { a: b } = o; b.push('a.z');",
        "const all = []; all.push(a); for (const one of all) one.push('a.z');",
        "if (y) {} else a.push('a.z');",
    ] {
        check_loop(change, "a.x|a.y|a.z");
    }
    check_loop("[...a].push('a.z'); a.slice().push('a.z'); Array.from(a).push('a.z');", "a.x|a.y");
    check_loop("const own = (list) => { const b = ['q']; b.push('a.z'); return b }; own(a);", "a.x|a.y");
}

#[test]
fn lists_whose_items_are_replaced() {
    for change in [
        "a[0] = 'a.z';",
        "a[a.length] = 'a.z';",
        "for (let i = 0; i < a.length; i++) a[i] = a[i] + '.z';",
        "a.forEach((one, i) => { a[i] = one + '.z' });",
        "[a[0]] = ['a.z'];",
        "for (a[0] of ['a.z']);",
        "a.fill('a.z');",
        "a.push.apply(a, ['a.z']);",
        "Array.prototype.push.call(a, 'a.z');",
        "const add = a.push.bind(a); add('a.z');",
        "Reflect.apply(a.push, a, ['a.z']);",
        "Reflect.set(a, 0, 'a.z');",
        "Object.assign(a, ['a.z']);",
    ] {
        check_loop(change, "?");
    }
}

#[test]
fn items_that_get_to_other_places() {
    for change in ["a.reverse();", "a.sort();", "a.shift();", "a.splice(0, 1);", "a.copyWithin(0, 1);", "a.length = 1;"]
    {
        check_topic(&format!("const a = ['a.x', 'a.y']; {change}"), "a[0]", "a.x|a.y");
        check_topic(&format!("const a = ['a.x', 'a.y']; const b = a; const c = b; {change}"), "c[0]", "a.x|a.y");
    }
    check_topic("const a = ['a.x', 'a.y']; a.length = 1;", "a.at(-1)", "a.x|a.y");
    check_topic("const a = ['a.x']; const b = a.sort(); b.push('a.y');", "a[5]", "a.x|a.y");
    check_topic("", "'posted.gl'.split('.').reverse().join('.')", "gl.posted");
    check_topic("", "'gl.a.b'.split('.', 2).join('.')", "gl.a");
    check_topic("", "'gl.a.b'.split(/[.]/, 2).join('.')", "gl.a");
    check_topic("", "'gl.a.b'.split('.', y).join('.')", "?");
}

#[test]
fn lists_and_maps_without_a_literal() {
    check_topic("const t = (...a) => { a.push('a.z'); return a[1] };", "t('a.x')", "a.z");
    check_topic("const a = ['x', 'y'].map((one) => 'a.' + one); a[0] = 'a.z';", "a[0]", "?");
    check_topic("const m = new Map([['k', 'a.x']]); const n = m; n.set('k', 'a.z');", "m.get('k')", "a.x|a.z");
    check_topic("const m = new Map([['k', 'a.x']]); m.delete('k');", "m.get('k') ?? 'a.z'", "a.x|a.z");
    check_topic("const o = Object.fromEntries([['k', 'a.x']]); o.k = 'a.z';", "o.k", "a.x|a.z");
    check_topic("const o = Object.assign({}, { k: 'a.x' }); o.k = 'a.z';", "o.k", "a.x|a.z");
    check_topic("const o = Object.fromEntries([['k', 'a.x']]); delete o.k;", "o.k", "a.x");
    check_topic("const o = Object.fromEntries([['k', 'a.x']]); delete o.k;", "o.k ?? 'a.z'", "a.x|a.z");
    check_topic("const o = Object.assign({}, { k: 'a.x' }); delete o.k;", "o.k ?? 'a.z'", "a.x|a.z");
    let groups = "const m = new Map(); m.set('k', ['a.x']); m.get('k').push('a.z');";
    check(
        &format!("{groups}\nfor (const t of m.get('k')) $app.onEvent(t, () => {{}});"),
        &["subscribe a.x|a.z 2:29 loop"],
    );
}

#[test]
fn fields_that_are_written_otherwise_than_by_an_assignment() {
    for (change, want) in [
        ("({ t: o.t } = { t: 'a.z' });", "?"),
        ("({ t: o.t = 'a.z' } = {});", "?"),
        ("[o.t] = ['a.z'];", "?"),
        ("[...o.t] = ['a.z'];", "?"),
        ("for (o.t of ['a.z']);", "?"),
        ("for (o['t'] in { 'a.z': 1 });", "?"),
        ("o.t++;", "?"),
        ("Reflect.set(o, 't', 'a.z');", "a.x|a.z"),
        ("Object.defineProperty(o, 't', { value: 'a.z' });", "a.x|a.z"),
        ("Object.defineProperty(o, 't', { get() { return 'a.z' } });", "?"),
        ("Object.defineProperties(o, { t: { value: 'a.z' }, u: { value: 'a.u' } });", "a.x|a.z"),
        ("Object.assign(o, ...[{ t: 'a.z' }]);", "?"),
        ("delete o.t;", "a.x"),
    ] {
        check_topic(&format!("const o = {{ t: 'a.x' }}; {change}"), "o.t", want);
    }
    check_topic("const o = { t: 'a.x' }; delete o.t;", "o.t ?? 'a.z'", "a.x|a.z");
    check_topic("const o = { t: 'a.x' }; Reflect.deleteProperty(o, 't');", "o.t ?? 'a.z'", "a.x|a.z");
    check_topic("const o = { t: 'a.x' }; delete o.u;", "Object.keys(o)[0]", "t");
    check_topic("const o = { t: 'a.x' }; [y.t] = ['a.z'];", "o.t", "a.x");
}

#[test]
fn generators_that_hand_over() {
    check(
        "function* more() { yield 'a.z'; }\nfunction* all() { yield 'a.x'; yield* more(); yield* ['a.y']; }\nfor (const t of all()) $app.onEvent(t, () => {});",
        &["subscribe a.x|a.y|a.z 3:24 loop"],
    );
    check(
        "function* all() { yield* mystery(); }\nfor (const t of all()) $app.onEvent(t, () => {});",
        &["subscribe ? 2:24 loop"],
    );
}
