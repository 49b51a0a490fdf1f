# SPDX-License-Identifier: BSD-2-Clause
"""tsig-rotate in secondaryd: keys change under transfers, and none fails."""
import base64
import os
import secrets
import time

from lib import servers
from lib.case import test
from lib.fakeprimary import FakePrimary
from lib.managed import APEX, NEEDS, SERVERS
from lib.rotating import (Load, epoch, in_use, keys, next_version, pair,
                          rotate, rotates, takes)
from lib.servers import write_private

RECORDS = ["fake.test. NS ns1.fake.test.", "ns1.fake.test. A 192.0.2.1"]
ZONE = "fake.test."


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


@test(needs=("secondaryd", "secondaryctl", "tsig-rotate.so"), limit=240)
def two_nodes_change_their_key_and_no_transfer_fails(case):
    fake, first, second = two_nodes(case)
    mark = len(first.log_text()), len(second.log_text())
    load = Load(lambda: next_version(fake, first), ZONE, [first, second])
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
