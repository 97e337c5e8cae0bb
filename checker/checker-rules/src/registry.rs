//! Every rule there is.

use crate::rule::Rule;
use crate::rules;

macro_rules! registry {
    ($($module:ident)*) => {
        /// Every rule, by id.
        pub static REGISTRY: &[Rule] = &[$(rules::$module::RULE,)*];
    };
}

registry! {
    tl101 tl102 tl103 tl104 tl105 tl106 tl107 tl108 tl110 tl111 tl112 tl113 tl114
    tl201 tl202 tl203 tl204 tl205 tl206 tl207 tl208 tl209 tl210 tl211 tl212 tl213 tl214
    tl301 tl302 tl303 tl304 tl305 tl306 tl307 tl308 tl309 tl310 tl311 tl313 tl314 tl315 tl316
    tl401 tl402 tl403 tl404 tl405 tl407 tl408 tl409
    tl501 tl502 tl503 tl504 tl505 tl506 tl507
    tl601 tl602 tl603 tl604 tl605 tl606 tl607 tl608 tl609 tl610 tl611
    tl701 tl702 tl703 tl704 tl705 tl706 tl707 tl708 tl709 tl710 tl711 tl712
    tl801 tl802 tl803 tl804 tl805 tl807
    tl901 tl902 tl903 tl904 tl905 tl906 tl907 tl908 tl909
}

/// Finds a rule by its id or its name; case and surrounding blanks do not matter.
pub fn find(rule: &str) -> Option<&'static Rule> {
    let rule = rule.trim();
    REGISTRY.iter().find(|known| known.id.eq_ignore_ascii_case(rule) || known.name.eq_ignore_ascii_case(rule))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn ids_and_names_are_unique_sorted_and_found() {
        let ids: Vec<&str> = REGISTRY.iter().map(|rule| rule.id).collect();
        assert!(ids.is_sorted_by(|a, b| a < b), "{ids:?}");
        let names: BTreeSet<&str> = REGISTRY.iter().map(|rule| rule.name).collect();
        assert_eq!(names.len(), REGISTRY.len());
        for rule in REGISTRY {
            assert_eq!(find(rule.name).map(|found| found.id), Some(rule.id));
            assert!(rule.follows.is_none_or(|followed| find(followed).is_some()));
        }
    }
}
