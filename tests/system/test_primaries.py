# SPDX-License-Identifier: BSD-2-Clause
"""Several primaries: what one cannot give, the next one does."""
from lib import dnsq, servers, zones
from lib.case import test
from lib.fakeprimary import FakePrimary
from lib.servers import Peer

APEX = "fake.test."
RECORDS = ["fake.test. NS ns1.fake.test.", "ns1.fake.test. A 192.0.2.1",
           "www.fake.test. A 192.0.2.2"]


def broken_stream(req):
    req.send(req.message([req.primary.soa(), req.primary.records[0]]))
    req.close()


def no_answer(req):
    req.primary.stopped.wait(30)


def empty(req):
    req.send(req.message([]))


FAULTS = {
    "dead": None,
    "refusing": {"on_soa": FakePrimary.refuse, "axfr": FakePrimary.refuse,
                 "ixfr": FakePrimary.refuse},
    "failing": {"on_soa": FakePrimary.servfail,
                "axfr": FakePrimary.servfail, "ixfr": FakePrimary.servfail},
    "refusing transfers": {"axfr": FakePrimary.refuse,
                           "ixfr": FakePrimary.refuse},
    "cut in the middle": {"axfr": broken_stream, "ixfr": broken_stream},
    "empty": {"axfr": empty, "ixfr": empty},
    "lame": {"on_soa": lambda req: req.send(req.message([], flags=0x8000)),
             "axfr": FakePrimary.refuse, "ixfr": FakePrimary.refuse},
    "without the key": "badkey",
}


def primary(case, fault, key):
    """A scripted primary with one fault; for "dead" a closed port."""
    how = FAULTS[fault]
    if how is None:
        return Peer("127.0.0.1", case.port(), key)
    if how == "badkey":
        return FakePrimary(case, APEX, servers.new_key("xfr.test."),
                           records=RECORDS).peer(key)
    fake = FakePrimary(case, APEX, key, records=RECORDS, serial=9)
    for name, function in how.items():
        setattr(fake, name, function)
    return fake.peer()


@test(needs=("secondaryd",), fault=FAULTS)
def the_next_primary_serves_when_the_first_cannot(case, fault):
    key = servers.new_key("xfr.test.")
    bad = primary(case, fault, key)
    good = FakePrimary(case, APEX, key, records=RECORDS, serial=3,
                       address="127.0.0.2")
    sut = case.server("secondaryd")
    sut.follow(APEX, [bad, good.peer()])
    sut.start()
    sut.wait_serial(APEX, 3)
    # And it says whom it had it from, and why not from the other.
    status = sut.status_of(APEX)
    assert "127.0.0.2" in status and "127.0.0.1" in status, status
    assert "127.0.0.1" in sut.log_text()
    # A change at the good one is found, too.
    good.serial = 4
    good.notify(sut.at())
    sut.wait_serial(APEX, 4)


@test(needs=("secondaryd",))
def a_stale_primary_is_passed_over_and_never_adopted(case):
    stale = FakePrimary(case, APEX, records=RECORDS, serial=2)
    fresh = FakePrimary(case, APEX, records=RECORDS, serial=7,
                        address="127.0.0.2")
    sut = case.server("secondaryd", template={"refresh-max-interval": "1s"})
    sut.follow(APEX, [fresh.peer(), stale.peer()])
    sut.start()
    sut.wait_serial(APEX, 7)
    fresh.stop()
    stale.notify(sut.at())
    case.wait_until(lambda: stale.count("SOA") > 0, 10,
                    "the stale primary to be asked")
    status = case.wait_until(
        lambda: "stale" in sut.status_of(APEX) and sut.status_of(APEX), 10,
        "zone-status to say that it is stale")
    assert sut.serial(APEX) == 7, status


@test(needs=("secondaryd",))
def the_newest_of_two_primaries_is_found_when_refresh_is_due(case):
    one = FakePrimary(case, APEX, records=RECORDS, serial=3)
    two = FakePrimary(case, APEX, records=RECORDS, serial=3,
                      address="127.0.0.2")
    for p in (one, two):
        p.timers = {"refresh": 1, "retry": 1}
    sut = case.server("secondaryd", template={"refresh-max-interval": "1s"})
    sut.follow(APEX, [one.peer(), two.peer()])
    sut.start()
    sut.wait_serial(APEX, 3)
    two.serial = 4
    sut.wait_serial(APEX, 4)


@test(needs=("secondaryd",))
def every_zone_has_a_next_step_and_a_time(case):
    """Whatever fails, the status names a step, a time and a reason."""
    sut = case.server("secondaryd")
    apexes = []
    for i, fault in enumerate(FAULTS):
        key = servers.new_key("xfr.test.") if fault == "without the key" \
            else None
        apex = "z%d.test." % i
        peer = primary(case, fault, key)
        sut.follow(apex, [peer])
        apexes.append(apex)
    sut.start()
    for apex in apexes:
        case.wait_until(lambda: "next" in sut.status_of(apex), 5,
                        lambda: "a next step: " + sut.status_of(apex))


FALLBACK = {"NOTIMP": FakePrimary.notimp, "SERVFAIL": FakePrimary.servfail,
            "REFUSED": FakePrimary.refuse, "a cut stream": broken_stream,
            "FORMERR": lambda req: req.send(req.message(rcode=1)),
            "an AXFR": FakePrimary.whole}


@test(needs=("secondaryd",), answer=FALLBACK)
def an_axfr_follows_when_ixfr_gets(case, answer):
    fake = FakePrimary(case, APEX, records=RECORDS)
    sut = case.server("secondaryd")
    sut.follow(APEX, [fake.peer()],
               allow=[servers.allow(address="127.0.0.0/8")])
    sut.start()
    sut.wait_serial(APEX, 1)
    function = FALLBACK[answer]
    fake.ixfr = fake.whole if answer == "an AXFR" else function
    fake.serial = 2
    fake.records.append(fake.records[-1].replace(b"\x03www", b"\x03new"))
    fake.notify(sut.at())
    sut.wait_serial(APEX, 2)
    assert dnsq.addresses(sut.at(), "new." + APEX) == ["192.0.2.2"]
    assert fake.count("IXFR") >= 1, fake.seen
    if answer != "an AXFR":
        assert fake.count("AXFR") == 2, fake.seen
    dnsq.assert_same_zone((fake.address, fake.port), sut.at(), APEX)


@test(needs=("nsd", "knot", "bind", "secondaryd"))
def three_vendors_as_primaries_of_one_zone(case):
    """Each goes away in turn; the zone moves on with the next."""
    zone = zones.flat(count=50, single=True, timers=(1, 1, 3600, 300))
    sut = case.server("secondaryd", template={"refresh-max-interval": "1s"})
    prims = []
    for kind in ("nsd", "knot", "bind"):
        p = case.server(kind)
        p.serve(zone, allow=[servers.allow()], notify=[sut.peer()])
        p.start()
        prims.append(p)
    sut.follow(zone.apex, [p.peer() for p in prims],
               allow=[servers.allow(address="127.0.0.0/8")])
    sut.start()
    sut.wait_serial(zone.apex, zone.serial)
    for gone in list(prims):
        zone = zone.copy(zone.serial + 1)
        zone.add("n%d" % zone.serial, "A", "192.0.2.3")
        for p in prims:
            p.update(zone)
            p.wait_serial(zone.apex, zone.serial)
        sut.wait_serial(zone.apex, zone.serial)
        dnsq.assert_same_zone(prims[-1].at(), sut.at(), zone.apex)
        gone.stop()
        prims.remove(gone)
