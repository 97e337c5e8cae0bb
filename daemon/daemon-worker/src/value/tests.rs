use super::{from_js, to_js};
use crate::entropy::Entropy;
use crate::link::Link;
use boa_engine::{Context, JsResult, Source};
use serde_json::{Map, Value, json};
use std::os::unix::net::UnixStream;
use std::rc::Rc;

/// A context with a host, since refusals are thrown as the host's `AppError`.
fn context() -> Context {
    let (stream, _) = UnixStream::pair().expect("socket pair");
    let load = crate::host::tests::empty_load();
    let host = Rc::new(crate::host::Host::new(Rc::new(load), Rc::new(Link::new(stream).expect("link")), Rc::default()));
    let mut context = Context::default();
    context.insert_data(host.clone());
    context.eval(Source::from_bytes(crate::prelude::PRELUDE)).expect("prelude");
    crate::app::install(&host, &mut context).expect("installs");
    context
}

fn read(source: &str, context: &mut Context) -> JsResult<Value> {
    let value = context.eval(Source::from_bytes(&format!("({source})")))?;
    from_js(&value, "value", context)
}

#[test]
fn what_has_an_exact_form_crosses() {
    let mut context = context();
    for (source, expected) in [
        ("1", json!(1)),
        ("-0", json!(0)),
        ("2.0", json!(2)),
        ("2 ** 31", json!(2_147_483_648_u64)),
        ("2 ** 53 - 1", json!(9_007_199_254_740_991_u64)),
        ("2 ** 60", json!(1_152_921_504_606_846_976.0)),
        ("0.1", json!(0.1)),
        ("9223372036854775807n", json!(i64::MAX)),
        ("-9223372036854775808n", json!(i64::MIN)),
        ("18446744073709551615n", json!(u64::MAX)),
        ("5n", json!(5)),
        ("new Date(1700000000123)", json!("2023-11-14T22:13:20.123Z")),
        ("undefined", json!(null)),
        ("{a: undefined, b: null}", json!({"b": null})),
        ("[undefined, , 1]", json!([null, null, 1])),
        ("{toJSON() { return {a: 1} }, b: 2}", json!({"a": 1})),
        ("{toJSON() { return undefined }}", json!(null)),
        ("{a: {toJSON() { return undefined }}}", json!({})),
        ("Object.create({toJSON() { return 7 }})", json!(7)),
        ("new (class { toJSON() { return [8] } })()", json!([8])),
        ("Object.assign([1], {toJSON: () => 9})", json!(9)),
        ("[1.5, 2, 'x']", json!([1.5, 2, "x"])),
        ("Object.assign([1, 2], {length: 3})", json!([1, 2, null])),
        ("Object.defineProperty([1, 2], 0, {get: () => 5})", json!([5, 2])),
        ("{get a() { return 1 }}", json!({"a": 1})),
        ("Object.create({inherited: 1}, {own: {value: 2, enumerable: true}, hidden: {value: 3}})", json!({"own": 2})),
        ("Object.assign(Object.create(null), {a: 1})", json!({"a": 1})),
        ("new (class Point { x = 1; #y = 2 })()", json!({"x": 1})),
        ("{2: 'b', 1: 'a', [Symbol('s')]: 1}", json!({"1": "a", "2": "b"})),
        ("'ü€😀'", json!("ü€😀")),
        ("(() => { const shared = {n: 1}; return [shared, shared] })()", json!([{"n": 1}, {"n": 1}])),
    ] {
        assert_eq!(read(source, &mut context).expect(source), expected, "{source}");
    }
}

#[test]
fn a_form_that_all_arrays_were_given_counts() {
    let mut context = context();
    assert_eq!(read("[[1], {a: [2]}]", &mut context).expect("reads"), json!([[1], {"a": [2]}]));
    read("Array.prototype.toJSON = function () { return this.length }", &mut context).expect_err("a function");
    assert_eq!(read("{a: [2, 3]}", &mut context).expect("reads"), json!({"a": 2}));
    let meanwhile = "{a: {}, get b() { Object.prototype.toJSON = () => 4; return 5 }, c: {}}";
    assert_eq!(read(meanwhile, &mut context).expect("reads"), json!({"a": {}, "b": 5, "c": 4}));
}

#[test]
fn what_has_none_is_refused_with_its_path() {
    let mut context = context();
    for (source, part) in [
        ("NaN", "value is NaN"),
        ("{a: [1, Infinity]}", "value.a[1] is an infinite number"),
        ("{f() {}}", "value.f is a function"),
        ("[Symbol('x')]", "value[0] is a symbol"),
        ("{m: new Map()}", "value.m is a Map"),
        ("new Set([1])", "value is a Set"),
        ("/x/", "value is a RegExp"),
        ("new Uint8Array(2)", "value is a Uint8Array"),
        ("new Error('x')", "value is a Error"),
        ("Promise.resolve(1)", "value is a Promise"),
        ("new Proxy({}, {})", "value is a Object"),
        ("(() => { const a = {}; a.b = {a}; return a })()", "value.b.a is a cycle"),
        ("(() => { let a = []; for (let i = 0; i < 70; i++) a = [a]; return a })()", "levels of nesting"),
        ("2n ** 64n", "value is a BigInt beyond 64 bits"),
        ("new Date(NaN)", "value is an invalid Date"),
        ("'\\ud800'", "half a surrogate pair"),
        ("{'\\ud800': 1}", "half a surrogate pair"),
        ("new Array(2 ** 32 - 1)", "values"),
    ] {
        let error = read(source, &mut context).expect_err(source);
        let failure = crate::fault::failure(&error, &mut context);
        assert_eq!(failure.error.code, "VALUE_UNSUPPORTED", "{source}: {}", failure.error.message);
        assert!(failure.error.message.contains(part), "{source}: {}", failure.error.message);
    }
}

#[test]
fn getters_are_read_once_and_may_throw() {
    let mut context = context();
    let twice = "(() => { let n = 0; return {get a() { return ++n }} })()";
    assert_eq!(read(twice, &mut context).expect("reads"), json!({"a": 1}));
    assert!(read("{get a() { throw new Error('no') }}", &mut context).is_err());
}

#[test]
fn large_integers_arrive_as_big_ones() {
    let mut context = context();
    for (value, kind) in [(json!(i64::MAX), "bigint"), (json!(u64::MAX), "bigint"), (json!(1_u64 << 52), "number")] {
        assert_eq!(to_js(&value, &mut context).type_of(), kind);
    }
}

#[test]
fn any_json_survives_the_way_there_and_back() {
    let mut context = context();
    let mut entropy = Entropy::new([9; 16]);
    for _ in 0..2_000 {
        let value = any(&mut entropy, 4);
        let js = to_js(&value, &mut context);
        assert_eq!(from_js(&js, "value", &mut context).expect("reads"), value);
    }
}

fn any(entropy: &mut Entropy, depth: u32) -> Value {
    let kinds = if depth == 0 { 6 } else { 8 };
    match entropy.bits() % kinds {
        0 => Value::Null,
        1 => Value::Bool(entropy.bits().is_multiple_of(2)),
        2 => Value::from(entropy.bits().cast_signed() >> (entropy.bits() % 64)),
        3 => Value::from(entropy.bits() >> (entropy.bits() % 64)),
        4 => Value::from(entropy.fraction() - 0.5),
        5 => Value::from(word(entropy)),
        6 => (0..entropy.bits() % 5).map(|_| any(entropy, depth - 1)).collect(),
        _ => {
            let fields = 0..entropy.bits() % 5;
            Value::Object(fields.map(|_| (word(entropy), any(entropy, depth - 1))).collect::<Map<_, _>>())
        }
    }
}

fn word(entropy: &mut Entropy) -> String {
    const PARTS: [&str; 10] = ["a", "12", "ü", "€", "😀", "__proto__", "toString", "\"", "\n", "length"];
    (0..entropy.bits() % 4).map(|_| PARTS[usize::try_from(entropy.bits() % 10).expect("small")]).collect()
}
