//! In which order plugins begin: after those that they need. They end the other way round.

use contract_parse::ParsedPlugin;

/// Plugins after those that they require, and where that leaves a choice after those whose capabilities they use;
/// otherwise in the order given.
pub(crate) fn in_boot_order(plugins: &[ParsedPlugin]) -> Vec<&ParsedPlugin> {
    let needs: Vec<Needs<'_>> = plugins.iter().map(Needs::of).collect();
    ordered(&needs).into_iter().map(|at| &plugins[at]).collect()
}

/// What a plugin offers to others and needs of them.
#[derive(Default)]
struct Needs<'p> {
    slug: Option<&'p str>,
    provides: Vec<&'p str>,
    requires: Vec<&'p str>,
    uses: Vec<&'p str>,
}

impl<'p> Needs<'p> {
    fn of(plugin: &'p ParsedPlugin) -> Self {
        let Some(manifest) = &plugin.manifest else { return Self::default() };
        Self {
            slug: Some(manifest.slug.value.as_str()),
            provides: manifest.provides.iter().map(|offer| offer.value.name.as_str()).collect(),
            requires: manifest.requires.keys().map(String::as_str).collect(),
            uses: manifest.uses.iter().map(|used| used.value.name.as_str()).collect(),
        }
    }
}

fn requires(one: &Needs<'_>, other: &Needs<'_>) -> bool {
    other.slug.is_some_and(|slug| one.requires.contains(&slug))
}

fn uses(one: &Needs<'_>, other: &Needs<'_>) -> bool {
    one.uses.iter().any(|used| other.provides.contains(used))
}

/// The positions of plugins in the order in which they begin.
fn ordered(needs: &[Needs<'_>]) -> Vec<usize> {
    let mut left: Vec<usize> = (0..needs.len()).collect();
    let mut ordered = Vec::with_capacity(left.len());
    while !left.is_empty() {
        let waits = |at: &usize, needs_it: fn(&Needs<'_>, &Needs<'_>) -> bool| {
            left.iter().any(|other| other != at && needs_it(&needs[*at], &needs[*other]))
        };
        let is_free = |at: &usize| !waits(at, requires);
        let next = left.iter().position(|at| is_free(at) && !waits(at, uses));
        // Uses may go round in a circle, and so may requirements; a circle has no first, so the order given must do.
        let next = next.or_else(|| left.iter().position(is_free)).unwrap_or(0);
        ordered.push(left.remove(next));
    }
    ordered
}

#[cfg(test)]
mod tests {
    use super::*;

    type Names = &'static [&'static str];

    /// Each plugin as `slug`, what it requires, what it provides and what it uses; then the slugs in order.
    #[track_caller]
    fn check(plugins: &[(&'static str, Names, Names, Names)], expected: &[&str]) {
        let needs: Vec<Needs<'_>> = plugins
            .iter()
            .map(|(slug, requires, provides, uses)| Needs {
                slug: Some(slug),
                requires: requires.to_vec(),
                provides: provides.to_vec(),
                uses: uses.to_vec(),
            })
            .collect();
        let order: Vec<&str> = ordered(&needs).into_iter().filter_map(|at| needs[at].slug).collect();
        assert_eq!(order, expected);
    }

    #[test]
    fn who_is_required_comes_first() {
        check(&[("ap", &["gl"], &[], &[]), ("ar", &["ap"], &[], &[]), ("gl", &[], &[], &[])], &["gl", "ap", "ar"]);
    }

    #[test]
    fn without_needs_the_order_given_stays() {
        check(&[("c", &[], &[], &[]), ("a", &["elsewhere"], &[], &[]), ("b", &[], &[], &["none"])], &["c", "a", "b"]);
    }

    #[test]
    fn who_provides_comes_before_who_uses_it() {
        check(&[("ap", &[], &[], &["fx.rate"]), ("fx", &[], &["fx.rate"], &[])], &["fx", "ap"]);
    }

    #[test]
    fn a_requirement_counts_more_than_a_use() {
        check(&[("ap", &[], &["open"], &["fx"]), ("fx", &["ap"], &["fx"], &["open"])], &["ap", "fx"]);
    }

    #[test]
    fn circles_end() {
        check(&[("a", &["b"], &[], &[]), ("b", &["a"], &[], &[]), ("c", &["c"], &["x"], &["x"])], &["c", "a", "b"]);
    }
}
