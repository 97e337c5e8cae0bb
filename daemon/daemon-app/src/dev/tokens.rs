//! The tokens of a dev run, kept in the data folder so that they are the same after a restart.

use crate::exit::Failure;
use anyhow::{Context, anyhow};
use contract_model::manifest::Role;
use contract_model::{Millis, TenantId};
use daemon_access::{Access, SCOPE_ADMIN, SCOPE_EVENTS_PUBLISH, TokenRequest};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// The tenant that `dev` makes.
pub(super) const DEMO: &str = "demo";
const FILE: &str = "dev.json";
const TTL: Millis = Millis(10 * 365 * 24 * 3_600_000);

/// What `dev` remembers between runs on one data folder.
pub(super) struct DevFile {
    path: PathBuf,
    kept: Kept,
}

#[derive(Default, Serialize, Deserialize)]
struct Kept {
    admin_token: String,
    demo_token: String,
    /// The roles that the demo token holds.
    demo_roles: Vec<String>,
    /// Steps of seed.json that have been done from the first on.
    seeded: usize,
    /// Steps after those that have been done, while ones between wait for their plugin.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    seeded_ahead: BTreeSet<usize>,
}

impl Kept {
    fn set_seeded(&mut self, step: usize) {
        self.seeded_ahead.insert(step);
        while self.seeded_ahead.remove(&self.seeded) {
            self.seeded += 1;
        }
    }
}

/// The name of the demo tenant.
pub(super) fn demo() -> anyhow::Result<TenantId> {
    Ok(TenantId::new(DEMO)?)
}

impl DevFile {
    /// Reads the file, and makes the tenant and whatever token is missing or no longer valid. A token that is made ends those
    /// that it takes the place of.
    pub(super) fn open(folder: &Path, access: &Access, roles: &[Role]) -> Result<Self, Failure> {
        let path = folder.join(FILE);
        let mut kept: Kept = match std::fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(|error| damaged(&path, &error))?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Kept::default(),
            Err(error) => return Err(anyhow::Error::new(error).context(format!("read `{}`", path.display())).into()),
        };
        let demo = demo()?;
        if access.tenant(&demo).is_none() {
            access.create_tenant(&demo, "Demo")?;
        }
        if !valid(access, &kept.admin_token) {
            kept.admin_token = replace(access, None, "admin", &[])?;
        }
        let names = names(roles);
        if !valid(access, &kept.demo_token) {
            kept.demo_token = replace(access, Some(demo), "demo", &names)?;
            kept.demo_roles = names;
        } else if kept.demo_roles != names {
            access.give_roles(&kept.demo_token, names.clone())?;
            kept.demo_roles = names;
        }
        let file = Self { path, kept };
        file.save()?;
        Ok(file)
    }

    pub(super) fn admin_token(&self) -> &str {
        &self.kept.admin_token
    }

    pub(super) fn demo_token(&self) -> &str {
        &self.kept.demo_token
    }

    /// Lets the demo token hold every role of the suite as it is now.
    pub(super) fn grant(&mut self, access: &Access, roles: &[Role]) -> anyhow::Result<()> {
        let names = names(roles);
        if self.kept.demo_roles == names {
            return Ok(());
        }
        access.give_roles(&self.kept.demo_token, names.clone())?;
        self.kept.demo_roles = names;
        self.save()
    }

    /// Whether this step of the seed, counted from 0, is done.
    pub(super) fn is_seeded(&self, step: usize) -> bool {
        step < self.kept.seeded || self.kept.seeded_ahead.contains(&step)
    }

    /// Remembers that this step of the seed is done.
    pub(super) fn set_seeded(&mut self, step: usize) -> anyhow::Result<()> {
        self.kept.set_seeded(step);
        self.save()
    }

    fn save(&self) -> anyhow::Result<()> {
        let text = serde_json::to_string_pretty(&self.kept)?;
        if std::fs::read(&self.path).is_ok_and(|kept| kept == text.as_bytes()) {
            // A start on a full disk has nothing to write.
            return Ok(());
        }
        write_private(&self.path, &text).with_context(|| format!("write `{}`", self.path.display()))
    }
}

fn names(roles: &[Role]) -> Vec<String> {
    let mut names: Vec<String> = roles.iter().map(|role| role.name.clone()).collect();
    names.sort();
    names
}

fn damaged(path: &Path, why: &serde_json::Error) -> Failure {
    let path = path.display();
    Failure::usage(anyhow!("`{path}` is damaged ({why}); remove this file, and new tokens are issued"))
}

fn valid(access: &Access, token: &str) -> bool {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
    !token.is_empty() && access.verify(token, u64::try_from(now).unwrap_or(u64::MAX)).is_ok()
}

/// Makes a token in the place of those that were made here before, and ends them: the file that held them is gone, or what
/// it held is no longer valid.
fn replace(access: &Access, tenant: Option<TenantId>, user: &str, roles: &[String]) -> Result<String, Failure> {
    let before = access.tokens(tenant.as_ref())?.into_iter().filter(|token| token.user == user && !token.follows);
    let before: Vec<String> = before.map(|token| token.id).collect();
    // An administrator belongs to no tenant and publishes nothing.
    let scope = if tenant.is_some() { SCOPE_EVENTS_PUBLISH } else { SCOPE_ADMIN };
    let (scopes, of) = (vec![scope.to_owned()], tenant.clone());
    let request = TokenRequest { tenant, user: user.to_owned(), roles: roles.to_vec(), scopes, ttl: TTL };
    let issued = access.issue_token(request)?;
    access.revoke("dev", of.as_ref(), &before)?;
    Ok(issued.token)
}

/// Replaces a file in one step; only its owner may read it.
pub(super) fn write_private(path: &Path, text: &str) -> anyhow::Result<()> {
    let mut draft = path.as_os_str().to_owned();
    draft.push(".new");
    let draft = PathBuf::from(draft);
    let write = || {
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        std::fs::rename(&draft, path)
    };
    write().map_err(|error| {
        // Nobody looks for tokens there, nor takes them away.
        drop(std::fs::remove_file(&draft));
        error.into()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_put_in_its_place_leaves_no_tokens_behind() {
        let folder = tempfile::tempdir().expect("a folder");
        let taken = folder.path().join("ready");
        std::fs::create_dir(&taken).expect("a folder in its place");
        write_private(&taken, "secret").expect_err("a folder is no file");
        let left: Vec<_> =
            std::fs::read_dir(folder.path()).expect("read").flatten().map(|one| one.file_name()).collect();
        assert_eq!(left, ["ready"]);
        let free = folder.path().join("free");
        write_private(&free, "secret").expect("written");
        assert_eq!(std::fs::read_to_string(&free).expect("read"), "secret");
    }

    #[test]
    fn steps_that_are_done_ahead_join_those_before_them() {
        let mut kept = Kept { seeded: 1, ..Kept::default() };
        kept.set_seeded(3);
        kept.set_seeded(2);
        assert_eq!((kept.seeded, kept.seeded_ahead.len()), (1, 2));
        kept.set_seeded(1);
        assert_eq!((kept.seeded, kept.seeded_ahead.len()), (4, 0));
    }
}
