//! The text that `lws-server-status` sends.
//!
//! All numbers are strings, save `heap`, as lwsws has it. `rx`, `tx`, `h1_conn`, `h2_alpn` and `ah_*` are not counted
//! and stand as 0: the fields are there because pages expect them.

use std::fmt::Write;
use std::fs::{self, File};
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use rustix::fs::{Mode, OFlags, open};
use schemas::plan::{Bind, Mount, Origin, UpstreamAddress, Vhost};

use crate::counts::{Served, Tally};
use crate::protocol::json::escape;

/// Most bytes of a file that are shown.
const SHOWN: usize = 255;

/// What is told of.
#[derive(Clone)]
pub(super) struct Source {
    served: Arc<Served>,
    hidden: bool,
    files: Arc<[Box<str>]>,
}

impl Source {
    /// Of a server; without its vhosts if `hidden`, with the beginnings of files.
    pub(super) fn new(served: Arc<Served>, hidden: bool, files: Vec<Box<str>>) -> Self {
        Self { served, hidden, files: files.into() }
    }

    /// The text. It reads files, so it may wait for a disk.
    pub(super) fn report(&self) -> String {
        let plan = &self.served.plan;
        let mut vhosts = Vec::new();
        let mut all = Tally::default();
        for id in plan.vhost_ids() {
            let tally = self.served.of(id);
            all = all + tally;
            if !self.hidden {
                vhosts.push(self.vhost(&plan.vhost(id), tally));
            }
        }
        let vhosts = vhosts.join(",\n");
        let uptime = self.served.began.elapsed().as_secs();
        let version = env!("CARGO_PKG_VERSION");
        let loads = fs::read_to_string("/proc/loadavg").unwrap_or_default();
        let mut loads = loads.split_ascii_whitespace().map(|load| escape(load, SHOWN));
        let mut load = || loads.next().unwrap_or_default();
        let memory = fs::read_to_string("/proc/self/statm").unwrap_or_default();
        let descriptors =
            fs::read_dir("/proc/self/fd").map_or(0, |entries| entries.count().saturating_sub(1));
        let listeners = plan.listeners().listeners.len();
        let files = self.files.iter().map(|path| {
            let (path, start) = (escape(path, usize::MAX), escape(&start_of(Path::new(&**path)), usize::MAX));
            format!("{{\"path\":\"{path}\",\"val\":\"{start}\"}}")
        });
        let files = files.collect::<Vec<_>>().join(",");
        format!(
            "{{\"i\":{{ \"version\":\"lwsrun {version}\", \"uptime\":\"{uptime}\", \"l1\":\"{l1}\", \"l2\":\"{l2}\", \
             \"l3\":\"{l3}\", \"statm\":\"{statm}\", \"heap\":0, \"contexts\":[{{ \"context_uptime\":\"{uptime}\", \
             \"cgi_spawned\":\"{spawned}\", \"pt_fd_max\":\"{most}\", \"ah_pool_max\":\"0\", \"deprecated\":\"0\", \
             \"wsi_alive\":\"{alive}\", \"pt\":[{{\"fds_count\":\"{descriptors}\", \"ah_pool_inuse\":\"0\", \
             \"ah_wait_list\":\"0\"}}], \"vhosts\":[{vhosts}], \"listen_wsi\":\"{listeners}\", {totals}, \
             \"cgi_alive\":\"{programs}\"}}]}}, \"files\": [{files}]}}",
            l1 = load(),
            l2 = load(),
            l3 = load(),
            statm = escape(memory.trim(), SHOWN),
            most = most_descriptors(),
            alive = descriptors,
            totals = numbers(all),
            spawned = self.served.programs.started(),
            programs = self.served.programs.alive(),
        )
    }

    fn vhost(&self, vhost: &Vhost<'_>, tally: Tally) -> String {
        let listeners = self.served.plan.listeners().listeners;
        let listener = vhost.listener.and_then(|id| listeners.get(id.index()));
        let port = listener.map_or(0, |listener| match listener.bind {
            Bind::Any { port, .. } | Bind::Interface { port, .. } => port,
            Bind::Unix { .. } => 0,
        });
        let mounts = vhost.mounts.iter().map(mount).collect::<Vec<_>>().join(",");
        let protocols = vhost
            .protocols
            .iter()
            .map(|protocol| format!("{{\"{}\":{{\"status\":\"ok\"}}}}", escape(protocol.name, usize::MAX)));
        format!(
            "{{ \"name\":\"{name}\", \"port\":\"{port}\", \"use_ssl\":\"{tls}\", \"sts\":\"{sts}\", {numbers}, \
             \"mounts\":[{mounts}], \"ws-protocols\":[{protocols}]}}",
            name = escape(vhost.name, usize::MAX),
            tls = u8::from(vhost.tls.is_some()),
            sts = u8::from(vhost.sts),
            numbers = numbers(tally),
            protocols = protocols.collect::<Vec<_>>().join(","),
        )
    }
}

fn numbers(tally: Tally) -> String {
    let Tally { http1, http2, websockets, websockets_http2, refused } = tally;
    format!(
        "\"rx\":\"0\", \"tx\":\"0\", \"h1_conn\":\"0\", \"h1_trans\":\"{http1}\", \"h2_trans\":\"{http2}\", \
         \"ws_upg\":\"{websockets}\", \"rejected\":\"{refused}\", \"h2_upg\":\"{websockets_http2}\", \
         \"h2_alpn\":\"0\", \"h2_subs\":\"0\""
    )
}

fn mount(mount: &Mount<'_>) -> String {
    let cache = &mount.cache;
    let mut text = format!(
        "{{\"mountpoint\":\"{}\", \"origin\":\"{}\", \"cache_max_age\":\"{}\", \"cache_reuse\":\"{}\", \
         \"cache_revalidate\":\"{}\", \"cache_intermediaries\":\"{}\"",
        escape(mount.mountpoint, usize::MAX),
        escape(&origin(&mount.origin), usize::MAX),
        cache.max_age,
        u8::from(cache.reuse),
        u8::from(cache.revalidate),
        u8::from(cache.intermediaries),
    );
    if let Some(default) = mount.default {
        // Writing to a string cannot fail.
        let _ = write!(text, ", \"default\":\"{}\"", escape(default, usize::MAX));
    }
    text + "}"
}

fn origin(origin: &Origin<'_>) -> String {
    match origin {
        Origin::File { docroot } => format!("file://{docroot}"),
        Origin::Redirect { url } => format!(">{url}"),
        Origin::Cgi { program } => format!("cgi://{program}"),
        Origin::Callback { protocol } => format!("callback://{protocol}"),
        Origin::Gzip { path } => format!("gzip://{path}"),
        Origin::Proxy(upstream) => {
            let scheme = if upstream.tls { "https" } else { "http" };
            match upstream.address {
                UpstreamAddress::Host { host, port } => format!("{scheme}://{host}:{port}{}", upstream.path),
                UpstreamAddress::Unix { path } => format!("{scheme}://+{path}:{}", upstream.path),
            }
        }
    }
}

/// The beginning of a file; empty if it cannot be read. A FIFO would hold the thread for ever.
fn start_of(path: &Path) -> String {
    let read = || {
        let file =
            File::from(open(path, OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC, Mode::empty()).ok()?);
        let mut start = Vec::new();
        file.metadata().ok()?.is_file().then_some(())?;
        file.take(SHOWN as u64).read_to_end(&mut start).ok()?;
        Some(String::from_utf8_lossy(&start).into_owned())
    };
    read().unwrap_or_default()
}

fn most_descriptors() -> u64 {
    rustix::process::getrlimit(rustix::process::Resource::Nofile).current.unwrap_or(0)
}
