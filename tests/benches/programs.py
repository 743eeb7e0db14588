#!/usr/bin/env python3
"""CGI programs and access logs: lwsrun beside lighttpd, and beside itself.

    tests/benches/programs.py LWSCONF LWSRUN

Needs wrk, and lighttpd for its part. Prints
  * requests a second for the same `sh` program, lwsrun and lighttpd's mod_cgi, in turn;
  * the server's CPU time a request for a small file, with an access log and without one, in turn.
Run it on a machine that does nothing else; ratios mean more than numbers.
"""
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

PROGRAM = "#!/bin/sh\nprintf 'Content-Type: text/plain\\n\\nhello\\n'\n"
TICK = os.sysconf("SC_CLK_TCK")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(port):
    for _ in range(500):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.01)
    sys.exit(f"nobody listens on port {port}")


def lwsrun(folder, programs, vhost):
    lwsconf, server = programs
    port = free_port()
    config = folder / f"etc{port}"
    (config / "conf.d").mkdir(parents=True)
    (config / "conf").write_text('{ "global": { "count-threads": 1 } }')
    (config / "conf.d" / "site").write_text(
        f'{{ "vhosts": [{{ "name": "a.test", "port": {port}, "interface": "127.0.0.1", {vhost} }}] }}')
    plan = folder / f"plan{port}"
    subprocess.run([lwsconf, "compile", config, "-o", plan], check=True, capture_output=True)
    child = subprocess.Popen([server, plan], stderr=subprocess.DEVNULL)
    wait_for(port)
    return child, port


def lighttpd(folder):
    port = free_port()
    config = folder / "lighttpd.conf"
    config.write_text(f"""
server.document-root = "{folder}/www"
server.bind = "127.0.0.1"
server.port = {port}
server.modules = ("mod_cgi")
server.max-keep-alive-requests = 1000000
cgi.assign = (".cgi" => "")
""")
    child = subprocess.Popen(["lighttpd", "-D", "-f", config], stderr=subprocess.DEVNULL)
    wait_for(port)
    return child, port


def load(port, path, seconds):
    """Requests a second, and how many there were."""
    out = subprocess.run(["wrk", "-t1", "-c16", f"-d{seconds}s", f"http://127.0.0.1:{port}{path}"],
                         check=True, capture_output=True, text=True).stdout
    bad = re.search(r"Non-2xx[^\n]*|Socket errors[^\n]*", out)
    if bad:
        print(f"  ({bad[0].strip()})")
    return float(re.search(r"Requests/sec:\s+([\d.]+)", out)[1]), int(re.search(r"(\d+) requests in", out)[1])


def cpu(child):
    fields = pathlib.Path(f"/proc/{child.pid}/stat").read_text().rsplit(") ")[1].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def stop(child):
    child.send_signal(signal.SIGTERM)
    child.wait(20)


def cgi(folder, programs):
    mount = f'"mounts": [{{ "mountpoint": "/hello.cgi", "origin": "cgi://{folder}/www/hello.cgi" }}]'
    servers = {"lwsrun": lwsrun(folder, programs, mount)}
    if shutil.which("lighttpd"):
        servers["lighttpd"] = lighttpd(folder)
    else:
        print("skipped: there is no lighttpd")
    best = {}
    for _ in range(3):
        for name, (_, port) in servers.items():
            best[name] = max(best.get(name, 0), load(port, "/hello.cgi", 3)[0])
    for name, rate in best.items():
        print(f"CGI, sh: {name} {rate:.0f} requests/s")
    if "lighttpd" in best:
        print(f"CGI, sh: lwsrun at {best['lwsrun'] / best['lighttpd']:.2f} of lighttpd")
    for child, _ in servers.values():
        stop(child)


def log(folder, programs):
    mounts = f'"mounts": [{{ "mountpoint": "/", "origin": "file://{folder}/www" }}]'
    servers = {
        "off": lwsrun(folder, programs, mounts),
        "combined": lwsrun(folder, programs, f'"access-log": "{folder}/combined", {mounts}'),
        "json": lwsrun(folder, programs, f'"access-log": "{folder}/json", "access-log-format": "json", {mounts}'),
    }
    best = {}
    for _ in range(4):
        for name, (child, port) in servers.items():
            before = cpu(child)
            _, count = load(port, "/small.txt", 2)
            time.sleep(0.05)
            best[name] = min(best.get(name, 1e9), (cpu(child) - before) / count * 1e6)
    for name, cost in best.items():
        print(f"access log {name}: {cost:.2f} us of CPU a request, {cost - best['off']:+.2f}")
    for child, _ in servers.values():
        stop(child)


def main():
    programs = [pathlib.Path(path).resolve() for path in sys.argv[1:3]]
    if len(programs) != 2 or not shutil.which("wrk"):
        sys.exit(__doc__)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        (folder / "www").mkdir()
        (folder / "www" / "small.txt").write_text("x" * 1024)
        program = folder / "www" / "hello.cgi"
        program.write_text(PROGRAM)
        program.chmod(0o755)
        cgi(folder, programs)
        log(folder, programs)


if __name__ == "__main__":
    main()
