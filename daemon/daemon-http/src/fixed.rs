//! The daemon's own routes: where each is, what serves it, and what it is for. The router is built of this list, and so is
//! the API's description.

use crate::api::Api;
use crate::error::ApiError;
use crate::{admin, backup, events, jobs, letters, metrics, plugins, quotas, realtime, records, replays, tx, users};
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, delete, get, post, put};
use contract_model::ErrorCode;

/// A route of the daemon.
pub(crate) struct Fixed {
    pub(crate) path: &'static str,
    pub(crate) serves: MethodRouter<Api>,
    /// Lower-case methods, each with a sentence on what it does.
    pub(crate) methods: &'static [(&'static str, &'static str)],
}

/// The route of the records of all collections, which are described one by one.
pub(crate) const RECORDS: &str = "/api/collections/{name}/records";

/// All of them but the one that describes them.
pub(crate) fn all() -> Vec<Fixed> {
    [for_everybody(), of_events(), of_records(), of_plugins(), of_work(), of_the_store()]
        .into_iter()
        .flatten()
        .collect()
}

pub(crate) fn route(
    path: &'static str,
    serves: MethodRouter<Api>,
    methods: &'static [(&'static str, &'static str)],
) -> Fixed {
    Fixed { path, serves, methods }
}

fn for_everybody() -> Vec<Fixed> {
    let alive = get(async || axum::Json(serde_json::json!({"status": "ok"})));
    vec![
        route("/healthz", alive, &[("get", "Whether the daemon lives.")]),
        route("/readyz", get(ready), &[("get", "Whether it takes requests.")]),
        route("/metrics", get(metrics::get), &[("get", "Figures in the text form of Prometheus.")]),
    ]
}

fn of_events() -> Vec<Fixed> {
    vec![
        route(
            "/api/events",
            get(events::list).post(events::publish),
            &[("get", "Events of the log, as a CloudEvents batch."), ("post", "Publishes a CloudEvent.")],
        ),
        route("/api/events/{id}", get(events::show), &[("get", "One event as CloudEvent.")]),
        route(
            "/api/events/{id}/outcome",
            get(events::outcome),
            &[("get", "What became of a request; waits for at most `wait`.")],
        ),
        route("/api/events/{id}/story", get(events::story), &[("get", "The story an event belongs to, as a tree.")]),
        route("/api/realtime", get(realtime::get), &[("get", "Events as server-sent events.")]),
        route("/api/realtime/ws", get(realtime::socket), &[("get", "Events as messages of a web socket.")]),
    ]
}

fn of_records() -> Vec<Fixed> {
    vec![
        route(
            RECORDS,
            get(records::list).post(records::create),
            &[("get", "A page of records."), ("post", "Makes a record.")],
        ),
        route(
            "/api/collections/{name}/records/{id}",
            get(records::show).patch(records::update).delete(records::delete).post(records::batch),
            &[
                ("get", "One record."),
                ("patch", "Changes the given fields."),
                ("delete", "Deletes the record."),
                ("post", "With `batch` in the place of the id: several operations, all or none."),
            ],
        ),
        route(
            "/api/_tx/reserve",
            post(tx::reserve),
            &[("post", "Takes an amount out of a record's field for a time.")],
        ),
        route("/api/_tx/release", post(tx::release), &[("post", "Gives back what is reserved.")]),
        route("/api/_tx/confirm", post(tx::confirm), &[("post", "Takes what is reserved for good.")]),
    ]
}

fn of_plugins() -> Vec<Fixed> {
    vec![
        route("/api/_admin/plugins", get(plugins::list), &[("get", "The plugins and how they are.")]),
        route("/api/_admin/plugins/{slug}", get(plugins::show), &[("get", "One plugin.")]),
        route(
            "/api/_admin/plugins/{slug}/config",
            get(plugins::settings).put(plugins::replace).patch(plugins::change),
            &[
                ("get", "A plugin's settings and their schema."),
                ("put", "Gives a plugin these settings and no others."),
                ("patch", "Changes some settings; null takes one back to its default."),
            ],
        ),
        route(
            "/api/_admin/plugins/{slug}/limits",
            get(plugins::limits).patch(plugins::limit),
            &[
                ("get", "The limits of a plugin's calls, and what its calls used."),
                ("patch", "Changes some limits; null takes one back to its default."),
            ],
        ),
        route("/api/_admin/plugins/{slug}/enable", post(plugins::enable), &[("post", "Lets a plugin run.")]),
        route("/api/_admin/plugins/{slug}/disable", post(plugins::disable), &[("post", "Stops a plugin.")]),
        route("/api/_admin/facts", get(admin::facts), &[("get", "How plugins are wired, as read and as seen.")]),
    ]
}

fn of_work() -> Vec<Fixed> {
    vec![
        route(
            "/api/_admin/replays",
            get(replays::list).post(replays::begin),
            &[("get", "The replays that have not ended."), ("post", "Begins a replay.")],
        ),
        route("/api/_admin/replays/{id}", delete(replays::cancel), &[("delete", "Ends a replay.")]),
        route("/api/_admin/jobs", get(jobs::list), &[("get", "A page of the jobs.")]),
        route("/api/_admin/jobs/schedules", get(jobs::schedules), &[("get", "The schedules.")]),
        route("/api/_admin/jobs/run-now", post(jobs::run_now), &[("post", "Enqueues a job for now.")]),
        route("/api/_admin/jobs/{id}", get(jobs::show), &[("get", "One job.")]),
        route("/api/_admin/jobs/{id}/cancel", post(jobs::cancel), &[("post", "Ends a job that has not ended.")]),
        route(
            "/api/_admin/dead-letters",
            get(letters::list).delete(letters::give_up_many),
            &[("get", "A page of the dead letters."), ("delete", "Gives those up that a query finds.")],
        ),
        route(
            "/api/_admin/dead-letters/retry",
            post(letters::retry_many),
            &[("post", "Offers the events of those again that a query finds.")],
        ),
        route(
            "/api/_admin/dead-letters/{id}",
            get(letters::show).delete(letters::give_up),
            &[("get", "One dead letter."), ("delete", "Gives one up.")],
        ),
        route(
            "/api/_admin/dead-letters/{id}/retry",
            post(letters::retry),
            &[("post", "Offers the event of one again, or another payload.")],
        ),
        route("/api/_admin/limits", get(admin::limits), &[("get", "The limits of the daemon.")]),
        route("/api/_admin/quotas", get(quotas::list), &[("get", "The quotas in force.")]),
        route("/api/_admin/quotas/{name}", put(quotas::set), &[("put", "Sets a quota, or takes it back.")]),
    ]
}

fn of_the_store() -> Vec<Fixed> {
    vec![
        route("/api/_admin/tenants", post(admin::create_tenant), &[("post", "Makes a tenant and a token for it.")]),
        route(
            "/api/_admin/tenants/{tenant}/tokens",
            get(users::tokens).post(admin::issue_token),
            &[("get", "The tokens of a tenant that hold."), ("post", "Makes a token.")],
        ),
        route(
            "/api/_admin/tenants/{tenant}/tokens/{id}/revoke",
            post(users::revoke_token),
            &[("post", "Ends a token of a tenant.")],
        ),
        route(
            "/api/_admin/tenants/{tenant}/users",
            get(users::list).post(users::create),
            &[("get", "The users of a tenant, with roles and tokens."), ("post", "Makes a user of a tenant.")],
        ),
        route(
            "/api/_admin/tenants/{tenant}/users/{user}/grant",
            post(users::grant),
            &[("post", "Gives a user roles.")],
        ),
        route(
            "/api/_admin/tenants/{tenant}/users/{user}/revoke",
            post(users::revoke),
            &[("post", "Takes roles from a user, or ends tokens.")],
        ),
        route(
            "/api/_admin/tenants/{tenant}/users/{user}/tokens",
            post(users::issue),
            &[("post", "Makes a token that holds the roles of its user.")],
        ),
        route("/api/_admin/audit", get(users::audit), &[("get", "Who changed whose rights, the newest first.")]),
        route(
            "/api/_admin/tenants/{tenant}/export",
            get(backup::export),
            &[("get", "Everything that belongs to a tenant, as lines of JSON.")],
        ),
        route("/api/_admin/tenants/{tenant}/erase", post(admin::erase_tenant), &[("post", "Erases a tenant.")]),
        route("/api/_admin/store", get(admin::store_stats), &[("get", "Figures of the store.")]),
        route("/api/_admin/store/verify", post(admin::store_verify), &[("post", "Looks the whole store over.")]),
        route("/api/_admin/store/backup", get(backup::get), &[("get", "A backup of the running store.")]),
        route("/api/_admin/store/compact", post(admin::compact), &[("post", "Compacts what was kept long enough.")]),
        route("/api/_admin/store/explain", post(admin::explain), &[("post", "How a query would be answered.")]),
    ]
}

async fn ready(State(api): State<Api>) -> Response {
    if *api.stopping.borrow() {
        return ApiError::new(ErrorCode::ShuttingDown, "the daemon is stopping").into_response();
    }
    axum::Json(serde_json::json!({"status": "ready"})).into_response()
}
