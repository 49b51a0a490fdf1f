# SPDX-License-Identifier: BSD-2-Clause
"""NSD, Knot DNS and BIND behind one small interface.

A server is told which zones to serve from a file (as a primary, or just to
answer) and which to follow (as a secondary), then started.  Keys named by
its peers are found and configured by themselves.  secondaryd's adapter is in
secondaryd.py.
"""
import base64
import os
import secrets
import signal
import socket
import subprocess
import time
from collections import namedtuple

from . import dnsq
from .process import Program, find_program, wait_until

Key = namedtuple("Key", "name algorithm secret")
# A server to talk to, or to let in: key is a Key, a tuple of Keys (secondaryd
# alone takes that) or None.  In an access list address is a prefix or None, and
# port is not used.
Peer = namedtuple("Peer", "address port key")


def keys_of(peer):
    """The keys of a peer, in a list."""
    if peer.key is None:
        return []
    return [peer.key] if isinstance(peer.key, Key) else list(peer.key)


# Where a server is asked that listens everywhere.
ANY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1"}


def new_key(name="xfr.test.", algorithm="hmac-sha256", size=32):
    return Key(name, algorithm,
               base64.b64encode(secrets.token_bytes(size)).decode())


def allow(key=None, address=None):
    """An entry of an access list; both must match where both are given."""
    return Peer(address, None, key)


class ZoneConf:
    def __init__(self, apex, file, primaries=(), notify=(), allow=(),
                 options=None):
        self.apex, self.file = apex, file
        self.primaries, self.notify = list(primaries), list(notify)
        self.allow = list(allow)
        self.options = dict(options or {})


def write_private(path, text):
    """Write a file that only its owner may read, in one step."""
    tmp = path + ".new"
    fd = os.open(tmp, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(fd, "w") as f:
        f.write(text)
    # The coarse clock of the file system may stand still between two quick
    # edits, and a server that compares times would see no change.
    now = time.time_ns()
    os.utime(tmp, ns=(now, now))
    os.rename(tmp, path)


class Server:
    """What all adapters share."""
    kind = None
    candidates = ()
    config_name = None

    def __init__(self, case, name=None, addresses=("127.0.0.1", "::1"),
                 port=None):
        self.case = case
        self.name = name or self.kind
        self.dir = case.subdir(self.name)
        self.addresses = list(addresses)
        self.port = port or case.port()
        self.zones = {}
        self.extra_keys = []
        self.program = None
        self.log = os.path.join(self.dir, "log")
        case.servers.append(self)

    # -- what an adapter gives
    def config(self):
        raise NotImplementedError

    def argv(self):
        raise NotImplementedError

    def reload_zone(self, apex):
        """Make the server read a zone file again."""
        raise NotImplementedError

    # -- zones
    @classmethod
    def path(cls):
        return find_program(*cls.candidates)

    def p(self, *parts):
        return os.path.join(self.dir, *parts)

    def zone_file(self, apex):
        return self.p("%s.zone" % (apex.strip(".").replace("/", "_")
                                   or "root"))

    def serve(self, zone, allow=(), notify=(), **options):
        """Serve a zone from a file: as a primary, or just to answer."""
        path = self.zone_file(zone.apex)
        write_private(path, zone.text())
        self.zones[zone.apex] = ZoneConf(zone.apex, path, (), notify, allow,
                                         options)

    def follow(self, apex, primaries, allow=(), notify=(), **options):
        """Be a secondary of a zone."""
        self.zones[apex] = ZoneConf(apex, self.zone_file(apex), primaries,
                                    notify, allow, options)

    def update(self, zone):
        """Give a served zone new contents and make the server read it."""
        write_private(self.zone_file(zone.apex), zone.text())
        self.reload_zone(zone.apex)

    def keys(self):
        found = {k.name: k for k in self.extra_keys}
        for z in self.zones.values():
            for peer in z.primaries + z.notify + z.allow:
                found.update((k.name, k) for k in keys_of(peer))
        return list(found.values())

    # -- addresses
    def at(self, address=None):
        """(address, port) to ask this server at."""
        address = address or self.addresses[0]
        return ANY_ADDRESS.get(address, address), self.port

    def peer(self, key=None, address=None):
        return Peer(self.at(address)[0], self.port, key)

    # -- running
    def write_config(self):
        write_private(self.p(self.config_name), self.config())

    def launch(self):
        """Start it without waiting."""
        self.write_config()
        self.program = Program(self.argv(), self.log, self.dir)

    def start(self, timeout=30):
        self.launch()
        self.wait_ready(timeout)
        return self

    def ready(self):
        if not self.program.running():
            raise RuntimeError("%s ended with %s" % (
                self.name, self.program.popen.returncode))
        for address in self.addresses:
            for z in list(self.zones.values()) or [None]:
                apex = z.apex if z else "."
                r = dnsq.try_ask(self.at(address), apex, "SOA", timeout=0.3)
                if r is None:
                    return False
                if z and not z.primaries and r.rcode() != 0:
                    return False
                if z and z.primaries:
                    break
        return True

    def wait_ready(self, timeout=30):
        wait_until(self.ready, timeout, self.name + " to answer")

    def running(self):
        return self.program is not None and self.program.running()

    def stop(self):
        if self.program:
            program, self.program = self.program, None
            return program.stop()
        return None

    def kill(self):
        """kill -9."""
        if self.program:
            program, self.program = self.program, None
            program.kill()

    def restart(self):
        self.stop()
        self.start()

    def serial(self, apex, address=None):
        """The serial it serves now, or None."""
        return dnsq.serial(self.at(address), apex)

    def wait_serial(self, apex, serial, timeout=20):
        wait_until(lambda: self.serial(apex) == serial, timeout,
                   lambda: "%s to serve %s with serial %d, it has %s" % (
                       self.name, apex, serial, self.serial(apex)))

    def log_text(self):
        try:
            with open(self.log, errors="replace") as f:
                return f.read()
        except OSError:
            return ""


def _is6(address):
    return ":" in address


class Nsd(Server):
    kind = "nsd"
    candidates = ("/usr/sbin/nsd", "nsd")
    config_name = "nsd.conf"
    options = ""

    def config(self):
        out = ["server:",
               "    server-count: 1",
               "    reuseport: no",
               '    username: ""',
               '    zonesdir: "%s"' % self.dir,
               '    xfrdir: "%s"' % self.dir,
               '    xfrdfile: "%s"' % self.p("xfrd.state"),
               '    zonelistfile: "%s"' % self.p("zone.list"),
               '    pidfile: "%s"' % self.p("nsd.pid"),
               '    database: ""',
               "    zonefiles-check: yes",
               "    zonefiles-write: 0",
               "    minimal-responses: yes",
               "    refuse-any: no",
               "    round-robin: no",
               "    rrl-ratelimit: 0",
               "    rrl-whitelist-ratelimit: 0",
               "    tcp-count: 200",
               "    tcp-timeout: 60",
               "    xfrd-reload-timeout: 0",
               "    hide-version: yes",
               "    verbosity: 2"]
        out += ["    ip-address: %s@%d" % (a, self.port)
                for a in self.addresses]
        if self.options:
            out.append(self.options)
        out += ["remote-control:", "    control-enable: yes",
                "    control-interface: %s" % self.p("ctl")]
        for k in self.keys():
            out += ["key:", "    name: %s" % k.name,
                    "    algorithm: %s" % k.algorithm,
                    '    secret: "%s"' % k.secret]
        for z in self.zones.values():
            out += self._zone(z)
        return "\n".join(out) + "\n"

    @staticmethod
    def _zone(z):
        def key(peer):
            return peer.key.name if peer.key else "NOKEY"

        out = ["zone:", '    name: "%s"' % z.apex,
               '    zonefile: "%s"' % z.file]
        for q in z.primaries:
            out += ["    request-xfr: %s%s@%d %s" % (
                        z.options.get("request", ""), q.address, q.port,
                        key(q)),
                    "    allow-notify: %s %s" % (q.address, key(q))]
        if z.primaries:
            out += ["    min-retry-time: 1", "    max-retry-time: 2"]
            out += ["    store-ixfr: yes"]
        elif z.options.get("ixfr", True):
            out += ["    store-ixfr: yes", "    create-ixfr: yes",
                    "    ixfr-number: 100", "    ixfr-size: 0"]
        for q in z.notify:
            out += ["    notify: %s@%d %s" % (q.address, q.port, key(q)),
                    "    notify-retry: 3"]
        for q in z.allow:
            for net in [q.address] if q.address else ["0.0.0.0/0", "::0/0"]:
                out.append("    provide-xfr: %s %s" % (net, key(q)))
        return out

    def argv(self):
        return [self.path(), "-d", "-c", self.p("nsd.conf")]

    def control(self, command):
        """One command of the control protocol; returns the reply."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as s:
            s.settimeout(20)
            s.connect(self.p("ctl"))
            s.sendall(("NSDCT1 %s\n" % command).encode())
            out = b""
            while True:
                piece = s.recv(65536)
                if not piece:
                    return out.decode()
                out += piece

    def reload_zone(self, apex):
        self.control("reload " + (apex.rstrip(".") or "."))


class Knot(Server):
    kind = "knot"
    candidates = ("/usr/sbin/knotd", "knotd")
    config_name = "knot.conf"
    server_options = ()

    def __init__(self, *args, **kw):
        super().__init__(*args, **kw)
        self._remotes = {}

    def _remote(self, peer):
        return self._remotes.setdefault(peer, "r%d" % len(self._remotes))

    def config(self):
        self._remotes = {}
        zones, acls = [], []
        for z in self.zones.values():
            zones += self._zone(z, acls)
        out = ["server:", '    rundir: "%s"' % self.dir,
               "    udp-workers: 1", "    tcp-workers: 1",
               "    background-workers: 1",
               "    tcp-io-timeout: 0", "    tcp-idle-timeout: 60"]
        out += ["    listen: %s@%d" % (a, self.port) for a in self.addresses]
        out += ["    " + o for o in self.server_options]
        out += ["log:", "  - target: stderr", "    any: info",
                "database:", '    storage: "%s"' % self.p("db"),
                "    journal-db-max-size: 200M"]
        if self.keys():
            out.append("key:")
        for k in self.keys():
            out += ["  - id: %s" % k.name,
                    "    algorithm: %s" % k.algorithm,
                    "    secret: %s" % k.secret]
        if self._remotes:
            out.append("remote:")
        for peer, rid in self._remotes.items():
            out += ["  - id: " + rid,
                    "    address: %s@%d" % (peer.address, peer.port)]
            if peer.key:
                out.append("    key: " + peer.key.name)
        if acls:
            out.append("acl:")
        for rid, address, key, action in acls:
            out += ["  - id: " + rid, "    action: " + action]
            if address:
                out.append("    address: " + address)
            if key:
                out.append("    key: " + key.name)
        return "\n".join(out + ["zone:"] + zones) + "\n"

    def _zone(self, z, acls):
        out = ['  - domain: "%s"' % z.apex, '    storage: "%s"' % self.dir,
               '    file: "%s"' % os.path.basename(z.file),
               "    semantic-checks: soft", "    zonefile-sync: -1",
               "    zone-max-size: 1G"]
        names = []
        for q in z.primaries:
            names.append("a%d" % len(acls))
            acls.append((names[-1], q.address, q.key, "notify"))
        for q in z.allow:
            names.append("a%d" % len(acls))
            acls.append((names[-1], q.address, q.key, "transfer"))
        if names:
            out.append("    acl: [%s]" % ", ".join(names))
        if z.primaries:
            out += ["    master: [%s]" % ", ".join(
                        self._remote(q) for q in z.primaries),
                    "    retry-min-interval: 1", "    retry-max-interval: 2",
                    "    journal-content: all", "    zonefile-load: none"]
        elif z.options.get("ixfr", True):
            out += ["    zonefile-load: difference",
                    "    journal-content: changes",
                    "    journal-max-depth: 200"]
        else:
            out.append("    zonefile-load: whole")
        if z.notify:
            out.append("    notify: [%s]" % ", ".join(
                self._remote(q) for q in z.notify))
        return out

    def launch(self):
        os.makedirs(self.p("db"), exist_ok=True)
        super().launch()

    def argv(self):
        return [self.path(), "-c", self.p("knot.conf")]

    def control(self, *command):
        knotc = find_program("/usr/sbin/knotc", "knotc")
        return subprocess.run(
            [knotc, "-s", self.p("knot.sock")] + list(command),
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            timeout=20).stdout

    def reload_zone(self, apex):
        self.control("zone-reload", apex)


class Named(Server):
    kind = "bind"
    candidates = ("/usr/sbin/named", "named")
    config_name = "named.conf"
    options = ""

    def config(self):
        v4 = [a for a in self.addresses if not _is6(a)]
        v6 = [a for a in self.addresses if _is6(a)]
        out = ["options {",
               '    directory "%s"; pid-file "%s";' % (
                   self.dir, self.p("named.pid")),
               "    session-keyfile none; lock-file none;",
               "    listen-on port %d { %s };" % (
                   self.port, " ".join(a + ";" for a in v4) or "none;"),
               "    listen-on-v6 port %d { %s };" % (
                   self.port, " ".join(a + ";" for a in v6) or "none;"),
               "    recursion no; minimal-responses yes; minimal-any no;",
               "    dnssec-validation no; empty-zones-enable no;",
               "    allow-query { any; }; allow-transfer { none; };",
               "    zero-no-soa-ttl no;",
               "    notify explicit; notify-delay 0;",
               "    answer-cookie no; nocookie-udp-size 4096;",
               "    check-names primary ignore; check-names secondary ignore;",
               "    check-mx ignore; check-sibling no; check-integrity no;",
               "    check-wildcard no; check-spf ignore;",
               "    masterfile-format text; max-zone-ttl unlimited;",
               "    max-journal-size 10m; zone-statistics none;",
               "    max-records-per-type 0; max-types-per-name 0;",
               "    ixfr-from-differences yes; max-ixfr-ratio unlimited;",
               "    serial-query-rate 1000; notify-rate 1000;",
               "    startup-notify-rate 1000; min-retry-time 1;",
               "    max-retry-time 2; min-refresh-time 1;",
               "    try-tcp-refresh yes; tcp-idle-timeout 600;",
               self.options,
               "};",
               "logging { channel err { stderr; severity info;",
               "    print-category yes; };",
               "    category default { err; }; };",
               "controls { };"]
        for k in self.keys():
            out.append('key "%s" { algorithm %s; secret "%s"; };' % (
                k.name, k.algorithm, k.secret))
        out += [self._zone(z) for z in self.zones.values()]
        return "\n".join(out) + "\n"

    @staticmethod
    def _zone(z):
        def peers(group):
            return "".join(" %s port %d%s;" % (
                q.address, q.port,
                ' key "%s"' % q.key.name if q.key else "") for q in group)

        def acl(q):
            both = q.address and q.key
            if both:
                return ' { !{ !%s; any; }; key "%s"; };' % (
                    q.address, q.key.name)
            return (' key "%s";' % q.key.name if q.key
                    else " %s;" % (q.address or "any"))

        out = 'zone "%s" { file "%s";' % (z.apex, z.file)
        if z.primaries:
            out += " type secondary; primaries {%s };" % peers(z.primaries)
        else:
            out += " type primary;"
            if not z.options.get("ixfr", True):
                out += " ixfr-from-differences no;"
        if z.allow:
            out += " allow-transfer {%s };" % "".join(acl(q) for q in z.allow)
        if z.notify:
            out += " also-notify {%s };" % peers(z.notify)
        return out + " };"

    def argv(self):
        return [self.path(), "-f", "-n", "1", "-c", self.p("named.conf")]

    def reload_zone(self, apex):
        # HUP reads all zones again, which here is as good as rndc.
        self.program.send(signal.SIGHUP)


REFERENCES = (Nsd, Knot, Named)
KINDS = {c.kind: c for c in REFERENCES}
