//! One daemon with a plugin for each case, beside the canary's.

use crate::hostile::case::{Case, Verdict};
use serde_json::{Value, json};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::Duration;
use tests::{Answer, Client, Daemon, Start, Suite, process, wait_until};

/// The daemon is busy with many workers; how long it takes is no matter here.
const PATIENCE: Duration = Duration::from_mins(1);
/// An answer that tells of a fault stays short, whatever the plugin would have it say.
const FAULT_BYTES_MAX: usize = 16 * 1024;
const DAEMON_GROWTH_BYTES_MAX: u64 = 256 << 20;
/// Descriptors beyond two a worker: connections of this test come and go.
const DESCRIPTORS_MORE_MAX: usize = 32;

const SECRETS: &str = r#"{"collections": [{"name": "calm_secrets", "fields": [{"name": "text", "type": "string"}, {"name": "n", "type": "integer", "default": 0}]}]}"#;
const CALM: &str = r#"
$app.routerAdd("POST", "/api/calm/work", { timeout: "30s" }, (e) => {
  const secret = $app.dao().saveRecord("calm_secrets", { text: `quiet ${e.body.n}` });
  $app.realtime().publish("calm.pulse.made", { id: secret.id });
  return secret.id;
});
$app.onEvent("calm.pulse.made", { name: "heard" }, (e) => {
  const secret = $app.dao().findRecordById("calm_secrets", e.payload.id);
  $app.dao().saveRecord("calm_secrets", { ...secret, n: secret.n + 1 });
});
$app.routerAdd("GET", "/api/calm/heard", () => [
  $app.dao().countRecords("calm_secrets", {}), $app.dao().countRecords("calm_secrets", { n: 1 }),
]);
"#;
/// What the checker would say of such code before it ran.
const UNCHECKED: &str = "rules: {TL106: off, TL110: off, TL111: off, TL113: off, TL202: off, TL211: off, TL301: off, TL302: off, TL303: off, TL316: off, \
     TL304: off, TL208: off, TL213: off, TL310: off, TL404: off, TL409: off, TL502: off, TL701: off, TL702: off, TL706: off, TL707: off, TL712: off}\n";

pub(super) struct Field {
    daemon: Daemon,
    client: Client,
    quiet: Client,
    /// Records of the quiet tenant by the collection that they lie in.
    seeds: RefCell<BTreeMap<String, Value>>,
    /// Plugins that were left out, with the reason.
    left_out: BTreeMap<String, String>,
}

/// What a daemon holds.
#[derive(Debug)]
pub(super) struct State {
    resident_bytes: u64,
    descriptors: usize,
    workers: usize,
}

impl Field {
    /// A daemon that runs all cases, each as a plugin of its own.
    pub(super) fn of(cases: &[&Case]) -> Self {
        let mut plugins: BTreeMap<&str, Vec<&Case>> = BTreeMap::new();
        for case in cases {
            plugins.entry(&case.slug).or_default().push(case);
        }
        Self::start(plugins.values().fold(calm(""), |suite, cases| with_plugin(suite, cases)))
    }

    /// A daemon with the canary's plugin alone, and attacks as routes of it.
    pub(super) fn of_canary_with(cases: &[&Case]) -> Self {
        let route = |(at, _): (usize, &&Case)| {
            format!(
                "import attack{at} from \"./attack{at}.js\";\n$app.routerAdd(\"POST\", \"/api/calm/attack{at}\", {{ timeout: \"8s\" }}, attack{at});\n"
            )
        };
        let routes: String = cases.iter().enumerate().map(route).collect();
        let files = cases.iter().enumerate();
        let suite =
            files.fold(calm(&routes), |suite, (at, case)| suite.file(&format!("calm/src/attack{at}.js"), &case.source));
        Self::start(suite)
    }

    fn start(suite: Suite) -> Self {
        let daemon = Start::suite(suite.settings(UNCHECKED)).run();
        let client = daemon.client();
        let made = daemon.admin().post("/api/_admin/tenants", &json!({"tenant": "quiet"})).expect_status(201);
        let quiet = client.with_token(made.body["token"].as_str().expect("a token"));
        let plugins = daemon.admin().get("/api/_admin/plugins").expect_status(200).body;
        let left_out = plugins.as_array().into_iter().flatten().filter(|plugin| plugin["state"] == "error");
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let left_out = left_out.map(|plugin| (text(&plugin["slug"]), text(&plugin["reason"]))).collect();
        Self { daemon, client, quiet, seeds: RefCell::default(), left_out }
    }

    pub(super) fn quiet(&self) -> &Client {
        &self.quiet
    }

    /// Runs a case; an error tells how what became of it differs from its verdicts.
    pub(super) fn attack(&self, case: &Case) -> Result<(), String> {
        if let Some(reason) = self.left_out.get(&case.slug) {
            let refused =
                |verdict: &Verdict| matches!(verdict, Verdict::Refused(code) if reason.contains(code.as_str()));
            let said = case.says.as_ref().is_none_or(|says| reason.contains(says.as_str()));
            return if case.expected.iter().any(refused) && said { Ok(()) } else { Err(format!("left out: {reason}")) };
        }
        if matches!(case.expected[0], Verdict::Refused(_)) {
            return Err("it was started".to_owned());
        }
        let body = json!({"foreign": self.seed(case)});
        let route = format!("/api/{}/{}", case.slug, case.name);
        let mut answer = self.client.post(&route, &body);
        for _ in 1..case.times {
            if case.expected.iter().any(|verdict| verdict.fits(&answer)) {
                break;
            }
            answer = self.client.post(&route, &body);
        }
        judge(case, &answer).or_else(|why| self.is_dead(case).ok_or(why))?;
        self.is_well_again(case)
    }

    /// Starts each attack of the canary's own plugin, all at once, and waits for their ends.
    pub(super) fn attack_from_within(&self, count: usize) {
        let client = &self.client;
        std::thread::scope(|scope| {
            for at in 0..count {
                scope.spawn(move || drop(client.try_post(&format!("/api/calm/attack{at}"), &json!({}))));
            }
        });
    }

    /// A record of the quiet tenant in the case's own collection, for a case that asks for one.
    fn seed(&self, case: &Case) -> Value {
        if !case.source.contains("foreign") {
            return Value::Null;
        }
        let collection = case.collection();
        let path = format!("/api/collections/{collection}/records");
        let record = self.quiet.post(&path, &json!({"text": "not yours"})).expect_status(201).body;
        let id = record["id"].clone();
        self.seeds.borrow_mut().insert(collection, record);
        id
    }

    /// Waits for a dead letter with one of the codes that the case expects.
    fn is_dead(&self, case: &Case) -> Option<()> {
        let codes: Vec<&String> = case
            .expected
            .iter()
            .filter_map(|verdict| if let Verdict::Dead(code) = verdict { Some(code) } else { None })
            .collect();
        if codes.is_empty() {
            return None;
        }
        let look = || {
            let letters = self
                .daemon
                .admin()
                .get(&format!("/api/_admin/dead-letters?plugin={}", case.slug))
                .expect_status(200)
                .body;
            let is_mine = |letter: &&Value| case.is_alone() || letter["topic"].to_string().contains(&case.name);
            letters.as_array().into_iter().flatten().find(is_mine).map(|letter| letter["reason"].to_string())
        };
        let reason = wait_until(PATIENCE, look);
        codes.iter().any(|code| reason.contains(code.as_str())).then_some(())
    }

    /// The same plugin serves again, unless it is paused for what it did.
    fn is_well_again(&self, case: &Case) -> Result<(), String> {
        let well = self.client.get(&format!("/api/{}/well", case.slug));
        match (well.status, well.code()) {
            (200, _) | (503, "PLUGIN_UNAVAILABLE") => Ok(()),
            _ => Err(format!("afterwards the plugin answers {}", well.text)),
        }
    }

    /// What the quiet tenant has stored is there, as it was, and each of its events was handled once.
    #[track_caller]
    pub(super) fn quiet_data_is_untouched(&self, calls: usize) {
        for (collection, record) in self.seeds.borrow().iter() {
            let path = format!("/api/collections/{collection}/records");
            let stored = self.quiet.get(&format!("{path}/{}", record["id"].as_str().unwrap_or_default()));
            assert_eq!(stored.expect_status(200).body, *record, "{collection}: a case changed what is not its own");
            let all = self.quiet.get(&path).expect_status(200).body;
            assert_eq!(
                all["items"].as_array().map(Vec::len),
                Some(1),
                "{collection}: a case wrote into another tenant: {all}"
            );
        }
        let heard = || self.quiet.get("/api/calm/heard").expect_status(200).data().clone();
        wait_until(PATIENCE, || (heard() == json!([calls, calls])).then_some(()));
    }

    /// No event under the name of another plugin or in another tenant.
    #[track_caller]
    pub(super) fn nothing_was_forged(&self) {
        let mut after = 0;
        let mut seen = 0;
        loop {
            let page =
                self.daemon.admin().get(&format!("/api/events?after={after}&limit=1000")).expect_status(200).body;
            let Some(events) = page.as_array().filter(|events| !events.is_empty()) else { break };
            for event in events {
                let topic = event["type"].as_str().unwrap_or_default();
                let owner = topic.strip_prefix("jobs.").unwrap_or(topic).split('.').next().unwrap_or_default();
                let source = event["source"].as_str().unwrap_or_default();
                assert!(source.ends_with(&format!("/{owner}")), "{event}");
                assert_eq!(event["tenantid"] == "quiet", owner == "calm", "{event}");
                after = after.max(event["sequence"].as_str().and_then(|text| text.parse().ok()).unwrap_or(u64::MAX));
            }
            seen += events.len();
        }
        assert!(seen > 100, "only {seen} events were looked at");
    }

    pub(super) fn daemon_state(&self) -> State {
        let pid = self.daemon.pid();
        State {
            resident_bytes: process::resident_bytes(pid),
            descriptors: process::descriptors(pid),
            workers: process::all_workers(pid).len(),
        }
    }

    /// The daemon holds about what it held before, and what it logged neither floods nor moves the cursor.
    #[track_caller]
    pub(super) fn daemon_is_as(&self, before: &State) {
        let after = self.daemon_state();
        assert!(after.resident_bytes < before.resident_bytes + DAEMON_GROWTH_BYTES_MAX, "{before:?} became {after:?}");
        let of_workers = |state: &State| state.descriptors.saturating_sub(2 * state.workers);
        assert!(of_workers(&after) < of_workers(before) + DESCRIPTORS_MORE_MAX, "{before:?} became {after:?}");
        let log = self.daemon.log();
        assert!(log.contains("hostile-mark"), "the line that was to be looked at was not logged");
        assert!(!log.contains('\u{1b}') && !log.contains("\nfaked line"), "a plugin's text moves the cursor");
        assert!(log.len() < 4 << 20, "the log has {} bytes", log.len());
    }
}

fn judge(case: &Case, answer: &Answer) -> Result<(), String> {
    let shown: String = answer.text.chars().take(400).collect();
    let said = case.says.as_ref().is_none_or(|says| answer.text.contains(says.as_str()));
    let short = answer.status < 300 || answer.text.len() < FAULT_BYTES_MAX;
    let held = case.expected.iter().any(|verdict| verdict.fits(answer));
    if held && said && short { Ok(()) } else { Err(format!("{} {shown} ({} bytes)", answer.status, answer.text.len())) }
}

fn calm(more: &str) -> Suite {
    let manifest = "schema: schema.json\n\
         topics: {calm.pulse.made: {kind: event, version: 1.0.0, schema: any.json}}\n\
         publishes: [calm.pulse.made]\nconsumes: [calm.pulse.made]\n\
         roles: [{name: calm.user, billable: false, grants: [calm.use]}]\n";
    let suite = Suite::new().plugin("calm", manifest, &format!("{more}{CALM}"));
    suite.file("calm/schema.json", SECRETS)
}

/// Adds a plugin of these cases: a file for each, and an entry that mounts what the files export.
pub(super) fn with_plugin(suite: Suite, cases: &[&Case]) -> Suite {
    let slug = &cases[0].slug;
    let topics = cases.iter().flat_map(|case| ["made", "answered"].map(|end| format!("{slug}.{}.{end}", case.name)));
    let topics: Vec<String> =
        topics.filter(|topic| cases.iter().any(|case| case.source.contains(&format!("\"{topic}\"")))).collect();
    let contract = |topic: &String| {
        format!(
            "  {topic}: {{kind: event, version: 1.0.0, schema: any.json, retry: {{attempts: 2, backoff: 1ms, cap: 1ms}}}}\n"
        )
    };
    let consumes: Vec<String> = cases.iter().flat_map(|case| hears(case)).map(|(topic, _)| topic).collect();
    let topics_yaml: String = topics.iter().map(contract).collect();
    let manifest = format!(
        "schema: schema.json\n{}{topics_yaml}publishes: [{}]\nconsumes: [{}]\n\
         permissions: [events:publish, events:subscribe, records:own, jobs]\n\
         roles: [{{name: {slug}.user, billable: false, grants: [{slug}.use]}}]\n",
        if topics.is_empty() { "" } else { "topics:\n" },
        topics.join(", "),
        consumes.join(", "),
    );
    let code: String = cases.iter().map(|case| mounted(case)).collect();
    let code = format!("{code}$app.routerAdd(\"GET\", \"/api/{slug}/well\", () => \"well\");\n");
    let notes = |case: &&Case| {
        let fields = json!([
            {"name": "text", "type": "string", "maxLength": 1_000_000}, {"name": "n", "type": "integer"},
            {"name": "parent", "type": "reference", "ref": {"collection": case.collection(), "onDelete": "cascade"}},
        ]);
        json!({"name": case.collection(), "fields": fields})
    };
    let schema = json!({"collections": cases.iter().map(notes).collect::<Vec<Value>>()});
    let suite = suite.plugin(slug, &manifest, &code).file(&format!("{slug}/schema.json"), &schema.to_string());
    cases.iter().fold(suite, |suite, case| suite.file(&format!("{slug}/src/{}.js", case.name), &case.source))
}

/// The events that a case hears, and by which function.
fn hears(case: &Case) -> Vec<(String, &'static str)> {
    let pairs = [("made", "heard"), ("answered", "answered")];
    let exported = pairs.iter().filter(|(_, name)| case.source.contains(&format!("export function {name}")));
    exported.map(|(end, name)| (format!("{}.{}.{end}", case.slug, case.name), *name)).collect()
}

fn mounted(case: &Case) -> String {
    let Case { slug, name, deadline, .. } = case;
    if case.is_module_only() {
        return format!("import \"./{name}.js\";\n");
    }
    let it = name.replace('-', "_");
    let subscribe = |(topic, function): (String, &str)| {
        format!(
            "$app.onEvent(\"{topic}\", {{ name: \"{name}-{function}\", deadline: \"{deadline}\" }}, {it}_.{function});\n"
        )
    };
    let subscriptions: String = hears(case).into_iter().map(subscribe).collect();
    format!(
        "import * as {it}_ from \"./{name}.js\";\n{subscriptions}\
         $app.routerAdd(\"POST\", \"/api/{slug}/{name}\", {{ timeout: \"{deadline}\" }}, {it}_.default);\n"
    )
}
