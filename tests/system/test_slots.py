# SPDX-License-Identifier: BSD-2-Clause
"""Two keys towards one server: whichever it takes."""
import re

from lib import servers, tsig, zones
from lib.case import test
from lib.fakeprimary import FakePrimary
from lib.servers import Peer

APEX = "fake.test."
RECORDS = ["fake.test. NS ns1.fake.test.", "ns1.fake.test. A 192.0.2.1",
           "www.fake.test. A 192.0.2.2"]
ROUNDS = 110
A, B = servers.new_key("a.xfr.test."), servers.new_key("b.xfr.test.")

# How an operator writes them.
STYLES = {"one remote": lambda at: [Peer(at[0], at[1], (A, B))],
          "two remotes": lambda at: [Peer(at[0], at[1], A),
                                     Peer(at[0], at[1], B)]}
ERRORS = {"BADKEY": tsig.BADKEY, "BADSIG": tsig.BADSIG, "NOTAUTH": 0}


def following(case, fake, style, **kw):
    sut = case.server("secondaryd", log="info", **kw)
    sut.follow(APEX, STYLES[style]((fake.address, fake.port)))
    sut.start()
    sut.wait_serial(APEX, fake.serial)
    return sut


def refused(fake):
    return sum(not verified for _, _, verified in fake.seen)


@test(needs=("secondaryd", "secondaryctl"), style=STYLES, error=ERRORS)
def a_key_that_is_refused_costs_one_question_and_one_line(case, style, error):
    """However often the zone is refreshed, and transferred."""
    fake = FakePrimary(case, APEX, B, records=RECORDS)
    fake.tsig_error = ERRORS[error]
    sut = following(case, fake, style)
    for _ in range(ROUNDS):
        before = len(fake.seen)
        fake.serial += 1
        sut.ctl("refresh", APEX)
        sut.wait_serial(APEX, fake.serial)
        assert len(fake.seen) <= before + 2, fake.seen[before:]
    assert refused(fake) == 1, fake.seen
    log = sut.log_text()
    assert len(re.findall("refused key a.xfr.test. and takes key b.xfr.test.",
                          log)) == 1, log
    assert "failed" not in log, log
    status = sut.status_of(APEX)
    assert re.search(r"good", status) and "failures" not in status, status
    assert re.search(r"key b\.xfr\.test\.", status), status


@test(needs=("secondaryd", "secondaryctl"), style=STYLES)
def each_time_the_other_key_is_taken_costs_one_more(case, style):
    fake = FakePrimary(case, APEX, B, records=RECORDS)
    fake.tsig_error = tsig.BADKEY
    sut = following(case, fake, style)
    for turn in range(1, 21):
        fake.key = A if turn % 2 else B
        fake.serial += 1
        assert fake.notify(sut.at()).rcode == 0
        sut.wait_serial(APEX, fake.serial)
        assert refused(fake) == turn + 1, fake.seen
    assert sut.log_text().count("and takes key") == 21, sut.log_text()


@test(needs=("secondaryd", "secondaryctl"), style=STYLES)
def when_neither_key_is_taken_the_next_primary_is(case, style):
    """And the round is not asked twice for it."""
    other = servers.new_key("other.test.")
    bad = FakePrimary(case, APEX, other, records=RECORDS)
    bad.tsig_error = tsig.BADKEY
    good = FakePrimary(case, APEX, records=RECORDS, serial=3,
                       address="127.0.0.2")
    sut = case.server("secondaryd", log="info")
    sut.follow(APEX, STYLES[style]((bad.address, bad.port)) + [good.peer()])
    sut.start()
    sut.wait_serial(APEX, 3)
    assert len(bad.seen) == 2, bad.seen
    status = sut.status_of(APEX)
    assert "BADKEY" in status, status


@test(needs=("secondaryd", "{primary}"), primary=("bind", "nsd", "knot"),
      style=STYLES)
def a_real_primary_has_the_second_key_alone(case, primary, style):
    """Named, nsd and knotd refuse the first key in their own ways."""
    zone = zones.flat(count=20, single=True)
    p = case.server(primary)
    sut = case.server("secondaryd", log="info")
    p.serve(zone, allow=[servers.allow(B)], notify=[sut.peer(B)])
    p.start()
    sut.follow(zone.apex, STYLES[style](p.at()))
    sut.start()
    sut.wait_serial(zone.apex, zone.serial)
    for _ in range(5):
        zone = zone.copy(zone.serial + 1)
        zone.add("n%d" % zone.serial, "A", "192.0.2.3")
        p.update(zone)
        sut.wait_serial(zone.apex, zone.serial)
    assert sut.log_text().count("and takes key") == 1, sut.log_text()
    assert "failed" not in sut.log_text(), sut.log_text()


@test(needs=("secondaryd", "{primary}"), primary=("bind", "nsd", "knot"),
      style=STYLES)
def a_real_primary_has_another_secret_for_the_first_key(case, primary, style):
    zone = zones.flat(count=20, single=True)
    p = case.server(primary)
    p.extra_keys = [servers.new_key(A.name)]
    p.serve(zone, allow=[servers.allow(B)])
    p.start()
    sut = case.server("secondaryd", log="info")
    sut.follow(zone.apex, STYLES[style](p.at()))
    sut.start()
    sut.wait_serial(zone.apex, zone.serial)
    assert sut.log_text().count("and takes key") == 1, sut.log_text()


@test(needs=("secondaryd", "{secondary}"), secondary=("bind", "nsd", "knot"),
      style=STYLES)
def notify_is_sent_again_with_the_key_that_is_taken(case, secondary, style):
    fake = FakePrimary(case, APEX, records=RECORDS)
    sut = case.server("secondaryd", log="info")
    down = case.server(secondary)
    down.follow(APEX, [sut.peer(B)])
    sut.follow(APEX, [fake.peer()], allow=[servers.allow(B)],
               notify=STYLES[style](down.at()))
    down.start()
    sut.start()
    sut.wait_serial(APEX, 1)
    for serial in range(2, 6):
        fake.serial = serial
        sut.ctl("refresh", APEX)
        down.wait_serial(APEX, serial)
        case.wait_until(
            lambda: "serial %d heard" % serial in sut.status_of(APEX), 10,
            lambda: "NOTIFY to be heard: " + sut.status_of(APEX))
    assert "given up" not in sut.log_text(), sut.log_text()
