//! What the keywords of 2020-12 are to a comparison.

/// Keywords that say something about a schema and nothing about values. Definitions count only where they are used.
const ANNOTATIONS: &[&str] = &[
    "$schema",
    "$id",
    "$anchor",
    "$dynamicAnchor",
    "$comment",
    "$defs",
    "definitions",
    "$vocabulary",
    "title",
    "description",
    "default",
    "examples",
    "deprecated",
    "readOnly",
    "writeOnly",
    "contentEncoding",
    "contentMediaType",
    "contentSchema",
];

/// Keywords that decide and whose difference is not understood: of other drafts, dynamic, or seeing what others saw.
pub(super) const OPAQUE: &[&str] = &[
    "$ref",
    "$dynamicRef",
    "$recursiveRef",
    "dependencies",
    "additionalItems",
    "unevaluatedProperties",
    "unevaluatedItems",
];

/// Keywords that decide and whose difference is understood.
pub(super) const UNDERSTOOD: &[&str] = &[
    "type",
    "enum",
    "const",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "minLength",
    "maxLength",
    "pattern",
    "format",
    "required",
    "properties",
    "patternProperties",
    "additionalProperties",
    "propertyNames",
    "minProperties",
    "maxProperties",
    "dependentRequired",
    "dependentSchemas",
    "items",
    "prefixItems",
    "minItems",
    "maxItems",
    "uniqueItems",
    "contains",
    "minContains",
    "maxContains",
    "allOf",
    "anyOf",
    "oneOf",
    "not",
    "if",
    "then",
    "else",
];

/// Whether a keyword decides which values are valid. One that nobody knows is an annotation, as 2020-12 has it.
pub(super) fn decides(keyword: &str) -> bool {
    UNDERSTOOD.contains(&keyword) || OPAQUE.contains(&keyword)
}

/// Whether a keyword carries definitions or identity: not worth a word when it differs.
pub(super) fn is_plumbing(keyword: &str) -> bool {
    keyword.starts_with('$') || keyword == "definitions"
}

/// Whether it is worth a word that this keyword differs, although it decides nothing.
pub(super) fn is_annotation(keyword: &str) -> bool {
    !is_plumbing(keyword) && (ANNOTATIONS.contains(&keyword) || !decides(keyword))
}
