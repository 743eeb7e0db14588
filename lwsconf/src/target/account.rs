//! The user that serves, and the one that starts the server.

use std::ffi::CString;
use std::fmt;

use nix::unistd::{self, Gid, Group, Uid, User};

use crate::diagnostic::{Code, Diagnostic, Report, quoted};
use crate::schema::Fields;

/// A user with all of its groups.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Account {
    uid: u32,
    /// The first is the main one.
    groups: Vec<u32>,
    /// What it is called.
    name: Option<String>,
}

/// What an account may do with a file, by the three bits of its mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Deed {
    Read = 4,
    Write = 2,
    /// For folders: search.
    Run = 1,
}

impl Account {
    fn root() -> Self {
        Self { uid: 0, groups: vec![0], name: Some("root".to_owned()) }
    }

    /// Who runs this program.
    pub(super) fn current() -> Self {
        let uid = unistd::geteuid();
        let main = unistd::getegid();
        let others = unistd::getgroups().unwrap_or_default();
        let groups = std::iter::once(main).chain(others).map(Gid::as_raw).collect();
        let name = User::from_uid(uid).ok().flatten().map(|user| user.name);
        Self { uid: uid.as_raw(), groups, name }
    }

    pub(super) fn is_root(&self) -> bool {
        self.uid == 0
    }

    /// Whether owner, group and mode of a file let the account do something with it.
    pub(super) fn may(&self, deed: Deed, owner: u32, group: u32, mode: u32, is_folder: bool) -> bool {
        if self.is_root() {
            // Root may run what anybody may run, and all else.
            return deed != Deed::Run || is_folder || mode & 0o111 != 0;
        }
        let shift = if self.uid == owner {
            6
        } else if self.groups.contains(&group) {
            3
        } else {
            0
        };
        mode >> shift & deed as u32 != 0
    }
}

impl fmt::Display for Account {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => write!(formatter, "user {}", quoted(name)),
            None => write!(formatter, "user {}", self.uid),
        }
    }
}

/// Who serves, and who starts the server. Names and numbers that the machine does not know are reported.
///
/// As in the server, names win over numbers, 0 stands for "do not change", and a user brings its own group where none
/// is named. Only root can change to another user, so root it is who starts the server then.
pub(super) fn accounts(global: Option<&Fields<'_>>, report: &mut Report) -> (Account, Account) {
    let current = Account::current();
    let Some(global) = global else {
        return (current.clone(), current);
    };
    let user = user(global, report);
    let group = group(global, report);
    if user.is_none() && group.is_none() {
        return (current.clone(), current);
    }
    let root = Account::root();
    let server = match (user, group) {
        (Some(user), group) => {
            let main = group.unwrap_or(user.gid);
            let others = CString::new(user.name.as_str()).ok();
            let others = others.and_then(|name| unistd::getgrouplist(&name, main).ok()).unwrap_or_default();
            let groups = std::iter::once(main).chain(others).map(Gid::as_raw).collect();
            Account { uid: user.uid.as_raw(), groups, name: Some(user.name) }
        }
        (None, Some(group)) if current.is_root() => Account { groups: vec![group.as_raw()], ..root.clone() },
        (None, _) => current.clone(),
    };
    let starter = if server.uid == current.uid { current } else { root };
    (server, starter)
}

fn user(global: &Fields<'_>, report: &mut Report) -> Option<User> {
    if let Some(name) = global.text("username") {
        let user = User::from_name(name.value).ok().flatten();
        return user.or_else(|| unknown("user", name.value, name.span(), report));
    }
    let id = global.integer("uid").filter(|id| id.value != 0)?;
    let uid = u32::try_from(id.value).ok().map(Uid::from_raw);
    let user = uid.and_then(|uid| User::from_uid(uid).ok().flatten());
    user.or_else(|| unknown("user", &id.value.to_string(), id.span, report))
}

fn group(global: &Fields<'_>, report: &mut Report) -> Option<Gid> {
    if let Some(name) = global.text("groupname") {
        let group = Group::from_name(name.value).ok().flatten().map(|group| group.gid);
        return group.or_else(|| unknown("group", name.value, name.span(), report));
    }
    let id = global.integer("gid").filter(|id| id.value != 0)?;
    let gid = u32::try_from(id.value).ok().map(Gid::from_raw);
    let group = gid.and_then(|gid| Group::from_gid(gid).ok().flatten()).map(|group| group.gid);
    group.or_else(|| unknown("group", &id.value.to_string(), id.span, report))
}

fn unknown<T>(what: &str, name: &str, span: grammar::Span, report: &mut Report) -> Option<T> {
    let headline = format!("this machine has no {what} {}", quoted(name));
    let found = Diagnostic::error(Code::UnknownAccount, headline, span)
        .label(format!("no such {what}"))
        .note("the server does not start without it")
        .help("create it, or correct the configuration");
    report.push(found);
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_class_that_fits_decides() {
        let account = Account { uid: 7, groups: vec![8, 9], name: None };
        assert!(account.may(Deed::Read, 7, 1, 0o400, false));
        assert!(!account.may(Deed::Read, 7, 9, 0o044, false), "the owner's bits count for the owner");
        assert!(account.may(Deed::Write, 1, 9, 0o020, false));
        assert!(!account.may(Deed::Write, 1, 9, 0o002, false), "the group's bits count for the group");
        assert!(account.may(Deed::Run, 1, 1, 0o001, false));
        assert!(!account.may(Deed::Run, 1, 1, 0o110, false));
    }

    #[test]
    fn root_may_all_but_run_what_nobody_may() {
        let root = Account::root();
        assert!(root.may(Deed::Write, 7, 7, 0o000, false));
        assert!(root.may(Deed::Run, 7, 7, 0o000, true));
        assert!(root.may(Deed::Run, 7, 7, 0o010, false));
        assert!(!root.may(Deed::Run, 7, 7, 0o666, false));
    }
}
