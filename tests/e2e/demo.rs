//! The demo of the README in a real browser, over HTTP/1.1, TLS and websockets of HTTP/2: the counter moves, a line drawn
//! in one window appears in another, members are told of each other, the server tells of itself, a form is answered, and
//! what is lost comes back. Nothing of it may break the page's own Content-Security-Policy, which the console would say.
//!
//! Where `SCREENSHOTS` names a folder, pictures of the page are put there (as base64, for `base64 -d`).

use serde_json::Value;
use tests::config::{TempConfig, free_port};
use tests::server::Server;
use tests::skip::skip;
use tests::webdriver::Browser;
use tests::{program, repository, tls};

/// How the browser reaches the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Plain,
    Tls1,
    Tls2,
}

#[test]
fn the_demo_works_in_a_browser() {
    work(Way::Plain);
}

#[test]
fn the_demo_works_over_tls() {
    work(Way::Tls1);
}

#[test]
fn the_demo_works_over_http2() {
    work(Way::Tls2);
}

fn work(way: Way) {
    let port = free_port();
    let keys = tempfile::tempdir().unwrap();
    let config = demo_on(port, way, keys.path());
    let plan = config.path("plan");
    let mut compile = program::command("lwsconf");
    compile.arg("compile").arg(config.folder()).args(["--ddir", "fixtures/demo", "-o"]).arg(&plan);
    let _ = program::finish(compile.current_dir(repository::root())).expect_code(0);
    // The plan's paths are relative to the top of the source tree, as in the README.
    let server = Server::spawn(program::command("lwsrun").arg(&plan).current_dir(repository::root()));
    let Some(browser) = Browser::start() else {
        return skip("no chromium");
    };
    let scheme = if way == Way::Plain { "http" } else { "https" };
    let page = format!("{scheme}://localhost:{port}/");

    let first = browser.window();
    browser.go(&page);
    let version = "return performance.getEntriesByType('navigation')[0].nextHopProtocol";
    assert_eq!(browser.run(version), if way == Way::Tls2 { "h2" } else { "http/1.1" });
    let _ = browser.wait_for("return document.getElementById('counter-state').dataset.state === 'open'");
    let counter = "return /^\\d+$/.test(document.getElementById('counter').textContent) && document.getElementById('counter').textContent";
    let before = number(&browser.wait_for(counter));
    let moved = format!(
        "const now = Number(document.getElementById('counter').textContent); return now > {before} && String(now)"
    );
    assert!(number(&browser.wait_for(&moved)) > before, "the counter stands still");

    let _ = browser.wait_for("return document.getElementById('mirror-state').dataset.state === 'open'");
    assert_eq!(browser.run("return document.body.dataset.strokes"), "0");
    let _ = browser.wait_for("return document.getElementById('members').dataset.members === '1'");
    let second = browser.open_window();
    browser.look_at(&second);
    browser.go(&format!("{page}?draw=100,100,300,200"));
    let _ = browser.wait_for("return Number(document.body.dataset.strokes) > 0");
    assert_eq!(painted(&browser, 200, 150), true, "the line is not in the window that drew it");
    let _ = browser.wait_for("return document.getElementById('members').dataset.members === '2'");
    assert_eq!(browser.console(), [""; 0]);

    browser.look_at(&first);
    let _ = browser.wait_for("return Number(document.body.dataset.strokes) > 0");
    assert_eq!(painted(&browser, 200, 150), true, "the line is not in the other window");
    assert_eq!(painted(&browser, 500, 50), false, "there is paint where nothing was drawn");

    let _ = browser.run(
        "const file = new DataTransfer();
         file.items.add(new File(['x'.repeat(50000)], 'cargo.txt'));
         document.querySelector('input[type=file]').files = file.files;
         document.querySelector('#upload button').click()",
    );
    let answer = "const answer = document.getElementById('answer'); return Number(answer.dataset.said) > 1 && answer.textContent";
    let answer = browser.wait_for(answer);
    let answer = answer.as_str().unwrap();
    assert!(answer.contains("text (4): Ahoy") && answer.contains("file (50000): cargo.txt"), "{answer}");
    assert_eq!(browser.run("return document.getElementById('progress').value"), 1);

    let _ = browser.wait_for("return document.getElementById('version').textContent.startsWith('lwsrun ')");
    let _ = browser.wait_for("return Number(document.getElementById('websockets').textContent) >= 10");
    let _ = browser.wait_for("return / ms$/.test(document.getElementById('roundtrip').textContent)");
    assert_eq!(browser.run("return document.documentElement.scrollWidth > innerWidth"), false, "too wide");
    if let Ok(folder) = std::env::var("SCREENSHOTS") {
        let path = std::path::Path::new(&folder).join(format!("{way:?}.base64"));
        std::fs::write(path, browser.screenshot()).unwrap();
    }

    // Each state that the badge goes through is noted, as they may pass quickly.
    let _ = browser.run(
        "const badge = document.getElementById('counter-state');
         window.states = [];
         new MutationObserver(() => window.states.push(badge.dataset.state)).observe(badge, { attributes: true });
         document.getElementById('drop').click()",
    );
    let _ = browser.wait_for("return window.states.join(' ') === 'lost open'");
    assert_eq!(browser.console(), [""; 0]);
    drop(server);
    let _ = browser.wait_for(
        "return document.querySelectorAll('[data-state=lost].badge').length === 4
            && document.getElementById('mirror-state').textContent === 'reconnecting'",
    );
}

/// The demo's config, on another port.
fn demo_on(port: u16, way: Way, keys: &std::path::Path) -> TempConfig {
    let read =
        |name: &str| std::fs::read_to_string(repository::root().join("fixtures/demo").join(name)).unwrap();
    let vhost = read("conf.d/localhost");
    assert!(vhost.contains("\"port\": \"7681\""), "the demo's port is not where it is expected");
    let mut keys_of_vhost = String::new();
    if way != Way::Plain {
        let (certificate, key) = tls::certificate(keys, "localhost");
        let alpn = if way == Way::Tls2 { "h2,http/1.1" } else { "http/1.1" };
        let (certificate, key) = (certificate.display(), key.display());
        keys_of_vhost = format!(
            "\"host-ssl-cert\": \"{certificate}\", \"host-ssl-key\": \"{key}\", \"alpn\": \"{alpn}\", "
        );
    }
    let vhost = vhost.replace("\"port\": \"7681\"", &format!("{keys_of_vhost}\"port\": \"{port}\""));
    TempConfig::new().conf(&read("conf")).conf_d("localhost", &vhost)
}

/// Whether there is paint at a point of the sheet, which has 640 by 360 units.
fn painted(browser: &Browser, x: u32, y: u32) -> Value {
    // From a copy that says what it is for: the browser remarks on readers of a canvas that is for showing.
    browser.run(&format!(
        "const canvas = document.getElementById('canvas');
         const copy = Object.assign(document.createElement('canvas'), {{ width: canvas.width, height: canvas.height }});
         const context = copy.getContext('2d', {{ willReadFrequently: true }});
         context.drawImage(canvas, 0, 0);
         const scale = canvas.width / 640;
         return context.getImageData({x} * scale, {y} * scale, 1, 1).data[3] > 0"
    ))
}

fn number(value: &Value) -> u64 {
    value.as_str().and_then(|text| text.parse().ok()).expect("a number")
}
