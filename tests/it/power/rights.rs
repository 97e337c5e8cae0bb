//! Power cuts while rights change: after each of them, what was changed is there together with what was noted of it, or
//! neither is.

use super::record::{self, Disk, Step};
use super::recorder;
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use tests::report::say;
use tests::{Start, Suite};

const MANIFEST: &str = "
roles:
  - {name: desk.reader, billable: false, grants: [desk.read]}
  - {name: desk.writer, billable: true, grants: [desk.read, desk.write]}
";
const CODE: &str = r#"$app.routerAdd("GET", "/api/desk/me", (e) => e.auth);"#;
/// Cuts while one change is made, at most.
const CUTS_A_CHANGE: usize = 6;

fn desk(data: &Path) -> Start {
    Start::suite(Suite::new().plugin("desk", MANIFEST, CODE)).data(data)
}

/// One life of a daemon in which rights are changed.
struct Recorded {
    folder: tempfile::TempDir,
    data: PathBuf,
    steps: Vec<Step>,
    /// What was asked for, and how far the record was before and after it.
    changes: Vec<(&'static str, [u64; 2])>,
    /// Tokens: the tenant's first, kim's there, and ann's.
    tokens: [String; 3],
}

impl Recorded {
    fn live() -> Option<Self> {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let home = folder.path().canonicalize().expect("a folder");
        let (data, log) = (home.join("data"), home.join("record"));
        let library = recorder(&home)?;
        let start = desk(&data).env("LD_PRELOAD", &library);
        let mut daemon = start.env("TRUNKLINE_RECORD", &log).env("TRUNKLINE_RECORD_UNDER", &data).run();
        let mut changes = Vec::new();
        let known = || std::fs::metadata(&log).expect("the record").len();
        let mut change = |what: &'static str, body: Value| {
            let before = known();
            let answer = daemon.admin().post(&format!("/api/_admin/tenants{what}"), &body).body;
            changes.push((what, [before, known()]));
            answer
        };
        change("/demo/users", json!({"user": "ann", "roles": ["desk.reader", "desk.writer"]}));
        let ann = change("/demo/users/ann/tokens", json!({"ttl": "1h"}));
        let first = change("", json!({"tenant": "branch"}));
        let kim = change("/branch/tokens", json!({"roles": ["desk.reader"], "user": "kim", "ttl": "1h"}));
        change("/demo/users/ann/revoke", json!({"roles": ["desk.writer"], "tokens": [ann["id"]]}));
        change("/branch/erase", json!({"confirm": "branch"}));
        daemon.kill();
        let steps = record::read(&std::fs::read(&log).expect("the record"));
        let tokens = [first, kim, ann].map(|made| made["token"].as_str().expect("a token").to_owned());
        Some(Self { folder, data, steps, changes, tokens })
    }

    /// The moments to cut the power at: after steps of the changes whose notes are looked at.
    fn cuts(&self) -> Vec<(&'static str, usize)> {
        let among = |(what, [before, after]): &(&'static str, [u64; 2])| {
            let place = |known: u64| self.steps.partition_point(|step| step.ends <= known);
            let (from, to) = (place(*before), place(*after));
            let each = (to - from).div_ceil(CUTS_A_CHANGE).max(1);
            (from..=to).rev().step_by(each).map(|cut| (*what, cut)).collect::<Vec<_>>()
        };
        self.changes.iter().skip(2).flat_map(among).collect()
    }

    /// Whether the image of a cut agrees with itself, and how many of the changes are in it.
    fn judge(&self, cut: usize) -> Result<usize, String> {
        let image = self.folder.path().join(format!("image-{cut}"));
        let mut random = StdRng::seed_from_u64(cut as u64);
        record::image(&self.steps[..cut], Disk::Honest, &self.data, &image, &mut random);
        let daemon = desk(&image).try_run().map_err(|error| format!("it does not start: {error:#}"))?;
        let audit = daemon.admin().get("/api/_admin/audit").expect_status(200).body;
        let audit = audit.as_array().cloned().unwrap_or_default();
        let noted = |what: &str, tenant: &str, user: &dyn Fn(&str) -> bool| {
            audit.iter().any(|note| {
                note["what"] == what && note["tenant"] == tenant && user(note["user"].as_str().unwrap_or_default())
            })
        };
        let works = |token: &str| daemon.client().with_token(token).get("/api/desk/me").status == 200;
        let [first, kim, ann] = &self.tokens;
        let made = noted("tenant.created", "branch", &|_| true);
        let erased = noted("tenant.erased", "branch", &|_| true);
        let first_noted = noted("token.issued", "branch", &|user| user.starts_with("service-"));
        let kim_noted = noted("token.issued", "branch", &|user| user == "kim");
        let users = daemon.admin().get("/api/_admin/tenants/demo/users").expect_status(200).body;
        let ann_writes = users[0]["roles"].as_array().is_some_and(|roles| roles.contains(&json!("desk.writer")));
        let [roles_noted, tokens_noted] =
            ["roles.revoked", "tokens.revoked"].map(|what| noted(what, "demo", &|user| user == "ann"));
        let reached = daemon.admin().get("/api/_admin/tenants/branch/users").status == 200;
        for (what, is, noted) in [
            ("the tenant is reached", reached, made && !erased),
            ("the first token works", works(first), made && !erased),
            ("the first token is noted", first_noted, made),
            ("kim's token works", works(kim), kim_noted && !erased),
            ("ann writes", ann_writes, !roles_noted),
            ("ann's token works", works(ann), !tokens_noted),
            ("ann's token is revoked with her role", tokens_noted, roles_noted),
        ] {
            if is != noted {
                return Err(format!("{what}: {is}, by the notes: {noted}; {}", json!(audit)));
            }
        }
        std::fs::remove_dir_all(&image).unwrap_or_default();
        Ok([made, kim_noted, roles_noted, erased].into_iter().filter(|one| *one).count())
    }
}

#[test]
fn a_change_of_rights_and_its_note_are_one_commit() {
    let Some(recorded) = Recorded::live() else { return };
    let cuts = recorded.cuts();
    let mut seen = [0_usize; 5];
    for (what, cut) in &cuts {
        let done = recorded.judge(*cut).unwrap_or_else(|why| panic!("cut after step {cut}, in `{what}`: {why}"));
        seen[done] += 1;
    }
    say(&format!("{} cuts, by how many of 4 changes were there: {seen:?}", cuts.len()));
    assert!(seen.iter().all(|images| *images > 0), "cuts between all changes: {seen:?}");
}
