# SPDX-License-Identifier: BSD-2-Clause
"""The same questions to several servers, and what their answers differ in."""
import random
from collections import namedtuple

from . import wire
from .burst import ask_all

# tcp and edns (None or a size) say how it is asked; labels and qtype what.
Query = namedtuple("Query", "labels qtype do edns tcp flags")

COMMON = ("A", "AAAA", "NS", "SOA", "MX", "TXT", "CNAME", "DS", "ANY",
          "HTTPS", "TYPE65280")
RARE = ("DNAME", "DNSKEY", "NSEC", "NSEC3", "NSEC3PARAM", "RRSIG", "SRV",
        "PTR", "CDS", "TYPE65534", "SPF", "LOC", "SVCB")


def text_of(q):
    return "%s %s%s%s%s" % (
        wire.name_text(wire.join(q.labels)), q.qtype, " +do" if q.do else "",
        "" if q.edns is None else " +bufsize=%d" % q.edns,
        " +tcp" if q.tcp else "")


class Plan:
    """Makes the queries for a set of zones."""

    def __init__(self, zones, seed=1, neighbours=1.0):
        self.rnd = random.Random(seed)
        self.signed = any(z.signing for z in zones)
        self.queries = []
        self._seen = set()
        for z in zones:
            self._zone(z, neighbours)

    def _zone(self, zone, neighbours):
        owners = {}
        for r in [zone.soa()] + zone.records:
            owners.setdefault(tuple(wire.split_labels(r.owner)),
                              set()).add(r.type)
        apex = tuple(wire.split_labels(zone.apex))
        ents = set()
        for o in owners:
            for i in range(1, len(o) - len(apex)):
                ents.add(o[i:])
        known = {tuple(x.lower() for x in o) for o in owners}
        ents = {e for e in ents if tuple(x.lower() for x in e) not in known}
        for i in range(1, len(apex) + 1):
            for t in ("A", "SOA", "NS", "DS"):
                self.add(apex[i:], t)
        for o in sorted(owners) + sorted(ents):
            here = owners.get(o, set())
            picks = set(COMMON) | here | set(self.rnd.sample(RARE, 3))
            if o == apex:
                picks |= set(RARE)
            if here & {"NS", "CNAME"}:
                picks |= {"NSEC", "NSEC3", "RRSIG"}
            for t in sorted(picks):
                self.add(o, t)
            for t in sorted(here):
                if t in ("A", "NS", "DS", "CNAME", "TXT", "MX", "SOA"):
                    self.add(o, t, tcp=True, edns=4096)
            if self.rnd.random() < neighbours:
                self._around(o, apex)

    def _around(self, o, apex):
        """Names below, beside and above an owner."""
        below = [(b"nope",) + o, (b"a", b"b") + o, (b"*",) + o,
                 (b"\x00",) + o, (b"\xff",) + o, (b"x" * 63,) + o]
        beside = []
        if o != apex:
            first, rest = o[0], o[1:]
            beside = [(first + b"0",) + rest, (first[:-1] or b"0",) + rest,
                      (b"zz-%d" % self.rnd.randrange(1000),) + rest,
                      (bytes([first[0] ^ 1]) + first[1:],) + rest]
            if len(o) - len(apex) > 1:
                beside.append((b"*",) + o[2:])
        self.add(below[0], "ANY")
        for name in below + beside:
            for t in ["A", "DS"] + self.rnd.sample(COMMON + RARE, 2):
                self.add(name, t)

    def add(self, labels, qtype, tcp=None, edns=0):
        """One query; what is not given is chosen at random."""
        if any(not x or len(x) > 63 for x in labels) \
                or sum(len(x) + 1 for x in labels) > 254:
            return
        rnd = self.rnd
        do = rnd.random() < (0.8 if self.signed else 0.2)
        if edns == 0:
            edns = rnd.choice((1232, 1232, 1232, 512, 4096, 100))
            if not do and rnd.random() < 0.4:
                edns = None
        if tcp is None:
            tcp = rnd.random() < 0.1
        if rnd.random() < 0.25:
            labels = tuple(self._case(x) for x in labels)
        flags = rnd.choice((0, 0, 0, wire.RD, wire.CD, wire.AD))
        q = Query(tuple(labels), qtype, do, edns, tcp, flags)
        if q not in self._seen:
            self._seen.add(q)
            self.queries.append(q)

    def _case(self, label):
        return bytes(c ^ 0x20 if chr(c).isalpha() and c < 128
                     and self.rnd.random() < 0.5 else c for c in label)


def octets(q):
    return wire.query(wire.join(q.labels), wire.type_number(q.qtype),
                      flags=q.flags, edns=q.edns if q.edns is not None
                      else 1232 if q.do else None, do=q.do)


class Parsed:
    """Parsed responses, each distinct one parsed once."""

    def __init__(self):
        self.cache = {}

    def get(self, msg):
        if msg is None:
            return None
        body = msg[2:]
        hit = self.cache.get(body)
        if hit is None:
            try:
                hit = wire.parse(msg)
            except wire.Malformed as e:
                hit = e
            self.cache[body] = hit
        return hit


def run(endpoints, queries):
    """Responses of each endpoint in the order of the queries, parsed."""
    sent = [octets(q) for q in queries]
    out = [[None] * len(queries) for _ in endpoints]
    parsed = Parsed()
    for tcp in (False, True):
        index = [i for i, q in enumerate(queries) if q.tcp == tcp]
        if not index:
            continue
        got = ask_all(endpoints, [sent[i] for i in index], tcp)
        for mine, theirs in zip(out, got):
            for i, msg in zip(index, theirs):
                mine[i] = parsed.get(msg)
    return out


def limit(q):
    """The size that a response to a query may have (RFC 6891 section
    6.2.3: less than 512 counts as 512)."""
    if q.tcp:
        return 65535
    return max(512, q.edns or (1232 if q.do else 512))


def core(m):
    """What must be equal as a whole: rcode, AA, answer and authority.

    CD is left out: BIND echoes it, the others clear it, and RFC 4035 section
    3.1.6 asks an authoritative server for neither.
    """
    return (m.rcode, m.flags & (wire.AA | wire.RA | wire.RD),
            frozenset(m.answer), frozenset(m.authority))


def head(m):
    """What counts of a truncated response: how much of the rest is there is
    the server's choice (RFC 2181 section 9)."""
    return m.rcode, m.flags & (wire.AA | wire.RA | wire.RD | wire.TC)


def extra(m):
    """The additional section, TTLs left out."""
    return frozenset(rr._replace(ttl=0) for rr in m.additional)


def rrsets(rrs):
    """Records grouped to RRsets; signatures by the type they cover."""
    out = {}
    for rr in rrs:
        covered = rr.rdata[:2] if rr.type == 46 else b""
        out.setdefault((rr.owner, rr.type, covered), set()).add(rr)
    return out


def whole_rrsets(part, full):
    """Each RRset in part is in full, and complete there."""
    known = rrsets(full)
    return all(known.get(k) == v for k, v in rrsets(part).items())


def flaws(q, m):
    """What is wrong with a response whatever others say."""
    if m is None:
        return ["no response"]
    if isinstance(m, Exception):
        return ["malformed response: %s" % m]
    sent = octets(q)
    out = []
    if m.question != sent[12:12 + len(m.question)] or not m.question:
        out.append("the question is not echoed octet by octet")
    for section in m.sections:
        if len(set(section)) != len(section):
            out.append("a record twice in one section")
    if (q.edns is None and not q.do) != (m.edns is None):
        out.append("OPT where none was asked, or none where one was")
    if m.edns and bool(m.edns.flags & 0x8000) != q.do:
        out.append("the DO bit is not echoed")
    if m.size > limit(q):
        out.append("%d octets where %d were allowed" % (m.size, limit(q)))
    if q.tcp and m.flags & wire.TC:
        out.append("TC over TCP")
    if m.flags & wire.AD:
        out.append("AD from an authoritative server")
    return out


def features(model, q, responses):
    """The features that a query reached."""
    name = tuple(x.lower() for x in reversed(q.labels))
    out = model.features(name, q.qtype, q.do)
    if any(r is not None and not isinstance(r, Exception)
           and r.flags & wire.TC for r in responses):
        out.add("truncation")
    if any(x != x.lower() for x in q.labels):
        out.add("case preservation")
    if q.qtype.startswith("TYPE"):
        out.add("unknown type")
    if q.tcp:
        out.add("TCP")
    if q.edns is None and not q.do:
        out.add("no EDNS")
    elif q.edns == 100:
        out.add("EDNS payload below 512")
    if q.do:
        out.add("DO")
    if q.qtype in ("SVCB", "HTTPS") and "answer" in out:
        out.add("SVCB or HTTPS answer")
    return out
