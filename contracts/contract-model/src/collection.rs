//! schema.json: the collections a plugin declares, and what a record in them must look like.

mod declaration;
mod formats;
mod validate;

pub use declaration::DeclarationProblem;
pub use validate::FieldError;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Fields that every record has without declaring them.
pub const AUTOMATIC_FIELDS: [&str; 4] = ["id", "created", "updated", "revision"];
/// The most fields one index or unique set may have, so that its keys stay short enough for the store.
#[expect(clippy::cast_possible_truncation, reason = "a small number")]
pub const INDEX_FIELDS_MAX: usize = crate::limits::INDEX_FIELDS_MAX as usize;

/// The collections of one plugin, as its schema.json declares them.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Collections {
    /// In the order of the file.
    pub collections: Vec<Collection>,
}

/// One collection of records.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Collection {
    /// Starts with the plugin's slug and `_`.
    pub name: String,
    /// Declared fields; `id`, `created`, `updated` and `revision` are automatic.
    pub fields: Vec<Field>,
    /// Sets of fields whose values together occur once.
    #[serde(default)]
    pub unique: Vec<Vec<String>>,
    /// Sets of fields that queries go by.
    #[serde(default)]
    pub indexes: Vec<Vec<String>>,
    /// Text fields that are searched by word.
    #[serde(default)]
    pub full_text: Vec<String>,
    /// Records can be added, never changed or deleted, by anyone.
    #[serde(default)]
    pub append_only: bool,
    /// Who may do what over REST.
    #[serde(default)]
    pub rules: Option<Rules>,
}

/// One field of a collection.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Field {
    /// Its name.
    pub name: String,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: FieldType,
    /// Must be present and not null.
    #[serde(default)]
    pub required: bool,
    /// Value of a new record that does not give one.
    #[serde(default)]
    pub default: Option<Value>,
    /// Least number, or least length of a list.
    #[serde(default)]
    pub min: Option<f64>,
    /// Greatest number, or greatest length of a list.
    #[serde(default)]
    pub max: Option<f64>,
    /// Most characters of a text.
    #[serde(default)]
    pub max_length: Option<u64>,
    /// The values of a `select`.
    #[serde(default)]
    pub values: Vec<String>,
    /// Target of a `reference`.
    #[serde(default, rename = "ref")]
    pub reference: Option<Reference>,
}

/// Types of fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FieldType {
    /// Text.
    String,
    /// Whole number within 64 bits.
    Integer,
    /// Binary floating point.
    Number,
    /// Exact decimal, held as text.
    Decimal,
    /// Whole minor units within 64 bits.
    Money,
    /// true or false.
    Boolean,
    /// YYYY-MM-DD.
    Date,
    /// RFC 3339 time.
    Datetime,
    /// Anything.
    Json,
    /// One of `values`.
    Select,
    /// A mail address.
    Email,
    /// An absolute URL.
    Url,
    /// The id of a record.
    Reference,
    /// A list of scalars.
    List,
}

/// Where a reference points and what happens when its target goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Reference {
    /// The collection it points into.
    pub collection: String,
    /// What deleting the target does.
    #[serde(default)]
    pub on_delete: OnDelete,
}

/// What deleting a referenced record does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnDelete {
    /// It is refused.
    #[default]
    Restrict,
    /// The reference becomes null.
    #[serde(alias = "null")]
    SetNull,
    /// The referring records go too.
    Cascade,
}

/// What a caller may want to do with records over REST.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Look for records.
    List,
    /// Look at one.
    View,
    /// Make one.
    Create,
    /// Change one.
    Update,
    /// Delete one.
    Delete,
}

/// Filter expressions that say who may do what over REST. An absent one leaves it to who holds a role of the plugin,
/// an empty one allows it to nobody.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rules {
    /// Listing.
    #[serde(default)]
    pub list: Option<String>,
    /// Viewing one.
    #[serde(default)]
    pub view: Option<String>,
    /// Creating.
    #[serde(default)]
    pub create: Option<String>,
    /// Changing.
    #[serde(default)]
    pub update: Option<String>,
    /// Deleting.
    #[serde(default)]
    pub delete: Option<String>,
}

impl Action {
    /// All of them, in the order of the declaration.
    pub const ALL: [Self; 5] = [Self::List, Self::View, Self::Create, Self::Update, Self::Delete];

    /// Its name, as in `rules`.
    pub fn name(self) -> &'static str {
        match self {
            Self::List => "list",
            Self::View => "view",
            Self::Create => "create",
            Self::Update => "update",
            Self::Delete => "delete",
        }
    }
}

impl Rules {
    /// The rule for an action, if there is one.
    pub fn of(&self, action: Action) -> Option<&str> {
        let rule = match action {
            Action::List => &self.list,
            Action::View => &self.view,
            Action::Create => &self.create,
            Action::Update => &self.update,
            Action::Delete => &self.delete,
        };
        rule.as_deref()
    }
}

impl Collection {
    /// The declared field of this name.
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name == name)
    }

    /// Whether a declared or automatic field has this name.
    pub fn has_field(&self, name: &str) -> bool {
        AUTOMATIC_FIELDS.contains(&name) || self.field(name).is_some()
    }

    /// The fields that refer to records, each with where it points.
    pub fn references(&self) -> impl Iterator<Item = (&str, &Reference)> {
        self.fields.iter().filter_map(|field| Some((field.name.as_str(), field.reference.as_ref()?)))
    }
}
