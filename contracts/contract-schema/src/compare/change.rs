//! One difference, and what it means in both directions.

/// Whether payloads go on being understood. Ordered from good to bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// Proved: nothing that was valid is refused.
    Compatible,
    /// Not decided: it depends on what was really sent, or on keywords that cannot be compared.
    Unknown,
    /// Something that was valid is refused.
    Incompatible,
}

impl Verdict {
    /// The verdict in one word, as outputs write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Compatible => "compatible",
            Self::Unknown => "unknown",
            Self::Incompatible => "incompatible",
        }
    }
}

/// Everything that differs between two schemas.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comparison {
    /// The differences, by place in the payload.
    pub changes: Vec<Change>,
}

impl Comparison {
    /// Whether everything that was valid still is.
    pub fn backward(&self) -> Verdict {
        self.changes.iter().map(|change| change.backward).max().unwrap_or(Verdict::Compatible)
    }

    /// Whether everything that is valid now was so before.
    pub fn forward(&self) -> Verdict {
        self.changes.iter().map(|change| change.forward).max().unwrap_or(Verdict::Compatible)
    }

    /// Whether the same payloads are valid as before, whatever the texts say.
    pub fn is_equivalent(&self) -> bool {
        self.backward().max(self.forward()) == Verdict::Compatible
    }
}

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Change {
    /// Where in the payload: a JSON pointer in which `*` stands for every item of an array or every further field.
    pub path: String,
    /// What kind of difference.
    pub kind: ChangeKind,
    /// What it means for payloads that were valid under the old schema.
    pub backward: Verdict,
    /// What it means for those of the new schema under the old one.
    pub forward: Verdict,
    /// The difference in words, to be read after the place: "is required now".
    pub message: String,
}

macro_rules! kinds {
    ($($(#[doc = $doc:literal])+ $variant:ident $name:literal $mirror:ident;)*) => {
        /// The kinds of differences. Each has its mirror, which is what the way back from new to old finds.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum ChangeKind { $($(#[doc = $doc])+ $variant,)* }

        impl ChangeKind {
            /// Every kind.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The stable name, as outputs write it.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// The kind that the opposite comparison gives.
            #[must_use]
            pub fn mirror(self) -> Self {
                match self { $(Self::$variant => Self::$mirror,)* }
            }
        }
    };
}

kinds! {
    /// Title, description, default or another word that decides nothing.
    AnnotationChanged "annotation_changed" AnnotationChanged;
    /// Nothing was allowed here, now something is.
    SchemaOpened "schema_opened" SchemaForbidden;
    /// Something was allowed here, now nothing is.
    SchemaForbidden "schema_forbidden" SchemaOpened;
    /// Further types are allowed.
    TypeWidened "type_widened" TypeNarrowed;
    /// A type is no longer allowed.
    TypeNarrowed "type_narrowed" TypeWidened;
    /// No type that was allowed still is.
    TypeChanged "type_changed" TypeChanged;
    /// Only listed values are allowed now.
    EnumAdded "enum_added" EnumRemoved;
    /// Values are no longer listed one by one.
    EnumRemoved "enum_removed" EnumAdded;
    /// Further values are listed.
    EnumExtended "enum_extended" EnumNarrowed;
    /// A value is no longer listed.
    EnumNarrowed "enum_narrowed" EnumExtended;
    /// A lower or upper limit is new or tighter.
    LimitTightened "limit_tightened" LimitLoosened;
    /// A lower or upper limit is gone or wider.
    LimitLoosened "limit_loosened" LimitTightened;
    /// Numbers must be multiples of something they need not have been.
    MultipleTightened "multiple_tightened" MultipleLoosened;
    /// Numbers need no longer be such multiples.
    MultipleLoosened "multiple_loosened" MultipleTightened;
    /// The step between numbers is another one.
    MultipleChanged "multiple_changed" MultipleChanged;
    /// Texts must match a pattern.
    PatternAdded "pattern_added" PatternRemoved;
    /// Texts need no longer match a pattern.
    PatternRemoved "pattern_removed" PatternAdded;
    /// Texts must match another pattern.
    PatternChanged "pattern_changed" PatternChanged;
    /// Texts must have a format.
    FormatAdded "format_added" FormatRemoved;
    /// Texts need no longer have a format.
    FormatRemoved "format_removed" FormatAdded;
    /// Texts must have another format.
    FormatChanged "format_changed" FormatChanged;
    /// A field that must be there need not have been.
    RequiredAdded "required_added" RequiredRemoved;
    /// A field that had to be there need no longer be.
    RequiredRemoved "required_removed" RequiredAdded;
    /// A field is described that could have held anything.
    PropertyAddedToOpen "property_added_to_open" PropertyRemovedFromOpen;
    /// A field is allowed that was forbidden.
    PropertyAddedToClosed "property_added_to_closed" PropertyRemovedFromClosed;
    /// A field is described that fell under the rule for further fields.
    PropertyAddedToPartlyOpen "property_added_to_partly_open" PropertyRemovedFromPartlyOpen;
    /// A field is no longer described and may hold anything.
    PropertyRemovedFromOpen "property_removed_from_open" PropertyAddedToOpen;
    /// A field is forbidden that was allowed.
    PropertyRemovedFromClosed "property_removed_from_closed" PropertyAddedToClosed;
    /// A field falls under the rule for further fields.
    PropertyRemovedFromPartlyOpen "property_removed_from_partly_open" PropertyAddedToPartlyOpen;
    /// Further fields are allowed that were forbidden.
    ContentOpened "content_opened" ContentClosed;
    /// Further fields are forbidden that were allowed.
    ContentClosed "content_closed" ContentOpened;
    /// The rule for further fields by their names is another one.
    PatternPropertiesChanged "pattern_properties_changed" PatternPropertiesChanged;
    /// The items of an array must all differ.
    UniqueAdded "unique_added" UniqueRemoved;
    /// The items of an array may repeat.
    UniqueRemoved "unique_removed" UniqueAdded;
    /// An array must contain something.
    ContainsAdded "contains_added" ContainsRemoved;
    /// An array need no longer contain something.
    ContainsRemoved "contains_removed" ContainsAdded;
    /// What an array must contain, or how often, is another thing.
    ContainsChanged "contains_changed" ContainsChanged;
    /// One field demands another one.
    DependencyAdded "dependency_added" DependencyRemoved;
    /// One field no longer demands another one.
    DependencyRemoved "dependency_removed" DependencyAdded;
    /// `allOf` holds other parts.
    ProductChanged "product_changed" ProductChanged;
    /// One of several forms is new.
    SumExtended "sum_extended" SumNarrowed;
    /// One of several forms is gone.
    SumNarrowed "sum_narrowed" SumExtended;
    /// The forms are others.
    SumChanged "sum_changed" SumChanged;
    /// A choice of forms is new.
    SumAdded "sum_added" SumRemoved;
    /// A choice of forms is gone.
    SumRemoved "sum_removed" SumAdded;
    /// Something is excluded by `not` or a condition.
    ExclusionAdded "exclusion_added" ExclusionRemoved;
    /// Something is no longer excluded by `not` or a condition.
    ExclusionRemoved "exclusion_removed" ExclusionAdded;
    /// A condition is another one.
    ConditionChanged "condition_changed" ConditionChanged;
    /// A keyword differs that cannot be compared.
    Undecided "undecided" Undecided;
}

impl ChangeKind {
    /// Whether the field at the place is no longer described.
    pub fn removes_field(self) -> bool {
        matches!(
            self,
            Self::PropertyRemovedFromOpen | Self::PropertyRemovedFromClosed | Self::PropertyRemovedFromPartlyOpen
        )
    }
}
