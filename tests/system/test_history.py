# SPDX-License-Identifier: BSD-2-Clause
"""IXFR out of the history that ixfr-journal keeps."""
import random
import re

from lib import dnsq, ixfr, servers, wire, zones
from lib.case import test
from lib.fakeprimary import FakePrimary, rr

APEX = "fake.test."


def need_journal(case):
    if ixfr.journal() is None:
        case.skip("ixfr-journal is not built")


def records(numbers):
    return ["fake.test. NS ns1.fake.test.", "ns1.fake.test. A 192.0.2.1"] + [
        "h%d.fake.test. A 192.0.2.%d" % (n, n % 250) for n in numbers]


class Followed:
    """A fake primary, which knows no IXFR, and secondaryd behind it with the
    journal; what each version was is remembered."""

    def __init__(self, case, allow=None, serial=1, names=range(200), **kw):
        need_journal(case)
        self.case = case
        self.fake = FakePrimary(case, APEX, serial=serial,
                                records=records(names))
        self.sut = case.server("secondaryd", **kw)
        self.sut.follow(APEX, [self.fake.peer()],
                        allow=allow or [servers.allow()])
        self.sut.extra = ixfr.module()
        self.key = (allow or [servers.allow()])[0].key
        self.versions = {}
        self.sut.start()
        self.arrived()

    def arrived(self):
        self.sut.wait_serial(APEX, self.fake.serial)
        zone = frozenset(dnsq.axfr(self.sut.at(), APEX, key=self.key))
        self.versions[self.fake.serial] = zone

    def publish(self, numbers, serial=None):
        self.fake.records = [rr(x) for x in records(numbers)]
        self.fake.serial = (self.fake.serial + 1) % 2**32 \
            if serial is None else serial
        self.sut.ctl("refresh", APEX)
        self.arrived()
        # The commit, for which an IXFR would wait.
        self.case.wait_until(
            lambda: "serial %d" % self.fake.serial
            in self.sut.ctl("journal", "list", APEX), 10, "the commit")

    def ixfr(self, serial):
        """The steps from there, applied, give what is served."""
        kind, rrs = dnsq.ixfr(self.sut.at(), APEX, serial, key=self.key)
        assert kind == "ixfr", (serial, kind)
        got = ixfr.apply(self.versions[serial], rrs)
        assert got == self.versions[self.fake.serial], serial
        return ixfr.steps(rrs)


@test(needs=("secondaryd", "secondaryctl"), condense=("auto", "on", "off"))
def every_version_is_left_by_steps_or_by_one(case, condense):
    f = Followed(case, template={"ixfr-condense": condense})
    for n in range(1, 8):
        f.publish(range(n, 200 + n))
    for serial in range(1, 8):
        steps = f.ixfr(serial)
        assert len(steps) == (8 - serial if condense == "off" else 1)
