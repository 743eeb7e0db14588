//! The limit of open files: what the configuration needs at rest, and what is left for connections.

use std::collections::HashSet;
use std::num::NonZero;
use std::thread::available_parallelism;

use grammar::FileId;
use nix::sys::resource::{Resource, getrlimit};

use super::Machine;
use crate::diagnostic::{Code, Diagnostic, Place};

/// What a server has open whatever it serves: its plan, logs, event queues.
const ALWAYS: u64 = 64;
/// How many connections should fit beside all that, at the least.
const CONNECTIONS: u64 = 256;

impl Machine<'_, '_> {
    pub(super) fn descriptors(&mut self) {
        let global = self.config.global();
        let wanted = global.and_then(|global| global.integer("rlimit-nofile"));
        let hard = getrlimit(Resource::RLIMIT_NOFILE).map_or(u64::MAX, |(_, hard)| hard);
        let wish = wanted.and_then(|wanted| u64::try_from(wanted.value).ok());
        // Beyond the hard limit only root may go.
        let limit = match wish {
            Some(wish) if self.starter.is_root() => wish,
            Some(wish) => wish.min(hard),
            None => hard,
        };
        let needed = self.needed();
        if limit >= needed.saturating_add(CONNECTIONS) {
            return;
        }
        let place = wanted.map_or(Place::File(FileId(0)), |wanted| Place::Span(wanted.span));
        let headline = format!("{limit} open files are too few for this configuration");
        let found = Diagnostic::warning(Code::FewDescriptors, headline, place)
            .label("the server may not have more")
            .note(format!(
                "{needed} are open before the first connection, and each connection takes one or two"
            ))
            .help("raise `rlimit-nofile`, and the hard limit, such as with systemd's `LimitNOFILE=`");
        self.report.push(found);
    }

    /// How many are open before the first connection: a socket of each worker for each address, and the logs.
    fn needed(&self) -> u64 {
        let workers = self.config.global().and_then(|global| global.integer("count-threads"));
        let workers =
            workers.and_then(|workers| u64::try_from(workers.value).ok()).filter(|workers| *workers > 0);
        let cores = available_parallelism().map_or(1, NonZero::get) as u64;
        let mut places = HashSet::new();
        let mut logs = HashSet::new();
        for vhost in self.config.vhosts() {
            let interface = vhost.text("interface").map(|text| text.value);
            let port = vhost.integer("port").map(|port| port.value);
            // Without an interface there is one socket for each of the two families of addresses.
            let sockets = if interface.is_none() && !vhost.is_on("noipv6") { 2 } else { 1 };
            places.insert((interface, port, sockets));
            logs.extend(vhost.text("access-log").map(|text| text.value));
        }
        let sockets: u64 = places.iter().map(|(_, _, sockets)| sockets).sum();
        ALWAYS + sockets * workers.unwrap_or(cores) + logs.len() as u64
    }
}
