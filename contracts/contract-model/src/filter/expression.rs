//! The expression form: `status = 'open' && total > {:min} || !(kind in ['a', 'b'])`.

use super::{Comparison, DEPTH_MAX, Filter, FilterError};
use serde_json::{Map, Number, Value};

impl Filter {
    /// Reads the expression form. Operators: `=` `!=` `<` `<=` `>` `>=`, `~` (contains), `in` or `?=` (one of
    /// a list), `matches` (holds every word of a text), `&&`, `||`, `!`, parentheses, with `&&` binding tighter than `||`. Values: texts in single or
    /// double quotes, numbers, true, false, null, lists in brackets, and `{:name}` for bound values.
    /// An empty expression means every record.
    pub fn parse(expression: &str, bindings: &Map<String, Value>) -> Result<Filter, FilterError> {
        Parser { text: expression, at: 0, bindings, has_paths: false, request: None }.all_of_it()
    }

    /// The same over an event's payload, where a field may lie deeper: `source.plugin = 'ap'`.
    pub fn parse_over_payload(expression: &str) -> Result<Filter, FilterError> {
        Parser { text: expression, at: 0, bindings: &Map::new(), has_paths: true, request: None }.all_of_it()
    }
}

/// Reads a rule: the expression form in which `@request.…` stands for what `request` gives for that name.
pub(super) fn parse_rule(expression: &str, request: Lookup<'_>) -> Result<Filter, FilterError> {
    Parser { text: expression, at: 0, bindings: &Map::new(), has_paths: false, request: Some(request) }.all_of_it()
}

/// What stands behind a name such as `auth.id` of the request; none where there is no such name.
pub(super) type Lookup<'a> = &'a dyn Fn(&str) -> Option<Given>;

/// What is compared with.
pub(super) enum Given {
    /// A value; null where a field of the body was not sent.
    Value(Value),
    /// The caller has none, so that no comparison with it holds: one with null would let every caller without it pass for
    /// all records whose field is empty.
    Nothing,
}

/// Whether a text may name a field.
pub(super) fn is_field_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

fn compared(field: String, op: Comparison, given: Given) -> Filter {
    match given {
        Given::Value(value) => Filter::Field { field, op, value },
        Given::Nothing => Filter::never(),
    }
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    bindings: &'a Map<String, Value>,
    /// Whether a field may be a path of names with dots between them.
    has_paths: bool,
    /// In a rule: the facts of the request.
    request: Option<Lookup<'a>>,
}

/// Longer operators come first, so that `<=` is not read as `<`.
const OPERATORS: [(&str, Comparison); 8] = [
    ("!=", Comparison::Ne),
    ("<=", Comparison::Le),
    (">=", Comparison::Ge),
    ("?=", Comparison::In),
    ("=", Comparison::Eq),
    ("<", Comparison::Lt),
    (">", Comparison::Gt),
    ("~", Comparison::Contains),
];

impl<'a> Parser<'a> {
    fn all_of_it(mut self) -> Result<Filter, FilterError> {
        self.skip_blanks();
        if self.rest().is_empty() {
            return Ok(Filter::All);
        }
        let filter = self.any(0)?;
        if self.rest().is_empty() { Ok(filter) } else { Err(self.wrong("`&&`, `||` or the end")) }
    }

    fn any(&mut self, depth: usize) -> Result<Filter, FilterError> {
        let mut parts = vec![self.all(depth)?];
        while self.take("||") {
            parts.push(self.all(depth)?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Filter::Or(parts) })
    }

    fn all(&mut self, depth: usize) -> Result<Filter, FilterError> {
        let mut parts = vec![self.one(depth)?];
        while self.take("&&") {
            parts.push(self.one(depth)?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Filter::And(parts) })
    }

    fn one(&mut self, depth: usize) -> Result<Filter, FilterError> {
        if depth > DEPTH_MAX {
            return Err(self.wrong("at most 32 nested conditions (FILTER_DEPTH_MAX)"));
        }
        if self.take("!") {
            return Ok(Filter::Not(Box::new(self.one(depth + 1)?)));
        }
        if self.take("(") {
            let inner = self.any(depth + 1)?;
            return if self.take(")") { Ok(inner) } else { Err(self.wrong("`)`")) };
        }
        if self.request.is_some() && self.rest().starts_with('@') {
            return self.about_request(depth);
        }
        let field = self.field()?;
        let op = self.operator()?;
        let given = self.value_for(op, depth)?;
        Ok(compared(field, op, given))
    }

    fn value_for(&mut self, op: Comparison, depth: usize) -> Result<Given, FilterError> {
        let before = self.at;
        let is_given = self.rest().starts_with('@');
        let Given::Value(value) = self.value(depth)? else { return Ok(Given::Nothing) };
        // What the request gives may be absent; then nothing is in it.
        if op == Comparison::In && !value.is_array() && !is_given {
            self.at = before;
            return Err(self.wrong("a list such as ['a', 'b']"));
        }
        if op == Comparison::Matches && !value.is_string() && !is_given {
            self.at = before;
            return Err(self.wrong("a text of words in quotes"));
        }
        Ok(Given::Value(value))
    }

    /// A comparison that begins with what the request gives: with a value it is decided at once, with a field it is
    /// turned round.
    fn about_request(&mut self, depth: usize) -> Result<Filter, FilterError> {
        let given = self.request_value()?;
        let op = self.operator()?;
        let word = self.word();
        if is_field_name(word) && !matches!(word, "true" | "false" | "null") {
            let is_text = matches!(given, Given::Value(Value::String(_)));
            if op == Comparison::Matches || (op == Comparison::Contains && is_text) {
                return Err(self.wrong("a text in quotes, for a text is not searched for a field"));
            }
            return Ok(compared(self.field()?, op.turned(), given));
        }
        let holds = match (given, self.value_for(op, depth)?) {
            (Given::Value(given), Given::Value(value)) => op.holds(&given, &value),
            // Whether there is one can be asked.
            (Given::Nothing, _) if word == "null" => op == Comparison::Eq,
            _ => false,
        };
        Ok(if holds { Filter::All } else { Filter::never() })
    }

    fn request_value(&mut self) -> Result<Given, FilterError> {
        let len =
            self.rest()[1..].bytes().take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.')).count();
        let name = &self.rest()[1..=len];
        let found = self.request.and_then(|request| request(name.strip_prefix("request.")?));
        let expected = "one of @request.auth.id, @request.auth.email, @request.auth.roles, @request.auth.tenant and @request.body.FIELD";
        let value = found.ok_or_else(|| self.wrong(expected))?;
        self.advance(len + 1);
        Ok(value)
    }

    fn field(&mut self) -> Result<String, FilterError> {
        let field = if self.has_paths { self.path() } else { self.word() };
        if field.split('.').all(is_field_name) {
            self.advance(field.len());
            Ok(field.to_owned())
        } else {
            Err(self.wrong("a field's name, `!` or `(`"))
        }
    }

    fn operator(&mut self) -> Result<Comparison, FilterError> {
        if self.word() == "in" {
            self.advance(2);
            return Ok(Comparison::In);
        }
        if self.word() == "matches" {
            self.advance("matches".len());
            return Ok(Comparison::Matches);
        }
        let found = OPERATORS.iter().find(|(text, _)| self.take(text));
        found.map(|(_, op)| *op).ok_or_else(|| self.wrong("one of = != < <= > >= ~ ?= in matches"))
    }

    fn value(&mut self, depth: usize) -> Result<Given, FilterError> {
        if self.request.is_some() && self.rest().starts_with('@') {
            return self.request_value();
        }
        self.plain_value(depth).map(Given::Value)
    }

    fn plain_value(&mut self, depth: usize) -> Result<Value, FilterError> {
        let expected = "a value: a text in quotes, a number, true, false, null, a list or {:name}";
        match self.rest().chars().next() {
            Some(quote @ ('\'' | '"')) => self.text(quote),
            Some('{') => self.binding(),
            Some('[') => self.list(depth),
            Some(c) if c.is_ascii_digit() || c == '-' => self.number(),
            _ => {
                let (value, len) = match self.word() {
                    "true" => (Value::Bool(true), 4),
                    "false" => (Value::Bool(false), 5),
                    "null" => (Value::Null, 4),
                    _ => return Err(self.wrong(expected)),
                };
                self.advance(len);
                Ok(value)
            }
        }
    }

    fn text(&mut self, quote: char) -> Result<Value, FilterError> {
        let mut out = String::new();
        let mut chars = self.rest().char_indices().skip(1);
        while let Some((at, c)) = chars.next() {
            match c {
                c if c == quote => {
                    self.advance(at + 1);
                    return Ok(Value::String(out));
                }
                '\\' => match chars.next() {
                    Some((_, 'n')) => out.push('\n'),
                    Some((_, 't')) => out.push('\t'),
                    Some((_, c)) => out.push(c),
                    None => break,
                },
                c => out.push(c),
            }
        }
        let expected = format!("a closing {quote}");
        self.at = self.text.len();
        Err(self.wrong(&expected))
    }

    fn binding(&mut self) -> Result<Value, FilterError> {
        let inner = self.rest().strip_prefix("{:").and_then(|rest| rest.split_once('}')).map(|(name, _)| name);
        let Some(name) = inner else {
            return Err(self.wrong("a binding such as {:min}"));
        };
        let Some(value) = self.bindings.get(name) else {
            return Err(self.wrong(&format!("a binding that has a value ({})", self.known_bindings())));
        };
        let (value, len) = (value.clone(), name.len() + 3);
        self.advance(len);
        Ok(value)
    }

    fn known_bindings(&self) -> String {
        let names: Vec<&str> = self.bindings.keys().map(String::as_str).collect();
        if names.is_empty() { "none are given".to_owned() } else { format!("given are {}", names.join(", ")) }
    }

    fn list(&mut self, depth: usize) -> Result<Value, FilterError> {
        if depth > DEPTH_MAX {
            return Err(self.wrong("at most 32 nested lists (FILTER_DEPTH_MAX)"));
        }
        self.advance(1);
        let mut items = Vec::new();
        if self.take("]") {
            return Ok(Value::Array(items));
        }
        loop {
            if let Given::Value(item) = self.value(depth + 1)? {
                items.push(item);
            }
            if self.take("]") {
                return Ok(Value::Array(items));
            }
            if !self.take(",") {
                return Err(self.wrong("`,` or `]`"));
            }
        }
    }

    fn number(&mut self) -> Result<Value, FilterError> {
        let rest = self.rest();
        let len = rest.bytes().take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'+')).count();
        // Read through JSON, so that integers of 64 bits stay exact and the grammar is the known one.
        match serde_json::from_str::<Number>(&rest[..len]) {
            Ok(number) => {
                self.advance(len);
                Ok(Value::Number(number))
            }
            Err(_) => Err(self.wrong("a number")),
        }
    }

    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn word(&self) -> &'a str {
        let rest = self.rest();
        let len = rest.bytes().take_while(|b| b.is_ascii_alphanumeric() || *b == b'_').count();
        &rest[..len]
    }

    fn path(&self) -> &'a str {
        let rest = self.rest();
        let len = rest.bytes().take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.')).count();
        &rest[..len]
    }

    fn take(&mut self, token: &str) -> bool {
        let found = self.rest().starts_with(token);
        if found {
            self.advance(token.len());
        }
        found
    }

    fn advance(&mut self, bytes: usize) {
        self.at += bytes;
        self.skip_blanks();
    }

    fn skip_blanks(&mut self) {
        self.at = self.text.len() - self.rest().trim_start().len();
    }

    fn wrong(&self, expected: &str) -> FilterError {
        let rest = self.rest();
        let found = if rest.is_empty() {
            "the end".to_owned()
        } else {
            format!("`{}`", rest.split_whitespace().next().unwrap_or(rest).chars().take(40).collect::<String>())
        };
        let character = self.text[..self.at].chars().count() + 1;
        FilterError { position: format!("character {character}"), expected: expected.to_owned(), found }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn bindings() -> Map<String, Value> {
        json!({"min": 100, "big": i64::MAX}).as_object().cloned().expect("object")
    }

    fn field(field: &str, op: Comparison, value: Value) -> Filter {
        Filter::Field { field: field.to_owned(), op, value }
    }

    #[test]
    fn and_binds_tighter_than_or() {
        let filter = Filter::parse("a = 1 || b > {:min} && !(c ?= ['x', \"y\"])", &bindings()).expect("filter");
        let right = Filter::And(vec![
            field("b", Comparison::Gt, json!(100)),
            Filter::Not(Box::new(field("c", Comparison::In, json!(["x", "y"])))),
        ]);
        assert_eq!(filter, Filter::Or(vec![field("a", Comparison::Eq, json!(1)), right]));
    }

    #[test]
    fn integers_of_64_bits_and_quotes_are_exact() {
        let parse = |text: &str| Filter::parse(text, &bindings()).expect("filter");
        assert_eq!(parse("a = 9223372036854775807"), field("a", Comparison::Eq, json!(i64::MAX)));
        assert_eq!(parse("a={:big}"), field("a", Comparison::Eq, json!(i64::MAX)));
        assert_eq!(parse(r"a = 'it\'s'"), field("a", Comparison::Eq, json!("it's")));
        assert_eq!(parse("inn in [1]"), field("inn", Comparison::In, json!([1])));
        assert_eq!(parse("  "), Filter::All);
    }

    #[test]
    fn errors_name_the_position_and_what_is_expected() {
        let error = |text: &str| Filter::parse(text, &bindings()).expect_err("wrong").to_string();
        assert_eq!(
            error("a = 1 && "),
            "the filter is wrong at character 10: expected a field's name, `!` or `(`, found the end"
        );
        assert_eq!(
            error("total > {:max}"),
            "the filter is wrong at character 9: expected a binding that has a value (given are big, min), found `{:max}`"
        );
        for bad in
            ["a", "a =", "a == 1", "(a = 1", "a = 'x", "a = 1 b = 2", "a in 3", "a = 01", "1 = a", "a = [1", "a = --1"]
        {
            assert!(Filter::parse(bad, &bindings()).is_err(), "{bad}");
        }
        assert!(Filter::parse(&format!("{}a = 1", "!".repeat(100)), &bindings()).is_err());
    }
}
