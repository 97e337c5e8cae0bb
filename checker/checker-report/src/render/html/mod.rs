//! One page for everything: findings, topics, plugins and the graph. It loads nothing and works without a network.

mod findings;
mod tables;

use crate::draw::svg::svg;
use crate::draw::{Drawing, Marks};
use crate::{Report, Sheet, Status, Wiring};
use maud::{DOCTYPE, Markup, PreEscaped, html};

/// Nothing from outside: neither by the page itself nor by a text that a suite managed to slip into it.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:";
const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");

/// The report as a page.
pub(super) fn render(sheet: &Sheet<'_>) -> String {
    let report = sheet.report;
    let marks = Marks::of(report);
    let title = sheet.wiring.name.as_deref().unwrap_or("Suite");
    let body = html! {
        (head_of_page(title, &verdict(report), &counts(report)))
        main {
            section id="findings" { (findings::section(sheet)) }
            (wiring_sections(Drawing { wiring: sheet.wiring, collapsed: false, marks: &marks }))
            @if !report.unproven.is_empty() { section id="unproven" { (findings::unproven(sheet)) } }
        }
    };
    page(&format!("{title} – trunkline check"), &body)
}

/// The wiring alone as a page, for `graph --format html`.
pub fn graph_html(drawing: Drawing<'_>) -> String {
    let title = drawing.wiring.name.as_deref().unwrap_or("Suite");
    let Wiring { plugins, topics, .. } = drawing.wiring;
    let counts = html! { p class="counts" { (plugins.len()) " plugins, " (topics.len()) " topics" } };
    let body = html! { (head_of_page(title, &html! {}, &counts)) main { (wiring_sections(drawing)) } };
    page(&format!("{title} – wiring"), &body)
}

fn page(title: &str, body: &Markup) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="color-scheme" content="light dark";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body { (body) script { (PreEscaped(SCRIPT)) } }
        }
    };
    page.into_string() + "\n"
}

fn head_of_page(title: &str, verdict: &Markup, counts: &Markup) -> Markup {
    html! {
        header {
            div class="title" { h1 { (title) } (verdict) }
            (counts)
            div class="bar" {
                input id="search" type="search" placeholder="Search topics, plugins, rules, files"
                    aria-label="Search" autocomplete="off" spellcheck="false";
                nav {
                    @for (id, name) in [("findings", "Findings"), ("graph", "Graph"), ("topics", "Topics"), ("plugins", "Plugins")] {
                        a href={ "#" (id) } data-section=(id) { (name) }
                    }
                }
            }
        }
    }
}

fn verdict(report: &Report) -> Markup {
    let (class, text) = match report.status {
        Status::Pass => ("pass", "the wiring holds"),
        Status::Fail => ("fail", "faults in the wiring"),
        Status::Incomplete => ("incomplete", "not everything could be read"),
    };
    html! { span class={ "verdict " (class) } { (text) } }
}

fn counts(report: &Report) -> Markup {
    let summary = &report.summary;
    let counted = [
        (summary.errors, if summary.errors == 1 { "error" } else { "errors" }),
        (summary.warnings, if summary.warnings == 1 { "warning" } else { "warnings" }),
        (summary.infos, if summary.infos == 1 { "info" } else { "infos" }),
        (summary.new, "new"),
        (summary.suppressed, "suppressed"),
        (summary.unproven, "unproven"),
        (summary.plugins, if summary.plugins == 1 { "plugin" } else { "plugins" }),
        (summary.files, if summary.files == 1 { "file" } else { "files" }),
    ];
    html! {
        dl class="counts" {
            @for (count, what) in counted { div { dd { (count) } dt { (what) } } }
            div { dd { (summary.sites_resolved) "/" (summary.sites_total) } dt { "sites resolved" } }
        }
    }
}

fn wiring_sections(drawing: Drawing<'_>) -> Markup {
    html! {
        section id="graph" {
            h2 { "Graph" }
            p class="hint" { "Plugins that publish, topics, plugins that consume. Point at one to see what it touches; click to keep it." }
            div class="canvas" { (svg(drawing)) }
        }
        section id="topics" { (tables::topics(drawing.wiring)) }
        section id="plugins" { (tables::plugins(drawing.wiring)) }
    }
}
