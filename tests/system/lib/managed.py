# SPDX-License-Identifier: BSD-2-Clause
"""Servers whose keys A and B are put there by an adapter of secondaryd's."""
import base64
import os
import subprocess

from . import dnsq, zones
from .process import find_program
from .servers import Key, Knot, Named, Nsd, allow, new_key, write_private

APEX = "flat.test."
A, B = "p1-a.xfr.test.", "p1-b.xfr.test."


def key(name, secret):
    return Key(name, "hmac-sha256",
               base64.b64encode(secret.encode()).decode())


class Managed:
    """Keys A and B come from a file that the configuration includes."""
    adapter = None
    include = None

    def __init__(self, *args, **kw):
        super().__init__(*args, **kw)
        self.file = self.p("include", "keys.conf")
        os.mkdir(self.p("include"), 0o700)
        zone = zones.flat(APEX, 20)
        self.serve(zone, allow=[allow(key(A, "")), allow(key(B, ""))])

    def keys(self):
        return [k for k in super().keys() if k.name not in (A, B)]

    def config(self):
        return self.include % self.file + "\n" + super().config()

    def settings(self, **more):
        raise NotImplementedError

    def takes(self, k):
        """Whether a query signed with this key is answered."""
        return self.serial_with(k) is not None

    def serial_with(self, k):
        return dnsq.serial(self.at(), APEX, timeout=2, key=k)


class ManagedNsd(Managed, Nsd):
    adapter = "nsd"
    include = 'include: "%s"'

    def settings(self, **more):
        return dict({"file": self.file, "group": '""',
                     "config": self.p("nsd.conf"),
                     "control": self.p("ctl")}, **more)


class ManagedNamed(Managed, Named):
    adapter = "bind"
    include = 'include "%s";'

    def __init__(self, *args, **kw):
        super().__init__(*args, **kw)
        self.control_port = self.case.port()
        self.control_key = new_key("rndc.test.")

    def config(self):
        write_private(
            self.p("rndc.conf"),
            'key "%s" { algorithm %s; secret "%s"; };\n'
            "options { default-server 127.0.0.1; default-port %d;"
            ' default-key "%s"; };\n' % (
                self.control_key + (self.control_port,
                                    self.control_key.name)))
        self.extra_keys = [self.control_key]
        return super().config().replace(
            "controls { };",
            "controls { inet 127.0.0.1 port %d allow { 127.0.0.1; }"
            ' keys { "%s"; }; };' % (self.control_port,
                                     self.control_key.name))

    def settings(self, **more):
        return dict({"file": self.file, "group": '""',
                     "config": self.p("named.conf"),
                     "check": find_program("named-checkconf"),
                     "rndc-config": self.p("rndc.conf"),
                     "interval": 0}, **more)


class ManagedKnot(Managed, Knot):
    adapter = "knot"
    include = 'include: "%s"'

    def settings(self, **more):
        return dict({"file": self.file, "group": '""',
                     "config": self.p("knot.conf"),
                     "control": self.p("knot.sock")}, **more)


class ConfdbKnot(Managed, Knot):
    """Its configuration is in a database, and names the keys itself."""
    adapter = "knot"

    def config(self):
        return Knot.config(self)

    def keys(self):
        first = {A: key(A, "first-of-a"), B: key(B, "first-of-b")}
        return [first.get(k.name, k) for k in Knot.keys(self)]

    def launch(self):
        if not os.path.exists(self.p("confdb")):
            self.write_config()
            os.makedirs(self.p("db"))
            subprocess.run([find_program("/usr/sbin/knotc", "knotc"), "-C",
                            self.p("confdb"), "conf-import",
                            self.p("knot.conf")], check=True,
                           stdout=subprocess.DEVNULL)
        super().launch()

    def argv(self):
        return [self.path(), "-C", self.p("confdb")]

    def settings(self, **more):
        return dict({"control": self.p("knot.sock")}, **more)


SERVERS = {"nsd": ManagedNsd, "bind": ManagedNamed, "knot": ManagedKnot,
           "confdb": ConfdbKnot}
NEEDS = {"nsd": "nsd", "bind": "named", "knot": "knotd", "confdb": "knotd"}
