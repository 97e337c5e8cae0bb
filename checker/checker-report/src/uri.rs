//! Paths as parts of URIs.

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

/// What a path of a URI does not hold as it is. A colon in its first segment would make that a scheme.
const ESCAPED: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'[')
    .add(b']')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}')
    .add(b'\\')
    .add(b':');

/// A path as a URI holds it.
pub fn uri_path(path: &str) -> String {
    utf8_percent_encode(path, ESCAPED).to_string()
}
