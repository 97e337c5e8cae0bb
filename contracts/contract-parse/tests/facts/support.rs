//! Sources in, facts out: `kind topic line:col reachable guard`, one a line.

use contract_parse::{
    Fact, FactKind, Guard, ParsedPlugin, PluginSource, Provenance, SourceFile, TopicValue, parse_plugin,
};

pub(crate) const MANIFEST: &str = "manifest: 1\nslug: gl\nname: GL\nversion: 1.0.0\nentry: main.js\n";

/// Parses a plugin whose files are given as `--- path` blocks; text before the first is main.js.
pub(crate) fn plugin(sources: &str) -> ParsedPlugin {
    let mut files = vec![SourceFile { path: "plugin.yaml".to_owned(), text: MANIFEST.to_owned() }];
    for (at, block) in sources.split("--- ").enumerate() {
        let (path, text) = if at == 0 { ("main.js", block) } else { block.split_once('\n').unwrap_or((block, "")) };
        if at > 0 || !text.trim().is_empty() {
            files.push(SourceFile { path: path.trim().to_owned(), text: text.trim_start_matches('\n').to_owned() });
        }
    }
    parse_plugin(&PluginSource { folder: "gl".to_owned(), files })
}

pub(crate) fn line(fact: &Fact) -> String {
    let kind = serde_json::to_value(fact.kind).expect("a kind");
    let topic = match &fact.topic {
        Some(TopicValue::Exact(set)) => set.iter().cloned().collect::<Vec<_>>().join("|"),
        Some(TopicValue::Pattern(pattern)) => format!("~{pattern}"),
        Some(TopicValue::Unknown(_)) => "?".to_owned(),
        None => fact.detail.values().cloned().collect::<Vec<_>>().join("/"),
    };
    let guard = match fact.guard {
        Guard::None => "",
        Guard::Config => " config",
        Guard::Branch => " branch",
        Guard::Loop => " loop",
        Guard::Test => " test",
    };
    let reachable = if fact.reachable == Some(true) { "" } else { " unreachable" };
    let annotated = if fact.provenance == Provenance::Annotated { " annotated" } else { "" };
    let at = &fact.location;
    let file = if at.file == "gl/main.js" { String::new() } else { format!("{}:", at.file.trim_start_matches("gl/")) };
    format!("{} {topic} {file}{}:{}{reachable}{guard}{annotated}", kind.as_str().unwrap_or("?"), at.line, at.column)
}

#[track_caller]
pub(crate) fn check(sources: &str, want: &[&str]) {
    let plugin = plugin(sources);
    let got: Vec<String> = plugin.facts.iter().filter(|fact| fact.kind != FactKind::ReadsField).map(line).collect();
    assert_eq!(got, want, "\n{sources}\n{:?}", plugin.problems);
}

/// The problems, as `Kind line:column message`; each must contain the text wanted.
#[track_caller]
pub(crate) fn check_problems(sources: &str, want: &[&str]) {
    let plugin = plugin(sources);
    let got: Vec<String> = plugin
        .problems
        .iter()
        .map(|one| {
            let help = one.help.as_ref().map_or("", |(help, _)| help);
            format!("{:?} {}:{} {} {help}", one.kind, one.location.line, one.location.column, one.message)
        })
        .collect();
    assert_eq!(got.len(), want.len(), "{got:#?}");
    for (got, want) in got.iter().zip(want) {
        assert!(got.contains(want), "{got} lacks {want}");
    }
}

/// One publish of `expression` after `setup`; the topic as shown by `check`.
#[track_caller]
pub(crate) fn check_topic(setup: &str, expression: &str, want: &str) {
    let plugin = plugin(&format!("{setup}\n$app.realtime().publish({expression}, {{}});"));
    let got: Vec<String> = plugin.facts.iter().filter(|fact| fact.kind == FactKind::Publish).map(line).collect();
    let got: Vec<&str> = got.iter().map(|line| line.split(' ').nth(1).unwrap_or("")).collect();
    assert_eq!(got, [want], "{setup} // {expression} {:?}", plugin.problems);
}

/// The facts of a main.js in a plugin with settings, one a line.
pub(crate) fn plugin_with(settings: &str, main: &str) -> Vec<String> {
    let manifest = format!("{MANIFEST}config: config.schema.json\n");
    let files = [("plugin.yaml", manifest.as_str()), ("config.schema.json", settings), ("main.js", main)];
    let files = files.map(|(path, text)| SourceFile { path: path.to_owned(), text: text.to_owned() }).to_vec();
    parse_plugin(&PluginSource { folder: "gl".to_owned(), files }).facts.iter().map(line).collect()
}
