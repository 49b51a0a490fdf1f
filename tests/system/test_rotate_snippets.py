# SPDX-License-Identifier: BSD-2-Clause
"""What conf.d has of keys that rotate works, with servers of each make."""
import os
import re
import shutil
import time

from lib import zones
from lib.case import test
from lib.fakeprimary import FakePrimary
from lib.managed import SERVERS
from lib.rotating import (Load, epoch, in_use, next_version, rotate, slots,
                          takes)
from lib.servers import write_private
from lib.snippets import place, read, with_other_server

ZONE = "example.com."
RECORDS = [ZONE + " NS ns1." + ZONE, "ns1." + ZONE + " A 192.0.2.1"]
NEEDS = ("secondaryd", "secondaryctl", "tsig-rotate.so")


def change(text, *changes):
    """What is marked CHANGE, and more that is this machine's."""
    for pattern, here in changes:
        text = re.sub(pattern, here, text, flags=re.M)
    assert not re.search(r"^[^#]*192\.0\.2\.", text, re.M), text
    return text


def use_snippet(case, sut, edit, *zone):
    """secondaryd with rotation.conf, and a zone."""
    place(case, sut.p("etc"), ["rotation.conf"], edit)
    write_private(sut.p("etc", "conf.d", "zone.conf"),
                  "zone:\n  - domain: %s\n" % ZONE +
                  "".join("    %s\n" % x for x in zone))
    sut.extra = 'include: "%s/*.conf"' % sut.p("etc", "conf.d")


def at(server):
    return "%s@%d" % server.at()


def p1_is(sut, peer):
    """Where the servers of the pair p1 are."""
    return [(r"192\.0\.2\.1@53", at(peer)), (r"192\.0\.2\.1\b", "127.0.0.1"),
            (r"self: \S+", "self: " + at(sut))]


@test(needs=NEEDS)
def the_rotation_snippet_makes_two_servers_change_their_key(case):
    fake = FakePrimary(case, ZONE, records=RECORDS)
    up = case.server("secondaryd", name="up", log="info")
    down = case.server("secondaryd", name="down", log="info")
    use_snippet(case, up, lambda text: change(text, *p1_is(up, down)),
                "primary: [ fake ]", "notify: [ p1 ]", "acl: [ p1 ]")
    write_private(up.p("etc", "conf.d", "fake.conf"),
                  "remote:\n  - id: fake\n    address: [ %s@%d ]\n" % (
                      fake.address, fake.port))
    use_snippet(case, down, lambda text: change(
        text, (r"role: initiator", "role: follower"), *p1_is(down, up)),
                "primary: [ p1 ]")
    shutil.copy(up.p("etc", "keys", "p1.root"),
                down.p("etc", "keys", "p1.root"))
    up.start()
    down.start()
    for number in (1, 2):
        case.wait_until(lambda: epoch(up) == number == epoch(down), 60,
                        lambda: "key %d to be in use: %s" % (
                            number, up.ctl("key", "status")))
        down.wait_serial(ZONE, next_version(fake, up))
        assert in_use(up) == in_use(down)
        letter = "ab"[number - 1]
        assert "key p1-%s.xfr.example." % letter in down.status_of(ZONE)
        if number == 1:
            assert "1/1" in up.ctl("key", "rotate", "p1")
    assert slots(up)["a"][0] == slots(down)["a"][0] == "DRAINING"


class WithSnippet:
    """A server whose configuration has our rotation.conf for it."""
    include = "# %s"
    snippet = ""

    def config(self):
        return super().config() + self.snippet


# A zone as the comments of the snippet say; %s is the zone's file.
ZONE_TEXT = {
    ("nsd", "follows"): 'zone:\n    name: example.com\n    zonefile: "%s"\n'
                        "    include-pattern: from-secondaryd\n",
    ("nsd", "serves"): 'zone:\n    name: example.com\n    zonefile: "%s"\n'
                       "    include-pattern: to-secondaryd\n",
    ("knot", "follows"): 'zone:\n  - domain: example.com\n    file: "%s"\n'
                         "    template: from-secondaryd\n",
    ("knot", "serves"): 'zone:\n  - domain: example.com\n    file: "%s"\n'
                        "    template: to-secondaryd\n",
    ("bind", "follows"): 'zone "example.com" { file "%s";\n'
                         "    type secondary; primaries { secondaryd; };\n"
                         "    allow-notify { secondaryd-keys; }; };\n",
    ("bind", "serves"): 'zone "example.com" { file "%s";\n'
                        "    type primary; also-notify { secondaryd; };\n"
                        "    allow-transfer { secondaryd-keys; }; };\n",
}


def other_server(case, sut, adapter, does):
    made = type("WithSnippet", (WithSnippet, SERVERS[adapter]), {})
    server = made(case)
    server.zones.clear()
    folder = {"bind": "named"}.get(adapter, adapter)
    server.snippet = change(
        read("rotation.conf", folder),
        (r"/etc/\w+/secondaryd/keys.conf", server.file),
        (r"192\.0\.2\.53@53", at(sut)),
        (r"192\.0\.2\.53 port 53", "%s port %d" % sut.at()),
        (r"192\.0\.2\.53\b", "127.0.0.1"))
    server.snippet += ZONE_TEXT[adapter, does] % server.zone_file(ZONE)
    return server


def p2_is(server, case):
    """The pair p2, and how its keys come to the server. p1 is away."""
    quoted = ["    %s: %s" % (k, v if isinstance(v, int) or v[:1] == '"'
                              else '"%s"' % v)
              for k, v in server.settings().items()]
    return [(r"adapter: nsd", "adapter: " + server.adapter),
            (r"^    file: /etc/nsd.*", "\n".join(quoted)),
            (r"192\.0\.2\.2@53", at(server)), (r"192\.0\.2\.2\b", "127.0.0.1"),
            (r"192\.0\.2\.1@53", "127.0.0.1@%d" % case.port()),
            (r"192\.0\.2\.1\b", "127.0.0.1"),
            (r"drain: 130m", "drain: 1s\n    unsafe-timing: on\n"
             "    probe-interval: 200ms\n    check-interval: 2s")]


class Publisher:
    """The server's zone file has another version."""

    def __init__(self, server):
        self.server, self.zone = server, zones.flat(ZONE, 20)

    def __call__(self):
        self.zone = self.zone.copy(self.zone.serial + 1)
        self.server.update(self.zone)
        self.server.wait_serial(ZONE, self.zone.serial)
        return self.zone.serial


def rotates_under_load(case, kind, does, rotations):
    adapter = {"nsd": "nsd", "knotd": "knot", "named": "bind"}[kind]
    sut = case.server("secondaryd", log="info")
    server = other_server(case, sut, adapter, does)
    fake = FakePrimary(case, ZONE, records=RECORDS)
    use_snippet(
        case, sut,
        lambda text: change(with_other_server(text), *p2_is(server, case)),
        *(["primary: [ fake ]", "notify: [ p2 ]", "acl: [ p2 ]"]
          if does == "follows" else ["primary: [ p2 ]"]))
    write_private(sut.p("etc", "conf.d", "fake.conf"),
                  "remote:\n  - id: fake\n    address: [ %s@%d ]\n" % (
                      fake.address, fake.port))
    publish = Publisher(server)
    if does == "serves":
        write_private(server.zone_file(ZONE), publish.zone.text())
    # It is checked with the keys before they come to stay.
    server.write_config()
    sut.start()
    case.wait_until(lambda: os.path.exists(server.file), 20,
                    "the keys to be there")
    server.start()
    case.wait_until(lambda: epoch(sut, "p2") == 1, 30,
                    lambda: "the first key to be in use: %s" % sut.ctl(
                        "key", "status"))
    load = Load(publish if does == "serves"
                else lambda: next_version(fake, sut), ZONE, [sut, server])
    began = time.monotonic()
    for _ in range(rotations):
        old = in_use(sut, "p2")
        rotate(case, sut, ident="p2")
        new = in_use(sut, "p2")
        for s in (server, sut):
            assert not takes(s, ZONE, old) and takes(s, ZONE, new), s.name
    load.end()
    case.say("%d rotations in %.0f s, %d versions meanwhile" % (
        rotations, time.monotonic() - began, load.versions))
    assert load.versions > rotations and not load.late, load.late


KINDS = ("knotd", "named", "nsd")


@test(needs=NEEDS + ("{kind}",), kind=KINDS, does=("follows", "serves"),
      limit=240)
def another_server_changes_its_keys_under_load(case, kind, does):
    rotates_under_load(case, kind, does, 3)


@test(needs=NEEDS + ("{kind}",), kind=KINDS, does=("follows", "serves"),
      limit=1200, long=True)
def another_server_changes_its_keys_fifty_times(case, kind, does):
    rotates_under_load(case, kind, does, 50)
