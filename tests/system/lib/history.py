# SPDX-License-Identifier: BSD-2-Clause
"""secondaryd with ixfr-journal behind a primary, and every version that was
served: what an IXFR from any of them has to make of it is known."""
import json
import re

from . import dnsq, ixfr, servers
from .fakeprimary import FakePrimary, rr

APEX = "fake.test."
NEEDS = ("secondaryd", "secondaryctl", "ixfr-journal.so")


def records(n):
    """What the zone has in its version number n: most of it for good, some a
    while, some in every other version, and some with another TTL or RDATA."""
    out = ["fake.test. NS ns1.fake.test.", "ns1.fake.test. A 192.0.2.1",
           "fake.test. TXT \"version %d\"" % n,
           "ttl.fake.test. %d A 192.0.2.2" % (600 + n),
           "ttl.fake.test. %d A 192.0.2.3" % (600 + n),
           "*.wild.fake.test. MX %d ns1.fake.test." % n]
    if n % 2:
        out += ["odd.fake.test. A 192.0.2.4", "b.a.odd.fake.test. AAAA ::1",
                "set.fake.test. A 192.0.2.5"]
    return out + ["set.fake.test. A 192.0.2.6"] + [
        "h%d.fake.test. A 192.0.2.%d" % (i, i % 250)
        for i in range(n, 500 + n)]


class Told:
    """A line of the log about an answer to a request for IXFR."""
    LINE = re.compile(
        r"zone (\S+): (AXFR-style IXFR|IXFR) to (\S+)@\d+: "
        r"serial (\d+) -> (\d+), (?:(\d+) steps?( condensed)?|(.*?)), "
        r"(\d+) records, (\d+) octets, (\d+) messages in \S+ s, (udp|tcp), "
        r"key (\S+?)(?:, cut off(?:: (.*))?)?\n")

    def __init__(self, m):
        self.zone, self.kind, self.peer = m[1], m[2], m[3]
        self.way = (int(m[4]), int(m[5]))
        self.steps = m[6] and int(m[6])
        self.is_condensed = bool(m[7])
        self.why, self.transport, self.key = m[8], m[12], m[13]
        self.records = int(m[9])
        self.is_cut, self.cut = ", cut off" in m[0], m[14]

    def __repr__(self):
        return "%s %s: %s%s%s" % (
            self.kind, self.way, self.why or "%s steps" % self.steps,
            " condensed" if self.is_condensed else "",
            ", cut off" if self.is_cut else "")


class Followed:
    """A fake primary, which knows no IXFR, and secondaryd behind it with the
    journal."""

    def __init__(self, case, key=None, serial=1, module="", options=None,
                 journal=True, content=records, **kw):
        self.case, self.key, self.content = case, key, content
        self.count, self.versions = 1, {}
        self.fake = FakePrimary(case, APEX, serial=serial,
                                records=content(1))
        self.sut = case.server("secondaryd", **kw)
        self.sut.follow(APEX, [self.fake.peer()],
                        allow=[servers.allow(key)], **(options or {}))
        self.has_journal = journal
        if journal:
            self.sut.add_module("journal", "ixfr-journal", module)
        self.sut.start()
        self.arrived()

    @property
    def newest(self):
        return self.fake.serial

    def arrived(self, look=True):
        """The newest version is served, and what is served is remembered, if
        looked at."""
        self.sut.wait_serial(APEX, self.newest)
        if not look:
            return
        primary = (self.fake.address, self.fake.port)
        zone = dnsq.axfr(primary, APEX)
        assert dnsq.axfr(self.sut.at(), APEX, key=self.key) == zone
        self.versions[self.newest] = frozenset(zone)

    def publish(self, times=1, look=True, wait=True):
        """So many versions more, each of which is committed, if waited
        for."""
        for _ in range(times):
            self.count += 1
            self.give(self.content(self.count), look, wait)

    def give(self, content, look=True, wait=True):
        self.fake.records = [rr(x) if isinstance(x, str) else x
                             for x in content]
        self.fake.serial = (self.newest + 1) % 2**32
        self.sut.ctl("refresh", APEX)
        self.arrived(look)
        if self.has_journal and wait:
            self.committed()

    def committed(self):
        """Until then an IXFR over TCP waits, and over UDP there is none."""
        self.case.wait_until(lambda: self.kept("1") == [self.newest], 10,
                             "the commit")

    def kept(self, *last):
        """Serials of the versions that the journal has."""
        return [v["serial"] for v in self.kept_versions(*last)]

    def kept_versions(self, *last):
        found = json.loads(self.sut.ctl("--json", "journal", "list", APEX,
                                        *last))
        return found[0]["version"]

    def steps_from(self, serial):
        return (self.newest - serial) % 2**32

    def check(self, serial, rrs, condensed):
        """These, applied to the version, give the one that is served, and in
        as few steps as are expected."""
        got = ixfr.apply(self.versions[serial], rrs)
        assert got == self.versions[self.newest], serial
        steps = ixfr.steps(rrs)
        # NSD takes no steps across the end of serials: they go as one.
        is_one = condensed or self.newest < serial
        assert len(steps) == (1 if is_one else self.steps_from(serial)), (
            serial, len(steps))
        return steps

    def ixfr(self, serial, condensed=True):
        kind, rrs = dnsq.ixfr(self.sut.at(), APEX, serial, key=self.key)
        assert kind == "ixfr", (serial, kind)
        return self.check(serial, rrs, condensed)

    def ixfr_from_all(self, condensed=True):
        for serial in self.versions:
            if serial != self.newest:
                self.ixfr(serial, condensed)

    def told(self, after=0):
        """What the log says of the answers to requests for IXFR."""
        return [Told(m) for m in
                Told.LINE.finditer(self.sut.log_text()[after:])]

    def wait_told(self, after=0):
        """The first of them, once it is there."""
        return self.case.wait_until(lambda: self.told(after), 10,
                                    "a line about an IXFR")[0]
