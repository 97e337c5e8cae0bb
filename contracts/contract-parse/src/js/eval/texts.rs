//! Methods of texts.

use super::builtins::{changed, whole_number};
use super::patterns::split_by_pattern;
use super::{CallRef, Ctx, Evaluator};
use crate::js::form::Form;
use crate::js::strings::Strings;
use crate::js::value::Value;
use oxc_ast::ast::{Expression, RegExpFlags};

/// The longest text that is built by repetition.
const REPEATED_BYTES_MAX: usize = 1_000;

/// What `replace` looks for.
enum Sought {
    Text(String),
    /// Any of these characters, as by `/[-_]/`.
    OneOf(Vec<char>),
}

impl<'a> Evaluator<'_, 'a> {
    pub(super) fn text_method(&mut self, call: CallRef<'a>, text: &Strings, method: &str, ctx: &Ctx<'a>) -> Value<'a> {
        if let Some(nothing) = self.lacking(Form::Texts) {
            return nothing;
        }
        match method {
            "concat" => Value::Text((0..call.arguments.len()).fold(text.clone(), |text, at| {
                let next = self.given(call, at, ctx).as_strings();
                text.concat(&next)
            })),
            "toLowerCase" | "toLocaleLowerCase" => changed(text, str::to_lowercase),
            "toUpperCase" | "toLocaleUpperCase" => changed(text, str::to_uppercase),
            "trim" if text.exact().is_some() => changed(text, |text| text.trim().to_owned()),
            "trimStart" if text.exact().is_some() => changed(text, |text| text.trim_start().to_owned()),
            "trimEnd" if text.exact().is_some() => changed(text, |text| text.trim_end().to_owned()),
            "toString" | "valueOf" | "normalize" => Value::Text(text.clone()),
            "replace" => self.replaced(call, text, false, ctx),
            "replaceAll" => self.replaced(call, text, true, ctx),
            "split" => self.split(call, text, ctx),
            "slice" | "substring" | "substr" | "charAt" | "at" => self.part(call, text, method, ctx),
            "repeat" => match (text.single(), whole_number(&self.given(call, 0, ctx))) {
                (Some(text), Some(count)) => repeated(text, count),
                _ => Value::unknown("the result of `.repeat()`"),
            },
            "padStart" | "padEnd" => self.padded(call, text, method, ctx),
            "startsWith" | "endsWith" | "includes" => self.contains(call, text, method, ctx),
            _ => Value::unknown(&format!("the result of `.{method}()`")),
        }
    }

    fn contains(&mut self, call: CallRef<'a>, text: &Strings, method: &str, ctx: &Ctx<'a>) -> Value<'a> {
        let sought = self.given(call, 0, ctx).as_strings();
        match (text.single(), sought.single()) {
            (Some(text), Some(part)) if call.arguments.len() == 1 => Value::truth(match method {
                "startsWith" => text.starts_with(part),
                "endsWith" => text.ends_with(part),
                _ => text.contains(part),
            }),
            _ => Value::unknown("a condition"),
        }
    }

    /// `slice` and its like, of texts that are known and plain.
    fn part(&mut self, call: CallRef<'a>, text: &Strings, method: &str, ctx: &Ctx<'a>) -> Value<'a> {
        let numbers: Vec<Option<i64>> =
            (0..call.arguments.len().min(2)).map(|at| whole_number(&self.given(call, at, ctx))).collect();
        let unknown = || Value::unknown(&format!("the result of `.{method}()`"));
        let Some(texts) = text.exact().filter(|texts| texts.iter().all(|text| text.is_ascii())) else {
            return unknown();
        };
        let cut = |text: &String| cut(text, method, &numbers);
        match texts.iter().map(cut).collect::<Option<Vec<String>>>() {
            Some(parts) => Value::Text(Strings::of(parts.into_iter().collect())),
            None => unknown(),
        }
    }

    /// A text that is filled up to a length; of texts that are known and plain.
    fn padded(&mut self, call: CallRef<'a>, text: &Strings, method: &str, ctx: &Ctx<'a>) -> Value<'a> {
        let length = whole_number(&self.given(call, 0, ctx)).and_then(|length| usize::try_from(length).ok());
        let by = match self.given(call, 1, ctx) {
            Value::Nullish => Strings::one(" "),
            other => other.as_strings(),
        };
        let texts = text.exact().filter(|texts| texts.iter().all(|text| text.is_ascii()));
        match (texts, length.filter(|length| *length <= REPEATED_BYTES_MAX), by.single().filter(|by| by.is_ascii())) {
            (Some(_), Some(length), Some(by)) => changed(text, |text| {
                let missing = length.saturating_sub(text.len());
                let filling: String = by.chars().cycle().take(missing).collect();
                if method == "padStart" { format!("{filling}{text}") } else { format!("{text}{filling}") }
            }),
            _ => Value::unknown(&format!("the result of `.{method}()`")),
        }
    }

    fn replaced(&mut self, call: CallRef<'a>, text: &Strings, all: bool, ctx: &Ctx<'a>) -> Value<'a> {
        let literal = match call.argument(0).map(Expression::get_inner_expression) {
            Some(Expression::RegExpLiteral(it)) => Some(it),
            _ => None,
        };
        let (from, all) = match literal {
            Some(it) => (sought(it.regex.pattern.text.as_str()), all || it.regex.flags.contains(RegExpFlags::G)),
            None => (self.given(call, 0, ctx).as_strings().single().map(|text| Sought::Text(text.to_owned())), all),
        };
        let change = self.given(call, 1, ctx);
        let to = change.as_strings();
        let plain = to.single().filter(|to| !to.contains('$'));
        let by_character = match (&from, plain, all, text.exact().is_some()) {
            (Some(Sought::Text(from)), Some(to), true, true) => {
                Some(changed(text, |text| text.replace(from.as_str(), to)))
            }
            (Some(Sought::Text(from)), Some(to), false, true) => {
                Some(changed(text, |text| text.replacen(from.as_str(), to, 1)))
            }
            // One character at a time can be replaced around a hole too; the hole is not known anyway.
            (Some(Sought::Text(from)), Some(to), true, false) if from.chars().count() == 1 => {
                Some(changed(text, |text| text.replace(from.as_str(), to)))
            }
            (Some(Sought::OneOf(set)), Some(to), true, _) => {
                Some(changed(text, |text| text.replace(set.as_slice(), to)))
            }
            (Some(Sought::OneOf(set)), Some(to), false, true) => {
                Some(changed(text, |text| text.replacen(set.as_slice(), to, 1)))
            }
            _ => None,
        };
        let is_plain = literal.is_none_or(|it| (it.regex.flags - RegExpFlags::G).is_empty());
        if let Some(value) = by_character.filter(|_| is_plain) {
            return value;
        }
        let by_pattern = literal.and_then(|it| self.replaced_by_pattern(it, text, all, &change, ctx));
        by_pattern.unwrap_or_else(|| Value::unknown("the result of `.replace()`"))
    }

    fn split(&mut self, call: CallRef<'a>, text: &Strings, ctx: &Ctx<'a>) -> Value<'a> {
        let unknown = || Value::unknown("the result of `.split()`");
        let limit = match self.given(call, 1, ctx) {
            Value::Nullish => usize::MAX,
            given => match whole_number(&given).and_then(|limit| usize::try_from(limit).ok()) {
                Some(limit) => limit,
                None => return unknown(),
            },
        };
        let by = call.argument(0).map(Expression::get_inner_expression);
        let parts = match (by, text.single()) {
            (Some(Expression::RegExpLiteral(it)), Some(text)) => split_by_pattern(it, text),
            (_, Some(text)) => match self.given(call, 0, ctx).as_strings().single() {
                Some(by) if !by.is_empty() => Some(text.split(by).map(Value::text).collect()),
                _ => None,
            },
            (_, None) => None,
        };
        parts.map_or_else(unknown, |parts| Value::array(parts.into_iter().take(limit).collect()))
    }
}

fn repeated<'a>(text: &str, count: i64) -> Value<'a> {
    match usize::try_from(count) {
        Ok(count) if text.len().saturating_mul(count) <= REPEATED_BYTES_MAX => Value::text(&text.repeat(count)),
        _ => Value::unknown("the result of `.repeat()`"),
    }
}

fn cut(text: &str, method: &str, numbers: &[Option<i64>]) -> Option<String> {
    let length = i64::try_from(text.len()).ok()?;
    let from_end = |at: i64| if at < 0 { (length + at).max(0) } else { at.min(length) };
    let first = numbers.first().copied().unwrap_or(Some(0))?;
    let second = match numbers.get(1) {
        Some(second) => Some((*second)?),
        None => None,
    };
    let (start, end) = match method {
        "slice" => (from_end(first), second.map_or(length, from_end)),
        "substring" => {
            let (a, b) = (first.clamp(0, length), second.unwrap_or(length).clamp(0, length));
            (a.min(b), a.max(b))
        }
        "substr" => (from_end(first), from_end(first).saturating_add(second.unwrap_or(length)).min(length)),
        "charAt" => (first.clamp(0, length), first.saturating_add(1).clamp(0, length)),
        _ => (from_end(first), (from_end(first) + 1).min(length)),
    };
    let range = usize::try_from(start).ok()?..usize::try_from(end.max(start)).ok()?;
    text.get(range).map(str::to_owned)
}

/// What a regular expression looks for, where it is a plain text or a plain class of characters.
fn sought(pattern: &str) -> Option<Sought> {
    let special = |c: char| "^$.*+?()[]{}|\\/".contains(c);
    if let Some(class) = pattern.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return characters_of(class).map(Sought::OneOf);
    }
    let mut out = String::new();
    let mut characters = pattern.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => out.push(characters.next().filter(|next| special(*next) || *next == '-')?),
            plain if !special(plain) => out.push(plain),
            _ => return None,
        }
    }
    (!out.is_empty()).then_some(Sought::Text(out))
}

/// The characters of a class that names each of them.
fn characters_of(class: &str) -> Option<Vec<char>> {
    let mut out = Vec::new();
    let mut characters = class.chars().enumerate().peekable();
    while let Some((at, character)) = characters.next() {
        match character {
            '\\' => out.push(characters.next().map(|(_, next)| next).filter(char::is_ascii_punctuation)?),
            '^' if at == 0 => return None,
            '-' if at > 0 && characters.peek().is_some() => return None,
            '[' | ']' => return None,
            plain => out.push(plain),
        }
    }
    (!out.is_empty()).then_some(out)
}
