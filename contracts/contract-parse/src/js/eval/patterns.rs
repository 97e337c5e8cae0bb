//! Regular expressions in code, where they mean here what they mean in the engine: those that are plain, over texts
//! that are known and ASCII. Everything else is not known.

use super::{Ctx, Evaluator};
use crate::js::strings::Strings;
use crate::js::value::Value;
use oxc_ast::ast::{RegExpFlags, RegExpLiteral};
use regex::{Captures, Regex, RegexBuilder};

/// The longest pattern and the longest text that are looked at.
const PATTERN_BYTES_MAX: usize = 200;
const TEXT_BYTES_MAX: usize = 4_096;
/// The most memory that one pattern may take, compiled.
const COMPILED_BYTES_MAX: usize = 1 << 18;

impl<'a> Evaluator<'_, 'a> {
    /// `text.replace(/pattern/, change)`, where the change is a text with `$1` and the like, or a function.
    pub(super) fn replaced_by_pattern(
        &mut self,
        literal: &RegExpLiteral<'_>,
        text: &Strings,
        all: bool,
        change: &Value<'a>,
        ctx: &Ctx<'a>,
    ) -> Option<Value<'a>> {
        let pattern = compiled(literal)?;
        let texts = text.exact()?.iter().map(|text| self.replaced_in(&pattern, text, all, change, ctx));
        let texts: Option<Vec<Strings>> = texts.collect();
        texts?.into_iter().reduce(Strings::join).map(Value::Text)
    }

    fn replaced_in(
        &mut self,
        pattern: &Regex,
        text: &str,
        all: bool,
        change: &Value<'a>,
        ctx: &Ctx<'a>,
    ) -> Option<Strings> {
        if !is_followed(text) {
            return None;
        }
        let (mut out, mut end) = (Strings::one(""), 0);
        for found in pattern.captures_iter(text).take(if all { usize::MAX } else { 1 }) {
            let whole = found.get(0)?;
            // The engine and the crate differ in where they look on after nothing was found.
            if whole.is_empty() {
                return None;
            }
            let new = match change {
                Value::Functions(_) => {
                    let groups = found.iter().map(|one| one.map_or(Value::Nullish, |one| Value::text(one.as_str())));
                    let values: Vec<Value<'a>> = groups.collect();
                    self.apply(change, values, ctx).as_strings()
                }
                other => Strings::one(&expanded(other.as_strings().single()?, &found)?),
            };
            out = out.concat(&Strings::one(&text[end..whole.start()])).concat(&new);
            end = whole.end();
        }
        Some(out.concat(&Strings::one(&text[end..])))
    }
}

/// `text.split(/pattern/)`.
pub(super) fn split_by_pattern<'a>(literal: &RegExpLiteral<'_>, text: &str) -> Option<Vec<Value<'a>>> {
    let pattern = compiled(literal).filter(|pattern| pattern.captures_len() == 1 && is_followed(text))?;
    if pattern.find_iter(text).any(|found| found.is_empty()) {
        return None;
    }
    Some(pattern.split(text).map(Value::text).collect())
}

fn is_followed(text: &str) -> bool {
    text.is_ascii() && text.len() <= TEXT_BYTES_MAX
}

/// The pattern, if both read it alike.
fn compiled(literal: &RegExpLiteral<'_>) -> Option<Regex> {
    let (pattern, flags) = (literal.regex.pattern.text.as_str(), literal.regex.flags);
    if !(flags - (RegExpFlags::G | RegExpFlags::I)).is_empty() || !is_plain(pattern) {
        return None;
    }
    let mut builder = RegexBuilder::new(pattern);
    builder.case_insensitive(flags.contains(RegExpFlags::I)).size_limit(COMPILED_BYTES_MAX).build().ok()
}

/// Whether a pattern has only what both read alike: no looking around, no references back, no escapes by number, and no
/// sets within sets.
fn is_plain(pattern: &str) -> bool {
    let mut characters = pattern.chars().peekable();
    let (mut in_class, mut last) = (false, ' ');
    while let Some(character) = characters.next() {
        let next = characters.peek().copied().unwrap_or(' ');
        let is_odd = match character {
            '\\' => {
                characters.next();
                !(next.is_ascii_punctuation() || "sSdDwWtn".contains(next))
            }
            '(' if !in_class => next == '?',
            '[' => std::mem::replace(&mut in_class, true),
            ']' => !std::mem::replace(&mut in_class, false),
            '&' | '-' | '~' if in_class => last == character,
            // Alone they are plain characters for the engine and an error here, or the other way about.
            '{' | '}' if !in_class => true,
            _ => false,
        };
        if is_odd {
            return false;
        }
        last = character;
    }
    pattern.is_ascii() && pattern.len() <= PATTERN_BYTES_MAX && !in_class
}

/// What `$1`, `$&` and `$$` in a text stand for.
fn expanded(text: &str, found: &Captures<'_>) -> Option<String> {
    let mut out = String::new();
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        if character != '$' {
            out.push(character);
            continue;
        }
        match characters.next()? {
            '$' => out.push('$'),
            '&' => out.push_str(&found[0]),
            digit @ '1'..='9' if !characters.peek().is_some_and(char::is_ascii_digit) => {
                let group = found.get(digit.to_digit(10)? as usize);
                if group.is_none() && digit.to_digit(10)? as usize >= found.len() {
                    return None;
                }
                out.push_str(group.map_or("", |group| group.as_str()));
            }
            _ => return None,
        }
    }
    Some(out)
}
