//! Which hosts a plugin was granted.

use contract_model::permission::net_allows;
use url::Url;

/// Whether one of these hosts, written as after `net:`, lets a plugin ask this address. The checker says the same.
pub fn allows(hosts: &[String], url: &Url) -> bool {
    let (Some(host), Some(port)) = (url.host_str(), url.port_or_known_default()) else { return false };
    hosts.iter().any(|granted| net_allows(granted, url.scheme(), host, port))
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
