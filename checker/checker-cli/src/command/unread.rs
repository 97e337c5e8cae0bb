//! How a command ends whose answer may lack something.

use crate::exit::Exit;
use crate::io::Io;
use contract_graph::{PluginView, Suite};

/// Clean where everything could be read. Else says whose manifest or code could not: an answer that looks whole and is
/// not would be worse than none.
pub(super) fn ending(suite: &Suite, io: &mut Io<'_>) -> anyhow::Result<Exit> {
    of_plugins(suite.views(), io)
}

/// The same for an answer about these plugins.
pub(super) fn of_plugins<'a>(plugins: impl Iterator<Item = PluginView<'a>>, io: &mut Io<'_>) -> anyhow::Result<Exit> {
    let unread = plugins.filter(|view| view.is_unsure() || !view.is_complete());
    let names: Vec<String> = unread.map(|view| format!("`{}`", view.slug())).collect();
    if names.is_empty() {
        return Ok(Exit::Clean);
    }
    let names = names.join(", ");
    writeln!(io.err, "error: {names} could not be read whole, so the answer may lack something; `check` says why")?;
    Ok(Exit::Incomplete)
}
