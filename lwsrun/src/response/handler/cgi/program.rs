//! Which program a path names.
//!
//! A mount of a file has that program for all paths. A mount of a folder has the programs inside: the first name of the
//! path that is a file is the program, what follows it is its path. Links are followed only as long as they stay inside.
//! All of this is looked up inside the new root, if there is one.
//!
//! What was looked at is started by its path, not by its descriptor: the interpreter of a script needs the path, and the
//! script its name. Whoever could put a link in place of a program in between can as well put a program there.

use std::ffi::{CString, OsStr};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, AtFlags, Mode, OFlags, ResolveFlags, accessat, fstat, open, openat2};
use rustix::io::Errno;
use schemas::plan::Mount;
use schemas::route::{canonical_path, decode_path};

use crate::response::error::Refusal;

/// The working folder where `cgi-chdir` does not say, as in lwsws.
const FOLDER: &str = "/tmp";

/// The deepest folder of a program, in names.
const DEEPEST: usize = 16;

/// The programs of a mount.
#[derive(Debug)]
pub(super) struct Programs {
    /// The program or the folder: absolute, inside the new root if there is one.
    path: PathBuf,
    chroot: Option<CString>,
    folder: CString,
    /// The mountpoint's canonical path, without a final slash.
    mountpoint: Box<str>,
    /// The same, decoded.
    name: Box<[u8]>,
}

/// A program that was found.
#[derive(Debug)]
pub(super) struct Program<'p> {
    /// Its path, as it is started.
    pub(super) path: PathBuf,
    /// The URL path that names it, decoded: SCRIPT_NAME.
    pub(super) name: Vec<u8>,
    /// What follows, decoded: PATH_INFO.
    pub(super) rest: Vec<u8>,
    /// The folder that becomes its root.
    pub(super) chroot: Option<&'p CString>,
    /// Its working folder.
    pub(super) folder: &'p CString,
}

impl Programs {
    /// The programs of a mount.
    pub(super) fn new(mount: &Mount<'_>, program: &str) -> Self {
        let text = |text: &str| CString::new(text).unwrap_or_default();
        let path = match mount.cgi_chroot {
            Some(_) => Path::new("/").join(program),
            // The working folder will be another one.
            None => std::path::absolute(program).unwrap_or_else(|_| program.into()),
        };
        let folder = mount.cgi_chdir.unwrap_or(if mount.cgi_chroot.is_some() { "/" } else { FOLDER });
        let mountpoint = canonical_path(mount.mountpoint.as_bytes());
        let mountpoint = mountpoint.trim_end_matches('/');
        Self {
            path,
            chroot: mount.cgi_chroot.map(text),
            folder: text(folder),
            mountpoint: mountpoint.into(),
            name: decoded(mountpoint).into(),
        }
    }

    /// The program that a canonical path names.
    ///
    /// # Errors
    /// If it names none of a folder.
    pub(super) fn find(&self, path: &str) -> Result<Program<'_>, Refusal> {
        let rest = path.get(self.mountpoint.len()..).unwrap_or_default();
        let Some(root) = self.open_folder().map_err(refusal)? else {
            return Ok(self.program(self.path.clone(), self.name.to_vec(), rest));
        };
        let mut end = 0;
        for name in rest.split('/').skip(1).take(DEEPEST) {
            end += 1 + name.len();
            let below = decode_path(&rest[..end]).map_err(|_| Refusal::BadRequest)?;
            let below = below.strip_prefix(b"/").unwrap_or(&below);
            if name.is_empty() || below.contains(&0) {
                return Err(Refusal::NotFound);
            }
            if is_program(&root, below).map_err(refusal)? {
                let path = self.path.join(OsStr::from_bytes(below));
                let name = [&*self.name, b"/", below].concat();
                return Ok(self.program(path, name, &rest[end..]));
            }
        }
        Err(Refusal::NotFound)
    }

    fn program(&self, path: PathBuf, name: Vec<u8>, rest: &str) -> Program<'_> {
        Program { path, name, rest: decoded(rest), chroot: self.chroot.as_ref(), folder: &self.folder }
    }

    /// The folder of programs; `None` if the mount's is a program, or is not there. Links lead to where they will lead
    /// from inside the new root.
    fn open_folder(&self) -> Result<Option<OwnedFd>, Errno> {
        let (how, mode) = (OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty());
        let opened = match &self.chroot {
            None => open(&self.path, how, mode),
            Some(chroot) => open(chroot.as_c_str(), how, mode)
                .and_then(|root| openat2(root, &self.path, how, mode, ResolveFlags::IN_ROOT)),
        };
        match opened {
            Ok(folder) => Ok(Some(folder)),
            Err(errno @ (Errno::MFILE | Errno::NFILE | Errno::NOMEM)) => Err(errno),
            Err(_) => Ok(None),
        }
    }
}

/// A part of a canonical path, which always decodes.
fn decoded(part: &str) -> Vec<u8> {
    if part.is_empty() { Vec::new() } else { decode_path(part).unwrap_or_default().into_owned() }
}

/// Whether a path below a folder is a program; `false` for a folder.
///
/// # Errors
/// If there is nothing, something else, a file that cannot be executed, or a link that leads out.
fn is_program(root: &OwnedFd, below: &[u8]) -> Result<bool, Errno> {
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
    let opened = openat2(root, below, OFlags::PATH | OFlags::CLOEXEC, Mode::empty(), resolve)?;
    let kind = rustix::fs::FileType::from_raw_mode(fstat(&opened)?.st_mode);
    if kind.is_dir() {
        return Ok(false);
    }
    if !kind.is_file() {
        return Err(Errno::NOENT);
    }
    accessat(root, below, Access::EXEC_OK, AtFlags::EACCESS)?;
    Ok(true)
}

fn refusal(errno: Errno) -> Refusal {
    match errno {
        Errno::ACCESS | Errno::PERM => Refusal::Forbidden,
        Errno::MFILE | Errno::NFILE | Errno::NOMEM => Refusal::Unavailable,
        _ => Refusal::NotFound,
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;
    use crate::boot::testing::mount;

    fn found(programs: &Programs, path: &str) -> Result<(String, String, String), Refusal> {
        let program = programs.find(path)?;
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        Ok((text(program.path.as_os_str().as_bytes()), text(&program.name), text(&program.rest)))
    }

    #[test]
    fn a_folder_has_the_programs_inside_it_and_no_others() {
        let folder = tempfile::tempdir().unwrap();
        let make = |name: &str, mode: u32| {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, "#!/bin/sh\n").unwrap();
            std::fs::set_permissions(&path, PermissionsExt::from_mode(mode)).unwrap();
        };
        make("bin/a", 0o755);
        make("bin/deep/b c", 0o755);
        make("bin/data", 0o644);
        make("outside", 0o755);
        symlink("../outside", folder.path().join("bin/out")).unwrap();
        symlink("/bin/sh", folder.path().join("bin/sh")).unwrap();
        symlink("a", folder.path().join("bin/in")).unwrap();
        let bin = folder.path().join("bin");
        let bin = bin.to_str().unwrap();
        let programs = Programs::new(&mount("/cgi/"), bin);
        let ok = |path: &str, name: &str, rest: &str| {
            Ok((format!("{bin}/{path}"), name.to_owned(), rest.to_owned()))
        };
        assert_eq!(found(&programs, "/cgi/a"), ok("a", "/cgi/a", ""));
        assert_eq!(found(&programs, "/cgi/a/x/y%20z"), ok("a", "/cgi/a", "/x/y z"));
        assert_eq!(found(&programs, "/cgi/deep/b%20c/x"), ok("deep/b c", "/cgi/deep/b c", "/x"));
        assert_eq!(found(&programs, "/cgi/in"), ok("in", "/cgi/in", ""));
        for path in ["/cgi", "/cgi/", "/cgi/none", "/cgi/deep", "/cgi/deep/", "/cgi/out", "/cgi/sh"] {
            assert_eq!(found(&programs, path).unwrap_err(), Refusal::NotFound, "{path}");
        }
        if !rustix::process::geteuid().is_root() {
            assert_eq!(found(&programs, "/cgi/data").unwrap_err(), Refusal::Forbidden);
        }
        let one = Programs::new(&mount("/"), &format!("{bin}/a"));
        assert_eq!(found(&one, "/x/y"), ok("a", "", "/x/y"));
        let blank = Programs::new(&mount("/a b/"), &format!("{bin}/a"));
        assert_eq!(found(&blank, "/a%20b/x"), ok("a", "/a b", "/x"));
    }

    #[test]
    fn links_lead_to_where_they_lead_inside_the_new_root() {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir(root.path().join("programs")).unwrap();
        std::fs::write(root.path().join("programs/a"), "#!/bin/sh\n").unwrap();
        std::fs::set_permissions(root.path().join("programs/a"), PermissionsExt::from_mode(0o755)).unwrap();
        symlink("/programs", root.path().join("bin")).unwrap();
        // From outside it would be a folder with other programs.
        symlink("/usr/bin", root.path().join("away")).unwrap();
        let chroot = Mount { cgi_chroot: root.path().to_str(), ..mount("/cgi") };
        let a = ("/bin/a".to_owned(), "/cgi/a".to_owned(), String::new());
        assert_eq!(found(&Programs::new(&chroot, "bin"), "/cgi/a"), Ok(a));
        assert_eq!(found(&Programs::new(&chroot, "bin"), "/cgi/b").unwrap_err(), Refusal::NotFound);
        // There is no such folder, so it is taken for a program that is not there.
        let env = ("/away".to_owned(), "/cgi".to_owned(), "/env".to_owned());
        assert_eq!(found(&Programs::new(&chroot, "away"), "/cgi/env"), Ok(env));
    }
}
