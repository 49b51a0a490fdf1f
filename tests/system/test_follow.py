# SPDX-License-Identifier: BSD-2-Clause
"""secondaryd holds an exact and fresh copy of what a real primary serves."""
import random
import threading

from lib import dnsq, servers, wire, zones
from lib.case import test
from lib.fakeprimary import FakePrimary, notify, wait_never

PRIMARIES = ("nsd", "knot", "bind")
FAMILY = {"ipv4": "127.0.0.1", "ipv6": "::1"}
NEEDS = ("{primary}", "secondaryd")


def pair(case, kind, zone, key=None, address="127.0.0.1", notify_out=True,
         **kw):
    """A primary with the zone and a secondaryd that follows it, running."""
    primary = case.server(kind, name="primary")
    sut = case.server("secondaryd", **kw)
    notify_to = [sut.peer(key, address)] if notify_out else []
    primary.serve(zone, allow=[servers.allow(key)], notify=notify_to)
    sut.follow(zone.apex, [primary.peer(key, address)],
               allow=[servers.allow(key, "127.0.0.0/8"),
                      servers.allow(key, "::1")])
    primary.start()
    sut.start()
    sut.wait_serial(zone.apex, zone.serial)
    return primary, sut


def step(primary, sut, zone, key=None):
    """Give the primary a version and wait for it to arrive, by NOTIFY."""
    primary.update(zone)
    primary.wait_serial(zone.apex, zone.serial)
    sut.wait_serial(zone.apex, zone.serial)
    dnsq.assert_same_zone(primary.at(), sut.at(), zone.apex, key=key)


def wait_stored(case, sut, apex):
    """Wait until what is served is on disk, too."""
    case.wait_until(lambda: "not stored" not in sut.status_of(apex), 5,
                    "the version to be stored")


def kinds_since_start(sut, zone):
    return [t[0] for t in sut.transfers(zone.apex, zone.serial)]


@test(needs=NEEDS, primary=PRIMARIES, key=("unsigned", "signed"),
      family=FAMILY)
def each_version_equals_the_primary_record_for_record(case, primary, key,
                                                      family):
    key = servers.new_key() if key == "signed" else None
    zone = zones.flat(count=300, single=primary == "nsd")
    if primary != "nsd":
        zone.records += zones.types(zone.apex).records[5:]
    rnd = random.Random(7)
    prim, sut = pair(case, primary, zone, key, FAMILY[family])
    dnsq.assert_same_zone(prim.at(), sut.at(), zone.apex, key=key)
    for _ in range(4):
        zone = zones.edited(zone, rnd)
        step(prim, sut, zone, key)
    assert kinds_since_start(sut, zone) == ["AXFR"] + ["IXFR"] * 4, \
        sut.transfers(zone.apex, zone.serial)


@test(needs=NEEDS, primary=PRIMARIES, algorithm=(
    "hmac-sha224", "hmac-sha384", "hmac-sha512"))
def each_strong_algorithm_works(case, primary, algorithm):
    key = servers.new_key(algorithm=algorithm)
    zone = zones.flat(count=20, single=True)
    prim, sut = pair(case, primary, zone, key)
    step(prim, sut, zones.edited(zone, random.Random(1)), key)


@test(needs=NEEDS, primary=("knot", "bind"), algorithm=(
    "hmac-sha1", "hmac-md5"))
def a_weak_algorithm_works_when_allowed_by_name(case, primary, algorithm):
    key = servers.new_key(algorithm=algorithm)
    pair(case, primary, zones.flat(count=5), key,
         server={"tsig-weak": "[ %s ]" % algorithm})


@test(needs=NEEDS, primary=("knot", "nsd"))
def several_zones_and_versions_in_one_go_arrive(case, primary):
    rnd = random.Random(3)
    zs = [zones.flat("z%d.test." % i, count=10 + 40 * i, single=True)
          for i in range(12)]
    prim, sut = case.server(primary, name="primary"), \
        case.server("secondaryd")
    for z in zs:
        prim.serve(z, allow=[servers.allow()], notify=[sut.peer()])
        sut.follow(z.apex, [prim.peer()],
                   allow=[servers.allow(address="127.0.0.0/8")])
    prim.start()
    sut.start()
    for _ in range(3):
        zs = [zones.edited(z, rnd) for z in zs]
        for z in zs:
            prim.update(z)
    for z in zs:
        sut.wait_serial(z.apex, z.serial)
        dnsq.assert_same_zone(prim.at(), sut.at(), z.apex)


@test(needs=("nsd", "secondaryd"))
def an_ixfr_that_adds_what_is_there_is_replaced_by_an_axfr(case):
    # NSD 4.6.1 writes such ones by itself, see zones.flat.
    zone = zones.flat(count=100)
    prim, sut = pair(case, "nsd", zone)
    zone = zone.copy(2)
    zone.add("one-more", "A", "192.0.2.200")
    step(prim, sut, zone)
    assert kinds_since_start(sut, zone)[-1] == "AXFR", \
        sut.transfers(zone.apex, zone.serial)


@test(needs=NEEDS, primary=PRIMARIES)
def a_change_is_found_without_notify_when_refresh_is_due(case, primary):
    zone = zones.flat(count=10, timers=(1, 1, 3600, 300))
    prim, sut = pair(case, primary, zone, notify_out=False,
                     template={"refresh-max-interval": "2s"})
    zone = zones.edited(zone, random.Random(1))
    zone.timers = (1, 1, 3600, 300)
    prim.update(zone)
    sut.wait_serial(zone.apex, zone.serial)


@test(needs=("knot", "secondaryd"))
def a_serial_that_wraps_is_followed(case):
    zone = zones.flat(count=10, serial=2**32 - 2)
    prim, sut = pair(case, "knot", zone)
    for _ in range(4):
        zone = zones.edited(zone, random.Random(zone.serial), 2)
        step(prim, sut, zone)
    assert zone.serial == 2


@test(needs=("knot", "secondaryd"))
def answers_go_on_when_the_primary_is_gone(case):
    zone = zones.flat(count=50)
    prim, sut = pair(case, "knot", zone)
    prim.stop()
    for r in zone.records:
        if r.type == "A":
            assert r.rdata in dnsq.addresses(sut.at(), r.owner), r


@test(needs=("knot", "secondaryd"), how=("stop", "kill"))
def a_restart_answers_from_disk_without_any_primary(case, how):
    zone = zones.flat(count=200)
    prim, sut = pair(case, "knot", zone)
    for n in range(3):
        zone = zones.edited(zone, random.Random(n))
        step(prim, sut, zone)
    before = dnsq.axfr(sut.at(), zone.apex)
    prim.stop()
    if how == "kill":
        # What sync-interval grants: wait until it is on disk.
        wait_stored(case, sut, zone.apex)
        sut.kill()
    else:
        assert sut.stop() == 0, "secondaryd did not end well"
    sut.start()
    assert sut.serial(zone.apex) == zone.serial, sut.serial(zone.apex)
    assert dnsq.axfr(sut.at(), zone.apex) == before
    # And it goes on from there, by IXFR.
    mark = len(sut.log_text())
    prim.start()
    zone = zones.edited(zone, random.Random(99))
    step(prim, sut, zone)
    assert sut.transfers(zone.apex, zone.serial, mark)[0][0] == "IXFR"


def kills(case, count, rounds, seed):
    """kill -9 while changes flow: what is served afterwards equals, record
    for record, a version that the primary had, and never an older one than
    had been shown to be durable by a restart before."""
    rnd = random.Random(seed)
    # The one fits into the database, the other has an image in a file.
    zone = zones.flat(count=count)
    prim, sut = pair(case, "knot", zone)
    versions = {zone.serial: dnsq.axfr(prim.at(), zone.apex)}
    wait_stored(case, sut, zone.apex)
    floor = zone.serial
    for _ in range(rounds):
        stop = threading.Event()

        def edit():
            nonlocal zone
            while not stop.is_set():
                zone = zones.edited(zone, rnd, 20)
                prim.update(zone)
                prim.wait_serial(zone.apex, zone.serial)
                versions[zone.serial] = dnsq.axfr(prim.at(), zone.apex)

        editor = threading.Thread(target=edit)
        editor.start()
        stop.wait(rnd.random() * 0.4)
        sut.kill()
        stop.set()
        editor.join()
        # Without a primary, so that it is what was on disk.
        prim.stop()
        sut.start()
        serial = sut.serial(zone.apex)
        assert serial is not None and serial >= floor, (serial, floor)
        assert dnsq.axfr(sut.at(), zone.apex) == versions[serial], serial
        floor = serial
        prim.start()
        sut.wait_serial(zone.apex, zone.serial)
    case.say("%d versions, %d kills" % (len(versions), rounds))


@test(needs=("knot", "secondaryd"), count=(100, 4000))
def a_kill_at_any_moment_leaves_one_of_the_primarys_versions(case, count):
    kills(case, count, 12, 11)


@test(needs=("knot", "secondaryd"), limit=900, long=True,
      count=(100, 4000), seed=(1, 2))
def hundreds_of_kills_leave_one_of_the_primarys_versions(case, count, seed):
    kills(case, count, 150, seed)


@test(needs=("knot", "secondaryd"))
def after_expire_comes_servfail_and_the_primary_brings_it_back(case):
    timers = (1, 1, 3, 300)
    zone = zones.flat(count=10, timers=timers)
    prim, sut = pair(case, "knot", zone, template={
        "expire-min-interval": "1s", "refresh-max-interval": "1s"})
    prim.stop()

    def rcode():
        r = dnsq.ask(sut.at(), zone.apex, "SOA")
        return r.rcode()

    case.wait_until(lambda: rcode() == wire.RCODE["SERVFAIL"], 15,
                    "the zone to expire")
    r = dnsq.ask(sut.at(), zone.apex, "SOA", use_edns=0)
    assert [o for o in r.options if o.otype == 15], "no EDE: %s" % r
    assert not r.answer and not r.flags & 0x400
    # Expired stays expired over a restart.
    sut.restart()
    assert rcode() == wire.RCODE["SERVFAIL"]
    prim.start()
    sut.wait_serial(zone.apex, zone.serial)
    zone = zones.edited(zone, random.Random(5))
    zone.timers = timers
    step(prim, sut, zone)


# NOTIFY

def noted(case, key=None, **kw):
    """A scripted primary and a secondaryd that follows it; refresh is far."""
    fake = FakePrimary(case, "fake.test.", key, records=[
        "fake.test. NS ns1.fake.test.", "ns1.fake.test. A 192.0.2.1"])
    sut = case.server("secondaryd", **kw)
    sut.follow(fake.apex, [fake.peer()])
    sut.start()
    sut.wait_serial(fake.apex, 1)
    return fake, sut


@test(needs=("secondaryd",), signed=("unsigned", "signed"))
def a_notify_from_the_primary_is_answered_and_acted_upon(case, signed):
    key = servers.new_key() if signed == "signed" else None
    fake, sut = noted(case, key)
    fake.serial = 5
    r = fake.notify(sut.at())
    assert r is not None and r.rcode == 0 and r.flags & wire.QR, r
    assert r.opcode == 4 and r.id == 4711
    sut.wait_serial(fake.apex, 5)


@test(needs=("secondaryd",))
def a_notify_is_not_trusted_for_its_serial(case):
    fake, sut = noted(case)
    asked = fake.count("SOA")
    notify(sut.at(), fake.apex, source=fake.address, serial=77)
    case.wait_until(lambda: fake.count("SOA") + fake.count("IXFR") > asked,
                    5, "the primary to be asked")
    assert sut.serial(fake.apex) == 1


@test(needs=("secondaryd",))
def a_notify_from_a_stranger_is_refused(case):
    fake, sut = noted(case)
    asked = len(fake.seen)
    r = notify(sut.at(), fake.apex, source="127.0.0.99")
    assert r is not None and r.rcode in (wire.RCODE["REFUSED"],
                                         wire.RCODE["NOTAUTH"]), r
    r = notify(sut.at(), "unknown.test.", source=fake.address)
    assert r is not None and r.rcode in (wire.RCODE["REFUSED"],
                                         wire.RCODE["NOTAUTH"]), r
    assert wait_never(lambda: len(fake.seen) > asked, 0.5), fake.seen


@test(needs=("secondaryd",))
def a_notify_without_the_key_or_with_another_is_refused(case):
    key = servers.new_key()
    fake, sut = noted(case, key)
    asked = len(fake.seen)
    r = notify(sut.at(), fake.apex, source=fake.address)
    assert r is not None and r.rcode in (wire.RCODE["REFUSED"],
                                         wire.RCODE["NOTAUTH"]), r
    for other in (servers.new_key("other.test."), servers.new_key(key.name)):
        r = notify(sut.at(), fake.apex, other, source=fake.address)
        assert r is not None and r.rcode == wire.RCODE["NOTAUTH"], r
    assert wait_never(lambda: len(fake.seen) > asked, 0.5), fake.seen


@test(needs=("secondaryd",))
def many_notifies_make_few_queries(case):
    fake, sut = noted(case)
    asked = len(fake.seen)
    for _ in range(300):
        notify(sut.at(), fake.apex, source=fake.address)
    fake.serial = 2
    notify(sut.at(), fake.apex, source=fake.address)
    sut.wait_serial(fake.apex, 2)
    # At most one in flight and one pending at a time; the SOA query is an
    # exchange of a millisecond, so a few rounds may fit in between.
    few = len(fake.seen) - asked
    case.say("%d queries for 301 NOTIFYs" % few)
    assert few < 300, few


@test(needs=("secondaryd",))
def an_acl_lets_others_send_notify(case):
    key = servers.new_key("other.test.")
    fake = FakePrimary(case, "fake.test.", records=[
        "fake.test. NS ns1.fake.test."])
    sut = case.server("secondaryd")
    sut.extra_keys = [key]
    sut.extra = ("acl:\n  - id: hidden\n    address: [ 127.0.0.77 ]\n"
                 "    key: other.test.\n    action: [ notify ]")
    sut.follow(fake.apex, [fake.peer()], acl="[ hidden ]")
    sut.start()
    sut.wait_serial(fake.apex, 1)
    fake.serial = 2
    for source, k in (("127.0.0.77", None), ("127.0.0.78", key)):
        r = notify(sut.at(), fake.apex, k, source=source)
        assert r.rcode != 0, (source, r.rcode)
    assert wait_never(lambda: sut.serial(fake.apex) != 1, 0.3)
    r = notify(sut.at(), fake.apex, key, source="127.0.0.77")
    assert r.rcode == 0, r.rcode
    sut.wait_serial(fake.apex, 2)


# Keys

@test(needs=NEEDS, primary=PRIMARIES, fault=("BADKEY", "BADSIG"))
def a_wrong_key_is_named_by_the_status(case, primary, fault):
    mine = servers.new_key()
    theirs = servers.new_key("other.test." if fault == "BADKEY"
                             else mine.name)
    prim, sut = case.server(primary, name="primary"), \
        case.server("secondaryd")
    zone = zones.flat(count=5)
    prim.serve(zone, allow=[servers.allow(theirs)])
    sut.follow(zone.apex, [prim.peer(mine)])
    prim.start()
    sut.start()
    case.wait_until(lambda: fault in sut.status_of(zone.apex), 10,
                    lambda: "zone-status to say %s: %s" % (
                        fault, sut.status_of(zone.apex)))
    assert fault in sut.log_text()
    assert sut.serial(zone.apex) is None
