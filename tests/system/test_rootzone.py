# SPDX-License-Identifier: BSD-2-Clause
"""The real root zone: thirty versions of early 2018, and a signed one."""
import io
import lzma
import os
import tarfile

from lib import diff, dnsq, ixfr, judge, servers, wire, zones
from lib.case import rootzone_dir, test
from lib.fakeprimary import FakePrimary, rr
from test_differential import ALL, follower, references

CHAIN = "rootzone-2018.tar.xz"
SIGNED = "rootzone-2018012901-signed.zone.xz"


class FileZone(zones.Zone):
    """A zone that is a file of somebody else's."""

    def __init__(self, apex, text):
        super().__init__(apex, ns=False)
        self.whole = text
        for line in text.splitlines():
            field = line.split(None, 4)
            if len(field) == 5 and field[3] == "SOA":
                self.serial = int(field[4].split()[2])
                self.soa_rdata = field[4]
                break

    def text(self):
        return self.whole


def chain():
    """The versions in order, as zones."""
    path = os.path.join(rootzone_dir(), CHAIN)
    with tarfile.open(path, "r:xz") as tar:
        members = sorted((m for m in tar.getmembers() if m.isfile()),
                         key=lambda m: m.name)
        return [FileZone(".", tar.extractfile(m).read().decode())
                for m in members]


def signed_root():
    """The signed zone, with the records that a Plan and a Model want."""
    path = os.path.join(rootzone_dir(), SIGNED)
    with lzma.open(path) as f:
        text = io.TextIOWrapper(f).read()
    z = FileZone(".", text)
    z.signing = "nsec"
    for line in text.splitlines():
        field = line.split(None, 4)
        if len(field) == 5 and field[3] not in (
                "SOA", "RRSIG", "NSEC", "DNSKEY"):
            z.records.append(zones.Record(field[0], int(field[1]), field[3],
                                          field[4]))
    return z


@test(needs=("{primary}", "secondaryd", "rootzone"), limit=240,
      primary=("knot", "bind"))
def each_step_of_the_root_zone_arrives_as_ixfr_and_equals(case, primary):
    versions = chain()
    assert len(versions) == 30
    key = servers.new_key()
    prim, sut = case.server(primary, name="primary"), \
        case.server("secondaryd")
    prim.serve(versions[0], allow=[servers.allow(key)],
               notify=[sut.peer(key)])
    sut.follow(".", [prim.peer(key)], allow=[servers.allow(key)])
    prim.start()
    sut.start()
    sut.wait_serial(".", versions[0].serial)
    records = 0
    for z in versions[1:]:
        prim.update(z)
        prim.wait_serial(".", z.serial)
        sut.wait_serial(".", z.serial)
        dnsq.assert_same_zone(prim.at(), sut.at(), ".", key=key)
        records = len(dnsq.axfr(sut.at(), ".", key=key))
    transfers = sut.transfers(".", versions[-1].serial)
    kinds = [t[0] for t in transfers]
    assert kinds == ["AXFR"] + ["IXFR"] * 29, transfers
    # What is served last is the file, whoever transferred it.
    assert records == len({x for x in versions[-1].whole.splitlines()
                           if x and not x.startswith(";")}), records
    case.say("%d steps, %d records at the end" % (len(kinds), records))


@test(needs=ALL + ("secondaryd", "rootzone"), limit=240)
def the_signed_root_is_answered_as_by_nsd_knot_and_bind(case):
    zone = signed_root()
    zs = [zone]
    refs = references(case, zs, ALL)
    sut = follower(case, "secondaryd", zs, refs[1])
    dnsq.assert_same_zone(refs[1].at(), sut.at(), ".")
    plan = diff.Plan(zs, neighbours=0.03)
    queries = plan.rnd.sample(plan.queries, min(20000, len(plan.queries)))
    v = judge.judge(zs, queries, [r.at() for r in refs], sut.at(), ALL,
                    "realroot")
    judge.report(case, v, ["NSEC secure referral", "NSEC NXDOMAIN proof",
                           "NSEC insecure referral", "sibling glue",
                           "DS at a cut", "truncation"])


# IXFR out of the journal

class Wired:
    """The versions of the chain as records: octets to send, and the same as
    what a client is to have in the end."""

    def __init__(self, versions):
        self.known, self.records, self.steps = {}, {}, {}
        self.serials = [z.serial for z in versions]
        self.octets, self.soas = [], []
        for z in versions:
            lines = {x for x in z.whole.splitlines()
                     if x and not x.startswith(";")}
            records = {self.octets_of(x) for x in lines}
            soa = [x for x in records if x[1:3] == b"\0\6" and x[0] == 0]
            assert len(soa) == 1 and len(records) == len(lines)
            self.soas += soa
            self.octets.append(records - set(soa))
        self.zones = [frozenset(self.parsed([soa]) + self.parsed(records))
                      for soa, records in zip(self.soas, self.octets)]

    def octets_of(self, line):
        if line not in self.known:
            owner, ttl, _, rtype, rdata = line.split(None, 4)
            self.known[line] = rr("%s %s %s %s" % (owner, ttl, rtype, rdata))
        return self.known[line]

    def parsed(self, octets):
        """Records as a transfer has them, each of them once."""
        for one in octets:
            if one not in self.records:
                self.records[one] = wire.parse(
                    bytes(7) + b"\1" + bytes(4) + one).answer[0]
        return [self.records[one] for one in octets]

    def step(self, one, two):
        """What an IXFR from one version to another has to say."""
        if (one, two) not in self.steps:
            soas = self.parsed([self.soas[one], self.soas[two]])
            deleted = self.zones[one] - self.zones[two] - {soas[0]}
            added = self.zones[two] - self.zones[one] - {soas[1]}
            self.steps[one, two] = soas[0], deleted, soas[1], added
        return self.steps[one, two]


class RootPrimary(FakePrimary):
    """Serves one version after the other; knows IXFR from the one before, or
    none."""

    def __init__(self, case, wired, has_ixfr):
        super().__init__(case, ".")
        self.wired = wired
        self.publish(0)
        if has_ixfr:
            self.ixfr = self.difference

    def soa(self, serial=None):
        return self.wired.soas[self.now]

    def publish(self, now):
        self.now = now
        self.serial = self.wired.serials[now]
        self.records = list(self.wired.octets[now])

    def difference(self, req):
        before, now = self.now - 1, self.now
        if req.serial != self.wired.serials[before]:
            self.whole(req)
            return
        old, new = self.wired.octets[before], self.wired.octets[now]
        req.messages([self.soa(), self.wired.soas[before], *(old - new),
                      self.soa(), *(new - old), self.soa()])


def check_pair(wired, sut, one, two, condense):
    """The answer to who has one version leads to the other; records of it."""
    kind, rrs = dnsq.ixfr(sut.at(), ".", wired.serials[one])
    assert kind == "ixfr", (condense, one, two, kind)
    assert ixfr.apply(wired.zones[one], rrs) == wired.zones[two], \
        (condense, one, two)
    steps = ixfr.steps(rrs)
    way = [one, two] if condense == "on" else list(range(one, two + 1))
    assert len(steps) == len(way) - 1, (condense, one, two, len(steps))
    for step, begin, end in zip(steps, way, way[1:]):
        before, deleted, after, added = step
        assert len(deleted) == len(set(deleted))
        assert len(added) == len(set(added))
        assert (before, set(deleted), after, set(added)) == \
            wired.step(begin, end), (condense, one, two, begin)
    return len(rrs)


@test(needs=("secondaryd", "secondaryctl", "ixfr-journal.so", "rootzone"),
      limit=240, feed=("ixfr", "axfr"))
def every_version_of_the_root_leads_to_every_later_one(case, feed):
    wired = Wired(chain())
    fake = RootPrimary(case, wired, feed == "ixfr")
    suts = {}
    for condense in ("on", "off"):
        sut = suts[condense] = case.server("secondaryd",
                                           name="condense-" + condense)
        sut.follow(".", [fake.peer()], allow=[servers.allow()],
                   **{"ixfr-condense": condense})
        sut.add_module("journal", "ixfr-journal")
        sut.start()
    pairs, records = 0, dict.fromkeys(suts, 0)
    for two, serial in enumerate(wired.serials):
        fake.publish(two)
        for condense, sut in suts.items():
            if two > 0:
                fake.notify(sut.at())
            sut.wait_serial(".", serial)
            if two == 0:
                continue
            # The commit, for which an IXFR would wait.
            case.wait_until(
                lambda sut=sut, serial=serial: str(serial)
                in sut.ctl("journal", "list", "."), 10, "the commit")
            for one in range(two):
                records[condense] += check_pair(wired, sut, one, two,
                                                condense)
        pairs += two
    assert pairs == 435
    for sut in suts.values():
        kinds = [t[0] for t in sut.transfers(".", wired.serials[-1])]
        assert kinds == ["AXFR"] + 29 * [
            "IXFR" if feed == "ixfr" else "AXFR-style IXFR"], kinds
    case.say("%d pairs, %d records condensed, %d step by step" % (
        pairs, records["on"], records["off"]))
