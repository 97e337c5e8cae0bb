//! What can be typed.

use crate::create::NewCommand;
use crate::dev::DevArgs;
use crate::key::KeyArgs;
use crate::kit::TestArgs;
use crate::remote::dead::DeadCommand;
use crate::remote::events::EventsCommand;
use crate::remote::jobs::JobsCommand;
use crate::remote::plugins::PluginCommand;
use crate::remote::store::StoreCommand;
use crate::remote::users::UserCommand;
use crate::types::TypesArgs;
use crate::within::WithinArgs;
use crate::worker::WorkerArgs;
use clap::{Parser, Subcommand};
use clap_complete::Shell;
use contract_model::TenantId;
use daemon_bench::BenchArgs;
use std::path::PathBuf;

/// A daemon in which plugins meet only on a topic bus, and a checker that proves no wire hangs loose.
#[derive(Debug, Parser)]
#[command(name = "trunkline", version, max_term_width = 100, after_help = crate::exit::HELP)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Check a suite of plugins, start it from source and seed the tenant `demo`.
    Dev(DevArgs),
    /// Run the tests of plugins, each in a rehearsal of its own.
    Test(TestArgs),
    /// Make a suite or a plugin to begin with.
    #[command(subcommand)]
    New(NewCommand),
    /// Print TypeScript declarations of `$app` and of a suite's topics, collections and verbs.
    Types(TypesArgs),
    #[command(flatten)]
    Checker(checker_cli::Command),
    /// List, show and follow the events of a running daemon.
    #[command(subcommand)]
    Events(EventsCommand),
    /// List, show, retry and drop the dead letters of a running daemon.
    #[command(subcommand)]
    Dead(DeadCommand),
    /// List, show, run and cancel the jobs of a running daemon.
    #[command(subcommand)]
    Jobs(JobsCommand),
    /// List, set, enable and disable the plugins of a running daemon.
    #[command(subcommand)]
    Plugin(PluginCommand),
    /// Make users of a running daemon's tenants; give and take their roles and tokens.
    #[command(subcommand)]
    User(UserCommand),
    /// Look at a store, check it, back it up and restore it.
    #[command(subcommand)]
    Store(StoreCommand),
    /// Measure this program beside the peers that are installed, on this machine.
    Bench(BenchArgs),
    /// Print a completion script for a shell.
    Completions {
        /// The shell.
        shell: Shell,
    },
    /// Write a backup of the store in a folder to standard output, for whoever started it.
    #[command(hide = true)]
    CopyStore {
        /// The data folder.
        folder: PathBuf,
        #[command(flatten)]
        key: KeyArgs,
        #[command(flatten)]
        within: WithinArgs,
    },
    /// Write what belongs to a tenant of the store in a folder to standard output, for whoever started it.
    #[command(hide = true)]
    ExportTenant {
        /// The data folder.
        folder: PathBuf,
        /// The tenant.
        tenant: TenantId,
        #[command(flatten)]
        key: KeyArgs,
        #[command(flatten)]
        within: WithinArgs,
    },
    /// Walk the store in a folder for the daemon that started it, and print the report as JSON.
    #[command(hide = true)]
    WalkStore {
        /// The data folder.
        folder: PathBuf,
        #[command(flatten)]
        key: KeyArgs,
    },
    /// Publish and handle events without a plugin, for the `bench` that started it.
    #[command(hide = true)]
    NativeHandler {
        /// The data folder.
        folder: PathBuf,
    },
    /// Serve one plugin to the daemon that started it.
    #[command(hide = true)]
    Worker(WorkerArgs),
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
