//! P9: a posting request as an event in, its reply event out, all checks, with 1, 4 and 16 publishers.
//! The ledger is alone: no other plugin hears what it posts, because nobody hears the peer, either.
//! A publisher has a connection and one request under way on it: to this program a body of lines, to the peer, which is
//! the same contract in plpgsql, one prepared statement.

use crate::book::Book;
use crate::contest::{Case, Contest};
use crate::load::{Make, Sending};
use crate::ours;
use crate::peers::{Places, postgres};
use crate::request::Request;
use crate::row::Aim;
use crate::side::Entrant;
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;

/// Publishers with floor and goal.
const PUBLISHERS: [(u64, f64, f64); 3] = [(1, 1.0, 2.0), (4, 1.5, 4.0), (16, 4.0, 10.0)];

const VERIFY: &str = "SELECT verify($1::text)::text";
const SHA: &str = "SELECT trial_balance_sha($1::text)";

pub(crate) fn with_postgres(places: &Places, suite: &Path, book: Book) -> Contest {
    let book = Arc::new(book);
    let (ours, theirs) = (as_lines(book.clone()), over_sql(book.clone()));
    let case = |(publishers, floor, goal)| Case {
        id: "P9",
        work: "journal: request event in, reply event out, all checks".to_owned(),
        sending: Sending { connections: publishers, window: 1, lines: Some("prefer: wait=20\r\n"), writes: true },
        aim: Aim::AtLeast { floor, goal },
        ours: ours.clone(),
        theirs: theirs.clone(),
    };
    Contest {
        name: "postgres-ledger",
        peer: "PostgreSQL",
        ours: trunkline(suite, book.clone()),
        theirs: postgres(places, book),
        cases: PUBLISHERS.map(case).into(),
    }
}

fn as_lines(book: Arc<Book>) -> Make {
    Arc::new(move |number| {
        let event = json!({
            "specversion": "1.0", "id": format!("bench-{number}"), "source": "/bench", "type": "gl.journal.post.request",
            "datacontenttype": "application/json", "data": book.posting(number),
        });
        Request::line(event.to_string()).holding("\"gl.journal.posted\"")
    })
}

fn over_sql(book: Arc<Book>) -> Make {
    Arc::new(move |number| {
        Request::sql(postgres::POST, vec![format!("bench-{number}"), book.posting(number).to_string()])
            .holding("\"gl.journal.posted\"")
    })
}

fn trunkline(suite: &Path, book: Arc<Book>) -> Entrant {
    let entity = &book.entity;
    let months = book.months();
    let accounts: Vec<Value> = book.accounts.iter().map(without_opening).collect();
    let entity_body =
        json!({"entity": entity, "name": entity, "functionalCurrency": "USD", "currencies": book.currencies()});
    let prepare = vec![
        Request::post("/api/gl/entities", entity_body.to_string(), 201),
        Request::post("/api/gl/accounts/import", json!({"entity": entity, "accounts": accounts}).to_string(), 200),
        Request::post(
            "/api/gl/periods/open",
            json!({"entity": entity, "from": months.first(), "to": months.last()}).to_string(),
            201,
        ),
    ];
    let proof = move |written: u64| {
        let entity = &book.entity;
        let chain = Request::get(format!("/api/gl/chain/verify?entity={entity}"));
        vec![
            chain.holding("\"ok\":true").holding(format!("\"length\":{written},")),
            Request::get(format!("/api/gl/trial-balance?entity={entity}")).holding(book.trial_balance_sha(written)),
        ]
    };
    Entrant { side: ours::side(suite), prepare, proof: Box::new(proof) }
}

fn postgres(places: &Places, book: Arc<Book>) -> Option<Entrant> {
    let accounts: Vec<Value> = book.accounts.iter().map(without_opening).collect();
    let parameters = [json!(book.currencies()), json!(accounts), json!(book.months())].map(|value| value.to_string());
    let open = [book.entity.clone(), "USD".to_owned()].into_iter().chain(parameters).collect();
    let prepare = vec![Request::script(postgres::LEDGER), Request::sql(postgres::OPEN, open)];
    let proof = move |written: u64| {
        let entity = || vec![book.entity.clone()];
        vec![
            Request::sql(VERIFY, entity()).holding("\"ok\": true").holding(format!("\"length\": {written}}}")),
            Request::sql(SHA, entity()).holding(book.trial_balance_sha(written)),
        ]
    };
    Some(Entrant { side: postgres::find(places)?, prepare, proof: Box::new(proof) })
}

/// A book on disk says when an account was opened; the laps of a measurement care for no such day.
fn without_opening(account: &Value) -> Value {
    let mut account = account.clone();
    if let Some(fields) = account.as_object_mut() {
        fields.remove("openedOn");
    }
    account
}
