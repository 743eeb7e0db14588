#!/usr/bin/env python3
"""What proxying costs: lwsrun and nginx in front of the same nginx, one after the other, several rounds.

usage: proxy_bench.py [--secs S] [--rounds R] [--cases 1k,1m] [--clients N]

The proxy has one worker and runs on CPU 0; the upstream and the load generator (wrk) share CPU 1. The figure that counts is the
processor time of the proxy for each request, user and system together, which holds whoever is the limit. Proxies take turns in
each round so that what else the machine does hits both alike; medians are printed.

$LWSCONF and $LWSRUN are the programs, release builds, else those of target/release. Needs nginx, wrk and taskset.
"""
import argparse
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SIZES = {'1k': 1 << 10, '10k': 10 << 10, '100k': 100 << 10, '1m': 1 << 20}
UPSTREAM, PROXY = 18700, 18701
TICKS = os.sysconf('SC_CLK_TCK')


def program(name):
    return os.environ.get(name.upper(), f'{ROOT}/target/release/{name}')


def write(folder, name, text):
    path = os.path.join(folder, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, 'w') as file:
        file.write(text)
    return path


def nginx(folder, name, http):
    paths = ' '.join(f'{kind}_temp_path {folder}/{kind};' for kind in ('client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'))
    config = write(folder, name + '.conf', f"""daemon off; worker_processes 1; pid {folder}/{name}.pid; worker_rlimit_nofile 4096;
events {{ worker_connections 2000; }}
http {{ access_log off; error_log /dev/null; keepalive_requests 100000000; tcp_nodelay on; {paths} {http} }}
""")
    return ['nginx', '-e', '/dev/null', '-c', config]


def upstream(folder):
    return nginx(folder, 'upstream', f"""sendfile on; open_file_cache max=100 inactive=60s;
 server {{ listen 127.0.0.1:{UPSTREAM}; root {folder}/www; }}""")


def by_nginx(folder):
    return nginx(folder, 'proxy', f"""
 upstream up {{ server 127.0.0.1:{UPSTREAM}; keepalive 64; keepalive_requests 100000000; }}
 server {{ listen 127.0.0.1:{PROXY}; location / {{ proxy_pass http://up; proxy_http_version 1.1; proxy_set_header Connection "";
  proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; proxy_set_header X-Forwarded-Proto $scheme;
  proxy_set_header X-Forwarded-Host $http_host; }} }}""")


def by_lwsrun(folder):
    write(folder, 'lws/conf', '{ "global": { "count-threads": "1" } }')
    write(folder, 'lws/conf.d/bench', f"""{{ "vhosts": [{{ "name": "localhost", "port": "{PROXY}", "interface": "127.0.0.1",
 "mounts": [{{ "mountpoint": "/", "origin": "http://127.0.0.1:{UPSTREAM}/" }}] }}] }}""")
    plan = folder + '/plan'
    subprocess.run([program('lwsconf'), 'compile', folder + '/lws', '-o', plan], check=True, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)
    return [program('lwsrun'), plan]


PROXIES = {'nginx': by_nginx, 'lwsrun': by_lwsrun}


def start(cpu, command):
    return subprocess.Popen(['taskset', '-c', cpu, *command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                            start_new_session=True)


def stop(process):
    os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def wait_for(port):
    end = time.time() + 20
    while time.time() < end:
        try:
            return socket.create_connection(('127.0.0.1', port), 1).close()
        except OSError:
            time.sleep(.05)
    sys.exit(f'nobody listens on {port}')


def family(pid):
    found = [pid]
    for task in os.listdir(f'/proc/{pid}/task'):
        with open(f'/proc/{pid}/task/{task}/children') as children:
            for child in children.read().split():
                found += family(int(child))
    return found


def processor_time(pid):
    user, system = 0, 0
    for member in family(pid):
        with open(f'/proc/{member}/stat') as stat:
            fields = stat.read().rsplit(')', 1)[1].split()
        user, system = user + int(fields[11]), system + int(fields[12])
    return user / TICKS, system / TICKS


def load(case, clients, secs):
    """-> requests done; ends the run if any went wrong."""
    url = f'http://127.0.0.1:{PROXY}/{case}.html'
    out = subprocess.run(['taskset', '-c', '1', 'wrk', '-t1', f'-c{clients}', f'-d{secs}s', '-H', 'Host: localhost', url],
                         capture_output=True, text=True).stdout
    done, bad = re.search(r'(\d+) requests in', out), re.search(r'Non-2xx|Socket errors', out)
    if not done or bad:
        sys.exit(f'{case}: {out}')
    return int(done.group(1))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--secs', type=int, default=3)
    parser.add_argument('--rounds', type=int, default=3)
    parser.add_argument('--cases', default='1k,1m')
    parser.add_argument('--clients', type=int, default=32)
    options = parser.parse_args()
    cases = options.cases.split(',')
    folder = tempfile.mkdtemp(prefix='proxy-bench-')
    os.chmod(folder, 0o755)
    for case in cases:
        write(folder, f'www/{case}.html', 'x' * SIZES[case])
    figures = {(case, name): [] for case in cases for name in PROXIES}
    behind = start('1', upstream(folder))
    try:
        wait_for(UPSTREAM)
        for _ in range(options.rounds):
            for name, make in PROXIES.items():
                proxy = start('0', make(folder))
                try:
                    wait_for(PROXY)
                    for case in cases:
                        load(case, options.clients, 1)
                        before, clock = processor_time(proxy.pid), time.time()
                        done = load(case, options.clients, options.secs)
                        clock = time.time() - clock
                        user, system = (now - then for now, then in zip(processor_time(proxy.pid), before))
                        figures[case, name].append(((user + system) / done * 1e6, user / done * 1e6, done / clock))
                finally:
                    stop(proxy)
    finally:
        stop(behind)
        shutil.rmtree(folder, ignore_errors=True)
    print(f'{"case":6} {"proxy":8} {"cpu us/request":>15} {"of it user":>11} {"requests/s":>11} {"of nginx":>9}')
    for case in cases:
        base = statistics.median(cost for cost, _, _ in figures[case, 'nginx'])
        for name in PROXIES:
            cost, user, rate = (statistics.median(column) for column in zip(*figures[case, name]))
            print(f'{case:6} {name:8} {cost:15.2f} {user:11.2f} {rate:11.0f} {cost / base:9.2f}')


main()
