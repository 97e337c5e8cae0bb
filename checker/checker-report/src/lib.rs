//! One Diagnostic type and one renderer a format.
