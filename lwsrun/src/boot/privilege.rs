//! The user and group that serve (`global.uid`, `gid`, `username`, `groupname`).
//!
//! They are looked up before anything is opened, so that a typo is told first; socket files are given to them; and
//! they are assumed when sockets and keys are open and before any other thread runs.

use std::ffi::CString;

use nix::errno::Errno;
use nix::unistd::{self, Gid, Group, Uid, User};
use schemas::plan::{Global, Plan};

/// Why the process cannot become what the config says.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PrivilegeError {
    #[error("{at}: {fault}")]
    At {
        at: String,
        #[source]
        fault: Box<Self>,
    },
    #[error("`{key}` is `{value}`, which this machine does not know; create it or correct the config")]
    Unknown { key: &'static str, value: String },
    #[error("`{key}` is `{value}`, and looking that up failed: {source}")]
    LookUp { key: &'static str, value: String, source: Errno },
    #[error(
        "the config wants to run as user {wanted}, group {group}, but this process is user {is}, group {is_group} \
         and cannot change that; start it as root, or take the keys out of `global`"
    )]
    NotRoot { wanted: Uid, group: Gid, is: Uid, is_group: Gid },
    #[error("{step} failed: {source}; nothing is served with privileges that the config gives up")]
    Drop { step: &'static str, source: Errno },
    #[error("uid 0 can be regained after it was given up; nothing is served like that")]
    Regained,
}

impl PrivilegeError {
    /// Adds the line of the config where the key stands.
    fn at(self, plan: &Plan) -> Self {
        let (Self::Unknown { key, .. } | Self::LookUp { key, .. }) = &self else { return self };
        let global = plan.global();
        match global.places.iter().find(|place| place.key == *key) {
            Some(place) => Self::At { at: plan.describe(place.place), fault: Box::new(self) },
            None => self,
        }
    }
}

/// What the process becomes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Identity {
    /// The user; `None` to stay.
    pub(crate) uid: Option<Uid>,
    /// The group; `None` to stay.
    pub(crate) gid: Option<Gid>,
    /// The user's name, which its further groups are looked up by.
    name: Option<CString>,
}

impl Identity {
    /// Looks up what `global` names. Names win over numbers, and 0 stands for "do not change".
    ///
    /// Differs from lwsws: a user without a group brings its own group from the user database. lwsws would keep
    /// root's.
    ///
    /// # Errors
    /// If a name or number is unknown.
    pub(crate) fn of(plan: &Plan) -> Result<Self, PrivilegeError> {
        let global = plan.global();
        let user = user(&global).map_err(|fault| fault.at(plan))?;
        let group = group(&global).map_err(|fault| fault.at(plan))?;
        let gid = group.or(user.as_ref().map(|user| user.gid));
        let name = user.as_ref().and_then(|user| CString::new(user.name.as_str()).ok());
        Ok(Self { uid: user.map(|user| user.uid), gid, name })
    }

    /// Becomes it, for good: further groups, then group, then user, since each step needs what the next gives up.
    ///
    /// # Errors
    /// If a step fails, or uid 0 could be had again.
    pub(crate) fn assume(&self) -> Result<(), PrivilegeError> {
        if self.is_current() {
            return Ok(());
        }
        let step = |step| move |source| PrivilegeError::Drop { step, source };
        if let Some(gid) = self.gid {
            match &self.name {
                Some(name) => unistd::initgroups(name, gid).map_err(step("setting the user's groups"))?,
                None => unistd::setgroups(&[gid]).map_err(step("giving up further groups"))?,
            }
            unistd::setresgid(gid, gid, gid).map_err(step("changing the group"))?;
        }
        if let Some(uid) = self.uid {
            // nix calls the C library's, which changes all threads of the process.
            unistd::setresuid(uid, uid, uid).map_err(step("changing the user"))?;
            if !uid.is_root()
                && unistd::setresuid(Uid::from_raw(0), Uid::from_raw(0), Uid::from_raw(0)).is_ok()
            {
                return Err(PrivilegeError::Regained);
            }
        }
        Ok(())
    }

    /// The user that serves.
    pub(crate) fn user(&self) -> Uid {
        self.uid.unwrap_or_else(unistd::geteuid)
    }

    /// Whether this process has root's rights now, and will not have them afterwards.
    pub(crate) fn gives_up_root(&self) -> bool {
        unistd::geteuid().is_root() && !self.user().is_root()
    }

    /// Whether nothing would change: real, effective and saved ids are all what they shall be.
    fn is_current(&self) -> bool {
        let (Ok(users), Ok(groups)) = (unistd::getresuid(), unistd::getresgid()) else { return false };
        let user = |uid| [users.real, users.effective, users.saved].iter().all(|&is| is == uid);
        let group = |gid| [groups.real, groups.effective, groups.saved].iter().all(|&is| is == gid);
        self.uid.is_none_or(user) && self.gid.is_none_or(group)
    }

    /// # Errors
    /// If this process could not become it.
    pub(crate) fn check_possible(&self) -> Result<(), PrivilegeError> {
        let (is, is_group) = (unistd::geteuid(), unistd::getegid());
        if is.is_root() || self.is_current() {
            return Ok(());
        }
        let (wanted, group) = (self.uid.unwrap_or(is), self.gid.unwrap_or(is_group));
        Err(PrivilegeError::NotRoot { wanted, group, is, is_group })
    }
}

fn user(global: &Global<'_>) -> Result<Option<User>, PrivilegeError> {
    if let Some(name) = global.username {
        return found("username", name, User::from_name(name)).map(Some);
    }
    match global.uid {
        None | Some(0) => Ok(None),
        Some(uid) => found("uid", &uid.to_string(), User::from_uid(Uid::from_raw(uid))).map(Some),
    }
}

fn group(global: &Global<'_>) -> Result<Option<Gid>, PrivilegeError> {
    if let Some(name) = global.groupname {
        return found("groupname", name, Group::from_name(name)).map(|group| Some(group.gid));
    }
    match global.gid {
        None | Some(0) => Ok(None),
        Some(gid) => {
            let group = found("gid", &gid.to_string(), Group::from_gid(Gid::from_raw(gid)))?;
            Ok(Some(group.gid))
        }
    }
}

/// A user of `unix-socket-perms`, by name or number.
pub(crate) fn user_id(value: &str) -> Result<Uid, PrivilegeError> {
    match value.parse() {
        Ok(uid) => Ok(Uid::from_raw(uid)),
        Err(_) => found("unix-socket-perms", value, User::from_name(value)).map(|user| user.uid),
    }
}

/// A group of `unix-socket-perms`, by name or number.
pub(crate) fn group_id(value: &str) -> Result<Gid, PrivilegeError> {
    match value.parse() {
        Ok(gid) => Ok(Gid::from_raw(gid)),
        Err(_) => found("unix-socket-perms", value, Group::from_name(value)).map(|group| group.gid),
    }
}

fn found<T>(key: &'static str, value: &str, result: nix::Result<Option<T>>) -> Result<T, PrivilegeError> {
    match result {
        Ok(Some(found)) => Ok(found),
        Ok(None) => Err(PrivilegeError::Unknown { key, value: value.to_owned() }),
        Err(source) => Err(PrivilegeError::LookUp { key, value: value.to_owned(), source }),
    }
}

#[cfg(test)]
mod tests {
    use schemas::plan::{Bind, Families, KeyPlace};

    use super::*;
    use crate::boot::testing::{PLACE, global, listener, vhost, written};

    fn identity(global: &Global<'_>) -> Result<Identity, PrivilegeError> {
        let bind = Bind::Any { port: 80, families: Families::Both };
        Identity::of(&Plan::from_bytes(written(global, vec![listener(bind)], &[vhost()])).unwrap())
    }

    #[test]
    fn nothing_named_changes_nothing() {
        let identity = identity(&Global { uid: Some(0), gid: Some(0), ..global() }).unwrap();
        assert_eq!(identity, Identity { uid: None, gid: None, name: None });
        identity.assume().unwrap();
    }

    #[test]
    fn unknown_names_and_numbers_are_told() {
        let places = vec![KeyPlace { key: "username", place: PLACE }];
        let error = identity(&Global { username: Some("no-such-user"), places, ..global() }).unwrap_err();
        assert!(error.to_string().starts_with("conf.d/site:7: `username` is `no-such-user`"), "{error}");
        let error = identity(&Global { gid: Some(4_000_000_000), ..global() }).unwrap_err();
        assert!(error.to_string().contains("`gid` is `4000000000`"), "{error}");
    }

    #[test]
    fn being_it_already_is_enough() {
        let me = User::from_uid(unistd::geteuid()).unwrap().unwrap();
        let identity = identity(&Global { username: Some(&me.name), ..global() }).unwrap();
        assert_eq!(identity.uid, Some(me.uid));
        identity.check_possible().unwrap();
    }
}
