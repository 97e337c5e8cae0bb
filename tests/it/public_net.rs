//! A host at a public address that sends a plugin on to one at a private address. No machine plays a public host on its
//! loopback interface, so the test runs once more in a network of its own, where that address is one of the loopback's.

use serde_json::{Value, json};
use std::process::Command;
use tests::daemon::run;
use tests::outside::{Outside, answer};
use tests::report::say;
use tests::{Start, Suite, binary};

/// Set within the network that holds nothing but its loopback interface.
const WITHIN: &str = "TRUNKLINE_TEST_PUBLIC_NET";
const PUBLIC: &str = "93.184.216.34";
const SELF: &str = "public_net::a_public_host_sends_nobody_on_to_a_private_address";

#[test]
fn a_public_host_sends_nobody_on_to_a_private_address() {
    if std::env::var_os(WITHIN).is_some() {
        return is_sent_on_to_nobody();
    }
    let script = format!("ip link set lo up && ip address add {PUBLIC}/32 dev lo && exec \"$0\" --exact {SELF}");
    let alone = |script: &str| {
        let mut command = Command::new("unshare");
        command.args(["--map-root-user", "--net", "sh", "-c", script]);
        command
    };
    if !alone("ip link set lo up").output().is_ok_and(|ran| ran.status.success()) {
        return say("skipped: this machine makes no network for one test (unshare, ip)");
    }
    let own = std::env::current_exe().expect("the running test");
    let ran = run(alone(&script).arg(own).env(WITHIN, "1").env("TRUNKLINE_BIN", binary::trunkline()));
    assert!(ran.exit == Some(0) && ran.out.contains("1 passed"), "{}{}", ran.out, ran.err);
}

fn is_sent_on_to_nobody() {
    let private = Outside::of(|_, _| answer("200 OK", "", "the keys of the house"));
    let port = private.port;
    let public = Outside::at(PUBLIC, move |seen, _| match seen.line.as_str() {
        "GET /address" => answer("302 Found", &format!("location: http://127.0.0.1:{port}/\r\n"), ""),
        "GET /name" => answer("307 Temporary Redirect", &format!("location: http://localhost:{port}/\r\n"), ""),
        "GET /twice" => answer("302 Found", "location: /address\r\n", ""),
        _ => answer("200 OK", "", "in public"),
    });
    let nets = [format!("{PUBLIC}:{}", public.port), format!("127.0.0.1:{port}"), format!("localhost:{port}")];
    let nets = nets.map(|host| format!("'net:{host}'")).join(", ");
    let more = format!("permissions: [{nets}]\nroles: [{{name: out.user, billable: false, grants: [out.use]}}]\n");
    let code = format!(
        "$app.routerAdd('POST', '/api/out/fetch', async (e) => {{
  try {{ return (await $http.fetch('http://{PUBLIC}:{}' + e.body)).text(); }} catch (error) {{ return error.code; }}
}});",
        public.port
    );
    let daemon = Start::suite(Suite::new().plugin("out", &more, &code)).run();
    let fetched = |path: &str| daemon.client().post("/api/out/fetch", &json!(path)).expect_status(200).data().clone();
    assert_eq!(fetched("/"), "in public");
    for path in ["/address", "/name", "/twice"] {
        assert_eq!(fetched(path), "FETCH_ADDRESS_REFUSED", "{path}");
    }
    assert_eq!(public.seen().len(), 5, "the public host was asked each time");
    assert!(private.seen().is_empty(), "the private one never");
    let plugins = daemon.admin().get("/api/_admin/plugins").body;
    assert_eq!(plugins[0]["permission_denied"], Value::from(3), "{plugins}");
}
