//! A server on a free port, with a token of each kind.

use crate::client::{Answer, raw, request};
use crate::host::PlayedHost;
use contract_model::manifest::Role;
use contract_model::{Millis, PluginSlug, TenantId};
use daemon_access::{Access, TokenRequest};
use daemon_http::{Api, ApiConfig, Server, ServerConfig};
use daemon_store::{Options, Store};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinHandle;

pub(crate) struct World {
    pub(crate) address: SocketAddr,
    pub(crate) host: Arc<PlayedHost>,
    pub(crate) access: Access,
    /// Holds every role, and may publish.
    pub(crate) clerk: String,
    /// Holds no role.
    pub(crate) guest: String,
    /// Of another tenant.
    pub(crate) stranger: String,
    pub(crate) admin: String,
    pub(crate) stop: watch::Sender<bool>,
    pub(crate) served: JoinHandle<usize>,
    _folder: tempfile::TempDir,
}

/// Waits are cut to this, so that what times out does so in a test.
pub(crate) const PATIENCE: Duration = Duration::from_millis(300);

impl World {
    pub(crate) async fn open() -> Self {
        Self::open_with(ServerConfig { header_timeout: PATIENCE, ..ServerConfig::default() }).await
    }

    pub(crate) async fn open_with(config: ServerConfig) -> Self {
        Self::open_as(config, |_| ()).await
    }

    pub(crate) async fn open_as(config: ServerConfig, set: impl FnOnce(&mut ApiConfig)) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::open(folder.path(), Options::default()).expect("a store");
        let access = Access::open(store.clone()).expect("access");
        let role = |name: &str, grants: &[&str]| Role {
            name: name.to_owned(),
            billable: false,
            grants: grants.iter().map(|grant| (*grant).to_owned()).collect(),
        };
        let roles = vec![role("ap.clerk", &["ap.pay"]), role("ap.viewer", &["ap.read"])];
        access.teach(&PluginSlug::new("ap").expect("slug"), roles);
        let names = ["ap.clerk", "ap.viewer"];
        let clerk = token(&access, Some("demo"), &names, &["events:publish"]);
        let guest = token(&access, Some("demo"), &[], &[]);
        let stranger = token(&access, Some("other"), &names, &["events:publish"]);
        let admin = token(&access, None, &[], &["admin"]);
        let host = Arc::new(PlayedHost::new());
        let mut api = ApiConfig::new(host.clone(), access.clone(), store);
        api.read_timeout = PATIENCE;
        set(&mut api);
        let bound = Server::bind(SocketAddr::from(([127, 0, 0, 1], 0)), config).await.expect("a port");
        let address = bound.address();
        let (stop, stopped) = watch::channel(false);
        let served = tokio::spawn(bound.run(Api::new(api), stopped, Duration::from_secs(5)));
        Self { address, host, access, clerk, guest, stranger, admin, stop, served, _folder: folder }
    }

    /// Takes all tokens back.
    pub(crate) fn revoke_all(&self) {
        let tenants = self.access.tenants();
        for tenant in tenants.iter().map(Some).chain([None]) {
            let tokens = self.access.tokens(tenant).expect("the tokens");
            let ids: Vec<String> = tokens.into_iter().map(|token| token.id).collect();
            self.access.revoke("a test", tenant, &ids).expect("revoked");
        }
    }

    pub(crate) async fn get(&self, path: &str, token: &str) -> Answer {
        raw(self.address, &request("GET", path, token, "", "")).await
    }

    pub(crate) async fn send(&self, method: &str, path: &str, token: &str, headers: &str, body: &str) -> Answer {
        raw(self.address, &request(method, path, token, headers, body)).await
    }
}

fn token(access: &Access, tenant: Option<&str>, roles: &[&str], scopes: &[&str]) -> String {
    let tenant = tenant.map(|tenant| TenantId::new(tenant).expect("tenant"));
    if let Some(tenant) = &tenant {
        // The second token of a tenant finds it there.
        let _ = access.create_tenant(tenant, tenant.as_str());
    }
    let own = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
    let ttl = Millis(600_000);
    let request = TokenRequest { tenant, user: "u".to_owned(), roles: own(roles), scopes: own(scopes), ttl };
    access.issue_token(request).expect("a token").token
}
