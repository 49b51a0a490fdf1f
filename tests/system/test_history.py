# SPDX-License-Identifier: BSD-2-Clause
"""IXFR out of the history that ixfr-journal keeps, to real servers and
programs: from every version, over restarts, however the versions came."""
import random
import subprocess
import threading

from lib import dnsq, ixfr, servers, wire, zones
from lib.case import test
from lib.fakeprimary import notify, rr
from lib.history import APEX, NEEDS, Followed

VENDORS = ("nsd", "knot", "bind")


@test(needs=NEEDS, condense=("auto", "on", "off"))
def every_version_is_left_by_its_steps(case, condense):
    f = Followed(case, options={"ixfr-condense": condense})
    f.publish(7)
    f.ixfr_from_all(condensed=condense != "off")


def save(server, serial):
    """Whatever it takes that it has its zone again when it is started."""
    if server.kind != "nsd":
        return
    # It writes the file when told to, and then only if it is another one.
    server.control("write " + APEX.rstrip("."))

    def is_written():
        try:
            with open(server.zone_file(APEX)) as f:
                return " %d " % serial in f.read().replace("\t", " ")
        except OSError:
            return False
    server.case.wait_until(is_written, 10, "NSD's zone file")


def have_told(f, below, mark):
    """A NOTIFY is heeded; what the log then says of the transfer."""
    assert notify(below.at(), APEX, f.key, source="127.0.0.1") is not None
    below.wait_serial(APEX, f.newest)
    return f.wait_told(mark)


@test(needs=("{below}",) + NEEDS, below=VENDORS + ("secondaryd",),
      condense=("condensed", "stepwise"), key=("unsigned", "signed"))
def secondaries_that_were_stopped_catch_up(case, below, condense, key):
    key = servers.new_key() if key == "signed" else None
    f = Followed(case, key, options={
        "ixfr-condense": "auto" if condense == "condensed" else "off"})
    behind = case.server(below, name="below", addresses=("127.0.0.1",))
    behind.follow(APEX, [f.sut.peer(key)], allow=[servers.allow(key)])
    behind.start()
    behind.wait_serial(APEX, 1)
    for ahead in (1, 5, 2):
        held = f.newest
        save(behind, held)
        behind.stop()
        mark = len(f.sut.log_text())
        f.publish(ahead)
        behind.start()
        t = have_told(f, behind, mark)
        assert t.kind == "IXFR" and t.way == (held, f.newest), t
        assert t.steps == ahead and not t.is_cut, t
        assert t.is_condensed == (condense == "condensed" and ahead > 1), t
        assert t.key == (key.name if key else "none"), t.key
        # NSD's old process may answer a little longer.
        case.wait_until(lambda: f.versions[f.newest] == set(dnsq.peer_axfr(
            behind.at(), APEX, key=key)), 10, "the same zone behind it")


def answer_of(f, program, serial, *options):
    """The records that dig or kdig prints."""
    out = subprocess.run(
        [program, "-p", str(f.sut.port), "@127.0.0.1", APEX,
         "IXFR=%d" % serial] + list(options),
        stdout=subprocess.PIPE, text=True, timeout=20, check=True).stdout
    lines = [x.split(None, 4) for x in out.splitlines()
             if x and not x.startswith(";")]
    assert lines and {x[2] for x in lines} == {"IN"}, out
    return wire.rrs([rr(" ".join(x[:2] + x[3:])) for x in lines])


@test(needs=("{program}",) + NEEDS, program=("dig", "kdig"),
      condense=("auto", "off"))
def dig_and_kdig_are_given_the_changes(case, program, condense):
    f = Followed(case, options={"ixfr-condense": condense})
    f.publish(6)
    whole, single = 0, 0
    for serial in range(1, f.newest):
        rrs = answer_of(f, program, serial, "+tcp")
        f.check(serial, rrs, condense != "off")
        # What no datagram takes: that is told by a single SOA.
        for size in (512, 700, 1232):
            got = answer_of(f, program, serial, "+notcp", "+ignore",
                            "+bufsize=%d" % size)
            octets, _ = ixfr.over_udp(f.sut.at(), APEX, serial, edns=size)
            assert len(octets) <= size, (len(octets), size)
            if len(got) == 1:
                assert got == rrs[:1]
                single += 1
            else:
                assert got == rrs, (serial, size)
                whole += 1
    assert whole and single, (whole, single)
    for serial in (f.newest, f.newest + 1):
        for how in ("+tcp", "+notcp"):
            got = answer_of(f, program, serial, how)
            assert [ixfr.serial(x) for x in got] == [f.newest], got


@test(needs=NEEDS, end=("stopped", "killed"), condense=("auto", "off"))
def history_goes_on_behind_a_restart(case, end, condense):
    f = Followed(case, options={"ixfr-condense": condense})
    f.publish(3)
    for _ in range(2):
        if end == "killed":
            f.sut.kill()
        else:
            assert f.sut.stop() == 0
        f.sut.start()
        f.sut.wait_serial(APEX, f.newest)
        f.ixfr_from_all(condense != "off")
        f.publish(2)
        f.ixfr_from_all(condense != "off")


@test(needs=NEEDS, condense=("auto", "off"))
def serials_wrap(case, condense):
    f = Followed(case, serial=4294967290, options={"ixfr-condense": condense})
    f.publish(11)
    assert f.newest == 5
    f.ixfr_from_all(condense != "off")
    t = f.told()[0]
    assert t.way == (4294967290, 5) and t.steps == 11, t
    # From what comes later there is nothing, and from before no history.
    assert dnsq.ixfr(f.sut.at(), APEX, 6)[0] == "none"
    assert dnsq.ixfr(f.sut.at(), APEX, 4294967289)[0] == "axfr"


@test(needs=("{below}",) + NEEDS, below=VENDORS + ("secondaryd",),
      condense=("auto", "off"))
def real_secondaries_follow_across_the_end_of_serials(case, below, condense):
    f = Followed(case, serial=4294967290, options={"ixfr-condense": condense})
    behind = case.server(below, name="below", addresses=("127.0.0.1",))
    behind.follow(APEX, [f.sut.peer()], allow=[servers.allow()])
    behind.start()
    behind.wait_serial(APEX, 4294967290)
    mark = len(f.sut.log_text())
    f.publish(11)
    t = have_told(f, behind, mark)
    assert t.kind == "IXFR" and t.way == (4294967290, 5), t
    assert t.steps == 11 and t.is_condensed, t
    case.wait_until(lambda: f.versions[5] == set(dnsq.peer_axfr(
        behind.at(), APEX)), 10, "the same zone behind it")


@test(needs=("{primary}",) + NEEDS, primary=VENDORS,
      kind=("IXFR", "AXFR"), condense=("auto", "off"))
def however_a_primary_sent_them(case, primary, kind, condense):
    # NSD 4.6 makes no IXFR of the other zone.
    zone = zones.flat(count=300, single=primary == "nsd")
    if primary != "nsd":
        zone.records += zones.types(zone.apex).records[5:]
    top = case.server(primary, name="top")
    sut = case.server("secondaryd")
    top.serve(zone, allow=[servers.allow()], notify=[sut.peer()],
              ixfr=kind == "IXFR")
    sut.follow(zone.apex, [top.peer()], allow=[servers.allow()],
               **{"ixfr-condense": condense})
    sut.add_module("journal", "ixfr-journal")
    top.start()
    sut.start()
    sut.wait_serial(zone.apex, zone.serial)
    versions = {zone.serial: dnsq.axfr(sut.at(), zone.apex)}
    rnd = random.Random(7)
    for _ in range(4):
        zone = zones.edited(zone, rnd)
        top.update(zone)
        sut.wait_serial(zone.apex, zone.serial)
        versions[zone.serial] = dnsq.axfr(sut.at(), zone.apex)
    dnsq.assert_same_zone(top.at(), sut.at(), zone.apex)
    came = sut.transfers(zone.apex, zone.serial)
    assert len(came) == 5 and {
        "AXFR" if "AXFR" in t[0] else "IXFR" for t in came[1:]} == {kind}, came
    for serial, held in versions.items():
        if serial == zone.serial:
            continue
        how, rrs = dnsq.ixfr(sut.at(), zone.apex, serial)
        assert how == "ixfr", (serial, how)
        assert ixfr.apply(held, rrs) == set(versions[zone.serial])
        assert len(ixfr.steps(rrs)) == (
            zone.serial - serial if condense == "off" else 1)


class Follower(threading.Thread):
    """Holds a version, and makes it the newest again and again."""

    def __init__(self, f, key, is_last):
        super().__init__(daemon=True)
        self.f, self.key, self.is_last = f, key, is_last
        rrs = dnsq.transfer(f.sut.at(), APEX, key=key)
        self.serial, self.zone = ixfr.serial(rrs[0]), set(rrs)
        self.error, self.followed = None, 0

    def step(self):
        kind, rrs = dnsq.ixfr(self.f.sut.at(), APEX, self.serial,
                              key=self.key)
        assert kind != "axfr", self.serial
        if kind == "ixfr":
            self.zone = ixfr.apply(self.zone, rrs)
            self.serial = ixfr.serial(rrs[0])
            self.followed += 1

    def run(self):
        try:
            while not (self.is_last.is_set()
                       and self.serial == self.f.newest):
                self.step()
                self.is_last.wait(0.02)
        except Exception as e:
            self.error = e


@test(needs=NEEDS, condense=("auto", "off"))
def many_follow_while_versions_come(case, condense):
    key = servers.new_key()
    f = Followed(case, key, options={"ixfr-condense": condense},
                 server={"tcp-workers": 2, "udp-workers": 2})
    is_last = threading.Event()
    crowd = [Follower(f, key, is_last) for _ in range(6)]
    for c in crowd:
        c.start()
    f.publish(20, look=False, wait=False)
    f.publish()
    is_last.set()
    for c in crowd:
        c.join(20)
        assert not c.error and not c.is_alive(), c.error
        assert c.zone == f.versions[f.newest], c.serial
        assert c.followed > 2, c.followed


@test(needs=NEEDS, condense=("auto", "off"))
def a_version_that_is_pinned_is_led_to(case, condense):
    f = Followed(case, options={"ixfr-condense": condense})
    f.publish(6)
    for pinned in (4, 2):
        f.sut.ctl("journal", "pin", APEX, str(pinned))
        f.sut.wait_serial(APEX, pinned)
        for serial in range(1, pinned):
            kind, rrs = dnsq.ixfr(f.sut.at(), APEX, serial)
            assert kind == "ixfr", (serial, kind)
            got = ixfr.apply(f.versions[serial], rrs)
            assert got == f.versions[pinned], (serial, pinned)
        # Who has a newer one is told of the older one, and stays.
        for serial in range(pinned, 8):
            kind, rrs = dnsq.ixfr(f.sut.at(), APEX, serial)
            assert kind == "none" and ixfr.serial(rrs[0]) == pinned
        f.sut.ctl("journal", "unpin", APEX)
        f.sut.wait_serial(APEX, f.newest)
        f.ixfr_from_all(condense != "off")
