# SPDX-License-Identifier: BSD-2-Clause
"""tsig-rotate in secondaryd: keys change under transfers, and none fails."""
import base64
import os
import re
import secrets
import threading
import time

from lib import dnsq, servers
from lib.case import test
from lib.fakeprimary import FakePrimary, rr
from lib.managed import A, APEX, B, NEEDS, SERVERS, key
from lib.servers import Key, Peer, write_private

RECORDS = ["fake.test. NS ns1.fake.test.", "ns1.fake.test. A 192.0.2.1"]
ZONE = "fake.test."
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


def slots(sut):
    """{letter: (state, epoch)}, as the operator sees them."""
    found = {}
    for line in sut.ctl("key", "status").splitlines():
        m = re.match(r"(?:p1| )\s+([ab])\s+([A-Z]+)\s+\d+\s+(\d+)", line)
        if m:
            found[m[1]] = m[2], int(m[3])
    return found


def epoch(sut):
    return max([e for s, e in slots(sut).values() if s == "ACTIVE"],
               default=0)


def is_idle(sut):
    """One key is in use, and no other one is anywhere."""
    return sorted(s for s, _ in slots(sut).values()) == ["ACTIVE", "EMPTY"]


def secret_of(sut, letter):
    """What is in a slot: only a file has it."""
    path = sut.p("export-" + secrets.token_hex(4))
    sut.ctl("key", "export", "p1", "--for", "named", "--file", path)
    assert os.stat(path).st_mode & 0o7777 == 0o600
    with open(path) as f:
        text = f.read()
    os.unlink(path)
    name = {"a": A, "b": B}[letter]
    found = re.search(r'key "%s" \{\s+algorithm hmac-sha256;\s+secret "(.*?)"'
                      % re.escape(name), text)
    return Key(name, "hmac-sha256", found[1])


def in_use(sut):
    return secret_of(sut, [k for k, (s, _) in slots(sut).items()
                           if s == "ACTIVE"][0])


def takes(server, apex, k):
    return dnsq.serial(server.at(), apex, timeout=2, key=k) is not None


class Load:
    """The zone gets another version all the time; whoever follows must have
    it soon."""

    def __init__(self, fake, followers):
        self.fake, self.followers = fake, followers
        self.versions, self.late = 0, []
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self):
        while not self.stop.is_set():
            self.fake.serial += 1
            self.versions += 1
            self.fake.notify(self.followers[0].at())
            deadline = time.monotonic() + 5
            while any(f.serial(ZONE) != self.fake.serial
                      for f in self.followers):
                if time.monotonic() > deadline:
                    self.late.append(self.fake.serial)
                    break
                time.sleep(0.02)

    def end(self):
        self.stop.set()
        self.thread.join()


def two_nodes(case):
    """A primary, a secondaryd, and one behind it: these two share keys."""
    root = base64.b64encode(secrets.token_bytes(32)).decode() + "\n"
    fake = FakePrimary(case, ZONE, records=RECORDS)
    first = case.server("secondaryd", name="first", log="info")
    second = case.server("secondaryd", name="second", log="info",
                         addresses=("127.0.0.2",))
    k = keys()
    first.follow(ZONE, [fake.peer()], notify=[second.peer(k)],
                 allow=[servers.allow(k)])
    second.follow(ZONE, [first.peer(k)])
    for sut, peer, role in ((first, second, "initiator"),
                            (second, first, "follower")):
        write_private(sut.p("p1.root"), root)
        rotates(sut, *pair("peer: module", "role: " + role,
                           "root-file: p1.root",
                           "probe: %s@%d" % peer.at(),
                           "self: %s@%d" % sut.at(), "zone: " + ZONE,
                           "address: [ 127.0.0.1, 127.0.0.2 ]"))
    first.start()
    second.start()
    case.wait_until(lambda: epoch(first) == 1 and epoch(second) == 1, 20,
                    "the first key to be in use")
    second.wait_serial(ZONE, fake.serial)
    return fake, first, second


def rotate(case, *nodes):
    """One rotation, to its end. The new epoch."""
    before = epoch(nodes[0])
    nodes[0].ctl("key", "rotate", "p1")
    case.wait_until(lambda: all(epoch(x) > before and is_idle(x)
                                for x in nodes), 30,
                    "the rotation to end: %s" % [slots(x) for x in nodes])
    return epoch(nodes[0])


@test(needs=("secondaryd", "secondaryctl", "tsig-rotate.so"), limit=240)
def two_nodes_change_their_key_and_no_transfer_fails(case):
    fake, first, second = two_nodes(case)
    mark = len(first.log_text()), len(second.log_text())
    load = Load(fake, [first, second])
    began, old = time.monotonic(), None
    for _ in range(10):
        old = in_use(first)
        rotate(case, first, second)
        assert not takes(first, ZONE, old) and not takes(second, ZONE, old)
        new = in_use(first)
        assert takes(first, ZONE, new) and takes(second, ZONE, new)
    load.end()
    assert load.versions > 10 and not load.late, (load.versions, load.late)
    log = second.log_text()[mark[1]:]
    assert "failed" not in log, log
    # The old ones were tried.
    alarms = [x for x in first.ctl("key", "status").splitlines()
              if "ALARM" in x and "signed with a retired secret" not in x]
    assert not alarms, alarms
    case.say("10 rotations in %.0f s, %d versions meanwhile" % (
        time.monotonic() - began, load.versions))


@test(needs=("secondaryd", "secondaryctl", "tsig-rotate.so"))
def what_is_revoked_is_refused_in_less_than_two_seconds(case):
    fake, first, second = two_nodes(case)
    old = in_use(first)
    assert takes(first, ZONE, old)
    began = time.monotonic()
    said = first.ctl("key", "revoke", "p1")
    took = time.monotonic() - began
    assert took < 2, took
    assert "was asked, and refuses it" in said, said
    assert 'run "key revoke p1" there' in said, said
    assert not takes(first, ZONE, old)
    case.wait_until(lambda: epoch(first) > 1 and epoch(second) == epoch(first),
                    20, "a new key to be in use")
    case.wait_until(lambda: not takes(second, ZONE, old), 20,
                    "the peer to refuse it, too")
    fake.serial += 1
    fake.notify(first.at())
    second.wait_serial(ZONE, fake.serial)
    case.say("revoked and refused in %.0f ms" % (took * 1e3))


@test(needs=("secondaryd", "secondaryctl", "tsig-rotate.so"))
def a_node_that_is_killed_goes_on_with_its_key(case):
    fake, first, second = two_nodes(case)
    for node in (first, second):
        rotate(case, first, second)
        old = in_use(first)
        node.kill()
        node.start()
        assert in_use(node) == old
        fake.serial += 1
        fake.notify(first.at())
        second.wait_serial(ZONE, fake.serial)
        rotate(case, first, second)


def managed(case, kind):
    """A primary of another make, whose keys the secondaryd beside it puts
    there."""
    server = SERVERS[kind](case)
    server.write_config()
    sut = case.server("secondaryd", log="info")
    sut.follow(APEX, [server.peer(keys())])
    settings = server.settings()
    rotates(sut, "place:", "  - id: it", "    adapter: " + server.adapter,
            *["    %s: %s" % (k, v if isinstance(v, int) or v[:1] in '["'
                              else '"%s"' % v) for k, v in settings.items()],
            *pair("peer: other", "probe: %s@%d" % server.at(),
                  "zone: " + APEX, "place: it"))
    if kind == "confdb":
        server.start()
    sut.start()
    if kind != "confdb":
        case.wait_until(lambda: os.path.exists(server.file), 20,
                        "the keys to be there")
        server.start()
    case.wait_until(lambda: epoch(sut) == 1, 30, "the first key to be in use")
    sut.wait_serial(APEX, server.serial(APEX))
    return server, sut


@test(needs=("secondaryd", "secondaryctl", "tsig-rotate.so", "{kind}"),
      limit=240, kind=sorted(set(NEEDS.values()) - {"named"}) + ["named"])
def another_server_has_its_keys_changed(case, kind):
    adapter = {"nsd": "nsd", "knotd": "knot", "named": "bind"}[kind]
    server, sut = managed(case, adapter)
    for _ in range(3):
        old = in_use(sut)
        began = time.monotonic()
        rotate(case, sut)
        took = time.monotonic() - began
        assert not takes(server, APEX, old)
        new = in_use(sut)
        assert takes(server, APEX, new)
        sut.ctl("retransfer", APEX)
        case.wait_until(lambda: new.name in sut.status_of(APEX), 10,
                        "a transfer with the new key")
    case.say("a rotation took %.1f s" % took)
