//! Every message of an adversarial stream gets its expected reply, however many send at once.

use tests::books::{Book, fixtures};
use tests::chaos::{self, Route};
use tests::report::say;
use tests::{Start, binary};

#[test]
fn every_message_over_the_verb_gets_its_reply_from_one_publisher() {
    check(1, Route::Verb);
}

#[test]
fn every_message_over_the_verb_gets_its_reply_from_four_publishers() {
    check(4, Route::Verb);
}

#[test]
fn every_message_over_the_verb_gets_its_reply_from_sixteen_publishers() {
    check(16, Route::Verb);
}

#[test]
fn every_message_over_the_bus_gets_its_reply_from_one_publisher() {
    check(1, Route::Event);
}

#[test]
fn every_message_over_the_bus_gets_its_reply_from_four_publishers() {
    check(4, Route::Event);
}

#[test]
fn every_message_over_the_bus_gets_its_reply_from_sixteen_publishers() {
    check(16, Route::Event);
}

fn check(publishers: usize, route: Route) {
    let book = Book::read(&fixtures(), "CB7").expect("the fixture is readable");
    let messages = chaos::read(&fixtures().join("chaos-cb7.jsonl")).expect("the stream is readable");
    let daemon = Start::dev(&binary::ledger_example()).run();
    let client = daemon.client();
    book.prepare(&client).expect("the entity is made");
    let outcome = chaos::run(&client, &messages, publishers, route);
    say(&format!("{publishers} publishers, {route:?}: {} answered", outcome.answered));
    assert!(outcome.wrong.is_empty(), "{} wrong: {:#?}", outcome.wrong.len(), outcome.wrong);
    assert_eq!(outcome.answered, messages.len());
    let found = book.differences(&client).expect("the ledger reports");
    assert!(found.is_empty(), "{found:#?}");
}
