//! One file a rule: graph in, diagnostics out.
