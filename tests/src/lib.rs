//! The harness: spawn, kill, HTTP client, oracle.
