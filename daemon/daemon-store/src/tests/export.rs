//! Exports: all of a tenant and nothing of another, and any change to the lines is seen.

use super::damage::closed;
use super::*;
use crate::disk::Disk;
use crate::eventlog::log_key;
use crate::key::Keyspace;
use crate::vault::Vault;
use crate::{DeadLetter, DeadLetterChange, ExportKind, StoreError, check_export, export_tenant};
use contract_model::{PluginSlug, SubscriptionId};

fn letter(tenant: &str, sequence: u64) -> DeadLetterChange {
    DeadLetterChange::Put(Box::new(DeadLetter {
        version: "1.0.0".to_owned(),
        subscription: SubscriptionId::new(&PluginSlug::new("gl").expect("slug"), "post"),
        sequence: Sequence(sequence),
        tenant: tenant_id(tenant),
        event: EventId::new(&format!("{tenant}-e")).expect("id"),
        topic: TopicName::new("ap.bill.approved").expect("topic"),
        attempts: 12,
        code: "PLUGIN_ERROR".into(),
        reason: format!("secret of {tenant}"),
        stack: Vec::new(),
        time_ms: 5,
        replay: false,
        payload: None,
    }))
}

/// Two tenants, each with a record, an event, a job and a dead letter that name it.
fn filled() -> TempDir {
    let bench = Bench::new();
    let other = bench.store.create_tenant(&tenant_id("other"), "Other").expect("tenant");
    for (n, tenant) in [bench.tenant.clone(), other].into_iter().enumerate() {
        let name = tenant.id().as_str().to_owned();
        let record = json!({"number": "1", "status": format!("secret of {name}"), "total": i64::MAX});
        let mut fact = event(&format!("{name}-e"), "ap.bill.approved");
        fact.event.payload = json!({"of": format!("secret of {name}"), "n": 0.1});
        let unit = Unit {
            writes: vec![put("one", 0, &record)],
            events: vec![fact, event(&format!("{name}-j"), "jobs.ap.nightly")],
            ..Unit::new(tenant, 7)
        };
        bench.settle(unit);
        bench.settle(Unit { dead_letters: vec![letter(&name, n as u64 * 2 + 1)], ..bench.unit() });
    }
    closed(bench)
}

fn exported(dir: &TempDir, tenant: &str) -> Vec<u8> {
    let mut out = Vec::new();
    export_tenant(dir.path(), None, &tenant_id(tenant), 9, HOUR, &mut out).expect("exported");
    out
}

#[test]
fn an_export_holds_all_of_a_tenant_and_nothing_of_another() {
    let dir = filled();
    let bytes = exported(&dir, "demo");
    let mut found = Vec::new();
    let export = check_export(&mut bytes.as_slice(), &mut |kind, collection, value| {
        found.push((kind, collection.map(str::to_owned), value));
        Ok(())
    });
    let export = export.expect("whole");
    assert_eq!((export.head.tenant.as_str(), export.head.sequence, export.head.made_ms), ("demo", 4, 9));
    let kinds: Vec<ExportKind> = found.iter().map(|(kind, _, _)| *kind).collect();
    let all = [ExportKind::Collection, ExportKind::Record, ExportKind::Event, ExportKind::Job, ExportKind::DeadLetter];
    assert_eq!(kinds, all);
    let (_, collection, record) = &found[1];
    assert_eq!(
        (collection.as_deref(), &record["id"], &record["total"]),
        (Some("ap_bills"), &json!("one"), &json!(i64::MAX))
    );
    assert_eq!((&found[2].2["id"], &found[2].2["payload"]["n"]), (&json!("demo-e"), &json!(0.1)));
    let text = String::from_utf8(bytes).expect("text");
    assert!(text.contains("secret of demo") && !text.contains("other"), "{text}");
}

/// So it takes no longer because of them either.
#[test]
fn an_export_reads_no_event_and_no_dead_letter_of_another() {
    let dir = filled();
    let disk = Disk::open(dir.path(), MAP_BYTES, Vault::default()).expect("disk");
    disk.rewrite(|map| {
        let letters = map.after(Keyspace::DeadLetters, &[], 10)?;
        let (letter, _) = &letters[1];
        map.put(&[&[Keyspace::DeadLetters as u8], &letter[..]].concat(), b"damaged")?;
        map.put(&log_key(Sequence(3)), b"damaged")
    })
    .expect("written");
    drop(disk);
    let (mut out, demo, other) = (Vec::new(), tenant_id("demo"), tenant_id("other"));
    export_tenant(dir.path(), None, &other, 9, HOUR, &mut out).expect_err("it is damaged");
    export_tenant(dir.path(), None, &demo, 9, HOUR, &mut out).expect("exported");
}

#[test]
fn a_changed_or_cut_export_is_seen() {
    let dir = filled();
    let bytes = exported(&dir, "other");
    let refused = |bytes: &[u8]| match check_export(&mut &*bytes, &mut |_, _, _| Ok(())) {
        Err(StoreError::ExportInvalid { why }) => why,
        // A byte that makes the text unreadable.
        Err(StoreError::Io { cause, .. }) => cause.to_string(),
        other => panic!("{other:?}"),
    };
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        refused(&changed);
        refused(&bytes[..at]);
    }
    let lines: Vec<&[u8]> = bytes.split_inclusive(|byte| *byte == b'\n').collect();
    for gone in 0..lines.len() {
        let without: Vec<&[u8]> =
            lines.iter().enumerate().filter(|(at, _)| *at != gone).map(|(_, line)| *line).collect();
        refused(&without.concat());
    }
}

#[test]
fn what_cannot_be_exported_says_why() {
    let dir = filled();
    let mut out = Vec::new();
    let error = export_tenant(dir.path(), None, &tenant_id("nobody"), 0, HOUR, &mut out).expect_err("unknown");
    assert_eq!(error.to_string(), "there is no tenant `nobody`");
    let error = check_export(&mut out.as_slice(), &mut |_, _, _| Ok(())).expect_err("failed");
    assert!(error.to_string().contains("there is no tenant `nobody`"), "{error}");
}
