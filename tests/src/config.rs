//! A config, and the files that it serves, in a temporary folder.

use std::net::{Ipv4Addr, Ipv6Addr, TcpListener};
use std::ops::Range;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU16, Ordering};

use schemas::plan::Plan;

use crate::program::{self, Finished};

/// A temporary folder that holds `etc/conf`, `etc/conf.d/*`, `www/*`, and whatever else a test puts there.
///
/// In what is written to the config, `@DIR@` stands for the folder.
#[derive(Debug)]
pub struct TempConfig {
    folder: tempfile::TempDir,
}

impl TempConfig {
    /// An empty `conf`, and no file in `conf.d`.
    #[must_use]
    pub fn new() -> Self {
        let config = Self { folder: tempfile::tempdir().expect("a temporary folder") };
        config.conf("{}")
    }

    /// A config with one vhost on `port` of the loopback address: `inner` is what else stands between its braces,
    /// beginning with a comma unless it is empty.
    #[must_use]
    pub fn vhost(port: u16, inner: &str) -> Self {
        Self::new().conf_d(
            "site",
            &format!(
                "{{ \"vhosts\": [{{\n\"name\": \"a.test\", \"port\": \"{port}\", \"interface\": \"127.0.0.1\"{inner}\n}}] }}"
            ),
        )
    }

    /// Writes `conf`.
    #[must_use]
    pub fn conf(self, text: &str) -> Self {
        self.write("etc/conf", text)
    }

    /// Writes a file in `conf.d`.
    #[must_use]
    pub fn conf_d(self, name: &str, text: &str) -> Self {
        self.write(&format!("etc/conf.d/{name}"), text)
    }

    /// Writes a file below `www`.
    #[must_use]
    pub fn www(self, name: &str, bytes: impl AsRef<[u8]>) -> Self {
        let path = self.path("www").join(name);
        write(&path, bytes.as_ref());
        self
    }

    /// Writes an executable file.
    #[must_use]
    pub fn program(self, name: &str, text: &str) -> Self {
        let config = self.write(name, text);
        std::fs::set_permissions(config.path(name), PermissionsExt::from_mode(0o755)).expect("its mode");
        config
    }

    /// A path in the folder.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The folder with `conf` and `conf.d`.
    #[must_use]
    pub fn folder(&self) -> PathBuf {
        self.path("etc")
    }

    /// Compiles the config, and returns the path of the plan.
    ///
    /// # Panics
    /// If it has errors.
    #[must_use]
    pub fn compile(&self) -> PathBuf {
        let plan = self.path("plan");
        let _ = program::compile(&self.folder(), &plan, &[]).expect_code(0);
        plan
    }

    /// Runs the compiler with more arguments; the plan would be `plan` in the folder.
    #[must_use]
    pub fn try_compile(&self, more: &[&str]) -> Finished {
        program::compile(&self.folder(), &self.path("plan"), more)
    }

    fn write(self, name: &str, text: &str) -> Self {
        let text =
            text.replace("@DIR@", self.folder.path().to_str().expect("temporary folders have plain names"));
        write(&self.path(name), text.as_bytes());
        self
    }
}

impl Default for TempConfig {
    fn default() -> Self {
        Self::new()
    }
}

/// Opens a plan.
///
/// # Panics
/// If it is none.
#[must_use]
pub fn open(plan: &Path) -> Plan {
    let bytes = std::fs::read(plan).expect("a plan file");
    Plan::from_bytes(bytes).unwrap_or_else(|error| panic!("{}: {error}", plan.display()))
}

/// A TCP port that nobody listens on.
#[must_use]
pub fn free_port() -> u16 {
    free_ports(1)
}

/// The first of `count` consecutive TCP ports that nobody listens on, on any address.
///
/// They are not among the ports that the kernel gives to outgoing connections, if those leave any, so no client can take one
/// before the server does; and no two calls in one process get the same.
///
/// # Panics
/// If there are none.
#[must_use]
pub fn free_ports(count: u16) -> u16 {
    static NEXT: OnceLock<(Range<u16>, AtomicU16)> = OnceLock::new();
    let (ours, next) = NEXT.get_or_init(|| {
        let ours = unassigned();
        // Test programs that run at the same time begin in different places.
        let start = std::process::id().wrapping_mul(97) % u32::from(ours.end - ours.start);
        (ours, AtomicU16::new(u16::try_from(start).expect("less than the span")))
    });
    let span = ours.end - ours.start - count;
    for _ in 0..1000 {
        let first = ours.start + next.fetch_add(count, Ordering::Relaxed) % span;
        if (first..first + count).all(is_free) {
            return first;
        }
    }
    panic!("no {count} free ports in {ours:?}");
}

/// The ports to look among: those of [`free_ports`].
fn unassigned() -> Range<u16> {
    const USUAL: Range<u16> = 10_000..32_000;
    const ENOUGH: u16 = 2000;
    let range = std::fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").unwrap_or_default();
    let mut ends = range.split_whitespace().map_while(|end| end.parse::<u16>().ok());
    let (Some(first), Some(last)) = (ends.next(), ends.next()) else { return USUAL };
    if first >= USUAL.start + ENOUGH {
        USUAL.start..first.min(USUAL.end)
    } else if last < u16::MAX - ENOUGH {
        (last + 1).max(USUAL.start)..u16::MAX
    } else {
        USUAL
    }
}

fn is_free(port: u16) -> bool {
    let v4 = TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).is_ok();
    // Where there is no IPv6 at all, nobody listens on it either.
    let v6 = TcpListener::bind((Ipv6Addr::UNSPECIFIED, port));
    v4 && !matches!(v6, Err(error) if error.kind() == std::io::ErrorKind::AddrInUse)
}

fn write(path: &Path, bytes: &[u8]) {
    std::fs::create_dir_all(path.parent().expect("a path in the folder")).expect("a folder");
    std::fs::write(path, bytes).expect("a file");
}
