//! What a plugin may ask of the daemon: the entries of `permissions` in plugin.yaml.

use std::fmt;

/// One permission.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Permission {
    /// `records:own`: read and write the collections of its own schema.
    OwnRecords,
    /// `records:read:<collection>`: read a collection of another plugin.
    ReadRecords(String),
    /// `events:publish`: publish, ask and reply, within what `publishes` lists.
    Publish,
    /// `events:subscribe`: hear events, within what `consumes` lists.
    Subscribe,
    /// `jobs`: register and enqueue jobs.
    Jobs,
    /// `realtime`: serve clients that listen for changes.
    Realtime,
    /// `net:<host>`: reach this host, or with `net:*.example.test` any host below it.
    Net(String),
}

/// The forms of a permission, for messages.
pub const PERMISSION_FORMS: [&str; 7] = [
    "records:own",
    "records:read:<collection>",
    "events:publish",
    "events:subscribe",
    "jobs",
    "realtime",
    "net:<host>",
];

/// What a plugin is granted whose manifest has no `permissions` at all.
const USUAL: [Permission; 3] = [Permission::OwnRecords, Permission::Publish, Permission::Subscribe];

impl Permission {
    /// Reads a permission as a manifest writes it; the error says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = |why: &str| Err(format!("`{text}` is not a permission: {why}"));
        match text {
            "records:own" => Ok(Self::OwnRecords),
            "events:publish" => Ok(Self::Publish),
            "events:subscribe" => Ok(Self::Subscribe),
            "jobs" => Ok(Self::Jobs),
            "realtime" => Ok(Self::Realtime),
            _ => {
                if let Some(name) = text.strip_prefix("records:read:") {
                    return if is_collection(name) {
                        Ok(Self::ReadRecords(name.to_owned()))
                    } else {
                        wrong("after `records:read:` stands one collection's name, such as ar_invoices")
                    };
                }
                if let Some(host) = text.strip_prefix("net:") {
                    return if is_host(host) {
                        Ok(Self::Net(host.to_owned()))
                    } else {
                        wrong("after `net:` stands a host's name, such as api.example.test, without scheme or path")
                    };
                }
                wrong(&format!("there are {}", PERMISSION_FORMS.join(", ")))
            }
        }
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OwnRecords => f.write_str("records:own"),
            Self::ReadRecords(collection) => write!(f, "records:read:{collection}"),
            Self::Publish => f.write_str("events:publish"),
            Self::Subscribe => f.write_str("events:subscribe"),
            Self::Jobs => f.write_str("jobs"),
            Self::Realtime => f.write_str("realtime"),
            Self::Net(host) => write!(f, "net:{host}"),
        }
    }
}

/// Whether a manifest that asks for `asked` is granted `wanted`. Without the key a plugin has what nearly every
/// plugin needs: its own records, publishing and subscribing. With the key it has what stands there and no more.
pub fn grants<'a>(asked: Option<impl IntoIterator<Item = &'a Permission>>, wanted: &Permission) -> bool {
    match asked {
        Some(asked) => asked.into_iter().any(|permission| permission == wanted),
        None => USUAL.contains(wanted),
    }
}

/// All that a manifest is granted that asks for `asked`.
pub fn granted<'a>(asked: Option<impl IntoIterator<Item = &'a Permission>>) -> Vec<Permission> {
    asked.map_or_else(|| USUAL.to_vec(), |asked| asked.into_iter().cloned().collect())
}

/// Whether a host as it stands after `net:` lets a plugin ask this one.
///
/// `api.example.test` is that host by https on port 443, `api.example.test:8443` that host on that port, there also by
/// http, and `*.example.test` any host below.
pub fn net_allows(granted: &str, scheme: &str, host: &str, port: u16) -> bool {
    const HTTPS: u16 = 443;
    let (name, at) = granted.split_once(':').map_or((granted, None), |(name, at)| (name, at.parse().ok()));
    let is_scheme = match scheme {
        "https" => true,
        "http" => at.is_some(),
        _ => false,
    };
    is_scheme && port == at.unwrap_or(HTTPS) && is_named(name, host)
}

fn is_named(granted: &str, host: &str) -> bool {
    let below = |parent: &str| host.strip_suffix(parent).is_some_and(|rest| rest.len() > 1 && rest.ends_with('.'));
    granted.strip_prefix("*.").map_or_else(|| granted.eq_ignore_ascii_case(host), below)
}

fn is_collection(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

fn is_host(host: &str) -> bool {
    let host = host.strip_prefix("*.").unwrap_or(host);
    let (name, port) = host.split_once(':').unwrap_or((host, "443"));
    let label =
        |label: &str| !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    name.len() <= 253 && name.split('.').all(label) && port.parse::<u16>().is_ok_and(|port| port > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_permission_is_written_as_it_is_read() {
        for text in [
            "records:own",
            "records:read:ar_invoices",
            "events:publish",
            "events:subscribe",
            "jobs",
            "realtime",
            "net:api.example.test",
            "net:*.example.test",
            "net:localhost:8080",
        ] {
            assert_eq!(Permission::parse(text).map(|it| it.to_string()).as_deref(), Ok(text));
        }
    }

    #[test]
    fn what_is_no_permission_is_told_so() {
        for text in [
            "",
            "events",
            "event:publish",
            "events:publish ",
            "records",
            "records:read:",
            "records:read:Ar",
            "net:",
            "net:https://x",
            "net:a/b",
            "net:a..b",
            "net:x:0",
            "job",
        ] {
            let why = Permission::parse(text).expect_err(text);
            assert!(why.contains(text) && why.contains("not a permission"), "{why}");
        }
    }

    #[test]
    fn without_the_key_the_usual_ones_are_granted_and_with_it_only_what_it_lists() {
        let none: Option<&[Permission]> = None;
        assert!(grants(none, &Permission::Publish) && grants(none, &Permission::OwnRecords));
        assert!(!grants(none, &Permission::Jobs));
        assert!(!grants(Some(&[]), &Permission::OwnRecords));
        assert!(grants(Some(&[Permission::Jobs]), &Permission::Jobs));
    }
}
