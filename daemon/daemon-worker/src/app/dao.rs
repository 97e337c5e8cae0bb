//! `$app.dao()`: records, within the call's unit of work.

use super::options::options;
use super::{freeze, hooks, object, settle, text};
use crate::called::misuse;
use crate::filters;
use crate::host::host;
use crate::refusal::Halt;
use crate::throw::{halt, throw};
use crate::unit::not_found;
use crate::value::{Builder, from_js, from_js_patch, from_js_strict, to_js, to_js_fields};
use boa_engine::object::builtins::JsArray;
use boa_engine::property::PropertyDescriptor;
use boa_engine::{Context, JsArgs, JsObject, JsResult, JsString, JsValue, js_string};
use contract_model::collection::Collection;
use contract_model::filter::{Filter, Query};
use contract_model::{ErrorCode, Permission};
use serde_json::{Map, Value};
use std::rc::Rc;
use std::sync::Arc;

pub(super) fn dao(context: &mut Context) -> JsResult<JsObject> {
    let dao = object(
        "$app.dao()",
        &[
            ("findRecordById", 2, find_by_id),
            ("findRecordsByIds", 2, find_by_ids),
            ("findAcross", 1, find_across),
            ("prefetch", 1, prefetch),
            ("findFirstRecordByFilter", 2, find_first),
            ("findRecordsByFilter", 2, find_records),
            ("countRecords", 2, count),
            ("saveRecord", 2, save),
            ("saveRecords", 2, save_many),
            ("addToRecords", 3, add_to),
            ("deleteRecord", 2, delete),
        ],
        context,
    )?;
    freeze(&dao, context)?;
    Ok(dao)
}

fn find_by_id(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let (collection, id) = (text(args, 0, "the collection")?, text(args, 1, "the record's id")?);
    let found = host(context).with_unit("dao().findRecordById", |unit, asker| {
        unit.get(&collection, &id, asker)?.ok_or_else(|| not_found(&collection, &id))
    });
    let record = settle(found, context)?;
    Ok(to_js(&record, context))
}

/// Gives the records in the order of the ids, null where there is none; with `{fields}` only those fields and the id.
fn find_by_ids(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let collection = text(args, 0, "the collection")?;
    let ids = texts(from_js(args.get_or_undefined(1), "ids", context)?, "the ids must be an array of texts")?;
    let mut given = options(args.get_or_undefined(2), "options", context)?;
    let fields = given.remove("fields").map(|fields| texts(fields, FIELDS)).transpose()?;
    if let Some(key) = given.keys().next() {
        return Err(misuse(format!("the options have no `{key}`; known are fields")));
    }
    let found = host(context).with_unit("dao().findRecordsByIds", |unit, asker| {
        unit.prefetch(vec![(collection.clone(), ids.clone())], asker)
    });
    settle(found, context)?;
    known_records(&collection, &ids, fields.as_deref(), context)
}

const FIELDS: &str = "fields must be an array of texts";

/// Takes {collection: [id, …] or {ids, fields}, …}, reads all of it with one question, and gives
/// {collection: [record or null, …], …}.
fn find_across(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let Value::Object(given) = from_js(args.get_or_undefined(0), "wanted", context)? else {
        return Err(misuse("what to find must be an object of collections and arrays of ids"));
    };
    let mut wanted = Vec::with_capacity(given.len());
    for (collection, of) in given {
        let (ids, fields) = match of {
            Value::Object(mut of) => {
                let parts = (of.remove("ids").unwrap_or_default(), of.remove("fields"));
                if let Some(key) = of.keys().next() {
                    return Err(misuse(format!("what to find has no `{key}`; known are ids, fields")));
                }
                parts
            }
            ids => (ids, None),
        };
        let ids = texts(ids, "the ids of a collection must be an array of texts")?;
        wanted.push((collection, ids, fields.map(|fields| texts(fields, FIELDS)).transpose()?));
    }
    let asked = wanted.iter().map(|(collection, ids, _)| (collection.clone(), ids.clone())).collect();
    let done = host(context).with_unit("dao().findAcross", |unit, asker| unit.prefetch(asked, asker));
    settle(done, context)?;
    let mut found = Builder::new(context);
    for (collection, ids, fields) in wanted {
        let records = known_records(&collection, &ids, fields.as_deref(), found.context)?;
        found = found.with(JsString::from(collection), records);
    }
    Ok(found.build().into())
}

/// Records that the unit has read already, as an array.
fn known_records(
    collection: &str,
    ids: &[String],
    fields: Option<&[String]>,
    context: &mut Context,
) -> JsResult<JsValue> {
    let host = host(context);
    let records = host.with_call("dao()", |call| call.unit.known_many(collection, ids))?;
    let record = |record: &Option<Arc<Value>>, context: &mut Context| match (record, fields) {
        (None, _) => JsValue::null(),
        (Some(record), None) => to_js(record, context),
        (Some(record), Some(fields)) => to_js_fields(record, fields, context),
    };
    let records: Vec<JsValue> = records.iter().map(|one| record(one, context)).collect();
    Ok(JsArray::from_iter(records, context).into())
}

fn texts(value: Value, expected: &'static str) -> JsResult<Vec<String>> {
    let Value::Array(items) = value else { return Err(misuse(expected)) };
    let text = |item: Value| if let Value::String(text) = item { Some(text) } else { None };
    items.into_iter().map(text).collect::<Option<_>>().ok_or_else(|| misuse(expected))
}

/// Takes {collection: [id, …], …} and reads all of it at once; the reads that follow find it there.
fn prefetch(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let wanted = wanted(args.get_or_undefined(0), context)?;
    let done = host(context).with_unit("dao().prefetch", |unit, asker| unit.prefetch(wanted, asker));
    settle(done, context)?;
    Ok(JsValue::undefined())
}

/// Collections with the records wanted of each, as the functions that read ahead take and give them.
pub(crate) fn wanted(value: &JsValue, context: &mut Context) -> JsResult<Vec<(String, Vec<String>)>> {
    let Value::Object(given) = from_js(value, "wanted", context)? else {
        return Err(misuse("what to prefetch must be an object of collections and arrays of ids"));
    };
    let ids = |ids| texts(ids, "the ids of a collection must be an array of texts");
    given.into_iter().map(|(name, of)| ids(of).map(|ids| (name, ids))).collect()
}

fn find_first(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let collection = text(args, 0, "the collection")?;
    let bindings = options(args.get_or_undefined(2), "bindings", context)?;
    let filter = filter(args.get_or_undefined(1), &bindings, context)?;
    let query = Query { filter, sort: Vec::new(), limit: Some(1), cursor: None };
    let found =
        host(context).with_unit("dao().findFirstRecordByFilter", |unit, asker| unit.find(&collection, query, asker));
    let page = settle(found, context)?;
    Ok(page.items.first().map_or(JsValue::null(), |record| to_js(record, context)))
}

/// Gives an array; where more records follow, it has the property `cursor` for the next call's options.
fn find_records(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let collection = text(args, 0, "the collection")?;
    let query = query(args, context)?;
    let found =
        host(context).with_unit("dao().findRecordsByFilter", |unit, asker| unit.find(&collection, query, asker));
    let page = settle(found, context)?;
    let items: Vec<JsValue> = page.items.into_iter().map(|record| to_js(&record, context)).collect();
    let array = JsArray::from_iter(items, context);
    if let Some(cursor) = page.cursor {
        let value = JsValue::from(JsString::from(cursor));
        let property = PropertyDescriptor::builder().value(value).writable(true).enumerable(false).configurable(true);
        array.define_property_or_throw(js_string!("cursor"), property, context)?;
    }
    Ok(array.into())
}

fn count(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let collection = text(args, 0, "the collection")?;
    let bindings = options(args.get_or_undefined(2), "bindings", context)?;
    let filter = filter(args.get_or_undefined(1), &bindings, context)?;
    let counted = host(context).with_unit("dao().countRecords", |unit, asker| unit.count(&collection, filter, asker));
    settle(counted, context).map(JsValue::from)
}

fn save(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let collection = own(&text(args, 0, "the collection")?, context)?;
    let Value::Object(fields) = from_js_patch(args.get_or_undefined(1), "record", context)? else {
        return Err(misuse("the record must be an object"));
    };
    let record = change(&collection, fields, "dao().saveRecord", context)?;
    Ok(record.map_or(JsValue::null(), |record| to_js(&record, context)))
}

/// Saves each record of an array and gives their ids; what is stored of them is not brought back. All of it happens or
/// none.
fn save_many(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let collection = own(&text(args, 0, "the collection")?, context)?;
    let array = args.get_or_undefined(1).as_object().filter(JsObject::is_array);
    let array = array.ok_or_else(|| misuse("the records must be an array of objects"))?;
    let array = JsArray::from_object(array)?;
    let mut records = Vec::new();
    for at in 0..array.length(context)? {
        let item = array.get(at, context)?;
        let Value::Object(fields) = from_js_patch(&item, "record", context)? else {
            return Err(misuse(format!("the records must be an array of objects, and records[{at}] is none")));
        };
        records.push(fields);
    }
    let ids = hooks::all_or_nothing(context, |context| {
        let save = |fields| {
            let record = change(&collection, fields, "dao().saveRecords", context)?;
            let id = record.as_ref().and_then(|record| record["id"].as_str()).unwrap_or_default();
            Ok(JsValue::from(JsString::from(id)))
        };
        records.into_iter().map(save).collect::<JsResult<Vec<_>>>()
    })?;
    Ok(JsArray::from_iter(ids, context).into())
}

/// Adds amounts to records: each given record is stored as it is where there is none of its id, and else the fields
/// named third are added to those of the stored one. All or none of it happens.
fn add_to(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let collection = own(&text(args, 0, "the collection")?, context)?;
    let Value::Array(records) = from_js(args.get_or_undefined(1), "records", context)? else {
        return Err(misuse("the records must be an array of objects"));
    };
    let record = |record: Value| if let Value::Object(fields) = record { Some(fields) } else { None };
    let records: Option<Vec<_>> = records.into_iter().map(record).collect();
    let records = records.ok_or_else(|| misuse("the records must be an array of objects"))?;
    let added = texts(from_js(args.get_or_undefined(2), "fields to add", context)?, FIELDS)?;
    let sums =
        host(context).with_unit("dao().addToRecords", |unit, asker| unit.sums(&collection, records, &added, asker));
    let sums = settle(sums, context)?;
    hooks::all_or_nothing(context, |context| {
        sums.into_iter().try_for_each(|fields| change(&collection, fields, "dao().addToRecords", context).map(drop))
    })?;
    Ok(JsValue::undefined())
}

fn delete(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let collection = own(&text(args, 0, "the collection")?, context)?;
    let id = text(args, 1, "the record's id")?;
    let proposed =
        host(context).with_unit("dao().deleteRecord", |unit, asker| unit.propose_deletion(&collection, &id, asker));
    let proposal = settle(proposed, context)?;
    hooks::make(&collection, proposal, context).map(|_| JsValue::undefined())
}

/// Stores a record after its hooks have looked at it.
fn change(
    collection: &Collection,
    fields: Map<String, Value>,
    what: &str,
    context: &mut Context,
) -> JsResult<Option<Arc<Value>>> {
    let proposed = host(context).with_unit(what, |unit, asker| unit.propose(collection, fields, asker));
    let proposal = settle(proposed, context)?;
    hooks::make(collection, proposal, context)
}

/// A collection that this plugin may write.
fn own(name: &str, context: &mut Context) -> JsResult<Rc<Collection>> {
    let host = host(context);
    host.demand(&Permission::OwnRecords, "write its records").map_err(|error| throw(&error, context))?;
    host.own_collection(name).ok_or_else(|| {
        let message = format!(
            "{} may not write to `{name}`: a plugin writes only the collections of its own schema, {}",
            host.load.slug,
            host.own_collections()
        );
        throw(&host.denied(ErrorCode::PermissionDenied, message), context)
    })
}

fn filter(value: &JsValue, bindings: &Map<String, Value>, context: &mut Context) -> JsResult<Filter> {
    let value = from_js_strict(value, "filter", context)?;
    filters::parse(&value, bindings).map_err(|error| halt(error, context))
}

/// The query of `(collection, filter, {sort, limit, cursor, bindings}, bindings)`. For a filter that is an
/// expression, other keys of the third argument are bound values too.
fn query(args: &[JsValue], context: &mut Context) -> JsResult<Query> {
    let mut given = options(args.get_or_undefined(2), "query options", context)?;
    let mut bindings = options(args.get_or_undefined(3), "bindings", context)?;
    let sort = given.remove("sort").unwrap_or_default();
    let limit = given.remove("limit").unwrap_or_default();
    let cursor = given.remove("cursor").unwrap_or_default();
    match given.remove("bindings") {
        None | Some(Value::Null) => {}
        Some(Value::Object(more)) => bindings.extend(more),
        Some(_) => return Err(misuse("bindings must be an object of values by name")),
    }
    if args.get_or_undefined(1).is_string() {
        bindings.append(&mut given);
    }
    if let Some(key) = given.keys().next() {
        return Err(misuse(format!("query options have no `{key}`; known are sort, limit, cursor, bindings")));
    }
    let limit = match limit {
        Value::Null => None,
        limit => Some(limit.as_u64().ok_or_else(|| misuse("limit must be a whole number"))?),
    };
    let cursor = match cursor {
        Value::Null => None,
        Value::String(cursor) => Some(cursor),
        _ => return Err(misuse("cursor must be a text")),
    };
    let sort = sort_fields(&sort).map_err(|error| halt(error, context))?;
    let filter = filter(args.get_or_undefined(1), &bindings, context)?;
    Ok(Query { filter, sort, limit, cursor })
}

/// `"-date,no"` or `["-date", "no"]`; a minus is descending.
fn sort_fields(sort: &Value) -> Result<Vec<(String, bool)>, Halt> {
    let names: Vec<&str> = match sort {
        Value::Null => Vec::new(),
        Value::String(text) => text.split(',').collect(),
        Value::Array(items) => items.iter().map(|item| item.as_str().unwrap_or_default()).collect(),
        _ => vec![""],
    };
    names
        .into_iter()
        .map(|name| {
            let name = name.trim();
            let (field, descending) = match name.strip_prefix('-') {
                Some(field) => (field, true),
                None => (name.strip_prefix('+').unwrap_or(name), false),
            };
            if field.is_empty() {
                return Err(Halt::new(ErrorCode::FilterInvalid, "sort is field names such as \"-date,no\""));
            }
            Ok((field.to_owned(), descending))
        })
        .collect()
}
