//! The words of a text, as a search looks at them.

use std::collections::BTreeSet;
use unicode_normalization::UnicodeNormalization;
use unicode_segmentation::UnicodeSegmentation;

/// The different words of a text in a form in which case, width and the way in which accents are written do not
/// matter: between the word boundaries of Unicode (UAX 29), in compatibility form (NFKC), in small letters.
pub fn words(text: &str) -> BTreeSet<String> {
    let folded: String = text.nfkc().flat_map(char::to_lowercase).nfkc().collect();
    folded.unicode_words().map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_found_whatever_stands_around_them() {
        let found = |text: &str| words(text).into_iter().collect::<Vec<_>>();
        assert_eq!(found("Miete, Mai (2026): Größe-XL!"), ["2026", "größe", "mai", "miete", "xl"]);
        assert_eq!(found("can't 3.14 a_b"), ["3.14", "a_b", "can't"]);
        assert_eq!(found("ＡＢＣ abc"), ["abc"]);
        assert_eq!(found("Cafe\u{301}"), found("CAF\u{c9}"));
        assert_eq!(found(" -- \n"), [""; 0]);
    }
}
