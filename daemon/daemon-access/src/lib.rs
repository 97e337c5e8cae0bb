//! Identity, tenants, tokens, roles and permissions.
