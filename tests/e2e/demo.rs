//! The demo of the README in a real browser: the counter moves, and a line drawn in one window appears in another.

use serde_json::Value;
use tests::config::{TempConfig, free_port};
use tests::server::Server;
use tests::webdriver::Browser;
use tests::{program, repository};

#[test]
fn the_demo_works_in_a_browser() {
    let port = free_port();
    let config = demo_on(port);
    let plan = config.path("plan");
    let mut compile = program::command("lwsconf");
    compile.arg("compile").arg(config.folder()).args(["--ddir", "fixtures/demo", "-o"]).arg(&plan);
    let _ = program::finish(compile.current_dir(repository::root())).expect_code(0);
    // The plan's paths are relative to the top of the source tree, as in the README.
    let _server = Server::spawn(program::command("lwsrun").arg(&plan).current_dir(repository::root()));
    let Some(browser) = Browser::start() else {
        eprintln!("skipped: no chromium");
        return;
    };

    let first = browser.window();
    browser.go(&format!("http://localhost:{port}/"));
    let _ = browser.wait_for("return document.getElementById('counter-state').dataset.state === 'open'");
    let counter = "return /^\\d+$/.test(document.getElementById('counter').textContent) && document.getElementById('counter').textContent";
    let before = number(&browser.wait_for(counter));
    let moved = format!(
        "const now = Number(document.getElementById('counter').textContent); return now > {before} && String(now)"
    );
    assert!(number(&browser.wait_for(&moved)) > before, "the counter stands still");

    let _ = browser.wait_for("return document.getElementById('mirror-state').dataset.state === 'open'");
    assert_eq!(browser.run("return document.body.dataset.strokes"), "0");
    let second = browser.open_window();
    browser.look_at(&second);
    browser.go(&format!("http://localhost:{port}/?draw=100,100,300,200"));
    let _ = browser.wait_for("return Number(document.body.dataset.strokes) > 0");
    assert_eq!(painted(&browser, 200, 150), true, "the line is not in the window that drew it");

    browser.look_at(&first);
    let _ = browser.wait_for("return Number(document.body.dataset.strokes) > 0");
    assert_eq!(painted(&browser, 200, 150), true, "the line is not in the other window");
    assert_eq!(painted(&browser, 500, 50), false, "there is paint where nothing was drawn");
}

/// The demo's config, on another port.
fn demo_on(port: u16) -> TempConfig {
    let read =
        |name: &str| std::fs::read_to_string(repository::root().join("fixtures/demo").join(name)).unwrap();
    let vhost = read("conf.d/localhost");
    assert!(vhost.contains("\"port\": \"7681\""), "the demo's port is not where it is expected");
    let vhost = vhost.replace("\"port\": \"7681\"", &format!("\"port\": \"{port}\""));
    TempConfig::new().conf(&read("conf")).conf_d("localhost", &vhost)
}

/// Whether there is paint at a point of the sheet, which has 640 by 360 units.
fn painted(browser: &Browser, x: u32, y: u32) -> Value {
    browser.run(&format!(
        "const canvas = document.getElementById('canvas');
         const scale = canvas.width / 640;
         return canvas.getContext('2d').getImageData({x} * scale, {y} * scale, 1, 1).data[3] > 0"
    ))
}

fn number(value: &Value) -> u64 {
    value.as_str().and_then(|text| text.parse().ok()).expect("a number")
}
