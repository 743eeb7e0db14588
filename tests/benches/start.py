#!/usr/bin/env python3
"""How soon lwsrun serves a large plan: from the start of the process to its first answer, and what it holds by then.

    tests/benches/start.py LWSCONF LWSRUN [VHOSTS]

Needs openssl. 10,000 vhosts with four mounts each on one port, in clear, and with a certificate for each of them, whose files
are all read. Prints the best and the median of nine starts, and resident memory at the first answer and two seconds later.
The files are in the kernel's cache, as after `lwsrun --check`.
"""
import json
import pathlib
import socket
import ssl
import statistics
import subprocess
import sys
import tempfile
import time

STARTS = 9
HOST = "v{}.test"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def write(folder, vhosts, port, secured):
    """The config, and the files that it names."""
    (folder / "etc" / "conf.d").mkdir(parents=True)
    (folder / "keys").mkdir()
    (folder / "www").mkdir()
    (folder / "www" / "index.html").write_text("home")
    (folder / "etc" / "conf").write_text(json.dumps({"global": {"init-ssl": "1"}}))
    mounts = [{"mountpoint": point, "origin": f"file://{folder}/www"} for point in ("/", "/a", "/b", "/c")]
    key, cert = folder / "key", folder / "cert"
    if secured:
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days",
                        "30", "-subj", "/CN=any", "-addext", "subjectAltName=DNS:*.test", "-keyout", key, "-out", cert],
                       check=True, capture_output=True)
    sites = []
    for number in range(vhosts):
        site = {"name": HOST.format(number), "port": port, "interface": "127.0.0.1", "mounts": mounts}
        if secured:
            for name, source in (("host-ssl-key", key), ("host-ssl-cert", cert)):
                site[name] = f"{folder}/keys/{number}.{source.name}"
                pathlib.Path(site[name]).write_bytes(source.read_bytes())
                pathlib.Path(site[name]).chmod(0o600)
        sites.append(site)
    (folder / "etc" / "conf.d" / "sites").write_text(json.dumps({"vhosts": sites}))


def ask(port, host, secured):
    """The first line of the first answer, once somebody listens."""
    while True:
        try:
            stream = socket.create_connection(("127.0.0.1", port))
            break
        except ConnectionRefusedError:
            time.sleep(0.0005)
    if secured:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        stream = context.wrap_socket(stream, server_hostname=host)
    with stream:
        stream.sendall(f"GET /c/ HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        return stream.recv(65536).partition(b"\r\n")[0]


def resident(process):
    """KiB."""
    status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS:")))


def measure(name, lwsconf, lwsrun, vhosts, secured):
    with tempfile.TemporaryDirectory() as folder:
        folder, port = pathlib.Path(folder), free_port()
        write(folder, vhosts, port, secured)
        plan = folder / "plan"
        subprocess.run([lwsconf, "compile", folder / "etc", "-o", plan], check=True, capture_output=True)
        times, first, later = [], [], []
        for _ in range(STARTS):
            begun = time.monotonic()
            server = subprocess.Popen([lwsrun, plan], stderr=subprocess.DEVNULL)
            try:
                line = ask(port, HOST.format(vhosts * 3 // 4), secured)
                times.append(time.monotonic() - begun)
                first.append(resident(server))
                if line != b"HTTP/1.1 200 OK":
                    sys.exit(f"no answer, but {line}")
                time.sleep(2)
                later.append(resident(server))
            finally:
                server.terminate()
                server.wait()
        best, middle = min(times) * 1000, statistics.median(times) * 1000
        print(f"{name:24} {best:6.1f} ms, median {middle:6.1f} ms; {statistics.median(first) / 1024:6.1f} MiB, then"
              f" {statistics.median(later) / 1024:6.1f} MiB", flush=True)


def main():
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    programs, vhosts = sys.argv[1:3], int(sys.argv[3]) if len(sys.argv) == 4 else 10_000
    measure("in clear", *programs, vhosts, False)
    measure("a certificate for each", *programs, vhosts, True)


if __name__ == "__main__":
    main()
