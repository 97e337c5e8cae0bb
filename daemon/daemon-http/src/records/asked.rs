//! What a request for records says: query parameters, bodies, and the revisions that its headers name.

use crate::error::{ApiError, ApiResult};
use crate::query::{Params, invalid};
use axum::http::{HeaderMap, HeaderName, header};
use contract_model::collection::AUTOMATIC_FIELDS;
use contract_model::{ErrorCode, limits};
use daemon_host::{Expansion, Expected, Operation, RecordChange, RecordQuery};
use serde::Deserialize;
use serde_json::{Map, Value};
use std::collections::BTreeSet;

const LIST_DEFAULT: u64 = 100;

/// A page's query.
pub(super) fn query(params: &Params) -> ApiResult<RecordQuery> {
    let count = match params.text("count") {
        None | Some("false") => false,
        Some("true" | "exact") => true,
        Some(_) => return Err(invalid("`count` is true or false".to_owned())),
    };
    Ok(RecordQuery {
        filter: params.text("filter").unwrap_or_default().to_owned(),
        sort: sort(params.text("sort").unwrap_or_default()),
        limit: params.page(limits::RECORDS_PAGE_MAX, "RECORDS_PAGE_MAX")?.unwrap_or(LIST_DEFAULT),
        cursor: params.text("cursor").map(str::to_owned),
        expand: expansion(params)?,
        count,
    })
}

/// `-created,title`: descending by the one, then ascending by the other.
fn sort(text: &str) -> Vec<(String, bool)> {
    let names = text.split(',').map(str::trim).filter(|name| !name.is_empty());
    let field = |name: &str| match name.strip_prefix('-') {
        Some(name) => (name.to_owned(), true),
        None => (name.strip_prefix('+').unwrap_or(name).to_owned(), false),
    };
    names.map(field).collect()
}

/// `expand=customer,order.customer`.
pub(super) fn expansion(params: &Params) -> ApiResult<Expansion> {
    let mut expansion = Expansion::default();
    let paths = params.text("expand").unwrap_or_default().split(',').map(str::trim).filter(|path| !path.is_empty());
    for (before, path) in (0_u64..).zip(paths) {
        let steps = path.split('.').count() as u64;
        let (paths_max, steps_max) = (limits::EXPAND_PATHS_MAX, limits::EXPAND_DEPTH_MAX);
        if before == paths_max || steps > steps_max {
            return Err(invalid(format!(
                "`expand` takes at most {paths_max} references (EXPAND_PATHS_MAX), each of at most {steps_max} steps (EXPAND_DEPTH_MAX)"
            )));
        }
        expansion.add(path.split('.'));
    }
    Ok(expansion)
}

/// A record as its sender gives it.
pub(super) fn fields(value: Value, what: &str) -> ApiResult<Map<String, Value>> {
    match value {
        Value::Object(fields) => Ok(fields),
        _ => Err(ApiError::new(ErrorCode::BodyInvalid, format!("{what} must be an object with the record's fields"))),
    }
}

/// Takes the automatic fields out of a record, and gives its id, if it has one. A fetched record may be changed and
/// sent as it is.
pub(super) fn id(fields: &mut Map<String, Value>) -> ApiResult<Option<String>> {
    let id = fields.remove("id");
    for name in AUTOMATIC_FIELDS {
        fields.remove(name);
    }
    match id {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(id)) => Ok(Some(id)),
        Some(_) => Err(ApiError::new(ErrorCode::BodyInvalid, "a record's `id` is a text")),
    }
}

/// The revisions of `If-Match`; any where there is no such header, or it is `*`.
pub(super) fn expected(headers: &HeaderMap) -> ApiResult<Expected> {
    let Some(tags) = tags(headers, &header::IF_MATCH)? else { return Ok(Expected::Any) };
    // A weak tag never matches here, and neither does one that is no revision of ours.
    let revisions = tags.iter().filter_map(|tag| tag.trim_matches('"').parse().ok());
    Ok(Expected::Revisions(revisions.collect()))
}

/// Whether `If-None-Match` names the record's revision.
pub(super) fn known_revision(headers: &HeaderMap, record: &Value) -> ApiResult<bool> {
    if headers.get(&header::IF_NONE_MATCH).is_some_and(|value| value == "*") {
        return Ok(true);
    }
    let tags = tags(headers, &header::IF_NONE_MATCH)?.unwrap_or_default();
    let known =
        |tag: &String| tag.trim_start_matches("W/").trim_matches('"').parse().ok() == record["revision"].as_u64();
    Ok(tags.iter().any(known))
}

/// The tags of a header line; none where there is no such line, or it is `*`.
fn tags(headers: &HeaderMap, name: &HeaderName) -> ApiResult<Option<Vec<String>>> {
    let mut all = Vec::new();
    for line in headers.get_all(name) {
        let line = line.to_str().map_err(|_| invalid(format!("the header `{name}` is not ASCII")))?;
        all.extend(line.split(',').map(|tag| tag.trim().to_owned()));
    }
    Ok((!all.is_empty() && !all.iter().any(|tag| tag == "*")).then_some(all))
}

/// The body of a batch.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Batch {
    operations: Vec<BatchOperation>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BatchOperation {
    op: Op,
    id: Option<String>,
    #[serde(default)]
    record: Map<String, Value>,
    /// The revision that the operation is meant for.
    revision: Option<u64>,
}

#[derive(Deserialize, PartialEq)]
#[serde(rename_all = "lowercase")]
enum Op {
    Create,
    Update,
    Delete,
}

impl Batch {
    pub(super) fn read(value: Value) -> ApiResult<Self> {
        let batch: Self = serde_json::from_value(value).map_err(|error| wrong(format!("the body: {error}")))?;
        let (count, max) = (batch.operations.len() as u64, limits::RECORDS_BATCH_MAX);
        if count == 0 || count > max {
            return Err(wrong(format!("a batch has 1 to {max} operations (RECORDS_BATCH_MAX), this one has {count}")));
        }
        Ok(batch)
    }

    pub(super) fn changes(self) -> ApiResult<Vec<RecordChange>> {
        let mut named = BTreeSet::new();
        let mut changes = Vec::with_capacity(self.operations.len());
        for (at, operation) in self.operations.into_iter().enumerate() {
            let change = operation.change().map_err(|error| at_operation(error, at))?;
            let (Operation::Create(Some(id)) | Operation::Update(id) | Operation::Delete(id)) = &change.operation
            else {
                changes.push(change);
                continue;
            };
            if !named.insert(id.clone()) {
                let text = format!("record `{id}` is named by an operation before; put what is to happen into one");
                return Err(at_operation(wrong(text), at));
            }
            changes.push(change);
        }
        Ok(changes)
    }
}

impl BatchOperation {
    fn change(mut self) -> ApiResult<RecordChange> {
        let inner = id(&mut self.record)?;
        if let (Some(outer), Some(inner)) = (&self.id, &inner)
            && outer != inner
        {
            return Err(wrong(format!("it names `{outer}` and its record `{inner}`; a record keeps its id")));
        }
        let expected = self.revision.map_or(Expected::Any, |revision| Expected::Revisions(vec![revision]));
        let id = self.id.or(inner);
        let operation = match (self.op, id) {
            (Op::Create, id) => Operation::Create(id),
            (Op::Update, Some(id)) => Operation::Update(id),
            (Op::Delete, Some(id)) => Operation::Delete(id),
            (Op::Update | Op::Delete, None) => return Err(wrong("update and delete name a record by `id`".to_owned())),
        };
        Ok(RecordChange { operation, fields: self.record, expected })
    }
}

fn at_operation(error: ApiError, at: usize) -> ApiError {
    ApiError { message: format!("operation {at}: {}", error.message), ..error }
        .with_details(serde_json::json!({"operation": at}))
}

fn wrong(message: String) -> ApiError {
    ApiError::new(ErrorCode::BodyInvalid, message)
}
