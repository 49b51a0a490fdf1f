# SPDX-License-Identifier: BSD-2-Clause
"""The servers that are measured, each configured for speed as its manual
advises, and otherwise alike: same key, same primary, transfers out with the
key, NOTIFY from loopback.

With a history each keeps thousands of versions, whatever its defaults say.
What answers to IXFR are made of is secondaryd's choice, or STEPWISE or
CONDENSED; the others know one way.

Another server is one more class here, and its name in ALL.
"""
import os
import shutil
import signal
import subprocess
import time

import ask
from account import Account
from ask import HOST
from lib.process import Program, Timeout, find_program
from lib.secondaryd import module_path

STOP_S = 120

KEPT, STEPWISE, CONDENSED = "kept", "stepwise", "condensed"     # histories
# secondaryd's option ixfr-condense
CONDENSE = {STEPWISE: "off", CONDENSED: "on"}


class Server:
    """One server in one directory; it may be stopped and started again."""
    name = None
    programs = ()
    folders = ()                    # of its state
    stop_signal = signal.SIGTERM
    version_option = "-v"
    answer_flags = ask.QR | ask.AA

    def __init__(self, directory, port, zones, workers, key, primary_port,
                 history=None):
        self.dir, self.port, self.zones = directory, port, list(zones)
        self.workers, self.key = workers, key
        self.primary_port, self.history = primary_port, history
        self.program, self.account = None, Account()
        for folder in ("", *self.folders):
            os.makedirs(self.p("state", folder))
        self.files = self.config()
        for file, text in self.files.items():
            with open(self.p(file), "w") as f:
                os.chmod(self.p(file), 0o600)
                f.write(text)

    # -- what an adapter gives
    def config(self):
        """{file: text}"""
        raise NotImplementedError

    def argv(self):
        raise NotImplementedError

    def flush(self):
        """Have it write what it keeps, where that must be asked for."""

    def images(self):
        """Files with whole zones, of which a new one has a new name."""
        return set()

    # -- common
    @classmethod
    def path(cls):
        return find_program(*cls.programs)

    @classmethod
    def version(cls):
        p = subprocess.run([cls.path(), cls.version_option], text=True,
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        return (p.stdout.strip().splitlines() or ["?"])[0]

    def p(self, *names):
        return os.path.join(self.dir, *names)

    def start(self):
        """The moment before it started."""
        began = time.monotonic()
        self.program = Program(self.argv(), self.p("log"), self.dir,
                               in_child=self.account.enter)
        self.account.root = self.program.pid
        return began

    def running(self):
        return self.program is not None and self.program.running()

    def stop(self):
        """Ask it to end; how long that took, or None if it was killed."""
        began = time.monotonic()
        program, self.program = self.program, None
        try:
            program.stop(self.stop_signal, STOP_S)
        except Timeout:
            return None
        return time.monotonic() - began

    def kill(self):
        """kill -9, at once."""
        program, self.program = self.program, None
        if program:
            program.kill()

    def close(self):
        self.kill()
        self.account.close()
        shutil.rmtree(self.dir, ignore_errors=True)

    def pin(self, cpus):
        """Bind all its threads to some CPUs."""
        for pid in self.account.pids():
            try:
                for task in os.listdir("/proc/%d/task" % pid):
                    os.sched_setaffinity(int(task), cpus)
            except OSError:
                pass

    def disk(self, *names):
        """MiB that its state takes, or a folder of it."""
        blocks = 0
        for folder, _, files in os.walk(self.p("state", *names)):
            for f in files:
                try:
                    blocks += os.stat(os.path.join(folder, f)).st_blocks
                except OSError:     # a temporary file, just renamed
                    pass
        return blocks * 512 / 2 ** 20

    def last_words(self):
        text = ""
        for file in ("log", "error.log"):
            try:
                with open(self.p(file), errors="replace") as f:
                    text += f.read()[-300:]
            except OSError:
                pass
        return " ".join(text.split())


class Secondaryd(Server):
    name = "secondaryd"
    programs = (os.environ.get("SECONDARYD"), "build/secondaryd",
                "secondaryd")
    version_option = "-V"

    def _journal(self):
        """{file: text} of ixfr-journal, and its section."""
        file = module_path("ixfr-journal") or "ixfr-journal.so"
        return {"journal.conf": """zone:
  - id: default
    max-steps: 0
"""}, f"""module:
  - id: ixfr-journal
    file: "{file}"
    config: "{self.p('journal.conf')}"
"""

    def config(self):
        zones = "".join('  - domain: "%s"\n' % z for z in self.zones)
        files, module, condense = {}, "", ""
        if self.history:
            files, module = self._journal()
        if self.history in CONDENSE:
            condense = "    ixfr-condense: %s\n" % CONDENSE[self.history]
        return {**files, "key.secret": self.key.secret + "\n",
                "secondaryd.conf": f"""server:
    listen: [ {HOST}@{self.port} ]
    udp-workers: {self.workers}
    tcp-workers: {self.workers}
    storage: "{self.p('state')}"
    rundir: "{self.p('run')}"
log:
  - target: stderr
    any: warning
key:
  - id: {self.key.name}
    algorithm: {self.key.algorithm}
    secret-file: "{self.p('key.secret')}"
remote:
  - id: primary
    address: [ {HOST}@{self.primary_port} ]
    key: {self.key.name}
acl:
  - id: notify
    address: [ {HOST} ]
    action: [ notify ]
    insecure: on
  - id: transfer
    key: {self.key.name}
    action: [ transfer ]
template:
  - id: default
    primary: [ primary ]
    acl: [ notify, transfer ]
{condense}zone:
{zones}{module}"""}

    def argv(self):
        return [self.path(), "-c", self.p("secondaryd.conf")]

    def images(self):
        return set(os.listdir(self.p("state", "images")))


class Nsd(Server):
    name = "nsd"
    programs = ("nsd",)

    def config(self):
        zones = "".join("zone:\n    name: %s\n    include-pattern: follow\n"
                        % z for z in self.zones)
        history = """    store-ixfr: yes
    ixfr-number: 20000
    ixfr-size: 0
""" if self.history else ""
        return {"nsd.conf": f"""server:
    server-count: {self.workers}
    reuseport: yes
    ip-address: {HOST}@{self.port}
    do-ip6: no
    username: ""
    zonesdir: "{self.p('state')}"
    xfrdir: "{self.p('state')}"
    xfrdfile: "{self.p('state', 'xfrd.state')}"
    zonelistfile: "{self.p('state', 'zone.list')}"
    pidfile: "{self.p('nsd.pid')}"
    database: ""
    zonefiles-check: no
    zonefiles-write: 3600
    minimal-responses: yes
    refuse-any: yes
    rrl-ratelimit: 0
    rrl-whitelist-ratelimit: 0
    send-buffer-size: 4194304
    receive-buffer-size: 4194304
    tcp-count: 1000
    xfrd-tcp-max: 256
    xfrd-tcp-pipeline: 1024
    xfrd-reload-timeout: 0
    verbosity: 0
remote-control:
    control-enable: yes
    control-interface: {self.p('control')}
key:
    name: {self.key.name}
    algorithm: {self.key.algorithm}
    secret: {self.key.secret}
pattern:
    name: follow
    zonefile: "%s.zone"
    request-xfr: {HOST}@{self.primary_port} {self.key.name}
    allow-notify: {HOST} NOKEY
    provide-xfr: {HOST} {self.key.name}
{history}{zones}"""}

    def argv(self):
        return [self.path(), "-d", "-c", self.p("nsd.conf")]

    def flush(self):
        """Zone files; they are written after the command has returned."""
        subprocess.run([find_program("nsd-control"), "-c",
                        self.p("nsd.conf"), "write"],
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        last, same = None, 0
        while same < 10:
            time.sleep(0.1)
            now = self.disk()
            same = same + 1 if now == last else 0
            last = now


class Knot(Server):
    name = "knot"
    programs = ("knotd",)
    version_option = "-V"

    def config(self):
        zones = "".join("  - domain: %s\n" % z for z in self.zones)
        return {"knot.conf": f"""server:
    rundir: "{self.dir}"
    listen: {HOST}@{self.port}
    udp-workers: {self.workers}
    tcp-workers: {self.workers}
    background-workers: 2
    tcp-reuseport: on
    tcp-max-clients: 1000
    remote-pool-limit: 50
log:
  - target: stderr
    any: warning
database:
    storage: "{self.p('state')}"
    journal-db-max-size: 16G
key:
  - id: {self.key.name}
    algorithm: {self.key.algorithm}
    secret: {self.key.secret}
remote:
  - id: primary
    address: {HOST}@{self.primary_port}
    key: {self.key.name}
acl:
  - id: notify
    address: {HOST}
    action: notify
  - id: transfer
    key: {self.key.name}
    action: transfer
template:
  - id: default
    storage: "{self.p('state')}"
    master: primary
    acl: [ notify, transfer ]
    semantic-checks: off
    zonefile-sync: -1
    zonefile-load: none
    journal-content: all
    journal-max-usage: 2G
    journal-max-depth: 5000
zone:
{zones}"""}

    def argv(self):
        return [self.path(), "-c", self.p("knot.conf")]


class Named(Server):
    name = "named"
    programs = ("named",)

    def config(self):
        zones = "".join('zone "%s" { type secondary; primaries { primary; }; '
                        'file "%sdb"; };\n' % (z, z) for z in self.zones)
        history = ("    max-journal-size unlimited;\n" if self.history
                   else "")
        return {"named.conf": f"""options {{
    directory "{self.p('state')}";
    pid-file "{self.p('named.pid')}";
    session-keyfile none;
    lock-file none;
    listen-on port {self.port} {{ {HOST}; }};
    listen-on-v6 {{ none; }};
    recursion no;
    minimal-responses yes;
    minimal-any yes;
    dnssec-validation no;
    empty-zones-enable no;
    allow-query {{ any; }};
    allow-transfer {{ key "{self.key.name}"; }};
    allow-notify {{ {HOST}; }};
    notify no;
    masterfile-format raw;
    check-names secondary ignore;
    transfers-in 20;
    transfers-per-ns 20;
    transfers-out 500;
    serial-query-rate 1000;
    max-ixfr-ratio unlimited;
    tcp-clients 1000;
    zone-statistics none;
    querylog no;
{history}}};
logging {{
    channel errors {{ stderr; severity error; }};
    category default {{ errors; }};
}};
controls {{ }};
key "{self.key.name}" {{
    algorithm {self.key.algorithm};
    secret "{self.key.secret}";
}};
primaries primary {{ {HOST} port {self.primary_port} key "{self.key.name}"; }};
{zones}"""}

    def argv(self):
        return [self.path(), "-f", "-c", self.p("named.conf"),
                "-n", str(self.workers)]


class Yadifa(Server):
    name = "yadifa"
    programs = ("yadifad",)
    folders = ("keys", "transfers")
    version_option = "-V"

    def config(self):
        history = "    journal-size 1048576\n" if self.history else ""
        zones = "".join(f"""<zone>
    domain {z}
    file-name {z}zone
    type secondary
    primary {HOST} port {self.primary_port} key {self.key.name}
{history}</zone>
""" for z in self.zones)
        levels = "EMERG,ALERT,CRIT,ERR errors"
        downloads = 16 if len(self.zones) > 10 else 4
        return {"yadifad.conf": f"""<main>
    daemonize off
    server-port {self.port}
    listen {HOST} port {self.port}
    data-path "{self.p('state')}"
    keys-path "{self.p('state', 'keys')}"
    xfr-path "{self.p('state', 'transfers')}"
    log-path "{self.dir}"
    pid-file "{self.p('yadifad.pid')}"
    uid {os.getuid()}
    gid {os.getgid()}
    statistics off
    queries-log-type 0
    edns0-max-size 1232
    axfr-max-packet-size 65535
    axfr-strict-authority no
    max-tcp-queries 255
    thread-count-by-address {self.workers}
    zone-download-thread-count {downloads}
    zone-load-thread-count 2
    allow-query any
    allow-update none
    allow-notify loopback
    allow-transfer transfer
</main>
<key>
    name {self.key.name}
    algorithm {self.key.algorithm}
    secret {self.key.secret}
</key>
<acl>
    loopback {HOST}
    transfer key {self.key.name}
</acl>
<channels>
    errors "{self.p('error.log')}" 0644
</channels>
<loggers>
    database {levels}
    server {levels}
    system {levels}
    zone {levels}
</loggers>
{zones}"""}

    def argv(self):
        return [self.path(), "-c", self.p("yadifad.conf")]


class Ixfrdist(Server):
    """PowerDNS' distributor of IXFR. It hears no NOTIFY, so the zone's refresh
    says how often it asks; it takes whole zones only, and knows no TSIG. Each
    version that it keeps is a whole zone on disk; 20 is its default."""
    name = "ixfrdist"
    programs = ("ixfrdist",)
    version_option = "--version"
    answer_flags = ask.QR           # it does not say AA

    def config(self):
        domains = "".join("  - domain: %s\n    master: %s:%d\n" % (
            z.rstrip("."), HOST, self.primary_port) for z in self.zones)
        return {"ixfrdist.yml": f"""listen:
  - '{HOST}:{self.port}'
acl:
  - '{HOST}'
work-dir: '{self.p('state')}'
keep: 20
axfr-timeout: 60
domains:
{domains}"""}

    def argv(self):
        return [self.path(), "--config", self.p("ixfrdist.yml")]


class EmptyResponder(Server):
    """Answers without looking anything up: the kernel's share."""
    name = "empty responder"
    tools = ""                      # the folder it is in; set by run

    def config(self):
        return {}

    @classmethod
    def path(cls):
        return find_program(os.path.join(cls.tools, "empty_responder"))

    @classmethod
    def version(cls):
        return "-"

    def argv(self):
        return [self.path(), HOST, str(self.port)]


OURS = "secondaryd"
ALL = {c.name: c for c in (Secondaryd, Nsd, Knot, Named, Yadifa)}
BY_NAME = {**ALL, Ixfrdist.name: Ixfrdist}
