//! What an editor asks for at a place.

use super::findings::{open, place_in, range_in, shown};
use super::suite::OpenSuite;
use super::text::{before, name_at};
use super::workspace::{Opened, Workspace};
use crate::told::{Told, in_words};
use checker_report::{Diagnostic, Edit};
use checker_rules::find;
use contract_graph::{Graph, TopicUse, is_pattern};
use contract_model::topic::pattern_matches;
use lsp_types::{
    CodeAction, CodeActionKind, CodeActionParams, CompletionItem, CompletionItemKind, CompletionParams,
    CompletionTextEdit, GotoDefinitionParams, Hover, HoverContents, HoverParams, Location as Place, MarkupContent,
    MarkupKind, Position, Range, ReferenceParams, TextDocumentPositionParams, TextEdit, Uri, WorkspaceEdit,
};
use std::collections::{BTreeMap, HashMap};

/// What is known of the topic, and what the rules of the findings there say.
pub(super) fn hover(workspace: &Workspace, it: &HoverParams) -> Option<Hover> {
    let (opened, at) = opened(workspace, &it.text_document_position_params)?;
    let graph = Graph::whole(opened.suite.live.suite());
    let (name, range) = name_at(opened.text, at)?;
    let topic = known(&graph, &name).then(|| format!("```text\n{}```\n", in_words(&Told::of(&graph, &name))));
    let rules = found_at(&opened, at).flat_map(Diagnostic::rules).filter_map(find);
    let rules = rules.map(|rule| format!("### {} {}\n\n{}\n", rule.id, rule.name, rule.doc().what));
    let parts: Vec<String> = topic.into_iter().chain(rules).collect();
    let value = parts.join("\n---\n\n");
    let contents = HoverContents::Markup(MarkupContent { kind: MarkupKind::Markdown, value });
    (!parts.is_empty()).then_some(Hover { contents, range: Some(range) })
}

/// The contract of the topic; of a pattern those of all that it covers; without a contract who publishes it.
pub(super) fn definition(workspace: &Workspace, it: &GotoDefinitionParams) -> Option<Vec<Place>> {
    places(workspace, &it.text_document_position_params, |uses| {
        let owns = uses.contains(&TopicUse::Owns);
        move |one| one == if owns { TopicUse::Owns } else { TopicUse::Publishes }
    })
}

/// Every place that names the topic.
pub(super) fn references(workspace: &Workspace, it: &ReferenceParams) -> Option<Vec<Place>> {
    places(workspace, &it.text_document_position, |_| |_| true)
}

fn places<F: Fn(TopicUse) -> bool>(
    workspace: &Workspace,
    it: &TextDocumentPositionParams,
    wanted: impl FnOnce(&[TopicUse]) -> F,
) -> Option<Vec<Place>> {
    let (opened, at) = opened(workspace, it)?;
    let (name, _) = name_at(opened.text, at)?;
    let graph = Graph::whole(opened.suite.live.suite());
    let topics = graph.topics().into_iter().filter(|topic| topic.name == name || pattern_matches(&name, &topic.name));
    let all: Vec<_> = topics.flat_map(|topic| topic.places).collect();
    let wanted = wanted(&all.iter().map(|(topic_use, ..)| *topic_use).collect::<Vec<_>>());
    let places = all.iter().filter(|(topic_use, ..)| wanted(*topic_use));
    let mut places: Vec<Place> = places.filter_map(|(.., at)| place_in(opened.suite, at)).collect();
    places.dedup();
    (!places.is_empty()).then_some(places)
}

/// The topics of the suite, in a string of code or in a manifest.
pub(super) fn completion(workspace: &Workspace, it: &CompletionParams) -> Option<Vec<CompletionItem>> {
    let (opened, at) = opened(workspace, &it.text_document_position)?;
    let (name, range) = name_at(opened.text, at)?;
    let quoted = before(opened.text, range.start).is_some_and(|one| matches!(one, '"' | '\'' | '`'));
    let written = &name[..name.len().min((at.character - range.start.character) as usize)];
    if !quoted && !opened.file.ends_with("plugin.yaml") && opened.file != "suite.yaml" {
        return None;
    }
    let graph = Graph::whole(opened.suite.live.suite());
    let topics = graph.topics().into_iter().filter(|topic| topic.name.starts_with(written) && topic.name != name);
    Some(topics.map(|topic| item(&graph, topic.name, range)).collect())
}

fn item(graph: &Graph<'_>, name: String, range: Range) -> CompletionItem {
    let detail = graph
        .contract(&name)
        .map(|owned| format!("{} of {}", crate::wiring::kind(owned.contract.kind), owned.plugin.slug()));
    CompletionItem {
        kind: Some(CompletionItemKind::EVENT),
        detail,
        text_edit: Some(CompletionTextEdit::Edit(TextEdit { range, new_text: name.clone() })),
        label: name,
        ..CompletionItem::default()
    }
}

/// What the findings there suggest, as far as it can be said in edits.
pub(super) fn actions(workspace: &Workspace, it: &CodeActionParams) -> Option<Vec<CodeAction>> {
    let opened = workspace.opened(&it.text_document.uri)?;
    let meets = |range: Range| range.start <= it.range.end && it.range.start <= range.end;
    let here = open(opened.suite).filter(|one| one.location.file == *opened.file);
    let here = here.filter(|one| meets(range_in(opened.suite, &one.location)));
    Some(here.filter_map(|finding| action(opened.suite, finding)).collect())
}

#[expect(clippy::mutable_key_type, reason = "the protocol's own type has URIs as keys; nothing changes them")]
fn action(suite: &OpenSuite, finding: &Diagnostic) -> Option<CodeAction> {
    let suggestion = finding.suggestion.as_ref().filter(|suggestion| !suggestion.edits.is_empty())?;
    let mut files: BTreeMap<&str, Vec<TextEdit>> = BTreeMap::new();
    for Edit { location, text } in &suggestion.edits {
        let edit = TextEdit { range: range_in(suite, location), new_text: text.clone() };
        files.entry(&location.file).or_default().push(edit);
    }
    let changes: HashMap<Uri, Vec<TextEdit>> =
        files.into_iter().filter_map(|(file, edits)| Some((suite.uri(file)?, edits))).collect();
    Some(CodeAction {
        title: format!("{}: {}", finding.rule, suggestion.message),
        kind: Some(CodeActionKind::QUICKFIX),
        diagnostics: Some(vec![shown(suite, finding)]),
        edit: Some(WorkspaceEdit { changes: Some(changes), ..WorkspaceEdit::default() }),
        ..CodeAction::default()
    })
}

fn opened<'w>(workspace: &'w Workspace, it: &TextDocumentPositionParams) -> Option<(Opened<'w>, Position)> {
    Some((workspace.opened(&it.text_document.uri)?, it.position))
}

fn found_at<'w>(opened: &Opened<'w>, at: Position) -> impl Iterator<Item = &'w Diagnostic> {
    let (suite, file) = (opened.suite, opened.file.clone());
    let here = move |one: &&Diagnostic| {
        let range = range_in(suite, &one.location);
        one.location.file == *file && (range.start..=range.end).contains(&at)
    };
    open(suite).filter(here)
}

/// Whether anything in the suite goes by this name.
fn known(graph: &Graph<'_>, name: &str) -> bool {
    !name.is_empty() && graph.topics().iter().any(|topic| topic.name == name)
        || (is_pattern(name) && name.contains('.') && graph.topics().iter().any(|it| pattern_matches(name, &it.name)))
}
