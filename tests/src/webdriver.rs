//! Drives a real browser, over the WebDriver protocol that Chromium's own driver speaks.
//!
//! Nothing is polled: scripts wait in the page for the change that a test asks for.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use crate::PATIENCE;
use crate::client::Client;
use crate::config::free_port;

/// Starting a browser, or loading a page with it, takes its time on a busy machine.
const START: Duration = Duration::from_secs(90);

/// A browser without a screen, with a profile of its own that is thrown away.
#[derive(Debug)]
pub struct Browser {
    driver: Child,
    port: u16,
    session: String,
    _profile: tempfile::TempDir,
}

/// A window of a browser.
#[derive(Debug, Clone)]
pub struct Window(String);

impl Browser {
    /// Starts a browser; `None` if Chromium or its driver is not installed.
    ///
    /// # Panics
    /// If it is there and cannot be used.
    #[must_use]
    pub fn start() -> Option<Self> {
        let chromium = program("chromium")?;
        // One that it would choose itself it does not say where there is no IPv6.
        let port = free_port();
        let mut driver = Command::new(program("chromedriver")?)
            .arg(format!("--port={port}"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver can be started");
        let stdout = BufReader::new(driver.stdout.take().expect("standard output is a pipe"));
        let started = stdout.lines().map_while(Result::ok).any(|line| line.contains("started successfully"));
        assert!(started, "chromedriver does not start");
        let profile = tempfile::tempdir().expect("a temporary folder");
        let mut browser = Self { driver, port, session: String::new(), _profile: profile };
        let folder = format!("--user-data-dir={}", browser._profile.path().display());
        let options = json!({
            "binary": chromium,
            "args": [
                "--headless", "--ignore-certificate-errors", "--window-size=1280,1400", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
                "--disable-background-networking", "--disable-component-update", "--disable-sync",
                "--disable-dev-shm-usage", folder,
            ],
        });
        let capabilities = json!({ "browserName": "chrome", "goog:chromeOptions": options, "goog:loggingPrefs": { "browser": "ALL" } });
        let timeouts = json!({ "script": PATIENCE.as_millis(), "pageLoad": START.as_millis() });
        let session =
            browser.command("POST", "", &json!({ "capabilities": { "alwaysMatch": capabilities } }));
        browser.session = session["sessionId"].as_str().expect("a session").to_owned();
        let _ = browser.command("POST", "/timeouts", &timeouts);
        Some(browser)
    }

    /// The window that is looked at.
    #[must_use]
    pub fn window(&self) -> Window {
        Window(text(&self.command("GET", "/window", &Value::Null)))
    }

    /// Opens another window, which is not looked at yet.
    #[must_use]
    pub fn open_window(&self) -> Window {
        Window(text(&self.command("POST", "/window/new", &json!({ "type": "window" }))["handle"]))
    }

    /// Looks at a window.
    pub fn look_at(&self, window: &Window) {
        let _ = self.command("POST", "/window", &json!({ "handle": window.0 }));
    }

    /// Opens a page in the window that is looked at, and waits until it is loaded.
    pub fn go(&self, url: &str) {
        let _ = self.command("POST", "/url", &json!({ "url": url }));
    }

    /// Runs the body of a function in the page, and returns what it returns.
    #[must_use]
    pub fn run(&self, body: &str) -> Value {
        self.command("POST", "/execute/sync", &json!({ "script": body, "args": [] }))
    }

    /// Waits until the body of a function, run whenever the page changes, returns something that counts as true;
    /// returns that.
    ///
    /// # Panics
    /// If it does not come true.
    #[must_use]
    pub fn wait_for(&self, body: &str) -> Value {
        let script = format!(
            "const done = arguments[arguments.length - 1];
             const look = () => {{ const seen = (() => {{ {body} }})(); if (seen) {{ observer.disconnect(); done(seen); }} }};
             const observer = new MutationObserver(look);
             observer.observe(document, {{ subtree: true, childList: true, characterData: true, attributes: true }});
             look();"
        );
        self.command("POST", "/execute/async", &json!({ "script": script, "args": [] }))
    }

    /// What the console of the window says: each line that came since the last look, but for the browser's own pages, such
    /// as an empty tab that finds the network slow.
    #[must_use]
    pub fn console(&self) -> Vec<String> {
        let lines = self.command("POST", "/se/log", &json!({ "type": "browser" }));
        let lines = lines.as_array().expect("a list of lines").iter().map(|line| text(&line["message"]));
        lines.filter(|line| !line.starts_with("chrome://")).collect()
    }

    /// A picture of the window, as a PNG in base64.
    #[must_use]
    pub fn screenshot(&self) -> String {
        text(&self.command("GET", "/screenshot", &Value::Null))
    }

    /// Sends a command, and returns its value.
    fn command(&self, method: &str, path: &str, body: &Value) -> Value {
        let mut client = Client::tcp(self.port);
        client.set_patience(START + PATIENCE);
        client.send(self.request(method, path, body));
        let response = client.expect(method);
        let answer: Value = serde_json::from_slice(&response.body).expect("the driver answers in JSON");
        let value = &answer["value"];
        assert_eq!(response.status, 200, "{method} {path} {body}: {} {}", value["error"], value["message"]);
        value.clone()
    }

    fn request(&self, method: &str, path: &str, body: &Value) -> String {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let session = if self.session.is_empty() { String::new() } else { format!("/{}", self.session) };
        format!(
            "{method} /session{session}{path} HTTP/1.1\r\nHost: localhost:{}\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n\r\n{body}",
            self.port,
            body.len()
        )
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Ends the browser; without that the driver would leave it running. Nothing here may panic.
        if let Ok(mut driver) = TcpStream::connect(("127.0.0.1", self.port)) {
            let _ = driver.set_read_timeout(Some(PATIENCE));
            let _ = driver.write_all(self.request("DELETE", "", &Value::Null).as_bytes());
            let _ = driver.read(&mut [0; 64]);
        }
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

/// Where a program is, if it is installed.
fn program(name: &str) -> Option<String> {
    let path = std::env::var("PATH").unwrap_or_default();
    let folders = path.split(':').chain(["/usr/bin"]);
    folders.map(|folder| format!("{folder}/{name}")).find(|path| std::path::Path::new(path).is_file())
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}
