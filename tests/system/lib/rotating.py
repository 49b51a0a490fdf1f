# SPDX-License-Identifier: BSD-2-Clause
"""Nodes with tsig-rotate, as their operators see them."""
import os
import re
import secrets
import threading
import time

from . import dnsq
from .managed import A, B, key
from .servers import Key

TIMES = """rotation:
    unsafe-timing: on
    epoch: 1h
    drain: 1s
    check-interval: 2s
    probe-interval: 200ms
    probe-timeout: 1s
"""


def keys():
    """Known to everybody by name; what is in them is the module's affair."""
    return key(A, ""), key(B, "")


def rotates(sut, *lines):
    """Load the module, with one pair."""
    sut.module_keys.update({A: "rotate", B: "rotate"})
    sut.add_module("rotate", "tsig-rotate", TIMES + "".join(
        x + "\n" for x in lines))


def pair(*lines):
    return ["pair:", "  - id: p1", "    key: p1.xfr.test."] + [
        "    " + x for x in lines]


def slots(sut, ident="p1"):
    """{letter: (state, epoch)}, as the operator sees them."""
    found = {}
    for line in sut.ctl("key", "status", ident).splitlines():
        m = re.match(r"(?:%s| )\s+([ab])\s+([A-Z]+)\s+\d+\s+(\d+)" % ident,
                     line)
        if m:
            found[m[1]] = m[2], int(m[3])
    return found


def epoch(sut, ident="p1"):
    return max([e for s, e in slots(sut, ident).values() if s == "ACTIVE"],
               default=0)


def is_idle(sut, ident="p1"):
    """One key is in use, and no other one is anywhere."""
    return sorted(s for s, _ in slots(sut, ident).values()) == [
        "ACTIVE", "EMPTY"]


def secret_of(sut, letter, ident="p1"):
    """What is in a slot: only a file has it."""
    path = sut.p("export-" + secrets.token_hex(4))
    sut.ctl("key", "export", ident, "--for", "named", "--file", path)
    assert os.stat(path).st_mode & 0o7777 == 0o600
    with open(path) as f:
        text = f.read()
    os.unlink(path)
    found = re.search(r'key "([^".]*-%s\.[^"]*)" \{\s+algorithm hmac-sha256;'
                      r'\s+secret "(.*?)"' % letter, text)
    return Key(found[1], "hmac-sha256", found[2])


def in_use(sut, ident="p1"):
    return secret_of(sut, [k for k, (s, _) in slots(sut, ident).items()
                           if s == "ACTIVE"][0], ident)


def takes(server, apex, k):
    return dnsq.serial(server.at(), apex, timeout=2, key=k) is not None


def rotate(case, *nodes, ident="p1"):
    """One rotation, to its end. The new epoch."""
    before = epoch(nodes[0], ident)
    nodes[0].ctl("key", "rotate", ident)
    case.wait_until(lambda: all(epoch(x, ident) > before and is_idle(x, ident)
                                for x in nodes), 30,
                    lambda: "the rotation to end: %s" % [
                        x.ctl("key", "status", ident) for x in nodes])
    return epoch(nodes[0], ident)


def next_version(fake, *followers):
    """A FakePrimary has another version, and tells of it."""
    fake.serial += 1
    for f in followers:
        fake.notify(f.at())
    return fake.serial


class Load:
    """The zone gets another version all the time; whoever follows must have
    it soon. publish makes one, and returns its serial."""

    def __init__(self, publish, apex, followers):
        self.publish, self.apex, self.followers = publish, apex, followers
        self.versions, self.late = 0, []
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self):
        try:
            self._publish_all()
        except Exception as e:
            self.late.append(repr(e))

    def _publish_all(self):
        while not self.stop.is_set():
            serial = self.publish()
            self.versions += 1
            deadline = time.monotonic() + 5
            while any(f.serial(self.apex) != serial
                      for f in self.followers):
                if time.monotonic() > deadline:
                    self.late.append(serial)
                    break
                time.sleep(0.02)

    def end(self):
        self.stop.set()
        self.thread.join()
