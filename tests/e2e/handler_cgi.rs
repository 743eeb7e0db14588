//! CGI programs: real ones, in `sh` and `python3`, that behave well and badly.

mod bounds;
mod roots;
mod uploads;

use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::path::Path;
use std::process::Command;
use std::thread;

use rustix::process::{Pid, Signal, kill_process};
use tests::client::{Client, get};
use tests::config::{TempConfig, free_port};
use tests::lines::lines;
use tests::open_files::has_room;
use tests::server::Server;
use tests::skip::skip;
use tests::{PATIENCE, program};

use super::Site;

/// Serves programs, each at the path of its name, and as `/bin/NAME`; more may stand in each mount.
fn programs(programs: &[(&str, &str)], more: &str) -> Site {
    served(programs, more, Server::start)
}

fn served(programs: &[(&str, &str)], more: &str, start: impl FnOnce(&Path) -> Server) -> Site {
    let port = free_port();
    let mount = |(name, _): &(&str, &str)| {
        format!("{{ \"mountpoint\": \"/{name}\", \"origin\": \"cgi://@DIR@/bin/{name}\"{more} }},\n")
    };
    let mounts: String = programs.iter().map(mount).collect();
    let inner = format!(
        ", \"access-log\": \"@DIR@/log\", \"mounts\": [\n{mounts}
        {{ \"mountpoint\": \"/bin\", \"origin\": \"cgi://@DIR@/bin\"{more} }},
        {{ \"mountpoint\": \"/\", \"origin\": \"file://@DIR@/www\" }} ]"
    );
    let mut config = TempConfig::vhost(port, &inner).www("index.html", "home");
    for (name, text) in programs {
        config = config.program(&format!("bin/{name}"), text);
    }
    let server = start(&config.compile());
    Site { config, server, port }
}

/// A program in Python; `None`, and a line, where there is none.
fn python(text: &str) -> Option<String> {
    let asked = Command::new("python3").args(["-c", "import sys; print(sys.executable)"]).output();
    let mut python = asked.ok().filter(|done| done.status.success()).or_else(no_python)?.stdout;
    python.truncate(python.trim_ascii_end().len());
    Some(format!("#!{}\n{text}", String::from_utf8(python).unwrap()))
}

fn no_python<T>() -> Option<T> {
    skip("there is no python3");
    None
}

/// Short, but a program can be started meanwhile, and do what it is to do, on a busy machine as well.
const BRIEF: &str = ", \"cgi-timeout\": \"3\"";

const HEAD: &str = "printf 'Content-Type: text/plain\\n\\n'";

fn sh(text: &str) -> String {
    format!("#!/bin/sh\n{text}\n")
}

/// Waits until a process, and all that it has named in its file, are gone.
fn gone(pids: &str) {
    let deadline = std::time::Instant::now() + PATIENCE;
    for pid in pids.split_whitespace() {
        // A zombie whose parent is not ours has ended too.
        let alive = || {
            let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
            stat.rsplit(") ").next().is_some_and(|rest| !rest.is_empty() && !rest.starts_with('Z'))
        };
        while alive() {
            assert!(std::time::Instant::now() < deadline, "process {pid} lives on");
            thread::yield_now();
        }
    }
}

/// Ends processes that nothing else will end.
fn kill(pids: &[String]) {
    for pid in pids {
        let pid = pid.parse().ok().and_then(Pid::from_raw).expect("a process id");
        kill_process(pid, Signal::KILL).unwrap();
    }
}

/// Hangs with a child of its own, once it has written both their numbers to `@DIR@/pids`.
fn hanging(before: &str) -> String {
    sh(&format!("{before}\nsleep 1000 &\necho $$ $! >> \"@DIR@/pids\"\nwait"))
}

#[test]
fn a_script_that_does_not_say_what_for_is_for_the_shell() {
    let site = programs(
        &[("plain", "printf 'Content-Type: text/plain\\n\\n%s\\n' \"$0 $# $REQUEST_METHOD\"\n")],
        "",
    );
    let response = get(site.port, "a.test", "/plain");
    let path = site.config.path("bin/plain");
    assert_eq!(response.text(), format!("{} 0 GET\n", path.display()));
}

#[test]
fn programs_alone_and_in_a_folder() {
    let args = sh(&format!("{HEAD}; echo \"$SCRIPT_NAME|$PATH_INFO|$QUERY_STRING|$(pwd)|$X\""));
    let env = ", \"cgi-env\": [{ \"X\": \"y z\" }], \"cgi-chdir\": \"/usr\"";
    let site = programs(&[("args", &args)], env);
    let text = |path: &str| get(site.port, "a.test", path).text();
    assert_eq!(text("/args/a%20b?q=%41"), "/args|/a b|q=%41|/usr|y z\n");
    assert_eq!(text("/args"), "/args|||/usr|y z\n");
    assert_eq!(text("/bin/args/x"), "/bin/args|/x||/usr|y z\n");
    std::os::unix::fs::symlink("/bin/echo", site.config.path("bin/out")).unwrap();
    for (path, status) in [("/bin", 404), ("/bin/", 404), ("/bin/none", 404), ("/bin/out", 404)] {
        assert_eq!(get(site.port, "a.test", path).status, status, "{path}");
    }
    for path in ["/bin/../bin/args", "/bin/%2e%2e/bin/args", "/args/a%2fb", "/bin/args%2f..%2fargs"] {
        assert_eq!(get(site.port, "a.test", path).status, 400, "{path}");
    }
}

#[test]
fn only_three_descriptors_are_open() {
    let list = "import os\nfds = [int(fd) for fd in os.listdir('/proc/self/fd')]\ndef is_open(fd):\n    try:\n        os.fstat(fd)\n        return True\n    except OSError:\n        return False\nprint('Content-Type: text/plain\\n')\nprint(sorted(fd for fd in fds if is_open(fd)), os.getpgrp() == os.getpid())";
    let Some(list) = python(list) else { return };
    let site = served(&[("list", &list)], "", |plan| {
        // One that the server itself was given is not for programs either.
        let mut command = Command::new("sh");
        command.args(["-c", "exec 7</dev/null 9>/dev/null; exec \"$0\" \"$1\""]);
        Server::spawn(command.arg(program::path("lwsrun")).arg(plan))
    });
    // Other connections and their files are open meanwhile.
    let _others: Vec<_> = (0..20)
        .map(|_| {
            let mut client = Client::tcp(site.port);
            client.get("a.test", "/");
            client
        })
        .collect();
    for path in ["/list", "/bin/list"] {
        assert_eq!(get(site.port, "a.test", path).text(), "[0, 1, 2] True\n");
    }
    let mut client = Client::tcp(site.port);
    client.send("POST /list HTTP/1.1\r\nHost: a.test\r\nContent-Length: 3\r\n\r\nabc");
    assert_eq!(client.expect("POST").text(), "[0, 1, 2] True\n");
}

/// Sends content of a length, or in chunks, while it reads what comes back.
fn exchange(port: u16, path: &str, content: &[u8], chunked: bool) -> Vec<u8> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut sender = stream.try_clone().unwrap();
    thread::scope(|scope| {
        scope.spawn(move || {
            let framing = if chunked {
                "Transfer-Encoding: chunked".to_owned()
            } else {
                format!("Content-Length: {}", content.len())
            };
            write!(sender, "POST {path} HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n{framing}\r\n\r\n")
                .unwrap();
            for piece in content.chunks(60_000) {
                if chunked {
                    write!(sender, "{:x}\r\n", piece.len()).unwrap();
                }
                sender.write_all(piece).unwrap();
                if chunked {
                    sender.write_all(b"\r\n").unwrap();
                }
            }
            if chunked {
                sender.write_all(b"0\r\n\r\n").unwrap();
            }
        });
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        answer
    })
}

#[test]
fn large_bodies_go_both_ways_at_once() {
    let length = sh("printf 'Content-Type: text/plain\\nContent-Length: %s\\n\\n' \"$CONTENT_LENGTH\"; cat");
    let count = sh(&format!("{HEAD}; wc -c"));
    let site = programs(&[("echo", &length), ("count", &count)], "");
    let content: Vec<u8> = (0..20_000_000_u32).map(|number| number.to_le_bytes()[1]).collect();
    let answer = exchange(site.port, "/echo", &content, false);
    assert!(answer.ends_with(&content) && answer.len() - content.len() < 300, "{} bytes", answer.len());
    for chunked in [false, true] {
        let answer = exchange(site.port, "/count", &content, chunked);
        assert!(String::from_utf8_lossy(&answer).contains("20000000"));
    }
}

/// `LWSRUN_TEST_UPLOAD_MIB` says how much, such as 2048.
#[test]
fn an_upload_needs_no_memory() {
    let mib: usize =
        std::env::var("LWSRUN_TEST_UPLOAD_MIB").ok().and_then(|mib| mib.parse().ok()).unwrap_or(128);
    let site = programs(&[("count", &sh(&format!("{HEAD}; wc -c")))], "");
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, site.port)).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let piece = vec![7; 1 << 20];
    let before = site.server.memory();
    write!(
        stream,
        "POST /count HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
        mib << 20
    )
    .unwrap();
    (0..mib).for_each(|_| stream.write_all(&piece).unwrap());
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.contains(&(mib << 20).to_string()), "{answer}");
    let after = site.server.peak_memory();
    assert!(after < before + (16 << 20), "from {before} to {after} bytes");
}

#[test]
fn an_answer_may_come_before_the_content_is_read() {
    let early = sh("printf 'Status: 413\\nContent-Type: text/plain\\n\\ntoo much\\n'");
    let site = programs(&[("early", &early)], "");
    for size in [10, 900_000] {
        let mut client = Client::tcp(site.port);
        client.send(format!("POST /early HTTP/1.1\r\nHost: a.test\r\nContent-Length: {size}\r\n\r\n"));
        client.send(vec![0; size]);
        let response = client.expect("POST");
        assert_eq!((response.status, response.text().as_str()), (413, "too much\n"), "{size}");
    }
}

#[test]
fn what_programs_say_wrongly_is_502_and_told() {
    let site = programs(
        &[
            ("crash", &sh("kill -SEGV $$")),
            ("silent", &sh("exit 3")),
            ("nohead", &sh("echo just text; exit 0")),
            ("badhead", &sh("printf 'Content-Type text\\n\\nbody'")),
            ("badstatus", &sh("printf 'Status: fine\\n\\n'")),
            (
                "huge",
                &sh("while printf 'X-A: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\\n'; do :; done"),
            ),
            ("noprogram", "no shebang, no program\n\0\x01"),
            ("short", &sh("printf 'Content-Length: 10\\n\\n12345'")),
            ("long", &sh("printf 'Content-Length: 5\\n\\n1234567890'")),
        ],
        "",
    );
    fs::remove_file(site.config.path("bin/noprogram")).unwrap();
    for (name, words) in [
        ("crash", "it said nothing, signal: 11"),
        ("silent", "it said nothing, exit status: 3"),
        ("nohead", "its output ends before the empty line"),
        ("badhead", "a line of its head is not a name, a colon and a value"),
        ("badstatus", "`Status` is not a number"),
        ("huge", "its head is larger than"),
        ("noprogram", "cannot be started in `/tmp`: No such file"),
    ] {
        let response = get(site.port, "a.test", &format!("/{name}"));
        assert_eq!(response.status, 502, "{name}");
        assert!(!response.text().contains("program"), "nothing internal: {}", response.text());
        let said = site.server.line_with(words);
        assert!(said.contains("conf.d/site:") && said.contains(&format!("mount `/{name}`")), "{said}");
    }
    let mut client = Client::tcp(site.port);
    client.send("GET /short HTTP/1.1\r\nHost: a.test\r\n\r\n");
    // How much of it still goes out depends on how soon the end is known; that it is cut does not.
    let rest = client.rest().expect("the connection is cut");
    let body = rest.windows(4).position(|mark| mark == b"\r\n\r\n").map_or(0, |at| rest.len() - at - 4);
    assert!(body < 10, "{}", rest.escape_ascii());
    assert_eq!(get(site.port, "a.test", "/long").text(), "12345");
}

#[test]
fn status_location_and_heads() {
    let site = programs(
        &[
            ("status", &sh("printf 'Status: 418 Short and stout\\nContent-Type: text/plain\\n\\nteapot'")),
            ("away", &sh("printf 'Location: http://elsewhere.test/\\n\\n'")),
            ("see", &sh("printf 'Location: /there\\nStatus: 303 See Other\\n\\n'")),
            ("local", &sh("printf 'Location: /bin/../bin/status?a=b\\n\\n'")),
            ("file", &sh("cat >/dev/null; printf 'Location: /index.html\\n\\n'")),
            ("login", &sh("printf 'Location: /index.html\\nSet-Cookie: a=1\\nSet-Cookie: b=2\\n\\n'")),
            ("loop", &sh("printf 'Location: /loop\\n\\n'")),
            ("none", &sh("printf 'Status: 204\\n\\nthis goes nowhere'")),
            (
                "hop",
                &sh(
                    "printf 'Connection: x\\nTransfer-Encoding: chunked\\nX-A: 1\\nX-A: 2\\nContent-Type: text/plain\\n\\n5'",
                ),
            ),
        ],
        "",
    );
    let ask = |method: &str, path: &str| {
        let mut client = Client::tcp(site.port);
        client.send(format!("{method} {path} HTTP/1.1\r\nHost: a.test\r\nContent-Length: 0\r\n\r\n"));
        client.expect(method)
    };
    assert_eq!((ask("GET", "/status").status, ask("GET", "/status").text().as_str()), (418, "teapot"));
    let head = ask("HEAD", "/status");
    assert_eq!((head.status, head.body.len()), (418, 0));
    let away = ask("GET", "/away");
    assert_eq!((away.status, away.header("location")), (302, Some("http://elsewhere.test/")));
    let see = ask("POST", "/see");
    assert_eq!((see.status, see.header("location")), (303, Some("/there")));
    assert_eq!((ask("GET", "/local").status, ask("GET", "/local").text().as_str()), (418, "teapot"));
    assert_eq!(ask("POST", "/file").text(), "home");
    let login = ask("POST", "/login");
    assert_eq!((login.status, login.header("location")), (302, Some("/index.html")));
    assert_eq!(login.header_all("set-cookie"), ["a=1", "b=2"]);
    assert_eq!(ask("GET", "/loop").status, 502);
    let none = ask("GET", "/none");
    assert_eq!((none.status, none.body.len()), (204, 0));
    let hop = ask("GET", "/hop");
    assert_eq!((hop.header_all("x-a").len(), hop.text().as_str()), (2, "5"));
    assert_eq!(hop.header("connection"), None);
}

#[test]
fn a_program_that_is_silent_for_too_long_is_killed_with_its_group() {
    let site =
        programs(&[("early", &hanging("")), ("late", &hanging(&format!("{HEAD}; echo first")))], BRIEF);
    assert_eq!(get(site.port, "a.test", "/early").status, 504);
    let mut client = Client::tcp(site.port);
    client.send("GET /late HTTP/1.1\r\nHost: a.test\r\n\r\n");
    let answer = String::from_utf8(client.rest().expect("the connection is cut")).unwrap();
    assert!(answer.contains("first") && !answer.ends_with("0\r\n\r\n"), "{answer}");
    let pids = lines(&site.config.path("pids"), 2);
    pids.iter().for_each(|pids| gone(pids));
    let said = site.server.line_with("silent for 3 s (`cgi-timeout`)");
    assert!(said.contains("conf.d/site:"), "{said}");
    let log = lines(&site.config.path("log"), 2);
    assert!(
        log[0].contains("\"GET /early HTTP/1.1\" 504") && log[1].contains("\"GET /late HTTP/1.1\" 200 6"),
        "{log:?}"
    );
}

#[test]
fn a_program_whose_answer_is_complete_ends_or_is_killed() {
    let site = programs(
        &[
            ("closes", &hanging(&format!("{HEAD}; echo out; exec >&-"))),
            ("counts", &hanging("printf 'Content-Length: 3\\n\\nout'")),
            ("zero", &hanging("printf 'Content-Length: 0\\n\\n'")),
            ("empty", &hanging("printf 'Status: 204\\n\\n'")),
            ("writes", &sh(&format!("echo $$ >> \"@DIR@/pids\"; {HEAD}; while echo x; do sleep 0.1; done"))),
        ],
        BRIEF,
    );
    let mut client = Client::tcp(site.port);
    let mut ask = |method: &str, path: &str| {
        client.send(format!("{method} {path} HTTP/1.1\r\nHost: a.test\r\n\r\n"));
        let answer = client.expect(method);
        (answer.status, answer.text())
    };
    assert_eq!(ask("GET", "/closes"), (200, "out\n".to_owned()));
    assert_eq!(ask("GET", "/counts"), (200, "out".to_owned()));
    assert_eq!(ask("GET", "/zero"), (200, String::new()));
    assert_eq!(ask("GET", "/empty"), (204, String::new()));
    // Never silent, and nobody is there to leave.
    assert_eq!(ask("HEAD", "/writes"), (200, String::new()));
    lines(&site.config.path("pids"), 5).iter().for_each(|pids| gone(pids));
}

#[test]
fn answers_without_content_announce_none() {
    let head =
        |status: &str| sh(&format!("printf 'Status: {status}\\nContent-Length: 5\\nX-A: b\\n\\nhello'"));
    let site = programs(&[("204", &head("204")), ("205", &head("205")), ("304", &head("304"))], "");
    let mut client = Client::tcp(site.port);
    for (status, length) in [(204, None), (205, Some("0")), (304, None)] {
        let answer = client.get("a.test", &format!("/{status}"));
        assert_eq!((answer.status, answer.header("content-length")), (status, length));
        assert_eq!((answer.header("x-a"), answer.body.len()), (Some("b"), 0));
    }
    // The connection goes on behind them.
    assert_eq!(client.get("a.test", "/").text(), "home");
}

#[test]
fn a_slow_client_is_not_a_silent_program() {
    let count = sh(&format!("wc -c > \"@DIR@/count\"; {HEAD}; cat \"@DIR@/count\""));
    let site = programs(&[("count", &count), ("hang", &hanging(""))], BRIEF);
    let mut client = Client::tcp(site.port);
    client.send("POST /count HTTP/1.1\r\nHost: a.test\r\nContent-Length: 6\r\n\r\nabc");
    // Begun later, a program that really is silent has its time over.
    assert_eq!(get(site.port, "a.test", "/hang").status, 504);
    client.send("def");
    assert_eq!(client.expect("POST").text().trim(), "6");
}

#[test]
fn a_client_that_leaves_takes_the_program_with_it() {
    let site = programs(
        &[
            ("early", &hanging("")),
            ("late", &hanging(&format!("{HEAD}; echo first"))),
            ("taking", &hanging("cat > /dev/null")),
        ],
        ", \"cgi-timeout\": \"1000\"",
    );
    for (number, path) in ["/early", "/late"].iter().enumerate() {
        let mut client = Client::tcp(site.port);
        client.send(format!("GET {path} HTTP/1.1\r\nHost: a.test\r\n\r\n"));
        let pids = lines(&site.config.path("pids"), number + 1).pop().unwrap();
        drop(client);
        gone(&pids);
    }
    let mut client = Client::tcp(site.port);
    client.send("POST /taking HTTP/1.1\r\nHost: a.test\r\nContent-Length: 3\r\n\r\nabc");
    let pids = lines(&site.config.path("pids"), 3).pop().unwrap();
    drop(client);
    gone(&pids);
    let log = lines(&site.config.path("log"), 3);
    assert!(log[0].contains("\"GET /early HTTP/1.1\" 499 -"), "{log:?}");
}

#[test]
fn a_client_that_leaves_more_behind_takes_the_program_with_it() {
    let site = programs(&[("deaf", &hanging(""))], ", \"cgi-timeout\": \"1000\"");
    let get = "GET /deaf HTTP/1.1\r\nHost: a.test\r\n\r\n";
    let post = |length: usize| {
        let head = format!("POST /deaf HTTP/1.1\r\nHost: a.test\r\nContent-Length: {length}\r\n\r\n");
        // The kernel has to take all that the program does not: the end comes behind it.
        head + &"x".repeat(150_000)
    };
    let cases = [
        ("the next request", format!("{get}GET / HTTP/1.1\r\nHost: a.test\r\n\r\n")),
        ("the beginning of one", format!("{get}GE")),
        ("content that the program does not read", post(150_000)),
        ("a part of it", post(900_000)),
        ("little of it", post(9_000_000)),
    ];
    for (number, (what, request)) in cases.iter().enumerate() {
        let mut client = Client::tcp(site.port);
        client.send(request);
        let pids = lines(&site.config.path("pids"), number + 1).pop().unwrap();
        drop(client);
        gone(&pids);
        let log = lines(&site.config.path("log"), number + 1);
        assert!(log.iter().any(|line| line.contains("/deaf HTTP/1.1\" 499 -")), "{what}: {log:?}");
    }
}

#[test]
fn no_signal_is_blocked_or_ignored() {
    let masks = sh(&format!("{HEAD}; exec grep -E '^Sig(Blk|Ign)' /proc/self/status"));
    let site = served(&[("masks", &masks)], "", |plan| {
        // As after `nohup` and in the background of a script.
        let mut command = Command::new("sh");
        command.args(["-c", "trap '' HUP INT QUIT USR2; exec \"$0\" \"$1\""]);
        Server::spawn(command.arg(program::path("lwsrun")).arg(plan))
    });
    let none = ["SigBlk", "SigIgn"].map(|mask| format!("{mask}:\t{:016x}\n", 0)).concat();
    assert_eq!(get(site.port, "a.test", "/masks").text(), none);
}

/// Else the kernel would forget ended programs at once, and their numbers could be others' when they are killed.
#[test]
fn how_a_program_ends_is_known_though_the_server_was_started_to_ignore_it() {
    let site = served(&[("three", &sh("exit 3"))], "", |plan| {
        let mut command = Command::new("env");
        Server::spawn(command.arg("--ignore-signal=CHLD").arg(program::path("lwsrun")).arg(plan))
    });
    assert_eq!(get(site.port, "a.test", "/three").status, 502);
    let said = site.server.line_with("exit status");
    assert!(said.contains("exit status: 3"), "{said}");
}

#[test]
fn the_end_of_the_server_is_that_of_its_programs() {
    let site = programs(&[("hang", &hanging(""))], ", \"cgi-timeout\": \"1000\"");
    let mut client = Client::tcp(site.port);
    client.send("GET /hang HTTP/1.1\r\nHost: a.test\r\n\r\n");
    let pids = lines(&site.config.path("pids"), 1).pop().unwrap();
    site.server.signal(Signal::TERM);
    // It would wait for the program; a second signal ends that.
    let _ = site.server.line_with("SIGTERM");
    site.server.signal(Signal::TERM);
    let Site { server, config: _config, .. } = site;
    assert!(server.ended().success());
    gone(&pids);
}

#[test]
fn two_hundred_hanging_programs_stop_nobody() {
    // A program may take a thirty-second part of those that are not kept for the server.
    if !has_room(201 * 32 + 64) {
        return;
    }
    let site = programs(
        &[("hang", &hanging("")), ("quick", &sh(&format!("{HEAD}; echo quick")))],
        ", \"cgi-timeout\": \"1000\"",
    );
    let clients: Vec<Client> = (0..200)
        .map(|_| {
            let mut client = Client::tcp(site.port);
            client.send("GET /hang HTTP/1.1\r\nHost: a.test\r\n\r\n");
            client
        })
        .collect();
    let pids = lines(&site.config.path("pids"), 200);
    assert_eq!(get(site.port, "a.test", "/").text(), "home");
    assert_eq!(get(site.port, "a.test", "/quick").text(), "quick\n");
    drop(clients);
    pids.iter().for_each(|pids| gone(pids));
    assert_eq!(get(site.port, "a.test", "/quick").text(), "quick\n");
}

#[test]
fn standard_error_is_in_the_log_line_by_line() {
    let site =
        programs(&[("err", &sh(&format!("{HEAD}; echo one >&2; printf 'two\\033[31m' >&2; echo out")))], "");
    assert_eq!(get(site.port, "a.test", "/err").text(), "out\n");
    let said = site.server.line_with("stderr: one");
    assert!(said.contains("conf.d/site:") && said.contains("mount `/err`"), "{said}");
    let said = site.server.line_with("stderr: two");
    assert!(!said.contains('\x1b'), "{said:?}");
}
