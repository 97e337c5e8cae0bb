//! Plugins that were still starting when the others were up.

use super::left_out;
use daemon_host::{Host, PluginState, Reload, Reloaded};
use std::io::{self, Write};
use tokio::sync::mpsc::Receiver;

/// Those that have not come up, as each of them does or fails; none where all are up.
pub(super) fn of(host: &Host, err: &mut dyn Write) -> io::Result<Option<Receiver<Reloaded>>> {
    for plugin in host.plugins().iter().filter(|plugin| plugin.state == PluginState::Starting) {
        writeln!(err, "`{}` is still starting and joins when it is up; the other plugins are served", plugin.slug)?;
    }
    Ok(host.arrivals())
}

/// Says what became of one.
pub(super) fn tell(arrived: &Reloaded, err: &mut dyn Write) -> io::Result<()> {
    match &arrived.what {
        Reload::Refused(error) => left_out(error, err),
        _ => writeln!(err, "`{}` is started", arrived.slug),
    }
}

/// Waits until one more has come up or failed; false where none is still starting.
pub(super) async fn one(arrivals: &mut Option<Receiver<Reloaded>>, err: &mut dyn Write) -> io::Result<bool> {
    let Some(arrived) = async { arrivals.as_mut()?.recv().await }.await else { return Ok(false) };
    tell(&arrived, err)?;
    Ok(true)
}
