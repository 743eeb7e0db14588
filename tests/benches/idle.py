#!/usr/bin/env python3
"""What lwsrun holds for idle connections: resident memory, over thousands that have asked once.

    tests/benches/idle.py LWSCONF LWSRUN [CONNECTIONS]

Needs openssl. Prints, for HTTP/1 in clear, HTTP/1 over TLS before and after a request, and HTTP/2 over TLS, KiB for each
connection: when the last one has asked, and five seconds later.
"""
import pathlib
import resource
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import time

BODY = "x" * 1024
REQUEST = b"GET / HTTP/1.1\r\nHost: a.test\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64)\r\n\r\n"
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, SETTINGS = 0, 1, 4
END_STREAM, ACK, END_HEADERS = 1, 1, 4


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def start(folder, lwsconf, lwsrun):
    """A server of one worker, with a vhost in clear and one with keys; its process and their ports."""
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days",
                    "30", "-subj", "/CN=a.test", "-keyout", folder / "key", "-out", folder / "cert"],
                   check=True, capture_output=True)
    (folder / "www").mkdir()
    (folder / "www" / "index.html").write_text(BODY)
    (folder / "etc" / "conf.d").mkdir(parents=True)
    (folder / "etc" / "conf").write_text(
        '{ "global": { "count-threads": 1, "init-ssl": "1", "rlimit-nofile": 40000 } }')
    clear, secured = free_port(), free_port()
    keys = f', "host-ssl-cert": "{folder}/cert", "host-ssl-key": "{folder}/key"'
    vhosts = [f'{{ "name": "a.test", "port": {port}, "interface": "127.0.0.1", "keepalive_timeout": 600,'
              f' "mounts": [{{ "mountpoint": "/", "origin": "file://{folder}/www" }}]{more} }}'
              for port, more in [(clear, ""), (secured, keys)]]
    (folder / "etc" / "conf.d" / "site").write_text(f'{{ "vhosts": [ {", ".join(vhosts)} ] }}')
    subprocess.run([lwsconf, "compile", folder / "etc", "-o", folder / "plan"], check=True, capture_output=True)
    server = subprocess.Popen([lwsrun, folder / "plan"], stderr=subprocess.DEVNULL)
    for _ in range(500):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", clear)) == 0:
                return server, clear, secured
        time.sleep(0.01)
    sys.exit("the server does not start")


def resident(process):
    """KiB."""
    status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS:")))


def connect(port, alpn):
    stream = socket.create_connection(("127.0.0.1", port))
    if alpn is None:
        return stream
    context = CONTEXTS[alpn]
    return context.wrap_socket(stream, server_hostname="a.test")


def trusting_all(alpn):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols([alpn])
    return context


CONTEXTS = {alpn: trusting_all(alpn) for alpn in ["http/1.1", "h2"]}


def nothing(_):
    pass


def http1(stream):
    stream.sendall(REQUEST)
    answer = b""
    while len(answer.partition(b"\r\n\r\n")[2]) < len(BODY):
        answer += stream.recv(65536)


def frame(kind, flags, stream, payload):
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def http2(stream):
    fields = [(b":method", b"GET"), (b":scheme", b"https"), (b":path", b"/"), (b":authority", b"a.test")]
    block = b"".join(b"\0" + bytes([len(name)]) + name + bytes([len(value)]) + value for name, value in fields)
    stream.sendall(PREFACE + frame(SETTINGS, 0, 0, b"") + frame(HEADERS, END_STREAM | END_HEADERS, 1, block))
    got = b""
    while True:
        while len(got) < 9 or len(got) < 9 + int.from_bytes(got[:3], "big"):
            got += stream.recv(65536)
        kind, flags, got = got[3], got[4], got[9 + int.from_bytes(got[:3], "big"):]
        if kind == SETTINGS and not flags & ACK:
            stream.sendall(frame(SETTINGS, ACK, 0, b""))
        if kind in (DATA, HEADERS) and flags & END_STREAM:
            return


def measure(name, count, programs, secured, alpn, ask):
    with tempfile.TemporaryDirectory() as folder:
        server, *ports = start(pathlib.Path(folder), *programs)
        try:
            streams = [connect(ports[secured], alpn) for _ in range(50)]
            for stream in streams:
                ask(stream)
                stream.close()
            time.sleep(0.5)
            before = resident(server)
            streams = []
            for _ in range(count):
                streams.append(connect(ports[secured], alpn))
                ask(streams[-1])
            at_once = (resident(server) - before) / count
            time.sleep(5)
            later = (resident(server) - before) / count
            print(f"{name:28} {at_once:6.1f} KiB, then {later:6.1f} KiB", flush=True)
        finally:
            server.kill()
            server.wait()


def main():
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    programs, count = sys.argv[1:3], int(sys.argv[3]) if len(sys.argv) == 4 else 3000
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    measure("HTTP/1 in clear", count, programs, False, None, http1)
    measure("TLS, before a request", count, programs, True, "http/1.1", nothing)
    measure("HTTP/1 over TLS", count, programs, True, "http/1.1", http1)
    measure("HTTP/2 over TLS", count, programs, True, "h2", http2)


if __name__ == "__main__":
    main()
