//! Tokens over a real store.

use contract_model::filter::{Filter, Query};
use contract_model::manifest::Role;
use contract_model::{ErrorCode, Millis, PluginSlug, RecordId, TenantId};
use daemon_access::{Access, AccessError, TokenRequest, User};
use daemon_store::{Options, ReadSet, Scope, Store, Unit, Write};

const HOUR: Millis = Millis(3_600_000);

fn open(folder: &tempfile::TempDir) -> Access {
    let store = Store::open(folder.path(), Options { map_bytes: 64 << 20, ..Options::default() }).expect("store");
    Access::open(store).expect("access")
}

fn clerk() -> TokenRequest {
    TokenRequest {
        tenant: Some(TenantId::new("demo").expect("tenant")),
        user: "kim".to_owned(),
        roles: vec!["ap.clerk".to_owned()],
        scopes: vec!["events:publish".to_owned()],
        ttl: HOUR,
    }
}

fn now_ms() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970");
    u64::try_from(since.as_millis()).expect("soon enough")
}

#[test]
fn a_token_tells_who_calls_and_outlives_a_restart() {
    let folder = tempfile::tempdir().expect("folder");
    let access = open(&folder);
    access.create_tenant(&TenantId::new("demo").expect("tenant"), "Demo").expect("tenant");
    let kim = User { id: "kim".to_owned(), email: Some("kim@example.test".to_owned()) };
    access.create_member("admin", &TenantId::new("demo").expect("tenant"), &kim, Vec::new()).expect("user");
    let issued = access.issue_token(clerk()).expect("token");
    assert!(!format!("{issued:?}").contains(&issued.token));
    let first = access.verify(&issued.token, now_ms()).expect("caller");
    drop(access);
    let access = open(&folder);
    let caller = access.verify(&issued.token, now_ms()).expect("caller");
    assert_eq!(caller, first);
    assert_eq!((caller.user.as_str(), caller.email.as_deref()), ("kim", Some("kim@example.test")));
    assert_eq!(caller.tenant.as_ref().map(|tenant| tenant.id().as_str()), Some("demo"));
    assert!(caller.holds_any(&["gl.reader", "ap.clerk"]) && !caller.holds_any(&["ap.admin"]) && !caller.admin);
}

#[test]
fn revoked_expired_and_made_up_tokens_are_refused() {
    let folder = tempfile::tempdir().expect("folder");
    let access = open(&folder);
    access.create_tenant(&TenantId::new("demo").expect("tenant"), "Demo").expect("tenant");
    let issued = access.issue_token(clerk()).expect("token");
    let code = |token: &str, now_ms| access.verify(token, now_ms).map_err(|error| error.code());
    assert!(code(&issued.token, now_ms()).is_ok());
    assert_eq!(code(&issued.token, now_ms() + HOUR.0), Err(ErrorCode::Unauthenticated));
    for made_up in ["", "tl_0", &issued.id, &format!("tl_{}", "0".repeat(64))] {
        assert_eq!(code(made_up, now_ms()), Err(ErrorCode::Unauthenticated), "{made_up}");
    }
    let demo = TenantId::new("demo").expect("tenant");
    let revoke = |tenant: Option<&TenantId>, id: &str| access.revoke("admin", tenant, &[id.to_owned()]);
    assert!(matches!(revoke(None, &issued.id), Err(AccessError::TokenUnknown { .. })), "it is no administrator's");
    assert_eq!(access.tokens(Some(&demo)).expect("list").len(), 1);
    revoke(Some(&demo), &issued.id).expect("revoked");
    revoke(Some(&demo), &issued.id).expect("revoked again");
    assert_eq!(code(&issued.token, now_ms()), Err(ErrorCode::Unauthenticated));
    assert!(access.tokens(Some(&demo)).expect("list").is_empty());
    assert!(matches!(revoke(Some(&demo), "nobody"), Err(AccessError::TokenUnknown { .. })));
    assert_eq!(access.audit(Some(&demo), 10).expect("notes").len(), 1, "the second time there was nothing to note");
}

#[test]
fn tokens_whose_time_is_past_are_swept_away_when_others_are_made() {
    let folder = tempfile::tempdir().expect("folder");
    let store = Store::open(folder.path(), Options { map_bytes: 64 << 20, ..Options::default() }).expect("store");
    let access = Access::open(store.clone()).expect("access");
    access.create_tenant(&TenantId::new("demo").expect("tenant"), "Demo").expect("tenant");
    let kept = || {
        let query = Query { filter: Filter::All, sort: Vec::new(), limit: None, cursor: None };
        let page = store.view().expect("a view").find(&Scope::System, "access_tokens", &query);
        page.expect("tokens").items.len()
    };
    let lasting = access.issue_token(clerk()).expect("token");
    for n in 0..5 {
        access.issue_token(TokenRequest { ttl: Millis(1), ..clerk() }).expect("token");
        std::thread::sleep(std::time::Duration::from_millis(3));
        assert_eq!(kept(), 2, "{n}");
    }
    let one = access.create_member(
        "admin",
        &TenantId::new("demo").expect("tenant"),
        &User { id: "ann".to_owned(), email: None },
        vec![],
    );
    one.expect("a user");
    access.issue_to_member("admin", &TenantId::new("demo").expect("tenant"), "ann", vec![], HOUR).expect("token");
    assert_eq!(kept(), 2, "the last of them went");
    assert!(access.verify(&lasting.token, now_ms()).is_ok());
}

#[test]
fn addresses_that_an_older_version_kept_without_a_tenant_go_to_whom_they_are_certainly_of() {
    let folder = tempfile::tempdir().expect("folder");
    let store = Store::open(folder.path(), Options { map_bytes: 64 << 20, ..Options::default() }).expect("store");
    let access = Access::open(store.clone()).expect("access");
    let [acme, branch] = ["acme", "branch"].map(|name| TenantId::new(name).expect("tenant"));
    for tenant in [&acme, &branch] {
        access.create_tenant(tenant, "A tenant").expect("tenant");
    }
    let make = |tenant: &TenantId, id: &str| {
        access.create_member("admin", tenant, &User { id: id.to_owned(), email: None }, Vec::new()).expect("user");
    };
    make(&acme, "ann");
    make(&acme, "bob");
    make(&branch, "bob");
    // Kim's tenant was erased, and another user has the name.
    make(&branch, "kim");
    access.erase_tenant("admin", &branch).expect("erased");
    access.create_tenant(&branch, "A tenant").expect("tenant");
    make(&branch, "kim");
    let mut unit = Unit::new(Scope::System, 1);
    for id in ["ann", "bob", "kim", "gone"] {
        let record = serde_json::json!({"email": format!("{id}@example.test")});
        unit.writes.push(Write::Put {
            collection: "access_users".to_owned(),
            id: RecordId::new(id).expect("an id"),
            record: record.as_object().cloned().expect("an object"),
            base_revision: 0,
        });
    }
    store.decide(unit, ReadSet::none()).expect("stored").synced.wait().expect("synced");
    for _ in 0..2 {
        let access = Access::open(store.clone()).expect("access");
        let addresses = |tenant| {
            let members = access.members(tenant).expect("members").into_iter();
            members.map(|one| (one.user, one.email)).collect::<Vec<_>>()
        };
        let ann = ("ann".to_owned(), Some("ann@example.test".to_owned()));
        assert_eq!(addresses(&acme), [ann, ("bob".to_owned(), None)]);
        assert_eq!(addresses(&branch), [("kim".to_owned(), None)]);
    }
    let query = Query { filter: Filter::All, sort: Vec::new(), limit: None, cursor: None };
    let left = store.view().expect("a view").find(&Scope::System, "access_users", &query).expect("read");
    assert!(left.items.is_empty(), "an address is kept without its user");
}

#[test]
fn admin_and_tenant_exclude_each_other() {
    let folder = tempfile::tempdir().expect("folder");
    let access = open(&folder);
    assert_eq!(access.issue_token(clerk()).map_err(|error| error.code()).err(), Some(ErrorCode::NotFound));
    access.create_tenant(&TenantId::new("demo").expect("tenant"), "Demo").expect("tenant");
    let scopes = vec!["admin".to_owned()];
    assert!(access.issue_token(TokenRequest { scopes: scopes.clone(), ..clerk() }).is_err());
    assert!(access.issue_token(TokenRequest { tenant: None, ..clerk() }).is_err());
    assert!(access.issue_token(TokenRequest { ttl: Millis(0), ..clerk() }).is_err());
    assert!(access.issue_token(TokenRequest { user: String::new(), ..clerk() }).is_err());
    let admin = access.issue_token(TokenRequest { tenant: None, scopes, roles: Vec::new(), ..clerk() }).expect("token");
    let caller = access.verify(&admin.token, now_ms()).expect("caller");
    assert!(caller.admin && caller.tenant.is_none());
}

#[test]
fn grants_come_from_the_roles_that_plugins_teach() {
    let folder = tempfile::tempdir().expect("folder");
    let access = open(&folder);
    access.create_tenant(&TenantId::new("demo").expect("tenant"), "Demo").expect("tenant");
    let issued = access.issue_token(clerk()).expect("token");
    let caller = access.verify(&issued.token, now_ms()).expect("caller");
    let ap = PluginSlug::new("ap").expect("slug");
    assert!(!access.may(&caller, "ap.bill.create"));
    let role = Role { name: "ap.clerk".to_owned(), billable: true, grants: vec!["ap.bill.create".to_owned()] };
    access.teach(&ap, vec![role]);
    assert!(access.may(&caller, "ap.bill.create") && !access.may(&caller, "ap.bill.delete"));
    access.forget(&ap);
    assert!(!access.may(&caller, "ap.bill.create") && access.roles().is_empty());
}
