//! Reservations: an amount taken from a record's integer field for a time, to be confirmed or given back.

use crate::canonical::sha256_hex;
use crate::collection::{Collection, FieldType};
use crate::ids::{NameError, RecordId};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::fmt;

/// The daemon's own collection of reservations. No plugin can declare one of this name.
pub const COLLECTION: &str = "_reservations";

/// What is reserved: `<collection>/<record id>/<integer field>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource {
    /// The collection.
    pub collection: String,
    /// The record.
    pub record: RecordId,
    /// The field.
    pub field: String,
}

impl Resource {
    /// Reads a resource. A record's id may hold slashes: the collection ends at the first, the field begins after the last.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let wrong = || NameError::new("resource", text, "write <collection>/<record id>/<integer field>");
        let (collection, rest) = text.split_once('/').ok_or_else(wrong)?;
        let (record, field) = rest.rsplit_once('/').ok_or_else(wrong)?;
        if collection.is_empty() || field.is_empty() {
            return Err(wrong());
        }
        let record = RecordId::new(record).map_err(|_| wrong())?;
        Ok(Self { collection: collection.to_owned(), record, field: field.to_owned() })
    }
}

impl Resource {
    /// The least that must be left in the field, or what is wrong with it.
    pub fn least(&self, collection: &Collection) -> Result<i64, String> {
        let field = collection.fields.iter().find(|field| field.name == self.field);
        let field = field.filter(|field| field.kind == FieldType::Integer);
        let field = field.ok_or_else(|| format!("{} has no field {} of type integer", self.collection, self.field))?;
        if collection.append_only {
            return Err(format!("{} only takes new records; nothing of them can be reserved", self.collection));
        }
        #[expect(clippy::cast_possible_truncation, reason = "a bound beyond the integers is none")]
        Ok(field.min.map_or(0, |min| min.ceil() as i64).max(0))
    }
}

impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.collection, self.record, self.field)
    }
}

/// Where a reservation stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// The amount is taken, until it is confirmed, released, or its time has gone by.
    Held,
    /// The amount is taken for good.
    Confirmed,
    /// It was given back.
    Released,
    /// Its time went by, and it was given back.
    Expired,
}

impl State {
    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Confirmed => "confirmed",
            Self::Released => "released",
            Self::Expired => "expired",
        }
    }
}

/// A reservation as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reservation {
    /// The plugin that owns the resource.
    pub plugin: String,
    /// The resource.
    pub resource: String,
    /// How much.
    pub amount: u64,
    /// Where it stands.
    pub state: State,
    /// Until when it is held, milliseconds since 1970.
    pub expires: u64,
}

/// The id of the reservation under a plugin's key: the same key of the same plugin is the same reservation.
pub fn id_under(plugin: &str, key: &str) -> String {
    format!("rsv-{}", &sha256_hex(format!("{plugin}\0{key}").as_bytes())[..32])
}

/// The id of the reservation under a client's key. One user's key is never another's, nor the plugin's own.
pub fn id_of_user(plugin: &str, user: &str, key: &str) -> String {
    format!("rsv-{}", &sha256_hex(json!([plugin, user, key]).to_string().as_bytes())[..32])
}

/// What is left of a field's value, or how much there is where that is not enough. A field without a value has none.
pub fn take(value: Option<&Value>, least: i64, amount: u64) -> Result<i64, i64> {
    let there = value.and_then(Value::as_i64).unwrap_or(0);
    let left = i64::try_from(amount).ok().and_then(|amount| there.checked_sub(amount));
    left.filter(|left| *left >= least).ok_or(there)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resource_is_read_as_it_is_written() {
        for text in ["shop_stock/A-1/free", "shop_stock/a/b/free"] {
            assert_eq!(Resource::parse(text).map(|it| it.to_string()).as_deref(), Ok(text));
        }
        for wrong in ["", "a", "a/b", "/b/c", "a//c", "a/b/"] {
            assert!(Resource::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_is_left_is_never_below_nothing() {
        assert_eq!(take(Some(&json!(5)), 0, 5), Ok(0));
        assert_eq!(take(Some(&json!(5)), 0, 6), Err(5));
        assert_eq!(take(Some(&json!(5)), 3, 3), Err(5));
        assert_eq!((take(None, 0, 1), take(Some(&json!(5)), 0, u64::MAX)), (Err(0), Err(5)));
    }

    #[test]
    fn a_key_names_one_reservation_of_a_plugin() {
        assert_eq!(id_under("ap", "k"), id_under("ap", "k"));
        assert_ne!(id_under("ap", "k"), id_under("ar", "k"));
        assert!(RecordId::new(&id_under("ap", "k")).is_ok());
        assert_eq!(id_of_user("ap", "ann", "k"), id_of_user("ap", "ann", "k"));
        let others = [id_of_user("ap", "bob", "k"), id_of_user("ar", "ann", "k"), id_under("ap", "k")];
        assert!(!others.contains(&id_of_user("ap", "ann", "k")));
        assert_ne!(id_of_user("ap", "a", "b\",\"c"), id_of_user("ap", "a\",\"b", "c"));
    }
}
