//! Where in the payload a walk stands.

/// One step from a value into it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    /// Into the field of this name.
    Field(String),
    /// Into every item, or every field that is not named.
    Each,
}

/// A JSON pointer with `*` for [`Step::Each`].
pub(super) fn pointer(steps: &[Step]) -> String {
    let step = |step: &Step| match step {
        Step::Field(name) => format!("/{}", name.replace('~', "~0").replace('/', "~1")),
        Step::Each => "/*".to_owned(),
    };
    steps.iter().map(step).collect()
}
