# SPDX-License-Identifier: BSD-2-Clause
"""An older version is served by an operator's order, out of the journal's
history: whole, whatever the primary does meanwhile and however the server ends,
and what stands behind does not follow."""
import glob
import os
import random
import re
import struct
import threading
import time

import dns.rdatatype

from lib import dnsq, servers, zones
from lib.case import test
from lib.churn import Churn, Listener
from lib.fakeprimary import FakePrimary, wait_never
from test_follow import wait_stored

APEX = "churn.test."
NEEDS = ("secondaryd", "secondaryctl", "ixfr-journal.so")
LARGE = 5000  # names: the image is a file


def churning(case, count, notify=()):
    """A primary whose zone changes, and secondaryd that keeps its history."""
    churn = Churn(case, APEX, count)
    sut = case.server("secondaryd")
    sut.follow(APEX, [churn.peer()], notify=notify,
               allow=[servers.allow(address="127.0.0.0/8")])
    sut.add_module("journal", "ixfr-journal")
    sut.start()
    sut.wait_serial(APEX, 1)
    return churn, sut


def newest(sut):
    """(serial that is held, serial that is pinned or None, is it stored?)"""
    said = sut.status_of(APEX)
    held = re.search(r"^    serial +(\d+), .*?(not stored yet|stored)", said,
                     re.M)
    pinned = re.search(r"^    served +(\d+), pinned", said, re.M)
    return (int(held[1]), int(pinned[1]) if pinned else None,
            held[2] == "stored")


def follow(case, churn, sut, until):
    """Version by version, until that one is held and stored."""
    while churn.serial < until:
        churn.step()
        churn.tell(sut.at())
        case.wait_until(lambda: newest(sut)[::2] == (churn.serial, True), 10,
                        lambda: "serial %d to be held: %s" % (
                            churn.serial, sut.status_of(APEX)))


def pin(sut, serial, check=True):
    return sut.ctl("journal", "pin", APEX, str(serial), check=check)


def unpin(sut, check=True):
    return sut.ctl("journal", "unpin", APEX, check=check)


def names_of(churn, sut, serial, rnd, count=30):
    """What is answered for names is what they had in a version."""
    for i in rnd.sample(range(len(churn.names)), count):
        name = ("n%d.%s" if i % 10 else "a.n%d.%s") % (i, APEX)
        had = churn.at(i, serial)
        want = [".".join(map(str, had))] if had is not None else None
        got = dnsq.addresses(sut.at(), name)
        assert (got or None) == want, (name, got, want)


def kept(sut):
    """How many versions the journal lists."""
    return sut.ctl("--json", "journal", "list", APEX).count('"at"')


@test(needs=NEEDS, count=(100, LARGE))
def an_older_version_is_served_whole_while_updates_go_on(case, count):
    ear = Listener(case)
    churn, sut = churning(case, count,
                          [servers.Peer(ear.address, ear.port, None)])
    rnd = random.Random(4)
    follow(case, churn, sut, 6)
    case.wait_until(lambda: ear.serial == 6, 10, "NOTIFY of serial 6")
    said = pin(sut, 3)
    assert said.splitlines()[0] == "serial 3 is served instead of serial 6", \
        said
    assert sut.serial(APEX) == 3
    assert churn.check(sut.at()) == 3
    names_of(churn, sut, 3, rnd)
    before = kept(sut)
    follow(case, churn, sut, 10)
    assert kept(sut) == before + 4
    assert newest(sut) == (10, 3, True)
    assert "zones-pinned" in sut.ctl("status")
    assert sut.serial(APEX) == 3 and churn.check(sut.at()) == 3
    names_of(churn, sut, 3, rnd)
    for held, kind in ((3, "none"), (6, "none"), (10, "none")):
        assert dnsq.ixfr(sut.at(), APEX, held)[0] == kind, held
    kind, records = dnsq.ixfr(sut.at(), APEX, 1)
    assert kind != "none" and \
        struct.unpack("!I", records[0].rdata[-20:-16])[0] == 3
    assert ear.serial == 6, "somebody was told of what nobody sees"
    sut.wait_log(r"pinned by an operator's order: serial 3 is served instead "
                 r"of serial 6")
    sut.wait_log(r"serial 9 -> serial 10.*not served: serial 3 is pinned")
    said = unpin(sut)
    assert said.splitlines()[0] == "serial 10 is served instead of serial 3"
    assert sut.serial(APEX) == 10 and churn.check(sut.at()) == 10
    case.wait_until(lambda: ear.serial == 10, 10, "NOTIFY of serial 10")
    assert newest(sut) == (10, None, True)
    follow(case, churn, sut, 12)
    assert churn.check(sut.at()) == 12
    case.wait_until(lambda: ear.serial == 12, 10, "NOTIFY of serial 12")


@test(needs=NEEDS, count=(100, LARGE))
def any_version_can_be_pinned_one_after_the_other(case, count):
    churn, sut = churning(case, count)
    follow(case, churn, sut, 8)
    for serial in (5, 1, 7, 8, 2):
        pin(sut, serial)
        assert churn.check(sut.at()) == serial
        if serial == 8:
            follow(case, churn, sut, 12)
            assert churn.check(sut.at()) == 8
        if serial == 7:
            sut.restart()
            assert churn.check(sut.at()) == 7
    pin(sut, "@4") # by its number, where a serial comes twice
    assert churn.check(sut.at()) == 4
    pin(sut, 2)
    said = str(pin(sut, 99, check=False))
    assert "99 is not kept" in said, said
    assert churn.check(sut.at()) == 2


class Watcher:
    """Looks at the SOA all the time; knows which serials there were."""

    def __init__(self, sut):
        self.sut, self.seen = sut, set()
        self.stopped = threading.Event()
        self.thread = threading.Thread(target=self.look)
        self.thread.start()

    def look(self):
        while not self.stopped.is_set():
            serial = dnsq.serial(self.sut.at(), APEX, timeout=0.05)
            if serial is not None:
                self.seen.add(serial)
            time.sleep(0.0005)

    def end(self):
        self.stopped.set()
        self.thread.join()
        return self.seen


@test(needs=NEEDS, limit=180, count=(100, LARGE))
def no_end_shows_anybody_the_newest_version(case, count):
    rnd = random.Random(6)
    churn, sut = churning(case, count)
    follow(case, churn, sut, 5)
    pin(sut, 3)
    watcher = Watcher(sut)
    try:
        for turn in range(8):
            timer = threading.Timer(rnd.uniform(0.02, 0.4), sut.kill)
            timer.start()
            # Versions come until it is gone, wherever that finds it.
            while sut.running():
                churn.step()
                churn.tell(sut.at())
                time.sleep(rnd.uniform(0, 0.02))
            timer.join()
            sut.start()
            assert churn.check(sut.at()) == 3, turn
            sut.ctl("refresh", APEX)
            follow(case, churn, sut, churn.serial + 1)
            assert sut.restart() is None
            assert churn.check(sut.at()) == 3, turn
    finally:
        seen = watcher.end()
    assert seen == {3}, seen
    unpin(sut)
    assert churn.check(sut.at()) == churn.serial


@test(needs=NEEDS, limit=240)
def an_order_is_carried_out_or_not_when_it_is_killed(case):
    rnd = random.Random(7)
    churn, sut = churning(case, 100)
    follow(case, churn, sut, 6)
    served, done = 6, 0
    for _ in range(30):
        wanted = rnd.choice([1, 2, 3, 4, 5, 6])
        timer = threading.Timer(rnd.uniform(0, 0.03), sut.kill)
        timer.start()
        said = str(unpin(sut, check=False) if wanted == 6
                   else pin(sut, wanted, check=False))
        timer.join()
        case.wait_until(lambda: not sut.running(), 10, "its end")
        is_told = "is served instead of" in said or "already" in said
        sut.start()
        now = churn.check(sut.at())
        assert now in (served, wanted), (now, served, wanted, said)
        assert not is_told or now == wanted, (now, wanted, said)
        served, done = now, done + (now == wanted)
        # The module has what the host has.
        listed = sut.ctl("--json", "journal", "list", APEX)
        assert listed.count('"pinned":true') == (now != 6), (now, listed)
    case.say("%d of 30 orders carried out" % done)


@test(needs=NEEDS)
def without_the_history_the_newest_is_served_with_an_alarm(case):
    churn, sut = churning(case, 100)
    follow(case, churn, sut, 5)
    pin(sut, 3)
    assert sut.stop() == 0
    for path in glob.glob(sut.p("state", "modules", "journal", "*.mdb*")):
        os.unlink(path)
    mark = len(sut.log_text())
    sut.start()
    assert churn.check(sut.at()) == 5
    sut.wait_log(r"error: zone churn\.test\.: serial 3, which is pinned, "
                 r"cannot be served any more: no way leads from it to the "
                 r"newest version any more; the newest version is served",
                 after=mark)
    said = sut.status_of(APEX)
    assert "ALARM" in said and "serial 3 was pinned and is lost" in said, said
    assert "not 3 any more" in said, said
    sut.restart()
    assert churn.check(sut.at()) == 5
    assert "ALARM" in sut.status_of(APEX)
    follow(case, churn, sut, 7)
    unpin(sut)
    assert "ALARM" not in sut.status_of(APEX)
    pin(sut, 6)
    assert churn.check(sut.at()) == 6


@test(needs=NEEDS, count=(100, LARGE))
def whole_transfers_do_not_end_the_history(case, count):
    churn, sut = churning(case, count)
    follow(case, churn, sut, 3)
    churn.ixfr = churn.whole
    follow(case, churn, sut, 6)
    pin(sut, 2)
    assert churn.check(sut.at()) == 2
    sut.ctl("retransfer", APEX)
    follow(case, churn, sut, 8)
    assert newest(sut) == (8, 2, True)
    sut.restart()
    assert churn.check(sut.at()) == 2
    unpin(sut)
    assert churn.check(sut.at()) == 8


@test(needs=NEEDS)
def serials_may_wrap_on_the_way(case):
    records = ["fake.test. NS ns1.fake.test.", "ns1.fake.test. A 192.0.2.1"]
    fake = FakePrimary(case, "fake.test.", records=records, serial=2**32 - 2)
    sut = case.server("secondaryd")
    sut.follow("fake.test.", [fake.peer()],
               allow=[servers.allow(address="127.0.0.0/8")])
    sut.add_module("journal", "ixfr-journal")
    sut.start()
    served = {}
    for serial in (2**32 - 2, 2**32 - 1, 0, 1, 5):
        fake.records.append(fake.records[1].replace(
            b"\x03ns1", b"\x03n%02d" % (serial % 100)))
        fake.serial = serial
        sut.ctl("refresh", "fake.test.")
        sut.wait_serial("fake.test.", serial)
        served[serial] = dnsq.axfr(sut.at(), "fake.test.")
    wait_stored(case, sut, "fake.test.")
    for serial in (2**32 - 1, 0, 2**32 - 2, 1):
        sut.ctl("journal", "pin", "fake.test.", str(serial))
        assert dnsq.axfr(sut.at(), "fake.test.") == served[serial]
    sut.restart()
    assert dnsq.axfr(sut.at(), "fake.test.") == served[1]


def history(case, kind, first, later):
    """A real primary, and secondaryd that has had each of these versions;
    what the primary served of each."""
    top = case.server(kind, name="top")
    sut = case.server("secondaryd")
    top.serve(first, allow=[servers.allow()], notify=[sut.peer()])
    sut.follow(first.apex, [top.peer()],
               allow=[servers.allow(address="127.0.0.0/8")])
    sut.add_module("journal", "ixfr-journal")
    top.start()
    sut.start()
    served = {}
    for zone in [first] + later:
        if zone is not first:
            top.update(zone)
        sut.wait_serial(zone.apex, zone.serial)
        served[zone.serial] = dnsq.peer_axfr(top.at(), zone.apex)
    wait_stored(case, sut, first.apex)
    return top, sut, served


@test(needs=NEEDS + ("{primary}",), primary=("knot", "bind", "nsd"))
def each_version_of_a_real_primary_comes_back(case, primary):
    rnd = random.Random(8)
    zone = zones.flat(count=300)
    zone.records += zones.types(zone.apex).records[5:]
    zone.records += zones.names(zone.apex).records[5:]
    later = [zones.edited(zone, rnd)]
    for _ in range(4):
        later.append(zones.edited(later[-1], rnd))
    _, sut, served = history(case, primary, zone, later)
    for serial in list(served)[:-1]:
        sut.ctl("journal", "pin", zone.apex, str(serial))
        assert dnsq.axfr(sut.at(), zone.apex) == served[serial], serial
    sut.restart()
    assert sut.serial(zone.apex) == serial
    assert dnsq.axfr(sut.at(), zone.apex) == served[serial]


@test(needs=NEEDS + ("knot", "signer"), limit=180)
def a_signed_zone_comes_back_with_its_other_denial(case):
    rnd = random.Random(9)
    plain = zones.feature_mix("signed.test.")
    ways = [{"nsec3": ("aabbccdd", 5)}, {"nsec3": ("", 0)}, {},
            {"nsec3": ("00ff", 1), "optout": True}]
    versions = []
    for way in ways:
        if versions:
            plain = zones.edited(plain, rnd)
        versions.append(zones.signed(plain, case.subdir("sign"), **way))
    _, sut, served = history(case, "knot", versions[0], versions[1:])
    absent = "x.y.absent." + plain.apex
    denials = {}
    for serial in list(served)[:-1]:
        sut.ctl("journal", "pin", plain.apex, str(serial))
        assert dnsq.axfr(sut.at(), plain.apex) == served[serial], serial
        r = dnsq.ask(sut.at(), absent, "A", want_dnssec=True)
        denials[serial] = {dns.rdatatype.to_text(x.rdtype)
                           for x in r.authority}
        sut.restart()
        assert dnsq.axfr(sut.at(), plain.apex) == served[serial], serial
    kinds = ["NSEC3" if "NSEC3" in d else "NSEC" for d in denials.values()]
    assert kinds == ["NSEC3", "NSEC3", "NSEC"], denials


@test(needs=NEEDS + ("knot", "{below}"), below=("nsd", "knot", "bind"),
      limit=180)
def a_downstream_that_is_ahead_is_named_and_does_not_follow(case, below):
    rnd = random.Random(10)
    zone = zones.flat(count=50, single=True)
    top, sut = case.server("knot", name="top"), case.server("secondaryd")
    down = case.server(below, name="below")
    top.serve(zone, allow=[servers.allow()], notify=[sut.peer()])
    sut.follow(zone.apex, [top.peer()], notify=[down.peer()],
               allow=[servers.allow(address="127.0.0.0/8")])
    down.follow(zone.apex, [sut.peer()],
                allow=[servers.allow(address="127.0.0.0/8")])
    sut.add_module("journal", "ixfr-journal")
    top.start()
    sut.start()
    sut.wait_serial(zone.apex, zone.serial)
    down.start()
    down.wait_serial(zone.apex, zone.serial)
    first = zone.serial
    for _ in range(3):
        zone = zones.edited(zone, rnd)
        top.update(zone)
        down.wait_serial(zone.apex, zone.serial)
    sut.wait_log("NOTIFY of serial %d heard" % zone.serial)
    said = sut.ctl("journal", "pin", zone.apex, str(first)).splitlines()
    assert said[0] == "serial %d is served instead of serial %d" % (
        first, zone.serial), said
    assert any(re.match(r"127\.0\.0\.1 has serial %d \(\w+\): it is ahead and "
                        r"will not follow" % zone.serial, x)
               for x in said[1:]), said
    assert re.search(r"^    127\.0\.0\.1 +%d .* ahead$" % zone.serial,
                     sut.status_of(zone.apex), re.M), sut.status_of(zone.apex)
    mark = len(sut.log_text())
    sut.ctl("notify", zone.apex)
    sut.wait_log("NOTIFY of serial %d heard" % first, after=mark)
    zone = zones.edited(zone, rnd)
    top.update(zone)
    case.wait_until(lambda: "serial          %d," % zone.serial in
                    sut.status_of(zone.apex), 10, "another version")
    ahead = down.serial(zone.apex)
    assert wait_never(lambda: down.serial(zone.apex) not in (ahead, None),
                      2), "it follows"
    sut.ctl("journal", "unpin", zone.apex)
    down.wait_serial(zone.apex, zone.serial)
    want = dnsq.peer_axfr(top.at(), zone.apex)
    case.wait_until(lambda: dnsq.peer_axfr(down.at(), zone.apex) == want, 10,
                    "the whole zone behind it")
