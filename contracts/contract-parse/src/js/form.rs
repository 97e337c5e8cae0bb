//! The forms of writing a topic that are followed, each of which can be left out to see what it is worth.

/// A form of writing a topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Form {
    /// A text under a name of the same module.
    Names,
    /// What other modules export.
    Modules,
    /// Fields of objects.
    Objects,
    /// Templates, sums and methods of texts.
    Texts,
    /// Conditions, `||` and `??`, and lookups under a key that is not known.
    Choices,
    /// Loops over lists and objects, and methods that call a function for each item.
    Loops,
    /// Functions that are given a topic.
    Wrappers,
    /// Functions that return a topic.
    Builders,
    /// Classes and their instances.
    Classes,
    /// Settings with an `enum`.
    Settings,
    /// Imported JSON.
    Data,
}

impl Form {
    /// All forms.
    pub const ALL: [Self; 11] = [
        Self::Names,
        Self::Modules,
        Self::Objects,
        Self::Texts,
        Self::Choices,
        Self::Loops,
        Self::Wrappers,
        Self::Builders,
        Self::Classes,
        Self::Settings,
        Self::Data,
    ];
}
