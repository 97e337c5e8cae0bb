//! Whether a record is what its collection declares.

use super::formats::{is_date, is_datetime, is_decimal, is_email, is_url};
use super::{Collection, Field, FieldType};
use serde_json::{Map, Value};

/// What is wrong with one field of a record.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, thiserror::Error)]
#[error("field `{field}`: {message}")]
pub struct FieldError {
    /// The field.
    pub field: String,
    /// What it must be.
    pub message: String,
}

impl Collection {
    /// Fills in defaults of absent fields and checks every field; gives all that is wrong, in the order of
    /// declaration, unknown fields last. Automatic fields are ignored. Null counts as absent.
    pub fn validate(&self, record: &mut Map<String, Value>) -> Result<(), Vec<FieldError>> {
        self.validate_change(record, None)
    }

    /// The same for a record that takes the place of a stored one. That may be older than the declaration: what it has of
    /// fields that are declared no more is taken out where the record still has it, as it was; it goes with this save.
    pub fn validate_change(
        &self,
        record: &mut Map<String, Value>,
        stored: Option<&Map<String, Value>>,
    ) -> Result<(), Vec<FieldError>> {
        let mut errors = Vec::new();
        for field in &self.fields {
            if let (None, Some(default)) = (record.get(&field.name), &field.default) {
                record.insert(field.name.clone(), default.clone());
            }
            if let Err(message) = field.check(record.get(&field.name).unwrap_or(&Value::Null)) {
                errors.push(FieldError { field: field.name.clone(), message });
            }
        }
        record.retain(|name, value| {
            if self.has_field(name) {
                return true;
            }
            let was_stored = stored.is_some_and(|stored| stored.get(name) == Some(value));
            if !was_stored {
                let message = format!("is not declared in collection `{}`", self.name);
                errors.push(FieldError { field: name.clone(), message });
            }
            !was_stored
        });
        if errors.is_empty() { Ok(()) } else { Err(errors) }
    }
}

impl Field {
    pub(super) fn check(&self, value: &Value) -> Result<(), String> {
        if value.is_null() {
            return if self.required { Err("is required".to_owned()) } else { Ok(()) };
        }
        match self.kind {
            FieldType::String => self.text(value, |_| true, "a text"),
            FieldType::Integer | FieldType::Money => self.integer(value),
            FieldType::Number => self.number(value),
            FieldType::Decimal => self.text(value, is_decimal, "an exact decimal as text, such as \"12.50\""),
            FieldType::Boolean => expect(value.is_boolean(), "true or false"),
            FieldType::Date => self.text(value, is_date, "a date YYYY-MM-DD"),
            FieldType::Datetime => self.text(value, is_datetime, "an RFC 3339 time such as 2024-02-29T10:00:00Z"),
            FieldType::Json => Ok(()),
            FieldType::Select => self.select(value),
            FieldType::Email => self.text(value, is_email, "a mail address"),
            FieldType::Url => self.text(value, is_url, "an absolute http or https URL"),
            FieldType::Reference => self.text(value, |text| !text.is_empty(), "the id of a record"),
            FieldType::List => self.list(value),
        }
    }

    fn text(&self, value: &Value, format: fn(&str) -> bool, expected: &str) -> Result<(), String> {
        let text = value.as_str().filter(|text| format(text)).ok_or_else(|| format!("must be {expected}"))?;
        match self.max_length {
            Some(max) if text.chars().count() as u64 > max => Err(format!("must have at most {max} characters")),
            _ => Ok(()),
        }
    }

    fn integer(&self, value: &Value) -> Result<(), String> {
        let integer = value.as_i64().ok_or_else(|| {
            let what = if self.kind == FieldType::Money { "whole minor units" } else { "a whole number" };
            format!("must be {what} within 64 bits")
        })?;
        // Bounds are doubles; comparing through the exact order keeps large integers from being rounded into them.
        self.bounds(&Value::from(integer), "")
    }

    fn number(&self, value: &Value) -> Result<(), String> {
        expect(value.is_number(), "a number")?;
        self.bounds(value, "")
    }

    fn bounds(&self, value: &Value, unit: &str) -> Result<(), String> {
        use crate::filter::order::compare;
        if let Some(min) = self.min.filter(|min| compare(value, &Value::from(*min)).is_lt()) {
            return Err(format!("must be at least {min}{unit}"));
        }
        if let Some(max) = self.max.filter(|max| compare(value, &Value::from(*max)).is_gt()) {
            return Err(format!("must be at most {max}{unit}"));
        }
        Ok(())
    }

    fn select(&self, value: &Value) -> Result<(), String> {
        let known = value.as_str().is_some_and(|text| self.values.iter().any(|allowed| allowed == text));
        expect(known, &format!("one of {}", self.values.join(", ")))
    }

    fn list(&self, value: &Value) -> Result<(), String> {
        let items = value.as_array().filter(|items| items.iter().all(|item| !item.is_array() && !item.is_object()));
        let items = items.ok_or("must be a list of plain values")?;
        self.bounds(&Value::from(items.len()), " items")
    }
}

fn expect(holds: bool, expected: &str) -> Result<(), String> {
    if holds { Ok(()) } else { Err(format!("must be {expected}")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn bills() -> Collection {
        serde_json::from_value(json!({"name": "ap_bills", "fields": [
            {"name": "vendor", "type": "string", "required": true, "maxLength": 5},
            {"name": "total", "type": "money", "min": 0},
            {"name": "status", "type": "select", "values": ["open", "paid"], "default": "open"},
            {"name": "tags", "type": "list", "max": 2},
        ]}))
        .expect("collection")
    }

    fn errors(record: &Value) -> Vec<String> {
        let mut record = record.as_object().cloned().expect("object");
        bills().validate(&mut record).err().unwrap_or_default().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn defaults_are_filled_in() {
        let mut record = json!({"vendor": "acme"}).as_object().cloned().expect("object");
        bills().validate(&mut record).expect("valid");
        assert_eq!(record["status"], "open");
    }

    #[test]
    fn what_is_stored_and_declared_no_more_goes_and_is_nobodys_fault() {
        let stored = json!({"vendor": "acme", "colour": "red", "size": 1}).as_object().cloned().expect("object");
        let mut record = stored.clone();
        bills().validate_change(&mut record, Some(&stored)).expect("nobody gave it");
        assert_eq!(Value::Object(record), json!({"vendor": "acme", "status": "open"}));
        let mut record = stored.clone();
        record.insert("colour".to_owned(), json!("blue"));
        let errors = bills().validate_change(&mut record, Some(&stored)).expect_err("somebody gave it");
        assert_eq!(errors[0].to_string(), "field `colour`: is not declared in collection `ap_bills`");
        assert_eq!(errors.len(), 1);
        assert!(bills().validate(&mut stored.clone()).is_err(), "a new record has no field of before");
    }

    #[test]
    fn every_wrong_field_is_named() {
        let found = errors(
            &json!({"vendor": "toolong", "total": 1.5, "status": "held", "tags": [[1]], "colour": 1, "id": "x"}),
        );
        assert_eq!(
            found,
            [
                "field `vendor`: must have at most 5 characters",
                "field `total`: must be whole minor units within 64 bits",
                "field `status`: must be one of open, paid",
                "field `tags`: must be a list of plain values",
                "field `colour`: is not declared in collection `ap_bills`",
            ]
        );
        assert_eq!(
            errors(&json!({"vendor": null, "total": -1})),
            ["field `vendor`: is required", "field `total`: must be at least 0"]
        );
        assert_eq!(
            errors(&json!({"vendor": "a", "total": u64::MAX})),
            ["field `total`: must be whole minor units within 64 bits"]
        );
        assert_eq!(
            errors(&json!({"vendor": "a", "total": i64::MAX, "tags": [1, 2, 3]})),
            ["field `tags`: must be at most 2 items"]
        );
    }
}
