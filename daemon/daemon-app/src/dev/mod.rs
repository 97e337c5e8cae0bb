//! `trunkline dev SUITE`: a daemon on a suite of sources.
//!
//! Order matters: the suite is checked before anything is touched, the address is taken before the store is opened,
//! and the ready-file is written when requests are served and the seed is in.

mod arrivals;
mod folder;
mod ready;
mod reload;
mod seed;
mod signals;
mod suite;
mod tend;
mod tokens;
mod welcome;

use crate::backup;
use crate::exit::{Failure, USAGE};
use crate::export;
use crate::key::KeyArgs;
use crate::{size, used, walk};
use anyhow::{Context, anyhow};
use checker_cli::KeptAnalyses;
use contract_model::Millis;
use contract_model::limits::{DRAIN_MS_MAX, STORE_BYTES_MAX, TRACE_DRAIN_MS_MAX};
use contract_model::manifest::{Manifest, Role};
use contract_parse::ParsedPlugin;
use daemon_access::Access;
use daemon_host::{Host, HostConfig, HostError, Reloaded, SuiteTerms, WorkerCommand};
use daemon_http::{Api, ApiConfig, Server, ServerConfig, StoreTools};
use daemon_store::{Options, Store};
use daemon_trace::Tracer;
use folder::DataFolder;
use reload::{Files, Saved};
use seed::{Later, Seed};
use signals::Signals;
use std::io::Write;
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
use suite::Loaded;
use tend::{Coming, Served};
use tokens::DevFile;
use tokio::sync::mpsc::Receiver;
use tokio::sync::watch;

/// How long open requests and running handlers may take to end.
const DRAIN: Duration = Duration::from_millis(DRAIN_MS_MAX);

/// Folder in the data folder with what was found in the code of plugins. Whoever removes it loses a moment at the start.
const ANALYSES: &str = "analyses";
/// How long the last spans may take to their collector.
const TRACES_DRAIN: Duration = Duration::from_millis(TRACE_DRAIN_MS_MAX);

/// Arguments of `dev`.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct DevArgs {
    /// Folder with suite.yaml, or with one folder a plugin.
    suite: PathBuf,
    /// Where to listen; port 0 takes any free port.
    #[arg(long, default_value = "127.0.0.1:8095", value_name = "ADDR", value_parser = address)]
    listen: SocketAddr,
    /// Data folder; `.trunkline/<suite>` in the current folder if not given.
    #[arg(long, value_name = "DIR", conflicts_with = "ephemeral")]
    data: Option<PathBuf>,
    /// Keep the data in a temporary folder that is removed at the end.
    #[arg(long)]
    ephemeral: bool,
    /// Write url, tokens and process id to this file when requests are served.
    #[arg(long, value_name = "FILE")]
    ready_file: Option<PathBuf>,
    /// Let plugins ask hosts of private networks and of this machine, where they were granted them.
    #[arg(long)]
    allow_private_net: bool,
    /// Do not watch the suite's files: a change is loaded at the next start.
    #[arg(long)]
    no_watch: bool,
    #[command(flatten)]
    key: KeyArgs,
    /// How long events are kept after they were handled, such as 90d, where their topic's contract says nothing; for ever
    /// if not given.
    #[arg(long, value_name = "DURATION", value_parser = Millis::parse)]
    retain: Option<Millis>,
    /// The most that the store may grow to, such as 512MiB. Growth is refused from four fifths of it on.
    #[arg(long, value_name = "SIZE", default_value_t = STORE_BYTES_MAX, hide_default_value = true, value_parser = size::of_store)]
    store_max: u64,
}

/// An address as it is typed: an IP address or a name of this machine, and a port.
fn address(text: &str) -> Result<SocketAddr, String> {
    let mut named = text.to_socket_addrs().map_err(|_| "write HOST:PORT, such as 127.0.0.1:8095 or localhost:0")?;
    named.next().ok_or_else(|| format!("`{text}` names no address"))
}

/// Runs the daemon until it is told to stop.
pub(crate) fn run(args: &DevArgs, out: &mut dyn Write, err: &mut dyn Write) -> Result<(), Failure> {
    let started = Instant::now();
    let files = if args.no_watch { None } else { Some(Files::of(&args.suite)) };
    raise_descriptor_limit();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().context("start the runtime")?;
    let worker = worker_command()?;
    let analyses = analyses(args);
    let (loaded, live) = suite::load(&args.suite, analyses.as_ref(), err)?;
    let saves = match files.map(|files| files.and_then(|files| files.follow(live))) {
        Some(Ok(saves)) => Some(saves),
        Some(Err(error)) => {
            writeln!(err, "warning: changes are loaded at the next start only: {error:#}")?;
            None
        }
        None => None,
    };
    runtime.block_on(serve(args, Begun { started, loaded, analyses, saves }, worker, out, err))
}

fn worker_command() -> Result<WorkerCommand, Failure> {
    let program = std::env::current_exe().context("find this program, to start workers from it")?;
    Ok(WorkerCommand { program, args: vec!["worker".into()] })
}

/// What the last start from this data folder found in the code of the suite's plugins.
fn analyses(args: &DevArgs) -> Option<KeptAnalyses> {
    let folder = || DataFolder::lasting(args.data.as_deref(), &suite::folder_name(&args.suite));
    (!args.ephemeral).then(|| KeptAnalyses::at(folder().join(ANALYSES)))
}

/// What is there before anything is served.
struct Begun {
    started: Instant,
    loaded: Loaded,
    analyses: Option<KeptAnalyses>,
    saves: Option<Receiver<Saved>>,
}

async fn serve(
    args: &DevArgs,
    Begun { started, loaded, analyses, saves }: Begun,
    worker: WorkerCommand,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Result<(), Failure> {
    let mut signals = Signals::listen()?;
    let server = Server::bind(args.listen, ServerConfig::default()).await.map_err(Failure::usage)?;
    let url = format!("http://{}", server.address());
    let folder = DataFolder::prepare(args.data.as_deref(), args.ephemeral, &loaded.folder_name)?;
    let options = Options { key: args.key.key()?, map_bytes: args.store_max, ..Options::default() };
    let store = Store::open(folder.path(), options).map_err(|error| not_opened(folder.path(), &error.to_string()))?;
    store.end_on_fault(USAGE.into())?;
    let name = loaded.name;
    let manifests: Vec<Manifest> = loaded.plugins.iter().filter_map(|plugin| plugin.manifest.clone()).collect();
    let roles = roles(&manifests);
    let access = open_access(&store, &loaded.plugins)?;
    for erased in access.finish_erasures()? {
        writeln!(err, "the tenant `{}` is erased, which was begun before", erased.tenant)?;
    }
    // Before the plugins start, which have their schedules for each tenant that there is.
    let dev = DevFile::open(folder.path(), &access, &roles)?;
    let tracer = start_tracer()?;
    let host = start_host(&store, loaded.plugins, loaded.terms, worker, args, tracer.clone()).await?;
    let mut arrivals = arrivals::of(&host, err)?;
    host.failures().iter().try_for_each(|failure| left_out(failure, err))?;

    let (stop, stopped) = watch::channel(false);
    let mut config = ApiConfig::new(Arc::new(host.clone()), access.clone(), store.clone());
    config.public_tenant = Some(tokens::demo()?);
    // Nobody but this machine reaches it, and whoever develops on it wants to look.
    config.open_metrics = server.address().ip().is_loopback();
    config.store_tools = Some(StoreTools {
        walk: walk::command(&args.key)?,
        back_up: backup::command(&args.key)?,
        export: export::command(&args.key)?,
    });
    let mut serving = tokio::spawn(server.run(Api::new(config), stopped, DRAIN));

    let ready = tokio::select! {
        ready = open_for_use(args, dev, &url, &host, &mut arrivals, err) => Some(ready),
        () = signals.stop() => None,
    };
    let outcome = match ready {
        Some(Ok((dev, later))) => {
            let ready_after = started.elapsed();
            welcome::print(
                out,
                &welcome::Facts { name: &name, url: &url, folder: &folder, dev: &dev, suite: &args.suite, ready_after },
            )?;
            if let Some(Err(error)) = analyses.map(KeptAnalyses::save) {
                tracing::warn!(%error, "what was found in the plugins' code is not kept; the next start looks again");
            }
            // Reading the suite took more than serving it will.
            daemon_worker::give_back();
            let tended = Served { store: &store, key: &args.key, host: &host, access: &access };
            tended.tend(dev, Coming { saves, arrivals, later }, &mut signals, err).await
        }
        Some(Err(failure)) => Err(failure),
        None => Ok(()),
    };
    let metrics = host.metrics();
    let plugins = metrics.plugins.iter();
    let handlers = plugins.flat_map(|one| one.handlers.iter().map(|it| (&*one.slug, &*it.handler, &it.most)));
    let used = used::table("since its plugin was loaded", handlers);
    stop.send_replace(true);
    tokio::select! {
        () = drain(&host, &store, &mut serving) => tracer.flush(TRACES_DRAIN),
        () = signals.stop() => folder.abandon(),
    }
    if let Some(path) = &args.ready_file {
        ready::remove(path);
    }
    folder.remove();
    if !used.is_empty() {
        // Whoever started it may have gone, and nobody reads this then.
        let _ = write!(out, "\n{used}");
    }
    outcome
}

/// The next that comes; never where nothing does any more.
async fn next<T>(coming: &mut Option<Receiver<T>>) -> T {
    if let Some(receiver) = coming {
        if let Some(one) = receiver.recv().await {
            return one;
        }
        *coming = None;
    }
    std::future::pending().await
}

/// Seeds a fresh tenant through the real interface, then says that it is ready. Plugins that are still starting are waited
/// for where the seed asks them for something; what it asks of those that do not run comes later.
async fn open_for_use(
    args: &DevArgs,
    mut dev: DevFile,
    url: &str,
    host: &Host,
    arrivals: &mut Option<Receiver<Reloaded>>,
    err: &mut dyn Write,
) -> Result<(DevFile, Later), Failure> {
    let mut seed = Seed::left(&args.suite, &dev, url)?;
    while let Some(left) = &seed {
        match left.send(&mut dev, host).await? {
            None => seed = None,
            Some(kept) if kept.waits_for_a_start() && arrivals::one(arrivals, err).await? => {}
            Some(kept) => {
                kept.tell(err)?;
                break;
            }
        }
    }
    if let Some(path) = &args.ready_file {
        ready::write(path, url, &dev)?;
    }
    Ok((dev, Later(seed)))
}

async fn drain(host: &Host, store: &Store, serving: &mut tokio::task::JoinHandle<usize>) {
    match serving.await {
        Ok(0) => {}
        Ok(cut) => tracing::warn!(connections = cut, "connections were cut at the end"),
        Err(error) => tracing::error!(%error, "the server failed"),
    }
    host.stop(DRAIN).await;
    store.close();
}

fn open_access(store: &Store, plugins: &[ParsedPlugin]) -> Result<Access, Failure> {
    let access = Access::open(store.clone())?;
    for manifest in plugins.iter().filter_map(|plugin| plugin.manifest.as_ref()) {
        let roles: Vec<Role> = manifest.roles.iter().map(|role| role.value.clone()).collect();
        access.teach(&manifest.slug.value, roles);
    }
    Ok(access)
}

/// Traces go where the environment says, by the names of OpenTelemetry.
fn start_tracer() -> Result<Tracer, Failure> {
    let config = daemon_trace::Config::from_env(|name| std::env::var(name).ok()).map_err(Failure::usage)?;
    Ok(Tracer::start(config).context("start the export of traces")?)
}

async fn start_host(
    store: &Store,
    plugins: Vec<ParsedPlugin>,
    terms: SuiteTerms,
    worker: WorkerCommand,
    args: &DevArgs,
    tracer: Tracer,
) -> Result<Host, Failure> {
    let (retain, private_net) = (args.retain, args.allow_private_net);
    let (store, rehearsal) = (store.clone(), None);
    let config = HostConfig { store, plugins, terms, worker, retain, private_net, tracer, rehearsal };
    Ok(Host::start(config).await.map_err(|error| not_started(&error, ""))?)
}

/// Damage deep in a store is told without the folder that holds it.
fn not_opened(folder: &Path, why: &str) -> Failure {
    let folder = folder.display().to_string();
    let place = if why.contains(&folder) { String::new() } else { format!("data folder {folder}: ") };
    Failure::usage(anyhow!("{place}{why}; `--data DIR` names another folder, `--ephemeral` a fresh one"))
}

/// Which plugin stood in the way, what becomes of it, and why, with the place in its author's source and the stack.
pub(crate) fn not_started(error: &HostError, then: &str) -> anyhow::Error {
    let plugin = error.plugin.as_deref().unwrap_or("a plugin");
    let lines: Vec<String> = std::iter::once(error.line()).chain(error.stack.iter().cloned()).collect();
    anyhow!("`{plugin}` cannot be started{then}: {}", lines.join("\n    "))
}

/// Warns of a plugin that is left out.
fn left_out(error: &HostError, err: &mut dyn Write) -> std::io::Result<()> {
    writeln!(err, "warning: {:#}", not_started(error, " and is left out; the other plugins are served"))
}

/// Every role that the suite declares.
fn roles(manifests: &[Manifest]) -> Vec<Role> {
    manifests.iter().flat_map(|manifest| manifest.roles.iter().map(|role| role.value.clone())).collect()
}

/// Every connection and every worker takes a descriptor; the soft limit is often far below the hard one.
fn raise_descriptor_limit() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    if let Err(error) = setrlimit(Resource::Nofile, limit) {
        tracing::warn!(%error, "the limit of open files cannot be raised");
    }
}
