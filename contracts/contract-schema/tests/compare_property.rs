//! Where a comparison says compatible, it is so: the validator is the judge.

use contract_schema::{Schema, Verdict, compare};
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Map, Value, json};

/// Names that fields, patterns and values draw from; few, so that they meet.
const NAMES: &[&str] = &["a", "b", "ab", "kind"];

fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(json!(null)),
        any::<bool>().prop_map(Value::from),
        (-3..6i64).prop_map(Value::from),
        select(vec![0.5, 1.0, 2.5, -1.5]).prop_map(Value::from),
        select(vec!["", "a", "b", "ab", "aaa", "2024-02-29", "x"]).prop_map(Value::from),
    ]
}

/// Values of every type, at most three deep.
fn instance() -> impl Strategy<Value = Value> {
    scalar().prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(select(NAMES), inner, 0..4)
                .prop_map(|fields| fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()),
        ]
    })
}

fn keyword(name: &'static str, value: impl Strategy<Value = Value> + 'static) -> BoxedStrategy<(String, Value)> {
    value.prop_map(move |value| (name.to_owned(), value)).boxed()
}

fn flat_keyword() -> BoxedStrategy<(String, Value)> {
    let number = || prop_oneof![(-2..4i64).prop_map(Value::from), select(vec![0.5, 1.5]).prop_map(Value::from)];
    let count = || (0..3u64).prop_map(Value::from);
    let types = select(vec![
        json!("object"),
        json!("array"),
        json!("string"),
        json!("integer"),
        json!("number"),
        json!(["string", "null"]),
        json!(["object", "string"]),
        json!("boolean"),
    ]);
    let names = || prop::collection::btree_set(select(NAMES), 0..3).prop_map(|names| json!(names));
    prop_oneof![
        4 => keyword("type", types),
        1 => keyword("enum", prop::collection::vec(scalar(), 1..4).prop_map(|mut values| {
            let mut seen = Vec::new();
            values.retain(|value| { let text = value.to_string().replace(".0", ""); !seen.contains(&text) && { seen.push(text); true } });
            Value::from(values)
        })),
        1 => keyword("const", scalar()),
        1 => keyword("minimum", number()),
        1 => keyword("exclusiveMinimum", number()),
        1 => keyword("maximum", number()),
        1 => keyword("exclusiveMaximum", number()),
        1 => keyword("multipleOf", (1..5i64).prop_map(Value::from)),
        1 => keyword("minLength", count()),
        1 => keyword("maxLength", count()),
        1 => keyword("pattern", select(vec!["^a", "b$", "."]).prop_map(Value::from)),
        1 => keyword("format", select(vec!["date", "email", "unknown"]).prop_map(Value::from)),
        3 => keyword("required", names()),
        1 => keyword("minItems", count()),
        1 => keyword("maxItems", count()),
        1 => keyword("uniqueItems", any::<bool>().prop_map(Value::from)),
        1 => keyword("minProperties", count()),
        1 => keyword("maxProperties", count()),
        1 => keyword("minContains", count()),
        1 => keyword("maxContains", count()),
        1 => keyword("$ref", select(vec!["#/$defs/one", "#/$defs/two"]).prop_map(Value::from)),
        1 => keyword("dependentRequired", names().prop_map(|names| json!({"a": names}))),
        1 => keyword("title", Just(json!("t"))),
    ]
    .boxed()
}

/// Schemas over the keywords that comparisons know, at most three deep. References lead to `$defs/one` and `two`.
fn schema() -> BoxedStrategy<Value> {
    let leaf = prop_oneof![
        1 => any::<bool>().prop_map(Value::from),
        6 => prop::collection::vec(flat_keyword(), 0..4).prop_map(|list| list.into_iter().collect::<Map<_, _>>().into()),
    ];
    leaf.prop_recursive(3, 16, 3, |inner| {
        let fields = prop::collection::btree_map(select(NAMES), inner.clone(), 0..4).prop_map(|all| json!(all));
        let list = prop::collection::vec(inner.clone(), 1..3).prop_map(Value::from);
        let nested = prop_oneof![
            4 => keyword("properties", fields),
            3 => keyword("additionalProperties", inner.clone()),
            1 => keyword("patternProperties", (select(vec!["^a", "b$"]), inner.clone()).prop_map(|(p, s)| json!({p: s}))),
            1 => keyword("propertyNames", inner.clone()),
            1 => keyword("dependentSchemas", inner.clone().prop_map(|schema| json!({"a": schema}))),
            2 => keyword("items", inner.clone()),
            1 => keyword("prefixItems", list.clone()),
            1 => keyword("contains", inner.clone()),
            1 => keyword("unevaluatedProperties", inner.clone()),
            1 => keyword("unevaluatedItems", inner.clone()),
            2 => keyword("allOf", list.clone()),
            2 => keyword("anyOf", list.clone()),
            2 => keyword("oneOf", list),
            1 => keyword("not", inner.clone()),
            1 => keyword("if", inner.clone()),
            1 => keyword("then", inner.clone()),
            1 => keyword("else", inner),
        ];
        (prop::collection::vec(flat_keyword(), 0..3), prop::collection::vec(nested, 1..4))
            .prop_map(|(flat, nested)| flat.into_iter().chain(nested).collect::<Map<_, _>>().into())
    })
    .boxed()
}

/// A whole schema, with definitions that refer to themselves only below a field.
fn document() -> impl Strategy<Value = Value> {
    (schema(), prop::collection::vec(flat_keyword(), 0..3)).prop_map(|(schema, other)| {
        let mut root = match schema {
            Value::Object(fields) => fields,
            all => Map::from_iter([("allOf".to_owned(), json!([all]))]),
        };
        let two: Map<String, Value> = other.into_iter().filter(|(name, _)| name != "$ref").collect();
        let one = json!({"type": "object", "properties": {"a": {"$ref": "#/$defs/one"}, "b": {"$ref": "#/$defs/two"}}});
        root.insert("$defs".to_owned(), json!({"one": one, "two": two}));
        Value::Object(root)
    })
}

/// Every place in a schema at which something can be taken away or put in, by pointer.
fn places(schema: &Value, at: &str, out: &mut Vec<String>) {
    match schema {
        Value::Object(fields) => {
            for (name, value) in fields {
                let at = format!("{at}/{name}");
                places(value, &at, out);
                out.push(at);
            }
        }
        Value::Array(items) => items.iter().enumerate().for_each(|(n, item)| places(item, &format!("{at}/{n}"), out)),
        _ => {}
    }
}

/// The schema with one place replaced, or taken out where that leaves a schema.
fn changed(schema: &Value, place: Index, by: &Value) -> Value {
    let mut all = Vec::new();
    places(schema, "", &mut all);
    let mut out = schema.clone();
    if let Some(part) = all.get(place.index(all.len().max(1))).and_then(|at| out.pointer_mut(at)) {
        *part = by.clone();
    }
    out
}

fn pair() -> impl Strategy<Value = (Value, Value)> {
    let near = (document(), any::<Index>(), prop_oneof![schema(), scalar()]).prop_map(|(old, place, by)| {
        let new = changed(&old, place, &by);
        (old, new)
    });
    prop_oneof![4 => near, 1 => (document(), document())]
}

/// A few hundred cases; `PROPTEST_CASES` asks for more.
fn config() -> ProptestConfig {
    let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::default() };
    let asked = std::env::var_os("PROPTEST_CASES").is_some();
    let cases = if asked { config.cases } else { 400 };
    ProptestConfig { cases, max_global_rejects: 50 * cases, ..config }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn compatible_means_that_what_was_valid_is_valid(
        (old, new) in pair(),
        instances in prop::collection::vec(instance(), 40),
    ) {
        let (Ok(before), Ok(after)) = (Schema::compile_value(&old, "old"), Schema::compile_value(&new, "new")) else {
            return Err(TestCaseError::reject("no schema"));
        };
        let found = compare(&old, &new);
        for value in &instances {
            let (was, is) = (before.is_valid(value), after.is_valid(value));
            if found.backward() == Verdict::Compatible {
                prop_assert!(!was || is, "was valid and is not: {value}\nold {old}\nnew {new}");
            }
            if found.forward() == Verdict::Compatible {
                prop_assert!(!is || was, "is valid and was not: {value}\nold {old}\nnew {new}");
            }
        }
    }

    #[test]
    fn the_way_back_says_the_same((old, new) in pair()) {
        let both = [&old, &new].iter().all(|schema| Schema::compile_value(schema, "one").is_ok());
        prop_assume!(both);
        let (there, back) = (compare(&old, &new), compare(&new, &old));
        prop_assert_eq!((there.backward(), there.forward()), (back.forward(), back.backward()), "{:?}\n{:?}", there, back);
    }

    #[test]
    fn nothing_changes_where_nothing_changed(schema in document()) {
        let found = compare(&schema, &schema.clone());
        prop_assert!(found.changes.is_empty(), "{found:?}");
    }
}
