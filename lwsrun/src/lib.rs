//! The server: maps a plan, verifies it, and serves it. It has no config parser inside.
//!
//! A request's way, one module a stage, in this order:
//!
//! | stage | module |
//! |---|---|
//! | before the first byte: plan, sockets, keys, privileges, routers | `boot` |
//! | listen > peek > tls > version | `connection` |
//! | admit > host > mount | `request` |
//! | handler > layer > log | `response` |
//! | drain | `shutdown` |
//!
//! The public face is [`run`] and [`check`], and the [`protocol`] module: the trait that a named protocol
//! implements.

#[cfg(feature = "bench")]
#[doc(hidden)]
pub mod bench;
mod boot;
mod connection;
mod counts;
#[cfg(any(test, feature = "fuzz"))]
#[doc(hidden)]
pub mod fuzz;
pub mod protocol;
mod request;
mod response;
mod shutdown;

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::thread;

use boot::map::{self, MapError};
use boot::privilege::{Identity, PrivilegeError};
use boot::site::Site;
use boot::sockets::{self, BindError, Sockets};
use boot::survey::{self, missing_docroots};
use boot::tls::client::ClientKeys;
use boot::tls::{KeyError, Keys, watch};
use boot::workers::{self, Ended, Workers};
use connection::Serving;
use protocol::Registry;
use response::handler::cgi::spawn::{keep_ended_programs, keep_inherited_descriptors};
use response::log::{AccessLogs, LogError, Writer};
use schemas::plan::Plan;
use shutdown::{DrainControl, Signals};

/// Why the server does not run. Its words are for whoever started it: what, where, and what to do.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct RunError(#[from] Cause);

#[derive(Debug, thiserror::Error)]
enum Cause {
    #[error(transparent)]
    Map(#[from] MapError),
    #[error("the plan cannot be served:\n{}", .0.join("\n"))]
    Unfit(Vec<String>),
    #[error(transparent)]
    Privilege(#[from] PrivilegeError),
    #[error(transparent)]
    Bind(#[from] BindError),
    #[error("{}", lines(.0))]
    Keys(Vec<KeyError>),
    #[error(transparent)]
    Log(#[from] LogError),
    #[error("the system refuses a thread, a runtime or a signal handler: {0}")]
    System(#[from] io::Error),
    #[error("worker {worker} has ended: {reason}; ending, so that whoever started this can start it again")]
    Worker { worker: usize, reason: String },
}

/// What [`check`] found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// What the plan is, in one line.
    pub summary: String,
    /// Why the server would not start with it. Empty for a plan that is fit.
    pub errors: Vec<String>,
    /// What would be refused, missing or left out while it runs.
    pub warnings: Vec<String>,
}

/// Serves a plan until SIGTERM or SIGINT asks for the end, and connections have ended or their time is over.
///
/// Order: map the plan, bind all sockets, load all keys, become the configured user, serve. The line `ready` in
/// the log says that it serves.
///
/// # Errors
/// If it cannot start, or a worker fails.
pub fn run(path: &Path, registry: Registry) -> Result<(), RunError> {
    Ok(start_and_serve(path, registry)?)
}

/// Says whether [`run`] would start with a plan, without binding or changing anything: the plan and its keys are
/// read, users looked up, docroots looked for.
///
/// # Errors
/// If the plan cannot be opened.
pub fn check(path: &Path, registry: &Registry) -> Result<Report, RunError> {
    let plan = Arc::new(map::open(path).map_err(Cause::from)?);
    let mut errors = survey::refusals(&plan);
    let mut warnings: Vec<_> = survey::warnings(&plan, registry).chain(missing_docroots(&plan)).collect();
    match Identity::of(&plan) {
        Ok(identity) => warnings.extend(survey::unchangeable_roots(&plan, identity.user())),
        Err(error) => errors.push(error.to_string()),
    }
    let (unusable, unwise) = Keys::check(&plan);
    errors.extend(unusable.iter().map(ToString::to_string));
    errors.extend(survey::faults_of_logs(&plan));
    warnings.extend(unwise);
    warnings.extend(ClientKeys::load(&plan).faults(&plan));
    Ok(Report { summary: summary(path, &plan), errors, warnings })
}

fn start_and_serve(path: &Path, registry: Registry) -> Result<(), Cause> {
    let plan = Arc::new(map::open(path)?);
    let refusals = survey::refusals(&plan);
    if !refusals.is_empty() {
        return Err(Cause::Unfit(refusals));
    }
    tracing::info!("lwsrun {}: {}", env!("CARGO_PKG_VERSION"), summary(path, &plan));
    keep_inherited_descriptors();
    keep_ended_programs();
    let open_files = boot::limits::set_open_files(plan.global().rlimit_nofile);
    if let Some(words) = boot::limits::too_many_programs(&plan, open_files) {
        tracing::warn!("{words}");
    }
    let identity = Identity::of(&plan)?;
    identity.check_possible()?;
    let sockets = sockets::bind(&plan, workers::count(&plan), &identity)?;
    let keys = Keys::load(&plan).map_err(Cause::Keys)?;
    keys.open_to_all().for_each(|warning| tracing::warn!("{warning}"));
    let client_keys = ClientKeys::load(&plan);
    client_keys.faults(&plan).iter().for_each(|fault| tracing::warn!("{fault}"));
    let (logs, writer) = AccessLogs::open(&plan, &identity)?;
    identity.assume()?;
    let writer = writer.map(Writer::start).transpose()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let served = runtime.block_on(serve(plan, registry, sockets, (keys, client_keys), logs, open_files));
    if let Some(writer) = writer {
        writer.finish();
    }
    served
}

/// Runs the workers; this thread waits for signals.
async fn serve(
    plan: Arc<Plan>,
    registry: Registry,
    sockets: Sockets,
    (keys, client_keys): (Keys, ClientKeys),
    logs: AccessLogs,
    open_files: u64,
) -> Result<(), Cause> {
    let mut signals = Signals::new()?;
    logs.follow_signals()?;
    let drain = DrainControl::new();
    let site = Site::new(Arc::clone(&plan), registry.clone(), client_keys, drain.handle(), logs, open_files);
    let serving = Serving::new(&plan, site, keys.clone(), drain.handle());
    let deadline = serving.timeout();
    let mut workers = Workers::start(sockets.workers, &serving, open_files)?;
    sockets::waiting::start(Arc::clone(&plan), sockets.waiting, workers.late())?;
    // From here on only connections and the loops that accept them hold the drain open.
    drop(serving);
    for address in &sockets.addresses {
        tracing::info!("listening on {address}");
    }
    tracing::info!("ready");
    watch::start(keys)?;
    warn(plan, registry)?;
    tokio::select! {
        signal = signals.end() => tracing::info!("{signal}: no new connections, those that are open may finish"),
        Ended { worker, reason } = workers.ended() => return Err(Cause::Worker { worker, reason }),
    }
    tokio::select! {
        () = drain.drain() => tracing::info!("stopped, all connections have ended"),
        () = tokio::time::sleep(deadline) => {
            tracing::warn!("stopped, some connections did not end in {} s and are cut", deadline.as_secs());
        }
        signal = signals.end() => tracing::warn!("{signal} again: stopped, open connections are cut"),
    }
    workers.stop().await;
    Ok(())
}

/// Surveys the plan, and looks for docroots, on a thread of its own, which nothing waits for.
fn warn(plan: Arc<Plan>, registry: Registry) -> io::Result<()> {
    let look = move || {
        survey::warnings(&plan, &registry)
            .chain(survey::unchangeable_roots(&plan, nix::unistd::geteuid()))
            .chain(missing_docroots(&plan))
            .for_each(|warning| tracing::warn!("{warning}"));
    };
    thread::Builder::new().name("survey".to_owned()).spawn(look).map(drop)
}

fn summary(path: &Path, plan: &Plan) -> String {
    let hash: String = plan.hash()[..8].iter().map(|byte| format!("{byte:02x}")).collect();
    let (vhosts, workers) = (plan.vhost_ids().len(), workers::count(plan));
    format!("plan `{}` ({hash}), vhosts: {vhosts}, workers: {workers}", path.display())
}

fn lines(errors: &[KeyError]) -> String {
    errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}
