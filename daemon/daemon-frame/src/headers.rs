//! Header lines of a request.

use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Header lines as one text, `name: value`, with names in lower case. They travel with every call and hardly any looks at
/// them, so they are taken apart where one does.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct HeaderLines(Arc<str>);

impl HeaderLines {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The value of a header by its name in lower case; of one that stands there several times the last.
    pub fn get(&self, name: &str) -> Option<&str> {
        let lines = self.0.lines().filter_map(|line| line.split_once(": "));
        lines.rev().find(|(known, _)| *known == name).map(|(_, value)| value)
    }
}

impl<'a> FromIterator<(&'a str, &'a str)> for HeaderLines {
    /// What would end its line, which no header of HTTP holds, is left out.
    fn from_iter<T: IntoIterator<Item = (&'a str, &'a str)>>(headers: T) -> Self {
        let mut lines = String::with_capacity(256);
        for (name, value) in headers.into_iter().filter(|(_, value)| !value.contains(['\n', '\r'])) {
            lines.extend([name, ": ", value, "\n"]);
        }
        Self(lines.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_found_by_its_name_alone() {
        let given = [("accept", "text/html: x"), ("x-empty", ""), ("accept", "*/*"), ("x-bad", "1\nx-made: 2")];
        let lines: HeaderLines = given.into_iter().collect();
        assert_eq!((lines.get("accept"), lines.get("x-empty")), (Some("*/*"), Some("")));
        for absent in ["Accept", "text/html", "x-made", "x-bad", "", "accept: text/html"] {
            assert_eq!(lines.get(absent), None, "{absent}");
        }
        assert!(HeaderLines::default().is_empty() && !lines.is_empty());
    }
}
