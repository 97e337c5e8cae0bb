//! What to say of TypeScript that needs code to be generated.

pub(super) const ENUM_COMPUTED: &str = "the value of this member is computed when the program runs; write a text, a number, \
     or what joins texts, or make the enum an object: `const NAME = Object.freeze({A: \"a\"})`";
pub(super) const ENUM_MERGED: &str = "an enum that is declared in several parts needs generated code, which type erasure \
     does not do; put its members together";
pub(super) const NAMESPACE: &str = "a namespace with values needs generated code, which type erasure does not do; \
     put its members into a module of their own and export them";
pub(super) const PARAMETER_PROPERTY: &str = "a parameter property needs generated code, which type erasure does not \
     do; declare the field in the class and assign it in the constructor";
pub(super) const IMPORT_EQUALS: &str = "`import NAME = …` needs generated code, which type erasure does not do; \
     write `import NAME from \"./file.js\"`";
pub(super) const EXPORT_EQUALS: &str =
    "`export =` is not part of ECMAScript modules; write `export default` or named exports";
pub(super) const PREFIX_ASSERTION: &str =
    "this type assertion before its expression cannot be erased in place; write `expression as Type`";
