//! What a class inherits runs on the object it is called on: an heir's overrides count, and only where they are there.

use crate::support::{check, check_topic, plugin};
use contract_parse::TopicValue;

const BASE: &str = "class A { static ns = 'gl'; static emit() { $app.realtime().publish(`${this.ns}.x`, {}) } static get topic() { return `${this.ns}.y` } static make() { return new this() } send() { $app.realtime().publish(this.topic(), {}) } topic() { return 'gl.z' } }";

#[track_caller]
fn check_heir(heir: &str, use_of_it: &str, want: &[&str]) {
    check(&format!("{BASE}\n{heir}\n{use_of_it}"), want);
}

#[test]
fn static_methods_run_on_the_class_they_are_called_on() {
    let heir = "class B extends A { static ns = 'ar'; topic() { return 'ar.z' } }";
    let unused = "publish ar.z|gl.z 1:181 unreachable";
    check_heir(heir, "B.emit();", &[unused, "publish ar.x 3:1"]);
    check_heir(heir, "A.emit(); B.emit();", &[unused, "publish gl.x 3:1", "publish ar.x 3:11"]);
    check_heir(heir, "B.make().send();", &["publish ar.x|gl.x 1:45 unreachable", "publish ar.z 3:1"]);
    check_heir(
        heir,
        "$app.realtime().publish(B.topic, {});",
        &["publish ar.x|gl.x 1:45 unreachable", unused, "publish ar.y 3:1"],
    );
    let twice = "class B extends A { static ns = 'ar'; static get topic() { return super.topic + '.w' } }";
    check_heir(
        twice,
        "$app.realtime().publish(B.topic, {});",
        &["publish ar.x|gl.x 1:45 unreachable", "publish gl.z 1:181 unreachable", "publish ar.y.w 3:1"],
    );
}

#[test]
fn a_base_constructor_calls_what_the_heir_overrides() {
    let base = "class Base { constructor() { this.start() } start() { $app.realtime().publish(this.topic(), {}) } topic() { return 'gl.x' } }";
    check(
        &format!("{base}\nclass Sub extends Base {{ topic() {{ return 'ar.x' }} }}\nnew Sub();"),
        &["publish ar.x 1:30"],
    );
    check(
        &format!("{base}\nclass Sub extends Base {{ topic() {{ return 'ar.x' }} }}\nnew Sub(); new Base();"),
        &["publish ar.x 1:30", "publish gl.x 1:30"],
    );
    check(
        &format!("{base}\nclass Sub extends Base {{ topic() {{ return super.topic() + '.y' }} }}\nnew Sub();"),
        &["publish gl.x.y 1:30"],
    );
    check(
        "class Base { constructor() { $app.onEvent(this.topic(), (e) => this.on(e)) } }\nclass Sub extends Base { topic() { return 'ar.x' } on(e) { e.reply({}) } }\nnew Sub();",
        &["reply ar.x 2:60", "subscribe ar.x 3:1"],
    );
    check(
        "class Base { name = this.ns() + '.x'; ns() { return 'gl' } emit() { $app.realtime().publish(this.name, {}) } }\nclass Sub extends Base { ns() { return 'ar' } }\nnew Sub().emit();",
        &["publish ar.x 3:1"],
    );
}

/// A base's constructor runs before the heir's fields are set; handlers run after.
#[test]
fn fields_of_heirs_come_after_the_base_constructor() {
    let sub = "class Sub extends Base { topic = 'ar.x' }\nnew Sub();";
    check(
        &format!(
            "class Base {{ topic = 'gl.x'; constructor() {{ $app.realtime().publish(this.topic, {{}}) }} }}\n{sub}"
        ),
        &["publish gl.x 1:46"],
    );
    let early =
        plugin(&format!("class Base {{ constructor() {{ $app.realtime().publish(this.topic, {{}}) }} }}\n{sub}"));
    let Some(TopicValue::Unknown(why)) = &early.facts[0].topic else { panic!("{:?}", early.facts) };
    assert!(why.contains("not set before the constructor of the base class"), "{why}");
    check(
        &format!(
            "class Base {{ constructor() {{ $app.onEvent('a.b', () => $app.realtime().publish(this.topic, {{}})) }} }}\n{sub}"
        ),
        &["subscribe a.b 1:30", "publish ar.x 3:1"],
    );
    check(
        "class Base { constructor() { this.go() } go() {} }\nclass Sub extends Base { constructor() { super(); this.topic = 'ar.x' } go() { $app.onEvent('a.b', () => $app.realtime().publish(this.topic, {})) } }\nnew Sub();",
        &["subscribe a.b 2:80", "publish ar.x 2:106"],
    );
    check(
        "class Base { constructor() { this.go() } go() {} }\nclass Sub extends Base { constructor() { super(); this.topic = 'ar.x' } go() { $app.realtime().publish(this.topic, {}) } }\nnew Sub();",
        &["publish ? 1:30"],
    );
}

/// What a method of the base writes is written to the heir's object too.
#[test]
fn fields_that_heirs_and_bases_write() {
    let emit = "emit() { $app.realtime().publish(`${this.ns}.x`, {}) }";
    let both = ["publish ar.x|gl.x 3:20"];
    let of = |base: &str, heir: &str| {
        format!("class A {{ {base} {emit} }}\nclass B extends A {{ {heir} }}\nconst b = new B(); b.emit();")
    };
    check(&of("ns = 'gl';", "rename() { this.ns = 'ar' }"), &both);
    check(&of("rename() { this.ns = 'ar' }", "ns = 'gl';"), &both);
    check(&of("ns = 'gl';", "constructor() { super(); this.ns = 'ar' }"), &["publish ar.x 3:20"]);
    check(
        &format!(
            "const a = {{ rename() {{ this.ns = 'ar' }}, {emit} }};\nconst b = {{ __proto__: a, ns: 'gl' }};\nb.emit();"
        ),
        &["publish ar.x|gl.x 3:1"],
    );
}

#[test]
fn objects_that_handlers_and_loops_are_given() {
    let sub = "class Sub extends Base { topic() { return 'ar.x' } }\nnew Sub().start();";
    check(
        &format!(
            "class Base {{ start() {{ $app.onEvent('a.b', this.on.bind(this)) }} on(e) {{ $app.realtime().publish(this.topic(), {{}}) }} topic() {{ return 'gl.x' }} }}\n{sub}"
        ),
        &["subscribe a.b 1:24", "publish ar.x 1:74"],
    );
    check(
        "class A { emit(k) { $app.realtime().publish(`${this.ns()}.${k}`, {}) } ns() { return 'gl' } }\nclass B extends A { ns() { return 'ar' } }\nconst b = new B(); ['x', 'y'].forEach(b.emit, b);",
        &["publish ar.x|ar.y 1:21 loop"],
    );
    check(
        "const base = { ns: 'gl', get topic() { return `${this.ns}.x` } };\nconst o = { __proto__: base, ns: 'ar' };\n$app.realtime().publish(o.topic, {});",
        &["publish ar.x 3:1"],
    );
}

/// Where nothing says on which object a method is called, every class that has it counts.
#[test]
fn a_call_that_is_not_known_is_one_on_any_heir() {
    check(
        "class A { emit() { $app.realtime().publish(`${this.ns()}.x`, {}) } ns() { return 'gl' } }\nclass B extends A { ns() { return 'ar' } }\nexport const all = { A, B };\nfor (const k in all) mystery(new all[k]())[k]();",
        &["publish ar.x|gl.x 1:20"],
    );
}

const ON_THIS: &str = "emit(t) { $app.realtime().publish(`${this.ns}.${t}`, {}) }";

#[test]
fn objects_that_are_made_of_others() {
    let of = |rest: &str| format!("const base = {{ ns: 'gl', {ON_THIS} }};\n{rest}\no.emit('x');");
    check(&of("const o = Object.create(base);"), &["publish gl.x 3:1"]);
    check(&of("const o = Object.create(base); o.ns = 'ar';"), &["publish ar.x 3:1"]);
    check(&of("const o = Object.create(base, { ns: { value: 'ar' } });"), &["publish ar.x 3:1"]);
    check(&of("const o = { ns: 'ar' }; Object.setPrototypeOf(o, base);"), &["publish ar.x 3:1"]);
    check(&of("const o = Object.setPrototypeOf({ ns: 'ar' }, base);"), &["publish ar.x 3:1"]);
    check(&of("const o = { ns: 'ar' }; o.__proto__ = base;"), &["publish ar.x 3:1"]);
    check(&of("const o = Object.create(base, mystery());"), &["publish ~*.x 3:1"]);
    check(&of("const o = Object.create(mystery());"), &["publish ? 1:36 unreachable"]);
    check(
        "const T = Object.create(null); T.A = 'a.b'; T.B = 'a.c';\nfor (const t of Object.values(T)) $app.onEvent(t, f);",
        &["subscribe a.b|a.c 2:35 loop"],
    );
}

#[test]
fn functions_that_new_calls() {
    let f = "function F(ns) { this.ns = ns }";
    let emit = "function (t) { $app.realtime().publish(`${this.ns}.${t}`, {}) }";
    check(
        &format!("{f}\nF.prototype.emit = {emit};\nnew F('gl').emit('x'); new F('ar').emit('y');"),
        &["publish gl.x 3:1", "publish ar.y 3:24"],
    );
    check(&format!("{f}\nF.prototype = {{ {ON_THIS} }};\nnew F('gl').emit('x');"), &["publish gl.x 3:1"]);
    check(
        "function F(app) { this.app = app; app.onEvent('a.b', (e) => this.on(e)) }\nF.prototype.on = function () { this.app.realtime().publish('c.d', {}) };\nnew F($app);",
        &["subscribe a.b 1:35", "publish c.d 2:32"],
    );
    check(
        "function A() {}\nA.prototype.emit = function () { $app.realtime().publish(this.topic(), {}) };\nA.prototype.topic = function () { return 'gl.x' };\nfunction B() {}\nObject.setPrototypeOf(B.prototype, A.prototype);\nB.prototype.topic = function () { return 'ar.x' };\nnew A().emit(); new B().emit();",
        &["publish gl.x 7:1", "publish ar.x 7:17"],
    );
    check_topic("function F() {} F.topic = 'a.b';", "F.topic", "a.b");
    check_topic("class A {} A.prototype.topic = function () { return 'a.b' };", "new A().topic()", "a.b");
    check_topic(
        "function N() {} N.prototype.topic = function () { return 'a.b' };",
        "Object.create(new N()).topic()",
        "a.b",
    );
    // What `A.call(this, …)` sets is not followed, so a field that is not found may be there all the same.
    check_topic("function A() { this.ns = 'gl' } function B() { A.call(this) }", "new B().ns ?? 'x.y'", "?");
    check_topic("function F() { this.t = 'x.y'; return mystery() }", "new F().t", "?");
}
