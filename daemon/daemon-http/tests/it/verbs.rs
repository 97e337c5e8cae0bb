use crate::world::World;
use serde_json::{Value, json};
use std::collections::BTreeSet;

#[tokio::test]
async fn a_verb_is_called_with_what_the_request_holds() {
    let world = World::open().await;
    let path = "/api/ap/bills/a%20b?x=1&x=2&y=%26";
    let answer = world.send("GET", path, &world.clerk, "x-own: 7\r\ncookie: secret\r\n", "").await;
    assert_eq!(answer.status, 200);
    let seen = answer.json();
    assert_eq!(seen["params"], json!({"id": "a b"}));
    assert_eq!(seen["query"], json!({"x": ["1", "2"], "y": "&"}));
    assert_eq!((&seen["tenant"], &seen["user"]), (&json!("demo"), &json!("u")));
    assert_eq!(seen["headers"]["x-own"], "7");
    assert!(seen["headers"].get("cookie").is_none() && seen["headers"].get("authorization").is_none());
    assert!(answer.header("x-request-id").is_some());
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
}

#[tokio::test]
async fn a_body_that_breaks_the_schema_is_refused_with_every_violation() {
    let world = World::open().await;
    let answer = world.send("POST", "/api/ap/bills", &world.clerk, "", r#"{"amount": 1.5}"#).await;
    assert_eq!((answer.status, answer.code().as_str()), (422, "BODY_INVALID"));
    let body = answer.json();
    assert_eq!((&body["success"], &body["data"]), (&json!(false), &json!(null)));
    let violations = body["error"]["details"]["violations"].as_array().expect("violations").clone();
    assert_eq!(violations.len(), 2, "{violations:?}");
    assert!(violations.iter().any(|violation| violation["pointer"] == "/amount"));
}

#[tokio::test]
async fn roles_and_grants_are_enforced() {
    let world = World::open().await;
    for (path, body) in [("/api/ap/bills", r#"{"entity": "E"}"#), ("/api/ap/pay", "")] {
        let status = async |token: &str| world.send("POST", path, token, "", body).await.status;
        assert_eq!(status("").await, 401, "{path}");
        assert_eq!(status("unknown").await, 401, "{path}");
        assert_eq!(status(&world.guest).await, 403, "{path}");
        assert_eq!(status(&world.admin).await, 403, "{path}");
        assert_eq!(status(&world.clerk).await, 200, "{path}");
    }
}

#[tokio::test]
async fn what_asks_for_an_idempotency_key_gets_one() {
    let world = World::open().await;
    assert_eq!(world.send("POST", "/api/ap/once", &world.guest, "", "").await.status, 400);
    assert_eq!(world.send("POST", "/api/ap/once", &world.guest, "idempotency-key: k\r\n", "").await.status, 200);
}

#[tokio::test]
async fn what_is_temporary_says_when_to_come_back() {
    let world = World::open().await;
    let answer = world.send("POST", "/api/ap/busy", &world.guest, "", "").await;
    assert_eq!((answer.status, answer.code().as_str(), answer.header("retry-after")), (503, "OVERLOADED", Some("1")));
}

#[tokio::test]
async fn unknown_paths_and_methods_are_enveloped_below_a_slug_and_problems_elsewhere() {
    let world = World::open().await;
    let verb = world.get("/api/ap/nothing", &world.clerk).await;
    assert_eq!((verb.status, verb.json()["success"].clone()), (404, json!(false)));
    let method = world.send("PUT", "/api/ap/bills/7", &world.clerk, "", "").await;
    assert_eq!((method.status, method.header("allow")), (405, Some("GET, HEAD")));
    let fixed = world.send("PUT", "/api/events", &world.clerk, "", "").await;
    assert_eq!((fixed.status, fixed.header("allow").is_some()), (405, true));
    let problem = world.get("/nothing", &world.clerk).await;
    assert_eq!((problem.status, problem.header("content-type")), (404, Some("application/problem+json")));
    let body = problem.json();
    assert_eq!((&body["code"], &body["instance"]), (&json!("NOT_FOUND"), &json!("/nothing")));
}

#[tokio::test]
async fn the_description_lists_the_routes() {
    let world = World::open().await;
    let paths = world.get("/api/openapi.json", "").await.json()["paths"].clone();
    assert_eq!(paths["/api/ap/bills"]["post"]["x-roles"], json!(["ap.clerk"]));
    assert!(paths["/api/ap/bills/{id}"]["get"]["parameters"][0]["required"] == json!(true));
}

#[tokio::test]
async fn the_description_asks_for_the_header_that_a_route_refuses_to_go_without() {
    let world = World::open().await;
    let paths = world.get("/api/openapi.json", "").await.json()["paths"].clone();
    let headers = |path: &str| -> Vec<Value> {
        let parameters = paths[path]["post"]["parameters"].as_array().expect("parameters").clone();
        parameters.into_iter().filter(|one| one["in"] == "header" && one["required"] == true).collect()
    };
    assert_eq!(headers("/api/ap/pay"), Vec::<Value>::new());
    let asked = headers("/api/ap/once");
    assert_eq!(asked.iter().map(|one| &one["name"]).collect::<Vec<_>>(), ["Idempotency-Key"]);
    assert_eq!(world.send("POST", "/api/ap/once", &world.clerk, "", "{}").await.code(), "QUERY_INVALID");
    let header = format!("{}: k\r\n", asked[0]["name"].as_str().expect("a name"));
    assert_eq!(world.send("POST", "/api/ap/once", &world.clerk, &header, "{}").await.status, 200);
}

#[tokio::test]
async fn a_path_that_is_no_text_is_a_problem_with_a_code() {
    let world = World::open().await;
    for path in ["/api/events/%ff", "/api/collections/%ff/records", "/api/_admin/jobs/%c3%28", "/%ff"] {
        let answer = world.get(path, &world.admin).await;
        let told = (answer.status, answer.header("content-type"), answer.code());
        assert_eq!(told, (400, Some("application/problem+json"), "QUERY_INVALID".to_owned()), "{path}");
    }
    let verb = world.get("/api/ap/bills/%ff", &world.clerk).await;
    assert_eq!((verb.status, verb.json()["error"]["code"].clone()), (400, json!("QUERY_INVALID")));
}

/// The router is built of the list that is described; which methods a path takes, it says itself.
#[tokio::test]
async fn the_description_has_every_route_of_the_daemon_with_every_method() {
    let world = World::open().await;
    let document = world.get("/api/openapi.json", "").await.json();
    let paths = document["paths"].as_object().expect("paths");
    let own = paths.iter().filter(|(path, _)| !path.starts_with("/api/ap/"));
    let mut seen = 0;
    for (path, described) in own {
        let sent: Vec<&str> = path.split('/').map(|part| if part.starts_with('{') { "x" } else { part }).collect();
        let answer = world.send("TRACE", &sent.join("/"), &world.admin, "", "").await;
        let allowed = answer.header("allow").unwrap_or_default().to_lowercase();
        let allowed: BTreeSet<&str> = allowed.split(',').map(str::trim).filter(|method| *method != "head").collect();
        let described: BTreeSet<&str> = described.as_object().expect("methods").keys().map(String::as_str).collect();
        assert_eq!((answer.status, &allowed), (405, &described), "{path}");
        seen += allowed.len();
    }
    assert!(seen >= 45, "{seen} operations");
    for newer in ["/api/_admin/plugins/{slug}/limits", "/api/_admin/quotas/{name}", "/metrics"] {
        assert!(paths.contains_key(newer), "{newer}");
    }
}

#[tokio::test]
async fn the_admin_makes_tenants_and_tokens_and_nobody_else_does() {
    let world = World::open().await;
    let make = async |token: &str, body: &str| world.send("POST", "/api/_admin/tenants", token, "", body).await;
    assert_eq!(make(&world.clerk, r#"{"tenant": "acme"}"#).await.status, 403);
    assert_eq!(make(&world.admin, r#"{"tenant": "../x"}"#).await.status, 422);
    assert_eq!(make(&world.admin, r#"{"tenant": "acme", "colour": 1}"#).await.status, 422);
    let tenant = make(&world.admin, r#"{"tenant": "acme", "name": "Acme"}"#).await;
    assert_eq!(tenant.status, 201);
    let token = tenant.json()["token"].as_str().expect("a token").to_owned();
    assert_eq!(world.get("/api/ap/bills/1", &token).await.json()["tenant"], "acme");
    let issue = async |body: &str| world.send("POST", "/api/_admin/tenants/acme/tokens", &world.admin, "", body).await;
    assert_eq!(issue(r#"{"roles": ["ap.viewer"], "ttl": "1h"}"#).await.status, 201);
    assert_eq!(issue(r#"{"roles": ["ap.king"], "ttl": "1h"}"#).await.status, 422);
    assert_eq!(issue(r#"{"roles": [], "ttl": "soon"}"#).await.status, 422);
    let unknown = issue(r#"{"roles": [], "scopes": ["events:publish", "events:publsh"], "ttl": "1h"}"#).await;
    assert_eq!((unknown.status, unknown.code().as_str()), (422, "BODY_INVALID"));
    let told = "cannot make a token: there is no scope `events:publsh`; a tenant's tokens may hold `events:publish`";
    assert_eq!(unknown.json()["detail"], told);
}

/// What goes wrong in memory when all of it is gone from the disk is no reason to say that it is not erased.
#[tokio::test]
async fn an_erasure_is_answered_as_such_whatever_is_left_in_memory() {
    let world = World::open().await;
    for tenant in ["even", "odd"] {
        let (new, confirmed) = (format!(r#"{{"tenant": "{tenant}"}}"#), format!(r#"{{"confirm": "{tenant}"}}"#));
        assert_eq!(world.send("POST", "/api/_admin/tenants", &world.admin, "", &new).await.status, 201);
        let path = format!("/api/_admin/tenants/{tenant}/erase");
        let erase = async || world.send("POST", &path, &world.admin, "", &confirmed).await;
        let erased = erase().await;
        assert_eq!((erased.status, &erased.json()["tenant"]), (200, &serde_json::json!(tenant)), "{tenant}");
        assert_eq!(erase().await.status, 404, "{tenant}");
    }
}
