# SPDX-License-Identifier: BSD-2-Clause
"""Where IXFR out of history ends: at what a datagram takes, at a client that
does not read, and where there is no history."""
import json
import re
import socket
import struct
import time

from lib import dnsq, ixfr, servers, wire
from lib.case import test
from lib.fakeprimary import record, rr
from lib.history import APEX, NEEDS, Followed

# The changes are to be smaller than the zone.
FILLER = [rr('filler%d.fake.test. TXT "%s"' % (i, "x" * 250))
          for i in range(400)]


def with_text(n, size):
    strings = " ".join('"%s"' % ("x" * min(100, size - at))
                       for at in range(0, size, 100)) or '""'
    return ["fake.test. NS ns1.fake.test.", "ns1.fake.test. A 192.0.2.1",
            "s.fake.test. TXT " + strings,
            "n%d.fake.test. A 192.0.2.%d" % (n, n)] + FILLER


# What a version is left by: larger than for the one before, and the last one,
# to which all lead, is small; or step by step, and the steps are many.
CONTENT = {"auto": (39, lambda n: with_text(n, n * 35 % 1400)),
           "off": (15, lambda n: with_text(n, n * 3))}


def over_udp(f, serial, size, whole):
    """Ask with a payload size (None: no EDNS): is it an IXFR? whole: what it
    has to be then."""
    octets, m = ixfr.over_udp(f.sut.at(), APEX, serial, f.key, size)
    limit = min(1232, max(512, size or 0))
    assert len(octets) <= limit, (len(octets), limit, serial)
    assert m.rcode == 0 and not m.flags & wire.TC, m.text()
    if len(m.answer) == 1:
        assert m.answer == whole[:1], "another SOA"
        return False
    assert m.answer == whole, (serial, size)
    return True


@test(needs=NEEDS, condense=("auto", "off"), key=("unsigned", "signed"))
def a_datagram_has_all_of_it_or_a_single_soa(case, condense, key):
    key = servers.new_key() if key == "signed" else None
    f = Followed(case, key, options={"ixfr-condense": condense},
                 content=CONTENT[condense][1])
    f.publish(CONTENT[condense][0])
    found = set()
    for serial in range(1, f.newest):
        whole = dnsq.transfer(f.sut.at(), APEX, "IXFR", serial, key=key)
        took = len(ixfr.over_udp(f.sut.at(), APEX, serial, key, 1232)[0])
        fits = over_udp(f, serial, 1232, whole)
        f.check(serial, whole, condense != "off")
        for size in [None, 0, 511] + list(range(512, 1233, 72)) + [65535]:
            limit = min(1232, max(512, size or 0))
            # Without EDNS there is no OPT.
            need = took - (0 if size is not None else 11)
            assert over_udp(f, serial, size, whole) == (
                fits and need <= limit), (serial, size, took)
        if fits and took > 512:
            assert over_udp(f, serial, took, whole)
            assert not over_udp(f, serial, took - 1, whole)
            found.add(took)
    assert len(found) > (15 if condense == "auto" else 1), found


def asked(f, serial):
    """("ixfr" or "axfr", what the log says)."""
    mark = len(f.sut.log_text())
    kind, rrs = dnsq.ixfr(f.sut.at(), APEX, serial)
    if kind == "axfr":
        assert set(rrs) == f.versions[f.newest]
    else:
        assert ixfr.apply(f.versions[serial], rrs) == f.versions[f.newest]
    t = f.wait_told(mark)
    assert t.way == (serial, f.newest) and not t.is_cut, t
    return kind, t


def assert_whole(f, serial, why):
    kind, t = asked(f, serial)
    assert (kind, t.kind, t.why) == ("axfr", "AXFR-style IXFR", why), t
    _, m = ixfr.over_udp(f.sut.at(), APEX, serial, edns=1232)
    assert [ixfr.serial(x) for x in m.answer] == [f.newest]


@test(needs=NEEDS)
def the_switch_is_off(case):
    f = Followed(case, options={"provide-ixfr": "off"})
    f.publish(2)
    assert_whole(f, 1, "provide-ixfr is off")
    assert_whole(f, 2, "provide-ixfr is off")
    f.sut.zones[APEX].options["provide-ixfr"] = "on"
    f.sut.reload()
    assert asked(f, 1)[0] == "ixfr"


@test(needs=("secondaryd", "secondaryctl"))
def without_a_module_there_is_no_history(case):
    f = Followed(case, journal=False)
    f.publish(2)
    assert_whole(f, 1, "no module keeps history")


def octets_kept(f):
    found = json.loads(f.sut.ctl("--json", "journal", "list"))
    return found[0]["zone"][0]["octets"]


@test(needs=NEEDS)
def what_was_trimmed_is_no_way(case):
    f = Followed(case, module="zone:\n  - id: default\n    max-steps: 3\n"
                 "    keep-steps: 1\n")
    f.publish(5)
    for serial in range(1, 6):
        assert asked(f, serial)[0] == "ixfr"
    # Limits are looked at once a minute, and when it starts. The first time
    # a newer base is read, which takes another number of octets here.
    octets = octets_kept(f)
    f.sut.restart()
    case.wait_until(lambda: octets_kept(f) != octets, 10, "another base")
    f.sut.restart()
    case.wait_until(lambda: f.kept() == [3, 4, 5, 6], 10, "it to be trimmed")
    for serial in (1, 2):
        assert_whole(f, serial, "no history from there")
    for serial in (3, 4, 5):
        assert asked(f, serial)[0] == "ixfr"
    f.publish()
    assert asked(f, 3)[0] == "ixfr"


@test(needs=NEEDS)
def from_what_never_was_there_is_no_way(case):
    f = Followed(case, serial=100)
    f.publish(2)
    assert_whole(f, 99, "no history from there")
    assert_whole(f, 5, "no history from there")


@test(needs=NEEDS, condense=("auto", "off"))
def changes_that_are_larger_than_the_zone_are_not_sent(case, condense):
    def another(n):
        return ["fake.test. NS ns1.fake.test."] + [
            "v%d-%d.fake.test. A 192.0.2.1" % (n, i)
            for i in range(100)]
    f = Followed(case, content=another, options={"ixfr-condense": condense})
    f.publish(3)
    for serial in (1, 2, 3):
        kind, t = asked(f, serial)
        assert (kind, t.why) == (
            "axfr", "the changes are larger than the zone"), t


@test(needs=NEEDS, condense=("auto", "on", "off"))
def without_memory_to_condense_there_are_steps_or_the_zone(case, condense):
    """Changes of more than is condensed on the spot."""
    fixed = ["fake.test. NS ns1.fake.test."] + FILLER

    def content(n):
        return fixed + ['v%d-%d.fake.test. TXT "%s"' % (n, i, "x" * 200)
                        for i in range(50)]
    f = Followed(case, content=content,
                 options={"ixfr-condense": condense},
                 server={"condense-memory": 0})
    f.publish(4)
    need = 2 * sum(v.get("octets", 0) for v in f.kept_versions())
    # None; enough as far as is known before; enough.
    for memory in (0, need + 4096, 3 * need):
        f.sut.server["condense-memory"] = memory
        f.sut.reload()
        kind, t = asked(f, 1)
        if memory == 3 * need and condense != "off":
            assert kind == "ixfr" and t.is_condensed, t
        elif condense == "on":
            assert kind == "axfr", t
            assert t.why == "the changes cannot be condensed", t
        else:
            assert kind == "ixfr" and not t.is_condensed, t
        assert t.steps in (4, None), t
    f.sut.server["condense-memory"] = 0
    f.sut.reload()
    # What is condensed on the spot needs none.
    kind, t = asked(f, 3)
    assert kind == "ixfr" and (t.steps, t.is_condensed) == (
        2, condense != "off"), t


@test(needs=NEEDS)
def a_version_that_is_not_committed_yet_is_waited_for(case):
    f = Followed(case, server={"sync-interval": 600})
    f.committed()
    for _ in range(2):
        f.publish(wait=False)
        _, m = ixfr.over_udp(f.sut.at(), APEX, 1, edns=1232)
        began = time.monotonic()
        kind, t = asked(f, 1)
        took = time.monotonic() - began
        assert kind == "ixfr" and t.steps == f.newest - 1, t
        # A datagram is not: there is no history yet, unless it came late.
        assert len(m.answer) == 1 or took < 0.1, took


@test(needs=NEEDS)
def a_commit_that_is_far_away_is_not(case):
    f = Followed(case, server={"sync-interval": 3000})
    f.publish(2, wait=False)
    kind, t = asked(f, 1)
    assert (kind, t.why) == ("axfr", "history is not written yet"), t
    f.committed()
    assert asked(f, 1)[0] == "ixfr"


# A client that hardly reads

MANY, PER_STEP, STEPS = 40000, 2000, 8


def large(n):
    """More than sockets hold; each of the first steps replaces other records,
    and later ones next to nothing."""
    def text(i):
        is_new = i // PER_STEP < min(n - 1, STEPS)
        return (b"\3new" if is_new else b"\3old") + b"\xc8" + b"x" * 200
    return ["fake.test. NS ns1.fake.test.",
            "fake.test. TXT \"version %d\"" % n] + [
        record(b"\6h%05d\4fake\4test\0" % i, 16, 3600, text(i))
        for i in range(MANY)]


def followed_large(case, condense, **kw):
    return Followed(case, content=large, options={"ixfr-condense": condense},
                    **kw)


class Slow:
    """A client that asks for an IXFR and has a small window."""

    def __init__(self, f, serial):
        query, _ = ixfr.query(APEX, serial)
        self.sock = socket.socket()
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.sock.settimeout(20)
        self.sock.connect(f.sut.at())
        self.sock.sendall(struct.pack("!H", len(query)) + query)

    def message(self):
        octets = dnsq.read_message(self.sock)
        assert octets, "the stream ended early"
        return wire.parse(octets).answer

    def rest(self, rrs):
        """All of the IXFR; rrs is what came of it."""
        while rrs[-1] != rrs[0] or rrs.count(rrs[0]) < 3:
            rrs = rrs + self.message()
        return rrs

    def octet(self):
        return self.sock.recv(1)


@test(needs=NEEDS, condense=("auto", "off"))
def a_slow_client_gets_the_version_that_it_began_with(case, condense):
    f = followed_large(case, condense)
    f.publish(STEPS - 1, look=False)
    f.publish()
    client, served = Slow(f, 1), f.newest
    rrs = client.message()
    f.publish(look=False)
    assert not f.told(), "it is sent already"
    rrs = client.rest(rrs)
    assert ixfr.serial(rrs[0]) == served
    assert ixfr.apply(f.versions[1], rrs) == f.versions[served]
    assert len(ixfr.steps(rrs)) == (STEPS if condense == "off" else 1)
    t = f.wait_told()
    assert t.way == (1, served) and t.steps == STEPS and not t.is_cut, t


@test(needs=NEEDS, condense=("auto", "off"))
def a_client_that_hardly_reads_is_cut_and_holds_nobody_up(case, condense):
    f = followed_large(case, condense, server={"tcp-io-timeout": "4000"})
    f.publish(STEPS + 1, look=False)
    f.sut.zones[APEX].options["transfer-max-time"] = "5s"
    f.sut.reload()
    way, rounds, began = (1, f.newest), 0, time.monotonic()
    client = Slow(f, 1)

    def ends():
        return [t for t in f.told() if t.way == way]
    while not ends():
        assert client.octet()
        for tcp in (False, True):
            got = dnsq.ask(f.sut.at(), "h00001." + APEX, "TXT", tcp=tcp)
            assert got.answer, got
        kind, rrs = dnsq.ixfr(f.sut.at(), APEX, f.newest - 1)
        assert kind == "ixfr" and len(ixfr.steps(rrs)) == 1
        rounds += 1
        assert time.monotonic() - began < 20, "it is not cut"
        time.sleep(0.1)
    took = time.monotonic() - began
    t = ends()[0]
    assert t.kind == "IXFR" and t.is_cut and not t.cut, t
    # By its deadline: for want of progress it would be twice the timeout.
    assert 5 <= took < 8 and rounds > 5, (took, rounds)
    assert t.is_condensed == (condense != "off"), t
    case.say("%d rounds in %.1f s" % (rounds, took))


def memory(f):
    """Octets that are secondaryd's own and resident."""
    with open("/proc/%d/status" % f.sut.program.popen.pid) as status:
        return int(re.search(r"RssAnon:\s+(\d+) kB", status.read())[1]) * 1024


@test(needs=NEEDS, condense=("auto", "off"))
def slow_clients_hold_little(case, condense):
    f = followed_large(case, condense,
                       server={"condense-memory": "48M"})
    f.publish(STEPS - 1, look=False)
    f.publish()
    before, way = memory(f), (1, f.newest)
    clients = [Slow(f, 1) for _ in range(20)]
    for client in clients:
        assert client.octet()
    # Of each some messages and a piece of history, and of those for whom there
    # was memory to condense it, one step.
    held = memory(f) - before
    assert held < 20 * 2**20 + 48 * 2**20, held
    for client in clients:
        client.sock.close()
    case.wait_until(lambda: len([t for t in f.told() if t.way == way]) == 20,
                    20, "the ends of twenty transfers")
    assert all(t.is_cut for t in f.told())
    condensed = [t for t in f.told() if t.is_condensed]
    assert (len(condensed) in range(1, 20)) == (condense == "auto"), condensed
    case.say("%d octets held, %d condensed" % (held, len(condensed)))
    kind, rrs = dnsq.ixfr(f.sut.at(), APEX, 1)
    assert ixfr.apply(f.versions[1], rrs) == f.versions[f.newest]


@test(needs=NEEDS)
def clients_may_leave_while_it_is_condensed(case):
    f = followed_large(case, "on")
    f.publish(STEPS - 1, look=False)
    f.publish()
    before = memory(f)
    for turn in range(60):
        client = Slow(f, 1 + turn % 5)
        time.sleep(turn % 6 / 1000)
        client.sock.close()
    # The one behind them has his turn, and it is right.
    kind, rrs = dnsq.ixfr(f.sut.at(), APEX, 1)
    assert kind == "ixfr" and len(ixfr.steps(rrs)) == 1
    assert ixfr.apply(f.versions[1], rrs) == f.versions[f.newest]
    case.wait_until(lambda: memory(f) - before < 32 * 2**20, 10,
                    lambda: "memory to be free: %d more" % (
                        memory(f) - before))


@test(needs=NEEDS, condense=("auto", "off"))
def a_transfer_outlives_a_reload_and_its_zone(case, condense):
    f = followed_large(case, condense, server={"tcp-idle-timeout": "1s"})
    f.publish(STEPS, look=False)
    client, way = Slow(f, 1), (1, f.newest)
    assert client.octet()
    f.sut.reload()
    assert client.octet()
    zone = f.sut.zones.pop(APEX)
    f.sut.follow("other.test.", zone.primaries)
    f.sut.reload()
    assert dnsq.ask(f.sut.at(), APEX, "SOA").rcode() == wire.RCODE["REFUSED"]
    # It gets the rest; or, where the journal was quick, an end that tells.
    client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2**20)
    while client.sock.recv(65536):
        pass
    t = f.wait_told()
    assert t.way == way and t.steps == STEPS, t
    assert not t.is_cut or t.cut == "history was trimmed", t
    case.say("cut off" if t.is_cut else "whole")


@test(needs=NEEDS, long=True, limit=300)
def history_that_is_trimmed_meanwhile_ends_it(case):
    f = followed_large(case, "off", server={"tcp-io-timeout": "10m"},
                       module="zone:\n  - id: default\n    max-steps: 2\n"
                       "    keep-steps: 1\n")
    f.publish(STEPS, look=False)
    client = Slow(f, 1)
    rrs = client.message()
    # Limits are looked at once a minute, and first a newer base is read.
    case.wait_until(lambda: len(f.kept()) == 3, 200, "it to be trimmed")
    try:
        client.rest(rrs)
    except AssertionError:
        pass
    t = f.wait_told()
    assert t.kind == "IXFR" and t.cut == "history was trimmed", t
    # It comes again.
    f.arrived()
    kind, t = asked(f, 1)
    assert (kind, t.why) == ("axfr", "no history from there"), t
