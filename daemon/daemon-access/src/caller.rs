//! Who calls.

use daemon_store::Tenant;

/// The scope that opens `/api/_admin/*` and the command line.
pub const SCOPE_ADMIN: &str = "admin";
/// The scope that opens `POST /api/events`.
pub const SCOPE_EVENTS_PUBLISH: &str = "events:publish";
/// All scopes there are.
pub(crate) const SCOPES: [&str; 2] = [SCOPE_ADMIN, SCOPE_EVENTS_PUBLISH];

/// A caller as a verified token tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The user's id.
    pub user: String,
    /// The user's mail address, if known.
    pub email: Option<String>,
    /// The tenant; none for administrators.
    pub tenant: Option<Tenant>,
    /// Roles in the tenant.
    pub roles: Vec<String>,
    /// What the token was made for.
    pub scopes: Vec<String>,
    /// Whether it is an administrator of the instance.
    pub admin: bool,
    /// Id of the token, for the audit.
    pub token: String,
}

impl Caller {
    /// Whether the caller holds at least one of these roles.
    pub fn holds_any<R: AsRef<str>>(&self, roles: &[R]) -> bool {
        roles.iter().any(|wanted| self.roles.iter().any(|held| held == wanted.as_ref()))
    }

    /// Whether the token was made for this.
    pub fn has_scope(&self, scope: &str) -> bool {
        self.scopes.iter().any(|held| held == scope)
    }
}
