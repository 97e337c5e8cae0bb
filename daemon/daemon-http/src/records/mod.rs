//! Records of collections: `/api/collections/{name}/records`. What is asked is read in `asked`; the host does it.

mod asked;

use crate::answers::Answering;
use crate::api::Api;
use crate::auth::Member;
use crate::body;
use crate::error::{ApiError, ApiResult};
use crate::headers::idempotency_key;
use crate::query::Params;
use crate::reply;
use asked::{Batch, expansion, expected, fields, known_revision, query};
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, HeaderValue, Uri, header};
use axum::response::Response;
use contract_model::{ErrorCode, limits};
use daemon_host::{Changed, Expected, Operation, RecordCaller, RecordChange, RecordPage};
use serde::Serialize;
use serde_json::{Map, Value, json};

/// The path that takes several operations at once, in the place of a record's id.
const BATCH: &str = "batch";

/// A page, written where it lies. Fields are in the order of their names, as in all answers.
#[derive(Serialize)]
struct Page {
    #[serde(skip_serializing_if = "Option::is_none")]
    count: Option<u64>,
    cursor: Option<String>,
    items: Vec<Value>,
}

/// `GET …/records`: a page.
pub(crate) async fn list(
    State(api): State<Api>,
    member: Member,
    Path(name): Path<String>,
    uri: Uri,
) -> ApiResult<Response> {
    let params = Params::of(&uri, &["filter", "sort", "limit", "cursor", "expand", "count"])?;
    let query = query(&params)?;
    let answering = Answering::begin(&api);
    let caller = RecordCaller { room: Some(answering.clone()), ..caller(member) };
    let RecordPage { items, cursor, count } = api.backend.records(caller, &name, query).await?;
    answering.json(200, &Page { count, cursor, items })
}

/// `GET …/records/{id}`: one, or 304 where the caller has its revision already.
pub(crate) async fn show(
    State(api): State<Api>,
    member: Member,
    Path((name, id)): Path<(String, String)>,
    uri: Uri,
    headers: HeaderMap,
) -> ApiResult<Response> {
    let expand = expansion(&Params::of(&uri, &["expand"])?)?;
    let answering = Answering::begin(&api);
    let caller = RecordCaller { room: Some(answering.clone()), ..caller(member) };
    let record = api.backend.record(&caller, &name, &id, &expand).await?;
    // An expanded record may change without a new revision of its own.
    if expand.0.is_empty() && known_revision(&headers, &record)? {
        return Ok(tagged(reply::body(304, "application/json", axum::body::Body::empty()), &record));
    }
    Ok(tagged(answering.json(200, &record)?, &record))
}

/// `POST …/records`: makes one.
pub(crate) async fn create(
    State(api): State<Api>,
    member: Member,
    Path(name): Path<String>,
    request: Request,
) -> ApiResult<Response> {
    let (headers, mut fields, _received) = read_fields(&api, request).await?;
    let operation = Operation::Create(asked::id(&mut fields)?);
    let change = RecordChange { operation, fields, expected: Expected::Any };
    let done = do_it(&api, member, &name, vec![change], &headers).await?;
    let record = only(&done);
    let place = record["id"].as_str().map(|id| format!("/api/collections/{name}/records/{}", reply::path_segment(id)));
    let mut response = tagged(reply::json(201, record), record);
    if let Some(place) = place.and_then(|place| HeaderValue::from_str(&place).ok()) {
        response.headers_mut().insert(header::LOCATION, place);
    }
    Ok(replayed(response, &done))
}

/// `PATCH …/records/{id}`: changes the given fields.
pub(crate) async fn update(
    State(api): State<Api>,
    member: Member,
    Path((name, id)): Path<(String, String)>,
    request: Request,
) -> ApiResult<Response> {
    let (headers, mut fields, _received) = read_fields(&api, request).await?;
    if let Some(other) = asked::id(&mut fields)?.filter(|other| *other != id) {
        let text = format!("the body names record `{other}`, the path `{id}`; a record keeps its id");
        return Err(ApiError::new(ErrorCode::BodyInvalid, text));
    }
    let change = RecordChange { operation: Operation::Update(id), fields, expected: expected(&headers)? };
    let done = do_it(&api, member, &name, vec![change], &headers).await?;
    let record = only(&done);
    Ok(replayed(tagged(reply::json(200, record), record), &done))
}

/// `DELETE …/records/{id}`.
pub(crate) async fn delete(
    State(api): State<Api>,
    member: Member,
    Path((name, id)): Path<(String, String)>,
    headers: HeaderMap,
) -> ApiResult<Response> {
    let (operation, fields) = (Operation::Delete(id), Map::new());
    let change = RecordChange { operation, fields, expected: expected(&headers)? };
    let done = do_it(&api, member, &name, vec![change], &headers).await?;
    let mut response = reply::body(204, "application/json", axum::body::Body::empty());
    response.headers_mut().remove(header::CONTENT_TYPE);
    Ok(replayed(response, &done))
}

/// `POST …/records/batch`: all operations or none.
pub(crate) async fn batch(
    State(api): State<Api>,
    member: Member,
    Path((name, id)): Path<(String, String)>,
    request: Request,
) -> ApiResult<Response> {
    if id != BATCH {
        let path = request.uri().path();
        return Err(ApiError::method("POST", path, "DELETE, GET, HEAD, PATCH".to_owned()));
    }
    let (parts, body) = request.into_parts();
    let mut received = body::read(&api, body, limits::HTTP_BODY_BYTES_MAX).await?;
    let changes = Batch::read(received.json()?)?.changes()?;
    let done = do_it(&api, member, &name, changes, &parts.headers).await?;
    Ok(replayed(reply::json(200, &json!({"items": done.records})), &done))
}

async fn do_it(
    api: &Api,
    member: Member,
    name: &str,
    changes: Vec<RecordChange>,
    headers: &HeaderMap,
) -> ApiResult<Changed> {
    let key = idempotency_key(headers)?.map(str::to_owned);
    Ok(api.backend.change_records(caller(member), name, changes, key).await?)
}

/// The header, the fields in the body, and what holds the room that they take.
async fn read_fields(api: &Api, request: Request) -> ApiResult<(HeaderMap, Map<String, Value>, body::Received)> {
    let (parts, body) = request.into_parts();
    let mut received = body::read(api, body, limits::HTTP_BODY_BYTES_MAX).await?;
    Ok((parts.headers, fields(received.json()?, "the body")?, received))
}

fn caller(member: Member) -> RecordCaller {
    RecordCaller { tenant: member.tenant, identity: member.identity, trace: member.trace, room: None }
}

fn only(done: &Changed) -> &Value {
    done.records.first().unwrap_or(&Value::Null)
}

fn tagged(mut response: Response, record: &Value) -> Response {
    if let Ok(tag) = HeaderValue::from_str(&format!("\"{}\"", record["revision"])) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    response
}

fn replayed(mut response: Response, done: &Changed) -> Response {
    if done.replayed {
        response.headers_mut().insert("idempotency-replayed", HeaderValue::from_static("true"));
    }
    response
}
