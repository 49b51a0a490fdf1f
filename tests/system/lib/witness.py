# SPDX-License-Identifier: BSD-2-Clause
"""The module of tests in secondaryd, and what it does with keys."""
import base64
import os
import re

from .process import wait_until
from .servers import write_private


def path():
    """Where it was built, if it was."""
    return os.environ.get("SECD_WITNESS", "")


class Witness:
    """The witness in a secondaryd: load() before that is started.

    put names keys, with their tags, that it puts when it is opened.
    """

    def __init__(self, case, sut):
        if not os.path.exists(path()):
            case.skip("the witness is not built")
        self.sut = sut
        self.probes = 0

    def load(self, put=()):
        config = "witness:\n"
        if put:
            config += "    put: [ %s ]\n" % ", ".join(
                '"%s %s %s %d"' % (k.name, k.algorithm, self.file(k), tag)
                for k, tag in put)
        with open(self.sut.p("witness.conf"), "w") as f:
            f.write(config if put else "")
        self.sut.extra = ('module:\n  - id: witness\n    file: "%s"\n'
                          '    config: "%s"' % (path(),
                                                self.sut.p("witness.conf")))

    def gives(self, *keys):
        """These keys' secrets come from the witness."""
        for k in keys:
            self.sut.module_keys[k.name] = "witness"

    def file(self, key):
        """The secret as it is."""
        name = self.sut.p("secret-%08x" % (hash(key.secret) & 0xFFFFFFFF))
        write_private(name, "")
        with open(name, "wb") as f:
            f.write(base64.b64decode(key.secret))
        return name

    def command(self, *words):
        said = self.sut.ctl("witness", *[str(w) for w in words])
        return int(re.search(r"rc (-?\d+)", said).group(1))

    def done(self, *words):
        rc = self.command(*words)
        assert rc == 0, "witness %s: %d" % (words, rc)

    def put(self, key, tag, *flags):
        self.done("key-put", key.name, key.algorithm, self.file(key), tag,
                  *flags)

    def drop(self, key, *flags, tag=0):
        self.done("key-drop", key.name, tag, *flags)

    def use(self, configured, key):
        self.done("key-use", configured.name, key.name)

    def calls(self):
        with open(self.sut.p("state", "modules", "witness", "calls")) as f:
            return f.read().splitlines()

    def heard(self, pattern, timeout=10):
        """Wait for a call that matches; the match."""
        def match():
            return next((m for m in (re.match(pattern, c)
                                     for c in self.calls()) if m), None)
        return wait_until(match, timeout,
                          lambda: "the module to hear %r, not only %s" % (
                              pattern, self.calls()[-20:]))

    PROBED = (r"probe-done %d (\w+) rcode (\d+) error (\d+) serial (-?\d+) "
              r"skew (-?\d+) took (\d+)")

    def probe(self, at, zone, key, *more, timeout=2000, secret=False):
        """(outcome, rcode, TSIG error, serial or -1, skew, took)."""
        self.probes += 1
        if secret:
            more += ("with", key.algorithm, self.file(key))
        self.done("probe", self.probes, at[0], at[1], zone, key.name,
                  timeout, *more)
        m = self.heard(self.PROBED % self.probes, timeout / 1000 + 10)
        return (m.group(1),) + tuple(int(x) for x in m.groups()[1:])
