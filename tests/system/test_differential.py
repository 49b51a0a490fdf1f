# SPDX-License-Identifier: BSD-2-Clause
"""Thousands of queries, answered as NSD, Knot DNS and BIND answer them.

Each set of zones brings some features; a claimed feature that no query
reached fails the case.  The references are configured to be comparable:
minimal responses, no rate limits, no cookies (servers.py).
"""
import os
import socket
import threading

from lib import diff, judge, servers, wire, zones
from lib.case import test

ALL = ("nsd", "knot", "bind")


class ZoneSet:
    """Zones served together, the references that can load them, and what
    they are there for."""

    def __init__(self, make, claims, references=ALL, neighbours=1.0):
        self.make, self.references = make, references
        self.claims, self.neighbours = claims, neighbours


def _signed(make, **how):
    return lambda work: [zones.signed(z, work, **how) for z in make()]


def _family(work):
    """Parent and children signed in different ways, one not at all."""
    parent, child, grand, insecure = zones.family()
    return [zones.signed(parent, work),
            zones.signed(child, work, nsec3=("", 0)),
            zones.signed(grand, work), insecure]


PLAIN = ["answer", "NODATA", "NXDOMAIN", "ANY", "case preservation",
         "no EDNS", "DO", "TCP", "EDNS payload below 512", "unknown type"]
REFERRALS = ["referral", "in-domain glue", "in-domain glue missing",
             "sibling glue", "server out of zone", "data below a cut",
             "server with an authoritative address", "DS at a cut",
             "no DS at a cut", "DS below a cut", "ANY at or below a cut"]
WILDCARDS = ["wildcard answer", "wildcard CNAME", "wildcard NODATA",
             "wildcard ANY", "asterisk label asked itself",
             "name below a wildcard", "wildcard that is an ENT",
             "NXDOMAIN below an ENT", "ENT"]
ALIASES = ["CNAME", "CNAME asked itself", "chain of several aliases",
           "chain to answer", "chain to NXDOMAIN", "chain to NODATA",
           "chain to ENT", "chain to wildcard answer", "chain to referral",
           "chain leaves our zones", "CNAME or DNAME loop", "DNAME",
           "chain through a DNAME"]
ACROSS = ["chain across zones", "chain longer than 15",
          "DNAME too long (YXDOMAIN)"]


def _proofs(kind):
    return [kind + x for x in (
        "NXDOMAIN proof", "NODATA proof", "ENT proof", "wildcard proof",
        "wildcard NODATA proof", "secure referral", "insecure referral")]


SETS = {
    "plain": ZoneSet(lambda work: [zones.flat(count=60), zones.types(),
                                   zones.names()],
                     PLAIN + ["SVCB or HTTPS answer", "not our zone"]),
    "big": ZoneSet(lambda work: [zones.big()], ["truncation", "CNAME"]),
    "delegations": ZoneSet(lambda work: [zones.delegations()],
                           REFERRALS + ["DS at an apex without its parent"]),
    "wildcards": ZoneSet(lambda work: [zones.wildcards(), zones.ents()],
                         WILDCARDS),
    "wildcuts": ZoneSet(lambda work: [zones.wild_cuts()], ["wildcard NS"],
                        ("nsd", "knot")),
    "aliases": ZoneSet(lambda work: [zones.dname(), zones.dname2(),
                                     zones.dname_apex(), zones.cnames(),
                                     zones.cnames2()], ALIASES + ACROSS),
    "occluded": ZoneSet(lambda work: [zones.dname_below()],
                        ["DNAME", "occluded by a DNAME"], ("knot", "bind")),
    "family": ZoneSet(lambda work: zones.family(),
                      ["chain across zones", "DS at a cut",
                       "no DS at a cut", "referral"]),
    "root": ZoneSet(lambda work: [zones.small_root(),
                                  zones.flat("zone.host.", count=5)],
                    ["referral", "NXDOMAIN", "DS at a cut", "sibling glue"]),
    "nsec": ZoneSet(
        _signed(lambda: [zones.feature_mix("nsec.test.")]),
        _proofs("NSEC ") + ["signed answer", "RRSIG asked",
                            "DNAME in a signed zone", "truncation"],
        neighbours=0.6),
    "nsec3": ZoneSet(
        _signed(lambda: [zones.feature_mix("nsec3.test.")],
                nsec3=("aabbccdd", 3)),
        _proofs("NSEC3 ") + ["signed answer", "DNAME in a signed zone"],
        neighbours=0.6),
    "optout": ZoneSet(
        _signed(lambda: [zones.optout()], nsec3=("", 0), optout=True),
        _proofs("NSEC3 opt-out ")),
    "signedfamily": ZoneSet(_family, ["NSEC secure referral",
                                      "NSEC3 NODATA proof", "no DS at a cut",
                                      "chain across zones"]),
    "signedroot": ZoneSet(
        _signed(lambda: [zones.small_root()]),
        ["NSEC secure referral", "NSEC insecure referral",
         "NSEC NXDOMAIN proof"]),
}


def references(case, zs, kinds):
    """The reference servers with these zones, started."""
    refs = []
    for kind in kinds:
        s = servers.KINDS[kind](case, addresses=("127.0.0.1",))
        for z in zs:
            s.serve(z, allow=[servers.allow()], ixfr=False)
        s.launch()
        refs.append(s)
    for s in refs:
        s.wait_ready()
    return refs


def follower(case, kind, zs, primary):
    """The server under test, with the zones transferred from primary."""
    sut = case.server(kind, name="under-test", addresses=("127.0.0.1",))
    for z in zs:
        sut.follow(z.apex, [primary.peer()],
                   allow=[servers.allow(address="127.0.0.0/8")])
    sut.start()
    for z in zs:
        sut.wait_serial(z.apex, z.serial)
    return sut


def compare(case, name, kind, listed=True, seed=1):
    chosen = SETS[name]
    zs = chosen.make(os.path.join(case.dir, "work"))
    refs = references(case, zs, chosen.references)
    sut = follower(case, kind, zs, refs[0])
    return judge.judge(
        zs, diff.Plan(zs, seed, neighbours=chosen.neighbours).queries,
        [r.at() for r in refs], sut.at(), chosen.references,
        name if listed else judge.CONTROL)


@test(needs=ALL + ("signer", "secondaryd"), zones=SETS)
def answers_equal_those_of_nsd_knot_and_bind(case, zones):
    v = compare(case, zones, "secondaryd")
    judge.report(case, v, SETS[zones].claims)


@test(needs=ALL + ("signer", "secondaryd"), long=True, zones=SETS,
      seed=range(2, 8))
def answers_equal_theirs_to_other_queries_too(case, zones, seed):
    v = compare(case, zones, "secondaryd", seed=seed)
    assert not v.wrong, "\n\n".join(v.wrong)


# The framework itself.

@test(needs=ALL + ("signer",), server=ALL, zones=("delegations", "nsec"))
def a_reference_as_server_under_test_passes(case, server, zones):
    # What differences.txt grants secondaryd is not meant for others.
    v = compare(case, zones, server, listed=False)
    assert not v.wrong, v.wrong[0]
    assert v.features.keys() >= set(SETS[zones].claims)


def _drop_last_answer(msg):
    """The message without the last record of its answer section."""
    m = wire.parse(msg)
    if len(m.answer) < 2 or m.authority or m.additional:
        return msg
    pos = len(msg) - (11 if m.edns else 0)
    size = 12 + len(m.answer[-1].rdata)
    return (msg[:6] + bytes((0, len(m.answer) - 1)) + msg[8:pos - size]
            + msg[pos:])


def _flip(octet, bit):
    def change(msg):
        return msg[:octet] + bytes((msg[octet] ^ bit,)) + msg[octet + 1:]
    return change


def _change_ttl(msg):
    """The first record's TTL, one second more."""
    m = wire.parse(msg)
    if not m.answer:
        return msg
    pos = 12 + len(m.question) + 9
    return msg[:pos - 1] + bytes((msg[pos - 1] ^ 1,)) + msg[pos:]


LIES = {"a missing record": _drop_last_answer,
        "another rcode": _flip(3, 1), "AA turned": _flip(2, 4),
        "another TTL": _change_ttl, "a TC bit": _flip(2, 2),
        "another case in the question": _flip(13, 0x20)}


class LyingProxy:
    """Passes UDP queries on and changes every answer."""

    def __init__(self, upstream, change):
        self.front = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.front.bind(("127.0.0.1", 0))
        self.back = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.back.connect(upstream)
        self.back.settimeout(5)
        self.change = change
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            query, peer = self.front.recvfrom(65535)
            self.back.send(query)
            self.front.sendto(self.change(self.back.recv(65535)), peer)


@test(needs=ALL, lie=LIES)
def a_responder_with_one_flaw_is_caught(case, lie):
    zs = [zones.flat(count=20), zones.types()]
    refs = references(case, zs, ALL)
    proxy = LyingProxy(refs[1].at(), LIES[lie])
    queries = [q for q in diff.Plan(zs, neighbours=0.1).queries if not q.tcp]
    v = judge.judge(zs, queries, [r.at() for r in refs],
                    proxy.front.getsockname(), ALL, judge.CONTROL)
    assert v.wrong, "nobody noticed " + lie
    honest = judge.judge(zs, queries, [r.at() for r in refs], refs[1].at(),
                         ALL, judge.CONTROL)
    assert not honest.wrong, honest.wrong[0]
