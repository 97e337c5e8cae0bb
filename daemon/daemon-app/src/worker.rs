//! What the daemon starts itself as: `trunkline worker --fd 0 <slug>`.

use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::process::ExitCode;

/// Arguments of the hidden command.
#[derive(Debug, clap::Args)]
pub(crate) struct WorkerArgs {
    /// The inherited descriptor of the socket to the daemon. Standard input is the only one that a process
    /// can take over without `unsafe`.
    #[arg(long, value_parser = clap::value_parser!(u32).range(0..=0))]
    fd: u32,
    /// The plugin, so that process lists show whose worker it is; what runs comes over the socket.
    slug: String,
}

/// Serves until the daemon hangs up.
pub(crate) fn run(args: &WorkerArgs) -> ExitCode {
    tracing::trace!(fd = args.fd, slug = args.slug, "worker starts");
    match std::io::stdin().as_fd().try_clone_to_owned() {
        Ok(socket) => daemon_worker::main(UnixStream::from(socket)),
        Err(_) => ExitCode::from(daemon_worker::EXIT_PROTOCOL),
    }
}
