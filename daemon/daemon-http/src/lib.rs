//! axum: verbs, events, realtime, admin, OpenAPI and the one error table.
