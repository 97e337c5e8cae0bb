//! The same in words, for people and for whoever hovers over a topic.

use super::{Judged, Life, Publisher, Told};
use contract_model::Location;
use std::fmt::{self, Write as _};

/// What there is to tell of a topic, in lines.
pub(crate) fn in_words(told: &Told) -> String {
    let mut text = format!("{}\n", told.topic);
    // Writing into a String does not fail.
    let _ = describe(&mut text, told);
    text
}

fn describe(text: &mut String, told: &Told) -> fmt::Result {
    match &told.contract {
        None => writeln!(text, "  contract: none")?,
        Some(one) => {
            let at = place(&one.location);
            writeln!(text, "  contract: {} of `{}`, {}, at {at}", one.kind, one.plugin, one.visibility)?;
        }
    }
    if let Some(external) = &told.external {
        writeln!(text, "  external: {} ({})", external.topic, external.reason)?;
    }
    told.publishers.iter().try_for_each(|one| publisher(text, one))?;
    if !told.named {
        let hint = told.meant.as_ref().map(|name| format!("; did you mean `{name}`?")).unwrap_or_default();
        writeln!(text, "  nobody in the suite names it{hint}")?;
    }
    for one in &told.consumers {
        let optional = if one.optional { ", optional" } else { "" };
        writeln!(text, "  consumed by `{}` as {}{optional} at {}", one.plugin, one.topic, place(&one.location))?;
    }
    told.verdicts.iter().try_for_each(|one| verdict(text, one))
}

fn publisher(text: &mut String, one: &Publisher) -> fmt::Result {
    let how = if one.sure { "published" } else { "perhaps published" };
    let because = if one.unread { ", whose manifest cannot be read," } else { "" };
    writeln!(text, "  {how} by `{}`{because} at {}", one.plugin, place(&one.location))?;
    one.evidence.iter().try_for_each(|step| writeln!(text, "    {step}"))
}

fn verdict(text: &mut String, one: &Judged) -> fmt::Result {
    let verdict = match (one.verdict, one.unresolved) {
        (Life::Live, _) => "live".to_owned(),
        (Life::Unreached, _) => "published, but nothing that enters the suite leads there".to_owned(),
        (Life::Dangling, _) => "nobody publishes it".to_owned(),
        (Life::Unproven, 1) => "not known, an unresolved call may publish it".to_owned(),
        (Life::Unproven, calls) => format!("not known, {calls} unresolved calls may publish it"),
    };
    match &one.composition {
        Some(name) => writeln!(text, "  in composition `{name}`: {verdict}"),
        None => writeln!(text, "  verdict: {verdict}"),
    }
}

fn place(at: &Location) -> String {
    format!("{}:{}:{}", at.file, at.line, at.column)
}
