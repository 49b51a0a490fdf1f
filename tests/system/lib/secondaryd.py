# SPDX-License-Identifier: BSD-2-Clause
"""secondaryd behind the interface of servers.py, and its control command."""
import os
import re
import signal
import subprocess

from . import dnsq
from .process import Program, find_program, wait_until
from .servers import Server, keys_of, write_private


def secondaryctl_path():
    return find_program(os.environ.get("SECONDARYCTL"),
                        os.path.join(os.getcwd(), "build", "secondaryctl"),
                        os.path.join(os.getcwd(), "secondaryctl"))


def module_path(name):
    """A module of the build, or None."""
    folder = os.environ.get("SECD_MODULES") or os.path.join(
        os.path.dirname(Secondaryd.path() or ""), "modules")
    path = os.path.join(folder, name + ".so")
    return path if os.path.exists(path) else None


class Secondaryd(Server):
    """secondaryd; options are keywords of its configuration.

    server=, template= and zone options are dictionaries of further keys,
    written as they are.
    """
    kind = "secondaryd"
    config_name = "secondaryd.conf"

    def __init__(self, case, name=None, addresses=("127.0.0.1", "::1"),
                 port=None, server=None, template=None, log="debug"):
        super().__init__(case, name, addresses, port)
        self.server = dict(server or {})
        self.template = {"retry-min-interval": "1s",
                         "retry-max-interval": "2s",
                         "refresh-min-interval": "1s"}
        self.template.update(template or {})
        self.log_level = log
        self.extra = ""
        # Names of keys whose secrets a module gives: which one.
        self.module_keys = {}
        self.environment = {}
        self.key_dir = self.p("keys")
        os.makedirs(self.key_dir, mode=0o700)
        os.makedirs(self.p("run"), mode=0o750)

    @classmethod
    def path(cls):
        return find_program(os.environ.get("SECONDARYD"),
                            os.path.join(os.getcwd(), "build", "secondaryd"),
                            os.path.join(os.getcwd(), "secondaryd"))

    @property
    def socket(self):
        return self.p("run", "secondaryd.sock")

    def config(self):
        self._remotes, self._acls = {}, {}
        zones = []
        for z in self.zones.values():
            zones += self._zone(z)
        out = ["server:",
               "    listen: [ %s ]" % ", ".join(
                   "%s@%d" % (a, self.port) for a in self.addresses),
               '    storage: "%s"' % self.p("state"),
               '    rundir: "%s"' % self.p("run")]
        workers = {"udp-workers": 1, "tcp-workers": 1}
        for k, v in dict(workers, **self.server).items():
            out.append("    %s: %s" % (k, v))
        out += ["log:", "  - target: stderr", "    any: " + self.log_level]
        out += self._keys()
        if self._remotes:
            out.append("remote:")
        for peer, rid in self._remotes.items():
            out += ["  - id: " + rid, "    address: [ %s@%d ]" % (
                peer.address, peer.port)]
            out += self._key_item(peer)
        if self._acls:
            out.append("acl:")
        for peer, rid in self._acls.items():
            out += ["  - id: " + rid, "    action: [ transfer ]"]
            if peer.address:
                out.append("    address: [ %s ]" % peer.address)
            out += self._key_item(peer) or ["    insecure: on"]
        if self.extra:
            out.append(self.extra)
        out += ["template:", "  - id: default"]
        out += ["    %s: %s" % kv for kv in self.template.items()]
        return "\n".join(out + ["zone:"] + zones) + "\n"

    @staticmethod
    def _key_item(peer):
        names = ", ".join(k.name for k in keys_of(peer))
        return ["    key: [ %s ]" % names] if names else []

    def _keys(self):
        out = []
        for k in self.keys():
            if k.name in self.module_keys:
                out += ["  - id: " + k.name,
                        "    module: " + self.module_keys[k.name]]
                continue
            path = os.path.join(self.key_dir, k.name + "secret")
            write_private(path, k.secret + "\n")
            out += ["  - id: " + k.name, "    algorithm: " + k.algorithm,
                    '    secret-file: "%s"' % path]
        return ["key:"] + out if out else []

    def _id(self, table, peer, prefix):
        return table.setdefault(peer, "%s%d" % (prefix, len(table)))

    def _zone(self, z):
        out = ['  - domain: "%s"' % z.apex,
               "    primary: [ %s ]" % ", ".join(
                   self._id(self._remotes, q, "r") for q in z.primaries)]
        if z.notify:
            out.append("    notify: [ %s ]" % ", ".join(
                self._id(self._remotes, q, "r") for q in z.notify))
        if z.allow:
            out.append("    acl: [ %s ]" % ", ".join(
                self._id(self._acls, q, "a") for q in z.allow))
        out += ["    %s: %s" % kv for kv in z.options.items()]
        return out

    def argv(self):
        return [self.path(), "-c", self.p(self.config_name)]

    def check(self):
        """secondaryd -t: (exit code, what it said)."""
        self.write_config()
        p = subprocess.run(self.argv() + ["-t"], stdout=subprocess.PIPE,
                           stderr=subprocess.STDOUT, text=True, timeout=20)
        return p.returncode, p.stdout

    def ready(self):
        """It takes commands and answers queries."""
        if not self.program.running():
            raise RuntimeError("%s ended with %s" % (
                self.name, self.program.popen.returncode))
        if not os.path.exists(self.socket):
            return False
        return all(dnsq.try_ask(self.at(a), ".", "SOA", timeout=0.3)
                   for a in self.addresses)

    def launch(self, wrapper=()):
        self.write_config()
        self.program = Program(list(wrapper) + self.argv(), self.log,
                               self.dir, self.environment)

    def ctl(self, *command, check=True):
        """secondaryctl: its output; raises if it fails and check is set."""
        p = subprocess.run(
            [secondaryctl_path(), "-s", self.socket] + list(command),
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            timeout=30)
        if check and p.returncode != 0:
            raise AssertionError("secondaryctl %s: %d, %s" % (
                " ".join(command), p.returncode, p.stdout))
        return p.stdout

    def add_module(self, ident, name, config=""):
        """Load a module of the build; config is the text of its options."""
        self.extra += 'module:\n  - id: %s\n    file: "%s"\n' % (
            ident, module_path(name))
        if config:
            path = self.p(ident + ".options")
            write_private(path, config)
            self.extra += '    config: "%s"\n' % path

    def look(self, ident, name, *command, check=True):
        """As ctl, with a module's own files and no server."""
        p = subprocess.run(
            [secondaryctl_path(), "--dir", self.p("state", "modules", ident),
             "--module", module_path(name)] + list(command),
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            timeout=60)
        if check and p.returncode != 0:
            raise AssertionError("secondaryctl --dir %s: %d, %s" % (
                " ".join(command), p.returncode, p.stdout))
        return p.stdout

    def reload(self):
        """Write the configuration anew and have it read."""
        self.write_config()
        return self.ctl("reload")

    def hup(self):
        self.write_config()
        self.program.send(signal.SIGHUP)

    def status_of(self, apex):
        return self.ctl("zone-status", apex)

    TRANSFER = re.compile(
        r"zone (\S+): (AXFR-style IXFR|AXFR|IXFR) from (\S+): "
        r"(?:serial (\d+)|nothing) -> serial (\d+)")

    def transfers(self, apex, serial, after=0):
        """(kind, from serial, to serial) of each transfer in the log.

        The one to the serial is waited for: a version is served before the
        log tells of it.
        """
        def told():
            return [(m[2], int(m[4]) if m[4] else None, int(m[5]))
                    for m in self.TRANSFER.finditer(self.log_text()[after:])
                    if m[1].rstrip(".") == apex.rstrip(".")]
        wait_until(lambda: serial in [t[2] for t in told()], 10,
                   lambda: "a transfer to serial %d, not only %s" % (
                       serial, told()))
        return told()

    def wait_log(self, pattern, timeout=10, after=0):
        """Wait for a line of the log that matches; returns the match."""
        return wait_until(
            lambda: re.search(pattern, self.log_text()[after:]), timeout,
            "the log of %s to say %r" % (self.name, pattern))
