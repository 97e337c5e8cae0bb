//! Rules: filters that also ask who calls and what they send.

use super::expression::{Given, parse_rule};
use super::{Filter, FilterError};
use serde_json::{Map, Value, json};
use std::cell::RefCell;

/// A rule whose text is in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    fields: Vec<String>,
}

/// What a rule may ask of a request.
#[derive(Debug, Clone, Copy)]
pub struct RuleFacts<'a> {
    /// `@request.auth.id`.
    pub user: &'a str,
    /// `@request.auth.email`. Of a caller who has none, no comparison with it holds; `@request.auth.email = null` does.
    pub email: Option<&'a str>,
    /// `@request.auth.roles`.
    pub roles: &'a [String],
    /// `@request.auth.tenant`.
    pub tenant: &'a str,
    /// `@request.body`: the fields that are sent, where some are.
    pub body: Option<&'a Map<String, Value>>,
}

impl Rule {
    /// Reads a rule: the expression form of a filter in which `@request.auth.id`, `.email`, `.roles` and `.tenant`
    /// stand for the caller and `@request.body.FIELD` for what is sent. The empty text is a rule that never holds.
    pub fn parse(text: &str) -> Result<Self, FilterError> {
        let fields = RefCell::new(Vec::new());
        let nobody = RuleFacts { user: "", email: Some(""), roles: &[], tenant: "", body: None };
        let note = |name: &str| {
            fields.borrow_mut().extend(name.strip_prefix("body.").map(str::to_owned));
            nobody.get(name)
        };
        let filter = parse_rule(text, &note)?;
        let mut named: Vec<String> = filter.fields().into_iter().map(str::to_owned).collect();
        named.extend(fields.into_inner());
        Ok(Self { fields: named })
    }

    /// The fields of the record and of the body that it names.
    pub fn fields(&self) -> impl Iterator<Item = &str> {
        self.fields.iter().map(String::as_str)
    }
}

impl RuleFacts<'_> {
    /// The filter that records must pass by a rule in this request; [`Filter::is_never`] where none can.
    pub fn decide(&self, rule: &str) -> Result<Filter, FilterError> {
        if rule.trim().is_empty() {
            return Ok(Filter::never());
        }
        parse_rule(rule, &|name| self.get(name)).map(Filter::folded)
    }

    fn get(&self, name: &str) -> Option<Given> {
        Some(Given::Value(match name {
            "auth.id" => self.user.into(),
            "auth.email" => match self.email {
                Some(email) => email.into(),
                None => return Some(Given::Nothing),
            },
            "auth.roles" => json!(self.roles),
            "auth.tenant" => self.tenant.into(),
            _ => {
                let field = name.strip_prefix("body.").filter(|field| super::expression::is_field_name(field))?;
                self.body.and_then(|body| body.get(field)).cloned().unwrap_or(Value::Null)
            }
        }))
    }
}

impl Filter {
    /// A filter that no record passes.
    pub fn never() -> Self {
        Self::Not(Box::new(Self::All))
    }

    /// Whether no record can pass, as far as that is plain without looking at one.
    pub fn is_never(&self) -> bool {
        matches!(self, Self::Not(inner) if **inner == Self::All)
    }

    /// Both conditions.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self::And(vec![self, other]).folded()
    }

    /// The same condition without the parts that are already decided.
    #[must_use]
    pub fn folded(self) -> Self {
        match self {
            Self::And(parts) => {
                let mut parts: Vec<Self> = parts.into_iter().map(Self::folded).filter(|p| *p != Self::All).collect();
                match parts.len() {
                    _ if parts.iter().any(Self::is_never) => Self::never(),
                    0 => Self::All,
                    1 => parts.remove(0),
                    _ => Self::And(parts),
                }
            }
            Self::Or(parts) => {
                let mut parts: Vec<Self> = parts.into_iter().map(Self::folded).filter(|p| !p.is_never()).collect();
                match parts.len() {
                    _ if parts.contains(&Self::All) => Self::All,
                    0 => Self::never(),
                    1 => parts.remove(0),
                    _ => Self::Or(parts),
                }
            }
            Self::Not(part) => match part.folded() {
                part if part.is_never() => Self::All,
                part => Self::Not(Box::new(part)),
            },
            other => other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decided(text: &str) -> Filter {
        let body = json!({"status": "open"});
        let roles = ["ap.clerk".to_owned()];
        let facts = RuleFacts { user: "ann", email: None, roles: &roles, tenant: "demo", body: body.as_object() };
        Rule::parse(text).expect("a rule");
        facts.decide(text).expect("decided")
    }

    fn plain(text: &str) -> Filter {
        Filter::parse(text, &Map::new()).expect("a filter")
    }

    #[test]
    fn what_the_request_says_is_decided_and_the_rest_is_left_to_the_record() {
        assert_eq!(decided("owner = @request.auth.id"), plain("owner = 'ann'"));
        assert_eq!(decided("@request.auth.id = owner"), plain("owner = 'ann'"));
        assert_eq!(decided("@request.auth.id in members"), plain("members ~ 'ann'"));
        assert_eq!(decided("@request.auth.roles ~ role"), plain("role in ['ap.clerk']"));
        assert_eq!(decided("status != @request.body.status"), plain("status != 'open'"));
        assert_eq!(decided("@request.auth.roles ~ 'ap.clerk' && total < 5"), plain("total < 5"));
        assert_eq!(decided("!(@request.auth.roles ~ 'ap.clerk') || total < 5"), plain("total < 5"));
        assert_eq!(decided("@request.auth.roles ~ 'ap.clerk' || total < 5"), Filter::All);
        assert_eq!(decided("@request.body.absent = null"), Filter::All);
    }

    #[test]
    fn no_comparison_with_an_address_that_the_caller_has_not_holds() {
        for text in [
            "mail = @request.auth.email",
            "mail != @request.auth.email",
            "@request.auth.email = mail",
            "@request.body.absent = @request.auth.email",
            "@request.auth.email = @request.body.absent",
            "@request.auth.email != 'ann@example.test'",
            "@request.auth.email != null",
            "mails ~ @request.auth.email",
            "@request.auth.email in mails",
        ] {
            assert!(decided(text).is_never(), "{text}");
        }
        assert_eq!(decided("mail in [@request.auth.email, 'all']"), plain("mail in ['all']"));
        assert_eq!(decided("mail = @request.auth.email || total < 5"), plain("total < 5"));
        assert_eq!(decided("@request.auth.email = null"), Filter::All);
        let rule = Rule::parse("mail = @request.auth.email").expect("a rule");
        assert_eq!(rule.fields().collect::<Vec<_>>(), ["mail"]);
        assert!(Rule::parse("@request.auth.email ~ mail").is_err());
    }

    #[test]
    fn what_cannot_hold_is_never() {
        for text in ["", "  ", "@request.auth.roles ~ 'gl.clerk'", "@request.auth.id = 'bob' && total < 5"] {
            assert!(decided(text).is_never(), "{text}");
        }
        for wrong in
            ["owner = @request.auth", "@auth.id = 'x'", "a = {:b}", "@request.auth.id ~ owner", "@request.body.a.b = 1"]
        {
            assert!(Rule::parse(wrong).is_err(), "{wrong}");
        }
        assert!(Filter::parse("a = @request.auth.id", &Map::new()).is_err(), "only a rule asks who calls");
    }

    #[test]
    fn a_rule_knows_the_fields_it_names() {
        let rule = Rule::parse("owner = @request.auth.id && @request.body.total > 3").expect("a rule");
        assert_eq!(rule.fields().collect::<Vec<_>>(), ["owner", "total"]);
    }
}
