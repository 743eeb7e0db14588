//! A group made ready: its config and files in a temporary folder, placeholders filled in.
//!
//! `@WWW@` stands for the folder of the served files, `@RUN@` for one for certificates and sockets, `@HOST@` for the
//! loopback address, `@PORT3@` for the third port after the first of the group.

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde_json::Value;

use super::case;
use crate::client::Client;
use crate::config::free_ports;
use crate::server::Server;
use crate::{program, tls};

/// Ports that a group may name: `@PORT0@` to the one before this.
const PORTS: u16 = 60;

/// A group that is ready.
#[derive(Debug)]
pub struct Stage {
    folder: tempfile::TempDir,
    group: String,
    first_port: u16,
}

impl Stage {
    /// Copies a group's config and all served files, with the modification time that the recordings rely on.
    ///
    /// # Panics
    /// If that cannot be done.
    #[must_use]
    pub fn prepare(group: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let stage = Self { folder, group: group.to_owned(), first_port: free_ports(PORTS) };
        let settings =
            fs::read_to_string(case::folder().join("mtime.json")).expect("a file of the recordings");
        let settings: Value = serde_json::from_str(&settings).expect("JSON");
        let seconds = settings["mtime"].as_u64().expect("a time in seconds");
        let modified = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        copy(&case::folder().join("www"), &stage.path("www"), &|_, to| {
            File::options()
                .append(true)
                .open(to)
                .and_then(|file| file.set_modified(modified))
                .expect("its time");
        });
        copy(&case::folder().join("configs").join(group), &stage.config(group), &|from, to| {
            fs::write(to, stage.fill(&latin1(&fs::read(from).unwrap()))).unwrap();
        });
        for name in settings["certs"].as_array().expect("a list of names") {
            let _ = tls::certificate(&stage.path("run"), name.as_str().expect("a name"));
        }
        stage
    }

    /// Compiles the group's config the way lwsws would have understood it, and serves it.
    ///
    /// # Panics
    /// If it does not compile, or the server does not start.
    #[must_use]
    pub fn serve(&self) -> Server {
        let plan = self.path("plan");
        let _ = program::compile(&self.config(&self.group), &plan, &["--compat"]).expect_code(0);
        Server::start(&plan)
    }

    /// The folder of a group's config.
    #[must_use]
    pub fn config(&self, group: &str) -> PathBuf {
        self.path("configs").join(group)
    }

    /// Opens the connection that a recorded request asks for, or says why it cannot.
    ///
    /// # Errors
    /// What went wrong in the TLS handshake.
    pub fn connect(&self, request: &Value) -> std::io::Result<Client> {
        let client = match (request["unix"].as_str(), self.port(request)) {
            (Some(path), _) => Client::unix(&String::from_utf8_lossy(&self.fill(path))),
            (None, port) if request["tls"].is_null() => Client::tcp(port),
            (None, port) => {
                let alpn = request["tls"]["alpn"].as_array().map_or(&[][..], Vec::as_slice);
                let alpn: Vec<&str> = alpn.iter().filter_map(Value::as_str).collect();
                let sni = request["tls"]["sni"].as_str();
                Client::tls(port, sni.unwrap_or("none.test"), tls::looking(&alpn, sni.is_some()))?
            }
        };
        Ok(client)
    }

    /// The bytes of a recorded request.
    ///
    /// # Panics
    /// If the case holds none.
    #[must_use]
    pub fn bytes(&self, request: &Value) -> Vec<u8> {
        self.fill(request["raw"].as_str().expect("the bytes of a request"))
    }

    /// A text with its placeholders filled in, each character one byte.
    #[must_use]
    pub fn fill(&self, text: &str) -> Vec<u8> {
        let mut text = text.replace("@HOST@", "127.0.0.1");
        for (mark, folder) in [("@WWW@", "www"), ("@RUN@", "run")] {
            text =
                text.replace(mark, self.path(folder).to_str().expect("temporary folders have plain names"));
        }
        for port in 0..PORTS {
            text = text.replace(&format!("@PORT{port}@"), &(self.first_port + port).to_string());
        }
        text.chars().map(|c| u8::try_from(u32::from(c)).expect("recorded texts are Latin-1")).collect()
    }

    fn port(&self, request: &Value) -> u16 {
        let offset = request["port"].as_u64().unwrap_or_default();
        self.first_port + u16::try_from(offset).expect("a small offset")
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

/// Bytes as text, each byte the character of its number.
#[must_use]
pub fn latin1(bytes: &[u8]) -> String {
    bytes.iter().map(|&byte| char::from(byte)).collect()
}

/// Copies a tree; `finish` sees each file in its old and new place, which is writable there.
fn copy(from: &Path, to: &Path, finish: &dyn Fn(&Path, &Path)) {
    fs::create_dir_all(to).unwrap();
    let executable = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o100 != 0;
    for entry in fs::read_dir(from).unwrap() {
        let from = entry.unwrap().path();
        let to = to.join(from.file_name().unwrap());
        if from.is_dir() {
            copy(&from, &to, finish);
        } else {
            fs::write(&to, fs::read(&from).unwrap()).unwrap();
            if executable(&from) {
                fs::set_permissions(&to, fs::Permissions::from_mode(0o755)).unwrap();
            }
            finish(&from, &to);
        }
    }
}
