//! Unix sockets: stale files, the abstract namespace, and who may connect.

use std::fs::Permissions;
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::UnixListener;
use std::path::Path;

use nix::unistd::{Gid, Uid};
use rustix::fs::{AtFlags, FileType, Mode, OFlags, chownat, fstat, open};
use socket2::{Domain, SockAddr, Socket, Type};

use super::{BACKLOG, Fault};
use crate::boot::privilege::{Identity, group_id, user_id};

/// Longest path or abstract name, in bytes: the kernel's 108 with the NUL before or behind it.
const MAX_PATH: usize = 107;

/// Owner and group may connect, nobody else.
const MODE: u32 = 0o660;

/// Binds and listens on a path, or on an abstract name that begins with `@`.
///
/// A stale socket file is removed first; nothing else ever is. The file belongs to `perms`, else to `identity` if
/// that names both a user and a group, and has the mode 0660 then; otherwise the umask decides.
pub(super) fn listen(path: &str, perms: Option<&str>, identity: &Identity) -> Result<UnixListener, Fault> {
    let name = path.strip_prefix('@');
    if !(1..=MAX_PATH).contains(&name.unwrap_or(path).len()) {
        return Err(Fault::PathLength);
    }
    let owner = owner(perms, identity)?;
    let address = match name {
        Some(name) => SockAddr::unix(format!("\0{name}")),
        None => SockAddr::unix(path),
    };
    let address = address.map_err(Fault::system("making the address"))?;
    if name.is_none() {
        remove_stale(Path::new(path), &address)?;
    }
    let socket = socket().map_err(Fault::system("making the socket"))?;
    socket.bind(&address).map_err(bind_fault)?;
    if let (None, Some((uid, gid))) = (name, owner) {
        // Nobody can connect before `listen`, so there is no moment with other permissions.
        give(Path::new(path), uid, gid)
            .map_err(Fault::system("setting owner and mode of the socket file"))?;
    }
    socket.listen(BACKLOG).map_err(Fault::system("listening"))?;
    Ok(socket.into())
}

fn socket() -> io::Result<Socket> {
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

fn owner(perms: Option<&str>, identity: &Identity) -> Result<Option<(Uid, Gid)>, Fault> {
    let Some(perms) = perms else { return Ok(identity.uid.zip(identity.gid)) };
    let (user, group) = perms.split_once(':').ok_or_else(|| Fault::Perms(perms.to_owned()))?;
    Ok(Some((user_id(user)?, group_id(group)?)))
}

/// Removes a socket file that nobody listens on.
fn remove_stale(path: &Path, address: &SockAddr) -> Result<(), Fault> {
    let Ok(metadata) = path.symlink_metadata() else { return Ok(()) };
    if !metadata.file_type().is_socket() {
        return Err(Fault::NotASocket);
    }
    let probe = socket().map_err(Fault::system("making the socket"))?;
    match probe.connect(address) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            std::fs::remove_file(path).map_err(Fault::system("removing the stale socket file"))
        }
        // Accepted, or its queue is full.
        Ok(()) => Err(Fault::Alive),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Err(Fault::Alive),
        Err(error) => Err(Fault::system("trying whether the socket is alive")(error)),
    }
}

fn bind_fault(error: io::Error) -> Fault {
    match error.kind() {
        io::ErrorKind::AddrInUse => Fault::Alive,
        _ => Fault::system("binding")(error),
    }
}

/// Gives the socket file at `path` to its owner.
///
/// Whoever may write to the folder may have put something else there since it was made: the file is held, looked at,
/// and changed by that hold, so that neither a link nor another file is ever given away.
fn give(path: &Path, uid: Uid, gid: Gid) -> io::Result<()> {
    let held = open(path, OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty())?;
    let stat = fstat(&held)?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::Socket || stat.st_nlink != 1 {
        return Err(io::Error::other("something else was put in its place"));
    }
    let owner = (rustix::fs::Uid::from_raw(uid.as_raw()), rustix::fs::Gid::from_raw(gid.as_raw()));
    chownat(&held, "", Some(owner.0), Some(owner.1), AtFlags::EMPTY_PATH)?;
    // The kernel has no way to change the mode by such a hold, but for its name in /proc.
    std::fs::set_permissions(format!("/proc/self/fd/{}", held.as_raw_fd()), Permissions::from_mode(MODE))
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixStream;

    use super::*;

    fn try_listen(path: &Path, perms: Option<&str>) -> Result<UnixListener, String> {
        let identity = Identity::default();
        listen(path.to_str().unwrap(), perms, &identity).map_err(|fault| fault.to_string())
    }

    #[test]
    fn a_stale_socket_is_replaced_a_live_one_and_other_files_are_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s");
        let first = try_listen(&path, None).unwrap();
        assert!(try_listen(&path, None).unwrap_err().contains("a running process"));
        drop(first);
        let _second = try_listen(&path, None).unwrap();
        assert!(UnixStream::connect(&path).is_ok());
        let file = folder.path().join("f");
        std::fs::write(&file, "x").unwrap();
        assert!(try_listen(&file, None).unwrap_err().contains("not a socket"));
        assert_eq!(std::fs::read(&file).unwrap(), b"x");
    }

    #[test]
    fn perms_set_owner_and_mode() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s");
        let perms = format!("{}:{}", nix::unistd::geteuid(), nix::unistd::getegid());
        let _listener = try_listen(&path, Some(&perms)).unwrap();
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, MODE);
        assert!(try_listen(&path, Some("nobody-such")).unwrap_err().contains("user:group"));
    }

    #[test]
    fn nothing_but_the_socket_is_given_away() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name| folder.path().join(name);
        let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
        std::fs::write(path("file"), "x").unwrap();
        std::fs::set_permissions(path("file"), Permissions::from_mode(0o600)).unwrap();
        let _listener = UnixListener::bind(path("socket")).unwrap();
        let before = mode(&path("socket"));
        std::os::unix::fs::symlink(path("file"), path("to-file")).unwrap();
        std::os::unix::fs::symlink(path("socket"), path("to-socket")).unwrap();
        let (uid, gid) = (nix::unistd::geteuid(), nix::unistd::getegid());
        for name in ["file", "to-file", "to-socket"] {
            assert!(give(&path(name), uid, gid).is_err(), "{name}");
        }
        // Another name of a socket may be one that somebody else listens on.
        std::fs::hard_link(path("socket"), path("same")).unwrap();
        assert!(give(&path("same"), uid, gid).is_err());
        assert_eq!((mode(&path("file")), mode(&path("socket"))), (0o600, before));
        std::fs::remove_file(path("same")).unwrap();
        give(&path("socket"), uid, gid).unwrap();
        assert_eq!(mode(&path("socket")), MODE);
    }

    #[test]
    fn abstract_names_leave_no_file_and_long_paths_are_told() {
        let name = format!("@lwsrun-test-{}", std::process::id());
        let identity = Identity::default();
        let _listener = listen(&name, None, &identity).unwrap();
        assert!(!Path::new(&name).exists());
        assert!(matches!(listen(&name, None, &identity), Err(Fault::Alive)));
        assert!(matches!(listen(&"x".repeat(200), None, &identity), Err(Fault::PathLength)));
    }
}
