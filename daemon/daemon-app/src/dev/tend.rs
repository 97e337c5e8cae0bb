//! While the daemon serves: what is saved is put in force, who comes late joins, and what waits to be seeded is.

use super::reload::{self, Saved};
use super::seed::Later;
use super::signals::Signals;
use super::tokens::DevFile;
use super::{arrivals, next};
use crate::exit::Failure;
use crate::key::KeyArgs;
use crate::walk;
use daemon_access::Access;
use daemon_host::{Host, Reloaded};
use daemon_store::Store;
use std::io::Write;
use tokio::sync::mpsc::Receiver;

/// What is served.
pub(super) struct Served<'a> {
    pub(super) store: &'a Store,
    pub(super) key: &'a KeyArgs,
    pub(super) host: &'a Host,
    pub(super) access: &'a Access,
}

/// What may come meanwhile.
pub(super) struct Coming {
    pub(super) saves: Option<Receiver<Saved>>,
    pub(super) arrivals: Option<Receiver<Reloaded>>,
    pub(super) later: Later,
}

impl Served<'_> {
    /// Until it is told to stop, or the store is found damaged.
    pub(super) async fn tend(
        &self,
        mut dev: DevFile,
        mut coming: Coming,
        signals: &mut Signals,
        err: &mut dyn Write,
    ) -> Result<(), Failure> {
        let mut damaged = std::pin::pin!(walk::until_damaged(self.store, self.key));
        let mut behind = false;
        loop {
            tokio::select! {
                () = signals.stop() => return Ok(()),
                damage = &mut damaged => return Err(damage),
                arrived = next(&mut coming.arrivals) => arrivals::tell(&arrived, err)?,
                () = coming.later.look() => coming.later.go_on(&mut dev, self.host, err).await?,
                change = next(&mut coming.saves) => {
                    reload::put_in_force(change, self.host, self.access, &mut dev, &mut behind, err).await?;
                }
            }
        }
    }
}
