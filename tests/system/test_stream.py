# SPDX-License-Identifier: BSD-2-Clause
"""Transfer streams made by hand: each right form is taken, each wrong one
leaves the zone as it was and is replaced by what AXFR brings."""
import struct

from lib import dnsq, servers, wire
from lib.case import test
from lib.fakeprimary import FakePrimary, record, rr, soa, wait_never

APEX = "fake.test."
OLD = ["fake.test. NS ns1.fake.test.", "ns1.fake.test. A 192.0.2.1",
       "old.fake.test. A 192.0.2.2", "keep.fake.test. TXT \"kept\""]
GONE, NEW = "old.fake.test. A 192.0.2.2", "new.fake.test. A 192.0.2.3"


def start(case, key=None, records=OLD, template=None, wait=True, **kw):
    fake = FakePrimary(case, APEX, key, records=records)
    for name, value in kw.items():
        setattr(fake, name, value)
    sut = case.server("secondaryd", template=template)
    sut.follow(APEX, [fake.peer()],
               allow=[servers.allow(address="127.0.0.0/8"),
                      servers.allow(key)] if key else
               [servers.allow(address="127.0.0.0/8")])
    sut.start()
    if wait:
        sut.wait_serial(APEX, 1)
    return fake, sut


def s(serial):
    return soa(APEX, serial)


def has_new(sut):
    return dnsq.addresses(sut.at(), "new." + APEX) == ["192.0.2.3"] and \
        dnsq.addresses(sut.at(), "old." + APEX) is None


def advance(fake, sut):
    """Make the primary serve version 3, where old became new; notify."""
    fake.serial = 3
    fake.records = [rr(x) for x in OLD if x != GONE] + [rr(NEW)]
    r = fake.notify(sut.at())
    assert r is not None and r.rcode == 0


def many(count):
    """The records of a zone, without its SOA."""
    return [rr(OLD[0])] + [rr("h%d.fake.test. A 192.0.2.%d" % (i, i % 250 + 1))
            for i in range(count)]


def one_by_one(req):
    for i, x in enumerate([s(3), s(1), rr(GONE), s(3), rr(NEW), s(3)]):
        req.send(req.message([x], question=i == 0))


def two_sequences(req):
    req.messages([s(3), s(1), rr(GONE), s(2), rr("mid.fake.test. A 192.0.2.9"),
                  s(2), rr("mid.fake.test. A 192.0.2.9"), s(3), rr(NEW),
                  s(3)])


def other_case(req):
    """Deletions match whatever the case and TTL of names (RFC 4343)."""
    req.messages([s(3), s(1), rr("OLD.Fake.TEST. 17 A 192.0.2.2"), s(3),
                  rr(NEW), s(3)])


def by_soa_then_axfr(req):
    """One SOA alone that is newer: AXFR is to be used (RFC 1995, 2)."""
    req.send(req.message([s(3)]))


GOOD_IXFR = {
    "condensed": lambda req: req.messages(
        [s(3), s(1), rr(GONE), s(3), rr(NEW), s(3)]),
    "two sequences": two_sequences,
    "one record a message": one_by_one,
    "in another case": other_case,
    "AXFR-style": FakePrimary.whole,
}


@test(needs=("secondaryd",), form=GOOD_IXFR, signed=("unsigned", "signed"))
def a_right_answer_to_ixfr_is_applied(case, form, signed):
    key = servers.new_key() if signed == "signed" else None
    fake, sut = start(case, key)
    fake.ixfr = GOOD_IXFR[form] if form != "AXFR-style" else fake.whole
    advance(fake, sut)
    sut.wait_serial(APEX, 3)
    assert has_new(sut)
    kind = sut.transfers(APEX, 3)[-1][0]
    assert kind == ("AXFR-style IXFR" if form == "AXFR-style" else "IXFR"), \
        kind
    dnsq.assert_same_zone((fake.address, fake.port), sut.at(), APEX, key=key)


@test(needs=("secondaryd",))
def a_single_newer_soa_means_axfr(case):
    fake, sut = start(case)
    fake.ixfr = by_soa_then_axfr
    advance(fake, sut)
    sut.wait_serial(APEX, 3)
    assert has_new(sut) and fake.count("AXFR") == 2, fake.seen


OUT = "www.elsewhere.test. A 192.0.2.66"
BAD_IXFR = {
    "deletes what is not there": [
        "s3", "s1", rr(GONE), rr("absent.fake.test. A 192.0.2.7"), "s3",
        rr(NEW), "s3"],
    "adds what is there": [
        "s3", "s1", rr(GONE), "s3", rr(NEW), rr(OLD[1]), "s3"],
    "starts at another serial": [
        "s3", "s2", rr(GONE), "s3", rr(NEW), "s3"],
    "leaves the zone": [
        "s3", "s1", rr(GONE), "s3", rr(NEW), rr(OUT), "s3"],
    "changes the class": [
        "s3", "s1", rr(GONE), "s3", record(wire.name("new." + APEX), 1, 3600,
                                           b"\1\2\3\4", cls=3), "s3"],
    "has a gap": ["s3", "s1", rr(GONE), "s2", "s2", "s4", rr(NEW), "s3"],
    "ends at another serial": ["s3", "s1", rr(GONE), "s2", rr(NEW), "s2",
                               "s2"],
    "removes the NS": ["s3", "s1", rr(OLD[0]), "s3", "s3"],
    "brings a CNAME beside an address": [
        "s3", "s1", rr(GONE), "s3", rr(NEW),
        rr("ns1.fake.test. CNAME keep.fake.test."), "s3"],
    "broken rdata": ["s3", "s1", rr(GONE), "s3",
                     record(wire.name("new." + APEX), 1, 3600, b"\1\2\3"),
                     "s3"],
}


# What the log says of each, so that a case does not pass for another reason.
WHY_IXFR = {
    "deletes what is not there": "deletion of what is not there",
    "adds what is there": "addition of what is there",
    "starts at another serial": "differences from serial 2 where 1 is due",
    "leaves the zone": "outside of the zone",
    "changes the class": "class is not IN",
    "has a gap": "differences from serial 3 where 4 is due",
    "ends at another serial": "differences from serial 2 lead back to 2",
    "removes the NS": "no NS at",
    "brings a CNAME beside an address": "CNAME beside other data",
    "broken rdata": "is broken",
}


def stream(items):
    return [s(int(x[1:])) if isinstance(x, str) else x for x in items]


@test(needs=("secondaryd",), form=BAD_IXFR)
def a_wrong_ixfr_is_refused_as_a_whole_and_axfr_follows(case, form):
    fake, sut = start(case)
    fake.ixfr = lambda req: req.messages(stream(BAD_IXFR[form]), per=2)
    advance(fake, sut)
    sut.wait_serial(APEX, 3)
    assert has_new(sut)
    assert fake.count("AXFR") == 2, fake.seen
    assert sut.transfers(APEX, 3)[-1][0] == "AXFR"
    assert WHY_IXFR[form] in sut.log_text(), sut.log_text()
    dnsq.assert_same_zone((fake.address, fake.port), sut.at(), APEX)


def cut(req):
    rrs = [s(3)] + req.primary.records + [s(3)]
    for i, x in enumerate(rrs[:-1]):
        req.send(req.message([x], question=i == 0))
    req.close()


def other_end(req):
    req.messages([s(3)] + req.primary.records + [s(4)])


def stranger(req):
    req.messages([s(3)] + req.primary.records + [rr(OUT), s(3)])


def wrong_id(req):
    rrs = [s(3)] + req.primary.records
    req.send(req.message(rrs))
    req.send(req.message([s(3)], question=False, msgid=req.id ^ 1))


def error_inside(req):
    req.send(req.message([s(3)] + req.primary.records))
    req.send(req.message([], rcode=2))


def no_soa_first(req):
    req.messages(req.primary.records + [s(3)])


def truncated(req):
    req.send(req.message([s(3)] + req.primary.records + [s(3)],
                         flags=0x8600))


def garbage(req):
    req.send_raw(b"\xff" * 300)


def short(req):
    req.send_raw(b"")


def two_soas(req):
    req.messages([s(3)] + req.primary.records + [s(2), rr(NEW), s(3)])


BAD_AXFR = {"is cut": cut, "ends with another SOA": other_end,
            "leaves the zone": stranger, "changes the id": wrong_id,
            "has an error inside": error_inside,
            "does not begin with the SOA": no_soa_first,
            "is truncated": truncated, "is garbage": garbage,
            "is an empty message": short, "has another SOA inside": two_soas}


WHY_AXFR = {
    "is cut": "connection closed", "leaves the zone": "outside of the zone",
    "ends with another SOA": "closing SOA is not the opening one",
    "changes the id": "wrong message id",
    "has an error inside": "the answer is SERVFAIL",
    "does not begin with the SOA": "the first is not the SOA",
    "is truncated": "truncated", "is garbage": "wrong message id",
    "is an empty message": "without a header",
    "has another SOA inside": "closing SOA is not the opening one",
}


@test(needs=("secondaryd",), form=BAD_AXFR)
def a_wrong_axfr_leaves_the_zone_as_it_was(case, form):
    fake, sut = start(case)
    before = dnsq.axfr(sut.at(), APEX)
    fake.ixfr = fake.refuse
    fake.axfr = BAD_AXFR[form]
    advance(fake, sut)
    case.wait_until(lambda: fake.count("AXFR") >= 2, 10, "the transfer")
    assert wait_never(lambda: sut.serial(APEX) != 1, 0.3), sut.serial(APEX)
    assert dnsq.axfr(sut.at(), APEX) == before
    sut.wait_log(r"AXFR from \S+ failed: .*" + WHY_AXFR[form])
    status = case.wait_until(
        lambda: "next" in sut.status_of(APEX) and sut.status_of(APEX), 5,
        "a next step")
    # And the next attempt, which is right, is taken without any help but
    # that of the operator or the timer.
    fake.axfr = fake.whole
    sut.ctl("refresh", APEX)
    sut.wait_serial(APEX, 3)
    assert has_new(sut), status


# TSIG over many messages

def chunks(items, size):
    return [items[i:i + size] for i in range(0, len(items), size)]


def run_of(unsigned):
    """An AXFR in which so many messages are unsigned between signed ones."""
    def axfr(req):
        rrs = [s(1)] + many(2 * unsigned + 40) + [s(1)]
        parts = chunks(rrs, 1)
        for i, part in enumerate(parts):
            msg = req.message(part, question=i == 0)
            last = i == len(parts) - 1
            if i == 0 or last or i % (unsigned + 1) == 0:
                req.send(msg)
            else:
                req.send_unsigned(msg)
    return axfr


@test(needs=("secondaryd",), unsigned=(1, 50, 99))
def up_to_99_unsigned_messages_in_between_are_taken(case, unsigned):
    fake, sut = start(case, servers.new_key(), axfr=run_of(unsigned))
    assert dnsq.addresses(sut.at(), "h7." + APEX) == ["192.0.2.8"]


def hundred(req):
    run_of(100)(req)


def bad_in_the_middle(req):
    parts = chunks([s(1)] + many(30) + [s(1)], 5)
    for i, part in enumerate(parts):
        req.send(req.message(part, question=i == 0), spoil=i == 3)


def bad_at_the_end(req):
    parts = chunks([s(1)] + many(30) + [s(1)], 5)
    for i, part in enumerate(parts):
        req.send(req.message(part, question=i == 0),
                 spoil=i == len(parts) - 1)


def last_unsigned(req):
    parts = chunks([s(1)] + many(30) + [s(1)], 5)
    for i, part in enumerate(parts):
        msg = req.message(part, question=i == 0)
        if i == len(parts) - 1:
            req.send_unsigned(msg)
        else:
            req.send(msg)


def first_unsigned(req):
    parts = chunks([s(1)] + many(30) + [s(1)], 5)
    for i, part in enumerate(parts):
        msg = req.message(part, question=i == 0)
        if i == 0:
            req.send_unsigned(msg)
        else:
            req.send(msg)


def all_unsigned(req):
    for i, part in enumerate(chunks([s(1)] + many(30) + [s(1)], 5)):
        req.send_raw(req.message(part, question=i == 0))


def inserted(req):
    """A message that nobody signed slips in between two signed ones."""
    parts = chunks([s(1)] + many(30) + [s(1)], 5)
    for i, part in enumerate(parts):
        req.send(req.message(part, question=i == 0))
        if i == 2:
            req.send_raw(req.message([rr(NEW)], question=False))


def old_time(req):
    import time
    for i, part in enumerate(chunks([s(1)] + many(30) + [s(1)], 5)):
        req.send(req.message(part, question=i == 0),
                 when=int(time.time()) - 4000)


def cut_mac(req):
    for i, part in enumerate(chunks([s(1)] + many(30) + [s(1)], 5)):
        req.send(req.message(part, question=i == 0), cut=16)


BAD_TSIG = {"100 unsigned in a row": hundred,
            "a bad MAC in the middle": bad_in_the_middle,
            "a bad MAC at the end": bad_at_the_end,
            "the last message unsigned": last_unsigned,
            "the first message unsigned": first_unsigned,
            "no message signed": all_unsigned,
            "a message slipped in": inserted,
            "a time long past": old_time,
            "a truncated MAC": cut_mac}
NAMED = {"100 unsigned in a row": "too many unsigned messages",
         "a bad MAC in the middle": "BADSIG",
         "a bad MAC at the end": "BADSIG",
         "the last message unsigned": "last message is not signed",
         "the first message unsigned": "answer is not signed",
         "no message signed": "answer is not signed",
         "a message slipped in": "BADSIG",
         "a time long past": "BADTIME", "a truncated MAC": "BADTRUNC"}


@test(needs=("secondaryd",), fault=BAD_TSIG)
def nothing_of_a_badly_signed_stream_is_served(case, fault):
    key = servers.new_key()
    fake, sut = start(case, key, wait=False, axfr=BAD_TSIG[fault])
    case.wait_until(lambda: fake.count("AXFR") >= 1, 10, "the transfer")
    sut.wait_log(NAMED[fault])
    status = case.wait_until(
        lambda: "next" in sut.status_of(APEX) and sut.status_of(APEX), 5,
        "a next step")
    assert wait_never(lambda: sut.serial(APEX) is not None, 0.3), status
    # The same primary, signing well, is taken at the next try.
    fake.axfr = fake.whole
    sut.ctl("refresh", APEX)
    sut.wait_serial(APEX, 1)


@test(needs=("secondaryd",))
def the_clock_skew_is_told(case):
    key = servers.new_key()
    fake, sut = start(case, key, wait=False, axfr=old_time)
    m = sut.wait_log(r"(?i)clock[^\n]*-?(4\d\d\d)")
    assert 3900 < int(m.group(1)) < 4100, m.group(0)
    assert fake.count("AXFR") >= 1


# Slow and endless streams

@test(needs=("secondaryd",))
def one_octet_at_a_time_is_taken(case):
    def slow(req):
        msg = req.message([s(1)] + req.primary.records + [s(1)])
        req.send_slowly(struct.pack("!H", len(msg)) + msg, 0.002)
    fake, sut = start(case, axfr=slow)
    assert fake.count("AXFR") == 1
    assert dnsq.addresses(sut.at(), "old." + APEX) == ["192.0.2.2"]


def one_big_rrset(req):
    req.messages([s(1), rr(OLD[0])]
                 + [rr("big.fake.test. A 10.0.%d.%d" % (i // 256, i % 256))
                    for i in range(300)] + [s(1)])


def many_types(req):
    req.messages([s(1), rr(OLD[0])]
                 + [rr("big.fake.test. TYPE%d \\# 1 00" % (65280 + i))
                    for i in range(60)] + [s(1)])


def many_iterations(req):
    req.messages([s(1), rr(OLD[0]),
                  rr("fake.test. NSEC3PARAM 1 0 101 AABB"), s(1)])


def never_ends(req):
    req.send(req.message([s(1)] + req.primary.records))
    n = 0
    while not req.primary.stopped.wait(0.05):
        n += 1
        req.send(req.message([rr("n%d.fake.test. A 192.0.2.1" % n)],
                             question=False))


LIMITS = {"rrset-max-records": ("200", one_big_rrset, "big.fake.test"),
          "owner-max-types": ("50", many_types, "big.fake.test"),
          "nsec3-max-iterations": ("100", many_iterations, "iterations"),
          "transfer-max-time": ("1s", never_ends, "longer than allowed")}


@test(needs=("secondaryd",), which=LIMITS)
def a_transfer_beyond_a_limit_is_refused(case, which):
    value, stream_of, word = LIMITS[which]
    fake, sut = start(case, template={which: value}, wait=False,
                      axfr=stream_of)
    sut.wait_log(r"AXFR from \S+ (failed|refused): .*" + word)
    assert sut.serial(APEX) is None
    fake.axfr = fake.whole
    sut.ctl("refresh", APEX)
    sut.wait_serial(APEX, 1)


@test(needs=("secondaryd",), which=("rrset-max-records", "owner-max-types"))
def a_zone_within_its_limits_is_taken(case, which):
    value, stream_of, _ = LIMITS[which]
    start(case, template={which: str(int(value) + 101)}, axfr=stream_of)


@test(needs=("secondaryd",), bound=("zone-max-size", "zone-max-records"))
def an_endless_stream_meets_the_limit(case, bound):
    def endless(req):
        req.send(req.message([s(1)] + req.primary.records))
        n = 0
        while not req.primary.stopped.is_set():
            n += 1
            req.send(req.message(
                [rr("n%d-%d.fake.test. A 192.0.2.1" % (n, i))
                 for i in range(200)], question=False))
    value = {"zone-max-size": "200K", "zone-max-records": "5000"}[bound]
    fake, sut = start(case, template={bound: value}, wait=False,
                      axfr=endless)
    sut.wait_log(r"zone fake\.test\.?:.* (octets|records)")
    assert sut.serial(APEX) is None
    assert "next" in sut.status_of(APEX)
    fake.axfr = fake.whole
    sut.ctl("refresh", APEX)
    sut.wait_serial(APEX, 1)


@test(needs=("secondaryd",))
def a_primary_that_says_nothing_delays_no_other_zone(case):
    silent = FakePrimary(case, "silent.test.")
    silent.on_soa = silent.axfr = lambda req: req.primary.stopped.wait(60)
    good = FakePrimary(case, APEX, records=OLD)
    sut = case.server("secondaryd")
    for i in range(20):
        sut.follow("s%d.silent.test." % i, [silent.peer()])
    sut.follow(APEX, [good.peer()])
    sut.start()
    sut.wait_serial(APEX, 1, timeout=10)
    good.serial = 2
    good.notify(sut.at())
    sut.wait_serial(APEX, 2, timeout=5)


@test(needs=("secondaryd",))
def a_zone_of_many_messages_arrives_whole(case):
    rrs = many(30000)
    fake, sut = start(case, records=rrs)
    got = dnsq.axfr(sut.at(), APEX)
    assert len(got) == len(rrs) + 1, len(got)
    dnsq.assert_same_zone((fake.address, fake.port), sut.at(), APEX)
