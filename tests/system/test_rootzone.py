# SPDX-License-Identifier: BSD-2-Clause
"""The real root zone: thirty versions of early 2018, and a signed one."""
import io
import lzma
import os
import tarfile

from lib import diff, dnsq, judge, servers, zones
from lib.case import rootzone_dir, test
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
