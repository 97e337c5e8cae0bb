//! Which version a change deserves.

use super::schema::Payloads;
use super::topic::TopicChange;
use contract_schema::Verdict;
use semver::Version;

/// How much a version must rise, as semantic versioning has it. Ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Bump {
    /// Not at all.
    None,
    /// The last number.
    Patch,
    /// The middle number: there is more than there was.
    Minor,
    /// The first number: somebody must change something.
    Major,
}

impl TopicChange<'_> {
    /// What the change of the contract deserves. A change whose meaning is not known deserves a new minor version.
    pub fn deserves(&self) -> Bump {
        let of_contract = self.contract.iter().map(|change| match (change.breaking, change.extending) {
            (true, _) => Bump::Major,
            (false, true) => Bump::Minor,
            (false, false) => Bump::Patch,
        });
        of_contract.chain([self.of_payloads()]).max().unwrap_or(Bump::None)
    }

    fn of_payloads(&self) -> Bump {
        match &self.payloads {
            Payloads::Same => Bump::None,
            Payloads::Unreadable { .. } => Bump::Minor,
            Payloads::Compared(_) => {
                let changes = self.payloads.under(self.mode());
                if changes.iter().any(|one| one.verdict == Verdict::Incompatible || one.change.kind.removes_field()) {
                    Bump::Major
                } else if changes.is_empty() {
                    Bump::Patch
                } else {
                    Bump::Minor
                }
            }
        }
    }
}

/// How much a version rose; none for one that fell. Below 1.0.0 the middle number counts as the first one, and the
/// last as the middle one.
pub fn bump_between(old: &Version, new: &Version) -> Option<Bump> {
    if new < old {
        return None;
    }
    let major = new.major != old.major || (old.major == 0 && new.minor != old.minor);
    let minor = new.minor != old.minor || (old.major == 0 && new.patch != old.patch);
    Some(match (new == old, major, minor) {
        (true, ..) => Bump::None,
        (_, true, _) => Bump::Major,
        (_, _, true) => Bump::Minor,
        _ => Bump::Patch,
    })
}

/// The next version that rises this much.
pub fn next_version(old: &Version, bump: Bump) -> Version {
    let (major, minor, patch) = (old.major, old.minor, old.patch);
    match (bump, major) {
        (Bump::None, _) => old.clone(),
        (Bump::Major, 0) => Version::new(0, minor + 1, 0),
        (Bump::Major, _) => Version::new(major + 1, 0, 0),
        (Bump::Minor | Bump::Patch, 0) | (Bump::Patch, _) => Version::new(major, minor, patch + 1),
        (Bump::Minor, _) => Version::new(major, minor + 1, 0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_rise_as_semantic_versioning_has_it() {
        let version = |text: &str| Version::parse(text).expect("version");
        for (old, new, rose) in [
            ("1.4.0", "1.4.1", Some(Bump::Patch)),
            ("1.4.0", "1.5.0", Some(Bump::Minor)),
            ("1.4.0", "2.0.0", Some(Bump::Major)),
            ("0.4.0", "0.4.1", Some(Bump::Minor)),
            ("0.4.0", "0.5.0", Some(Bump::Major)),
            ("1.4.0", "1.4.0", Some(Bump::None)),
            ("1.4.0", "1.3.9", None),
        ] {
            assert_eq!(bump_between(&version(old), &version(new)), rose, "{old} {new}");
        }
        for (old, bump, next) in [
            ("1.4.2", Bump::Major, "2.0.0"),
            ("1.4.2", Bump::Minor, "1.5.0"),
            ("0.4.2", Bump::Major, "0.5.0"),
            ("0.4.2", Bump::Minor, "0.4.3"),
        ] {
            assert_eq!(next_version(&version(old), bump), version(next));
        }
    }
}
