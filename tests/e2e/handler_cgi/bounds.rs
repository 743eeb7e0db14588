//! How many programs there may be, how they are counted, and what they leave behind.

use std::fs;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command};
use std::thread;
use std::time::{Duration, Instant};

use tests::client::{Client, get};
use tests::config::{TempConfig, free_port};
use tests::lines::lines;
use tests::open_files::has_room;
use tests::server::Server;
use tests::skip::skip;
use tests::ws::WebSocket;
use tests::{PATIENCE, program};

use super::{BRIEF, HEAD, Site, gone, hanging, kill, programs, served, sh};

#[test]
fn so_many_programs_and_no_more() {
    let port = free_port();
    let config = TempConfig::vhost(
        port,
        ", \"mounts\": [{ \"mountpoint\": \"/\", \"origin\": \"cgi://@DIR@/hang\", \"cgi-timeout\": \"1000\" }]",
    )
    .conf("{ \"global\": { \"limit-cgi-programs\": 2 } }")
    .program("hang", &hanging(""));
    let server = Server::start(&config.compile());
    let mut clients: Vec<Client> = (0..2).map(|_| Client::tcp(port)).collect();
    clients.iter_mut().for_each(|client| client.send("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n"));
    let pids = lines(&config.path("pids"), 2);
    assert_eq!(get(port, "a.test", "/").status, 503);
    let _ = server.line_with("`limit-cgi-programs`");
    clients.pop();
    // Either of them made room, though maybe not at once.
    let begun = || lines(&config.path("pids"), 2).len() > 2;
    let deadline = Instant::now() + PATIENCE;
    let mut next = Client::tcp(port);
    while !begun() {
        assert!(Instant::now() < deadline, "there is no room");
        next.send("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n");
        next.set_patience(Duration::from_millis(20));
        // It runs and says nothing, or it is refused.
        while !begun() && !next.need(1) && Instant::now() < deadline {}
        if !next.buffered().is_empty() {
            next.set_patience(PATIENCE);
            assert_eq!(next.expect("GET").status, 503);
        }
    }
    let all = lines(&config.path("pids"), 3);
    drop((clients, next));
    pids.iter().chain(&all).for_each(|pids| gone(pids));
}

/// Programs of which there may be one at a time.
fn one_at_a_time(programs: &[(&str, &str)]) -> Site {
    let port = free_port();
    let inner = ", \"mounts\": [{ \"mountpoint\": \"/bin\", \"origin\": \"cgi://@DIR@/bin\" }]";
    let mut config = TempConfig::vhost(port, inner).conf("{ \"global\": { \"limit-cgi-programs\": 1 } }");
    for (name, text) in programs {
        config = config.program(&format!("bin/{name}"), text);
    }
    let server = Server::start(&config.compile());
    Site { config, server, port }
}

#[test]
fn one_after_the_other_is_one_at_a_time() {
    let site = one_at_a_time(&[
        ("quick", &sh(&format!("{HEAD}; echo quick"))),
        ("count", &sh("printf 'Content-Length: 3\\n\\nout'")),
        ("away", &sh("printf 'Location: /bin/quick\\n\\n'")),
        // It is there as long as the one that it names.
        (
            "stays",
            &sh("printf 'Location: /bin/quick\\n\\n'; exec >&-; echo $$ >> \"@DIR@/pids\"; exec sleep 1000"),
        ),
    ]);
    let mut client = Client::tcp(site.port);
    for number in 0..50 {
        let (name, text) = if number % 2 == 0 { ("quick", "quick\n") } else { ("count", "out") };
        let answer = client.get("a.test", &format!("/bin/{name}"));
        assert_eq!((answer.status, answer.text().as_str()), (200, text), "{number}");
    }
    assert_eq!(client.get("a.test", "/bin/away").text(), "quick\n");
    assert_eq!(client.get("a.test", "/bin/stays").text(), "quick\n");
    lines(&site.config.path("pids"), 1).iter().for_each(|pid| gone(pid));
}

#[test]
fn what_programs_leave_behind_holds_no_descriptor() {
    let daemon = sh(&format!(
        "setsid sleep 1000 >/dev/null & echo $! >> \"@DIR@/pids\"; {HEAD}; echo done; echo last >&2"
    ));
    let site = programs(&[("daemon", &daemon)], "");
    let mut client = Client::tcp(site.port);
    assert_eq!(client.get("a.test", "/").text(), "home");
    let before = site.server.open_files();
    for _ in 0..30 {
        assert_eq!(client.get("a.test", "/daemon").text(), "done\n");
    }
    // Meanwhile all of them live.
    let pids = lines(&site.config.path("pids"), 30);
    site.server.gives_back_files(before);
    for pid in &pids {
        assert!(fs::exists(format!("/proc/{pid}/exe")).unwrap(), "process {pid} has ended");
    }
    let said = site.server.line_with("stderr: last");
    assert!(said.contains("mount `/daemon`"), "{said}");
    kill(&pids);
}

#[test]
fn programs_leave_open_files_for_others() {
    let port = free_port();
    let inner = ", \"access-log\": \"@DIR@/log\", \"mounts\": [
        { \"mountpoint\": \"/hang\", \"origin\": \"cgi://@DIR@/hang\", \"cgi-timeout\": \"1000\" },
        { \"mountpoint\": \"/\", \"origin\": \"file://@DIR@/www\" } ]";
    let few_files = |config: &TempConfig| {
        let mut command = Command::new("sh");
        command.args(["-c", "ulimit -n 1024; exec \"$0\" \"$1\""]);
        Server::spawn(command.arg(program::path("lwsrun")).arg(config.compile()))
    };
    let config = || TempConfig::vhost(port, inner).www("index.html", "home").program("hang", &hanging(""));
    let too_many = config().conf("{ \"global\": { \"limit-cgi-programs\": 31 } }");
    let said = few_files(&too_many).line_with("`limit-cgi-programs` is 31");
    assert!(said.contains("conf:1: ") && said.contains("have room for 30"), "{said}");
    let config = config();
    let _server = few_files(&config);
    let clients: Vec<Client> = (0..300)
        .map(|_| {
            let mut client = Client::tcp(port);
            client.send("POST /hang HTTP/1.1\r\nHost: a.test\r\nContent-Length: 5\r\n\r\nabc");
            client
        })
        .collect();
    let pids = lines(&config.path("pids"), 30);
    assert_eq!(get(port, "a.test", "/").text(), "home");
    // All others are refused.
    let refused = lines(&config.path("log"), 270 + 1);
    assert!(
        refused.iter().all(|line| line.contains("/hang HTTP/1.1\" 503") || line.contains("/ HTTP/1.1\" 200"))
    );
    assert_eq!(get(port, "a.test", "/").text(), "home");
    drop(clients);
    pids.iter().for_each(|pids| gone(pids));
}

#[test]
fn nobody_is_left_unreaped() {
    let site = programs(&[("quick", &sh(&format!("{HEAD}; echo quick")))], "");
    let mut client = Client::tcp(site.port);
    for _ in 0..50 {
        assert_eq!(client.get("a.test", "/quick").text(), "quick\n");
    }
    let children = || {
        let tasks = fs::read_dir(format!("/proc/{}/task", site.server.id())).unwrap();
        let of_task =
            |task: std::io::Result<fs::DirEntry>| fs::read_to_string(task.unwrap().path().join("children"));
        tasks.map(|task| of_task(task).unwrap_or_default()).collect::<String>()
    };
    let descriptors = || fs::read_dir(format!("/proc/{}/fd", site.server.id())).unwrap().count();
    let deadline = Instant::now() + PATIENCE;
    while !children().is_empty() {
        assert!(Instant::now() < deadline, "children: {}", children());
        thread::yield_now();
    }
    let before = descriptors();
    for _ in 0..50 {
        assert_eq!(client.get("a.test", "/quick").text(), "quick\n");
    }
    while descriptors() > before {
        assert!(Instant::now() < deadline, "{} descriptors, before {before}", descriptors());
        thread::yield_now();
    }
}

#[test]
fn what_has_left_the_group_holds_nobody_up() {
    // Its output stays open, and the kill of the group does not reach it.
    let leaves =
        sh("setsid sleep 1000 & echo $! >> \"@DIR@/left\"; echo $$ >> \"@DIR@/pids\"; exec sleep 1000");
    let site = programs(&[("leaves", &leaves)], BRIEF);
    let mut client = Client::tcp(site.port);
    assert_eq!(client.get("a.test", "/").text(), "home");
    let before = site.server.open_files();
    assert_eq!(client.get("a.test", "/leaves").status, 504);
    lines(&site.config.path("pids"), 1).iter().for_each(|pid| gone(pid));
    let left = lines(&site.config.path("left"), 1);
    assert!(fs::exists(format!("/proc/{}/exe", left[0])).unwrap(), "it has ended");
    site.server.gives_back_files(before);
    kill(&left);
}

#[test]
fn a_program_may_have_as_many_files_open_as_the_server() {
    if !has_room(2000) {
        return;
    }
    let site = served(&[("limits", &sh(&format!("{HEAD}; ulimit -Sn; ulimit -Hn")))], "", |plan| {
        let mut command = Command::new("sh");
        command.args(["-c", "ulimit -Sn 500; ulimit -Hn 2000; exec \"$0\" \"$1\""]);
        Server::spawn(command.arg(program::path("lwsrun")).arg(plan))
    });
    assert_eq!(get(site.port, "a.test", "/limits").text(), "2000\n2000\n");
}

/// A server that tells how many programs it has started and how many run, and has a log.
fn counting() -> Site {
    let port = free_port();
    let mount = |name: &str| {
        format!(
            "{{ \"mountpoint\": \"/{name}\", \"origin\": \"cgi://@DIR@/{name}\", \"cgi-timeout\": \"1000\" }}"
        )
    };
    let inner = format!(
        ", \"access-log\": \"@DIR@/log\", \"mounts\": [{}], \"ws-protocols\": [{{ \"lws-server-status\": {{ \"update-ms\": \"1000\" }} }}]",
        ["hang", "quick", "absent"].map(mount).join(", ")
    );
    let config = TempConfig::vhost(port, &inner)
        .program("hang", &hanging(""))
        .program("quick", &sh(&format!("{HEAD}; echo quick")));
    let server = Server::start(&config.compile());
    Site { config, server, port }
}

/// Waits until so many programs run, and gives how many were started.
fn started(site: &Site, alive: u32) -> u32 {
    let mut status = WebSocket::open(site.port, "/", "lws-server-status");
    let deadline = Instant::now() + PATIENCE;
    loop {
        let text = status.text();
        assert!(Instant::now() < deadline, "{text}");
        let number = |name: &str| {
            let (_, rest) = text.split_once(&format!("\"{name}\":\"")).unwrap();
            rest.split_once('"').unwrap().0.parse::<u32>().unwrap()
        };
        if number("cgi_alive") == alive {
            return number("cgi_spawned");
        }
    }
}

#[test]
fn programs_are_counted() {
    let site = counting();
    let mut client = Client::tcp(site.port);
    for _ in 0..3 {
        assert_eq!(client.get("a.test", "/quick").text(), "quick\n");
    }
    // What cannot be started is none.
    assert_eq!(client.get("a.test", "/absent").status, 502);
    client.send("GET /hang HTTP/1.1\r\nHost: a.test\r\n\r\n");
    let pids = lines(&site.config.path("pids"), 1);
    assert_eq!(started(&site, 1), 4);
    drop(client);
    pids.iter().for_each(|pids| gone(pids));
    assert_eq!(started(&site, 0), 4);
}

#[test]
fn no_program_is_started_for_a_client_that_has_left() {
    let site = counting();
    let mut client = Client::tcp(site.port);
    client.send("GET /hang HTTP/1.1\r\nHost: a.test\r\n\r\n".repeat(3));
    let pids = lines(&site.config.path("pids"), 1);
    drop(client);
    pids.iter().for_each(|pids| gone(pids));
    assert_eq!(get(site.port, "a.test", "/quick").text(), "quick\n");
    assert_eq!(started(&site, 0), 2);
    let log = lines(&site.config.path("log"), 2);
    assert!(log.iter().any(|line| line.contains("/hang HTTP/1.1\" 499 -")), "{log:?}");
}

/// The number of the user `nobody`.
const NOBODY: u32 = 65_534;

/// Processes that do nothing; gone when dropped.
struct Idlers(Vec<Child>);

impl Idlers {
    fn start(count: usize) -> Self {
        let sleep = |_| Command::new("sleep").arg("1000").uid(NOBODY).spawn().unwrap();
        Self((0..count).map(sleep).collect())
    }
}

impl Drop for Idlers {
    fn drop(&mut self) {
        for idler in &mut self.0 {
            let _ = idler.kill();
            let _ = idler.wait();
        }
    }
}

/// The thread that starts programs is there before the limit of processes is reached, and stays.
#[test]
fn no_room_for_processes_is_a_503_and_not_a_cut_connection() {
    if !rustix::process::geteuid().is_root() {
        return skip("the limit of processes is counted for a user of its own by root only");
    }
    let port = free_port();
    let inner = ", \"mounts\": [{ \"mountpoint\": \"/\", \"origin\": \"cgi:///bin/true\" }]";
    let global = "{ \"global\": { \"count-threads\": 1, \"username\": \"nobody\" } }";
    let config = TempConfig::vhost(port, inner).conf(global);
    let mut command = Command::new("prlimit");
    let server = Server::spawn(command.arg("--nproc=128").arg(program::path("lwsrun")).arg(config.compile()));
    // The worker is at work, and no program was started.
    assert_eq!(Client::tcp(port).get("a.test", "/%00").status, 400);
    // The limit is the server's alone, but all processes of its user count.
    let idlers = Idlers::start(128);
    let answer = Client::tcp(port).get("a.test", "/").status;
    drop(idlers);
    assert_eq!(answer, 503);
    let _ = server.line_with("Resource temporarily unavailable");
}
