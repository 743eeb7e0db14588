//! With `--target`, between stages 5 and 6: whether this machine has what the configuration counts on.
//!
//! Files and folders are looked at as the server will meet them: by the user that serves, where that is another, and
//! by whoever starts it, where it is used before that user is assumed (certificates, keys, logs, socket files). The
//! mode bits are read by ourselves, since whoever checks may be root, to whom everything is open. Each finding
//! stands at the value that counts on what is not so. What is found can be different a moment later: it is about the
//! machine, not about the configuration.

mod account;
mod certificate;
mod der;
mod descriptors;
mod path;
mod sockets;

use std::collections::HashMap;
use std::path::Path;

use grammar::Span;

use crate::diagnostic::{Code, Diagnostic, Report, quoted};
use crate::schema::{Config, Fields, Text};
use account::Account;
use path::{Obstacle, Wanted};

/// What the checks of one machine need at hand.
struct Machine<'a, 'r> {
    config: &'a Config<'a>,
    /// Who serves.
    server: Account,
    /// Who starts the server.
    starter: Account,
    /// What was found out about paths: many vhosts name the same ones.
    seen: HashMap<(String, Wanted, bool), Option<Obstacle>>,
    report: &'r mut Report,
}

/// Whom a path must be open to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum By {
    /// The user that serves.
    Server,
    /// Whoever starts the server, before it becomes that user.
    Starter,
}

/// Checks the machine. Nothing is changed on it; ports are tried for a moment.
pub(crate) fn check(config: &Config<'_>, report: &mut Report) {
    let (server, starter) = account::accounts(config.global(), report);
    let mut machine = Machine { config, server, starter, seen: HashMap::new(), report };
    if let Some(global) = config.global() {
        for folder in global.texts("plugin-dir") {
            machine.path("the folder for plugins", &folder, folder.value, Wanted::ReadFolder, By::Server);
        }
    }
    for vhost in config.vhosts() {
        machine.vhost(vhost);
    }
    machine.sockets();
    machine.descriptors();
}

impl Machine<'_, '_> {
    fn vhost(&mut self, vhost: &Fields<'_>) {
        self.certificates(vhost);
        if let Some(log) = vhost.text("access-log") {
            self.path("the access log", &log, log.value, Wanted::WriteFile, By::Starter);
        }
        for mount in vhost.objects("mounts") {
            self.mount(mount);
        }
        for protocol in vhost.protocols("ws-protocols") {
            self.credentials(&protocol.fields);
        }
    }

    fn mount(&mut self, mount: &Fields<'_>) {
        self.credentials(mount);
        let Some(origin) = mount.text("origin") else { return };
        if let Some(docroot) = origin.value.strip_prefix("file://") {
            self.path("the folder", &origin, docroot, Wanted::SearchFolder, By::Server);
        }
        if let Some(program) = origin.value.strip_prefix("cgi://")
            && !mount.has("cgi-chroot")
        {
            self.path("the program", &origin, program, Wanted::Run, By::Server);
        }
    }

    fn credentials(&mut self, fields: &Fields<'_>) {
        if let Some(file) = fields.text("basic-auth") {
            self.path("the file with credentials", &file, file.value, Wanted::ReadFile, By::Server);
        }
    }

    /// Checks one path, the end of a text. Says whether it is fine; a relative one, which counts from wherever the
    /// server is started, is not looked at.
    fn path(&mut self, what: &str, text: &Text<'_>, path: &str, wanted: Wanted, by: By) -> bool {
        if !path.starts_with('/') {
            return false;
        }
        let key = (path.to_owned(), wanted, by == By::Server);
        let account = if by == By::Server { &self.server } else { &self.starter };
        let look = || path::look(Path::new(path), wanted, account).err();
        let obstacle = self.seen.entry(key).or_insert_with(look);
        let Some(obstacle) = obstacle else { return true };
        let span = text.span_of(text.value.len() - path.len()..text.value.len());
        let found = obstructed(what, path, span, obstacle, account);
        self.report.push(found);
        false
    }
}

/// Words for what stands in the way to a path.
fn obstructed(what: &str, path: &str, span: Span, obstacle: &Obstacle, account: &Account) -> Diagnostic {
    let at = quoted(&obstacle.at().to_string_lossy());
    let path = quoted(path);
    match obstacle {
        Obstacle::Missing(_) => {
            let headline = format!("{what} {path} is not there");
            Diagnostic::error(Code::PathMissing, headline, span)
                .label(format!("there is no {at}"))
                .help("create it, or correct the path")
        }
        Obstacle::Type { found, wanted, .. } => {
            let headline = format!("{what} {path} cannot be used");
            Diagnostic::error(Code::PathType, headline, span)
                .label(format!("{at} is {found}, and {wanted} is needed"))
                .help("correct the path")
        }
        Obstacle::Forbidden { deed, mode, .. } => {
            let headline = format!("{account} has no access to {what} {path}");
            Diagnostic::error(Code::PathForbidden, headline, span)
                .label(format!("may not {deed} {at}, whose mode is {mode:04o}"))
                .note("access control lists are not looked at, only owner, group and mode")
                .help("change its owner, group or mode, or `username` and `groupname`")
        }
        Obstacle::Loop(_) => {
            let headline = format!("{what} {path} leads into a loop of links");
            Diagnostic::error(Code::PathMissing, headline, span)
                .label(format!("the links at {at} lead in a circle"))
                .help("correct the links, or the path")
        }
        Obstacle::Unknown { cause, .. } => {
            let headline = format!("{what} {path} cannot be looked at");
            Diagnostic::warning(Code::PathForbidden, headline, span)
                .label(format!("at {at}: {cause}"))
                .help("check as root, who can look everywhere")
        }
    }
}
