//! Which hosts a plugin was granted.

use url::Url;

const HTTPS: u16 = 443;

/// Whether one of these hosts, written as after `net:`, lets a plugin ask this address.
///
/// `api.example.test` is that host on port 443, `api.example.test:8443` on that port, `*.example.test` any host below.
/// Without encryption only a host is asked that is granted with its port.
pub fn allows(hosts: &[String], url: &Url) -> bool {
    let (Some(host), Some(port)) = (url.host_str(), url.port_or_known_default()) else { return false };
    hosts.iter().any(|granted| {
        let (name, at) = granted.split_once(':').map_or((granted.as_str(), None), |(name, at)| (name, at.parse().ok()));
        let is_scheme = match url.scheme() {
            "https" => true,
            "http" => at.is_some(),
            _ => false,
        };
        is_scheme && port == at.unwrap_or(HTTPS) && is_named(name, host)
    })
}

fn is_named(granted: &str, host: &str) -> bool {
    let below = |parent: &str| host.strip_suffix(parent).is_some_and(|rest| rest.len() > 1 && rest.ends_with('.'));
    granted.strip_prefix("*.").map_or_else(|| granted.eq_ignore_ascii_case(host), below)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_asked_as_it_is_granted_and_in_no_other_way() {
        let hosts = ["api.example.test", "*.cdn.test", "local.test:8080", "127.0.0.1:9"].map(str::to_owned);
        for (url, is_allowed) in [
            ("https://api.example.test/x", true),
            ("https://API.example.test/", true),
            ("https://api.example.test:443/", true),
            ("https://api.example.test:444/", false),
            ("http://api.example.test/", false),
            ("http://api.example.test:443/", false),
            ("https://api.example.test.evil.test/", false),
            ("https://evil.test/api.example.test", false),
            ("https://api.example.test@evil.test/", false),
            ("https://a.cdn.test/", true),
            ("https://a.b.cdn.test/", true),
            ("https://cdn.test/", false),
            ("https://evilcdn.test/", false),
            ("https://.cdn.test/", false),
            ("http://local.test:8080/", true),
            ("https://local.test:8080/", true),
            ("https://local.test/", false),
            ("http://127.0.0.1:9/", true),
            // The same address, written in another way.
            ("http://0x7f.1:9/", true),
            ("http://2130706433:9/", true),
            ("ftp://api.example.test/", false),
            ("file:///etc/passwd", false),
        ] {
            assert_eq!(Url::parse(url).is_ok_and(|url| allows(&hosts, &url)), is_allowed, "{url}");
        }
    }
}
