# SPDX-License-Identifier: BSD-2-Clause
"""Judge a server's answers by those of the reference servers.

Where the references agree the server must agree; where they differ it must
equal one of them.  The core of a response (rcode, AA, answer, authority)
is one thing, its additional section another.  What is left over must be
listed in differences.txt, each entry of which must be needed.
"""
import fnmatch
import os
from collections import Counter

from . import diff, wire
from .model import Model


class Entry:
    """One line of differences.txt:

    sets ; features ; types ; aspects ; reason

    sets, types: names with * and ?, separated by commas; features: all of
    them must be reached, - for any; aspects: what may differ, of rcode,
    flags, answer, authority, additional.
    """

    def __init__(self, line, number):
        fields = [x.strip() for x in line.split(";", 4)]
        if len(fields) != 5 or not fields[4]:
            raise ValueError("differences.txt:%d: five fields are needed"
                             % number)
        self.number, self.reason = number, fields[4]
        self.sets = [x.strip() for x in fields[0].split(",")]
        self.features = {x.strip() for x in fields[1].split(",")} - {"-"}
        self.types = [x.strip() for x in fields[2].split(",")]
        self.aspects = {x.strip() for x in fields[3].split(",")}
        self.used = 0

    def for_set(self, name):
        return any(fnmatch.fnmatchcase(name, x) for x in self.sets)

    def allows(self, q, reached, aspects):
        return (self.features <= reached and aspects <= self.aspects
                and any(fnmatch.fnmatchcase(q.qtype, x) for x in self.types))


def listed(set_name):
    """The entries of differences.txt for a set of zones."""
    path = os.path.join(os.path.dirname(os.path.dirname(
        os.path.abspath(__file__))), "differences.txt")
    out = []
    with open(path) as f:
        for number, line in enumerate(f, 1):
            if line.strip() and not line.startswith("#"):
                out.append(Entry(line.strip(), number))
    return [e for e in out if e.for_set(set_name)]


class Verdict:
    """All that came out for one set of zones."""

    def __init__(self):
        self.queries = 0
        self.agreed = 0
        self.features = Counter()
        self.entries = []
        self.wrong = []
        self.wrong_kinds = Counter()
        self.weighs = True  # responses may not be larger than others'
        self.sizes = Counter()

    def complain(self, kind, q, reached, mine, theirs, names):
        self.wrong_kinds[kind] += 1
        if self.wrong_kinds[kind] > 3 or len(self.wrong) > 40:
            return
        out = ["%s: %s" % (kind, diff.text_of(q)),
               "reached: " + ", ".join(sorted(reached))]
        for name, m in [("under test", mine)] + list(zip(names, theirs)):
            text = m.text() if isinstance(m, wire.Message) else str(m)
            out.append("[%s] %s" % (name, text))
        self.wrong.append("\n".join(out))


def differing(mine, theirs):
    """The aspects in which two responses differ."""
    out = set()
    if mine.rcode != theirs.rcode:
        out.add("rcode")
    bits = wire.AA | wire.RA | wire.RD | wire.TC
    if (mine.flags ^ theirs.flags) & bits:
        out.add("flags")
    if not (mine.flags | theirs.flags) & wire.TC:
        if set(mine.answer) != set(theirs.answer):
            out.add("answer")
        if set(mine.authority) != set(theirs.authority):
            out.add("authority")
        if diff.extra(mine) != diff.extra(theirs):
            out.add("additional")
    return out


def _any_agrees(mine, theirs, chosen):
    """ANY: RFC 8482 lets a server choose; RRsets must be whole.

    chosen: what the references answer to the types that it chose.
    """
    full = [rr for t in theirs + chosen for rr in t.answer]
    if not mine.answer:
        return any(not t.answer and diff.core(mine) == diff.core(t)
                   for t in theirs)
    return (any(mine.rcode == t.rcode and (mine.flags & wire.AA)
                == (t.flags & wire.AA) for t in theirs)
            and diff.whole_rrsets(mine.answer, full)
            and any(set(mine.authority) == set(t.authority)
                    for t in theirs + chosen))


def _on_the_edge(q, mine, theirs):
    """The responses nearly fill the limit: compression, which is a server's
    own choice, decides whether they fit."""
    return (max(t.size for t in theirs) > diff.limit(q) - 32
            and any(mine.rcode == t.rcode for t in theirs))


def _all_that_fits(q, mine, full):
    """The additional section is cut to the limit: whole RRsets, and what is
    left out would not have fitted."""
    if q.tcp:
        return False
    known, got = diff.rrsets(diff.extra(full)), diff.rrsets(diff.extra(mine))
    if not all(known.get(k) == v for k, v in got.items()):
        return False
    room = diff.limit(q) - mine.size
    for key, rrs in known.items():
        if key in got:
            continue
        owner, rtype, _ = key
        # An RRset goes with its signatures, so both must have room. A record
        # takes at least a compressed owner, its header and its RDATA.
        with_it = known.get((owner, 46, rtype.to_bytes(2, "big")), set())
        if sum(12 + len(rr.rdata) for rr in rrs | with_it) <= room:
            return False
    return True


def _lacks_glue(mine, full):
    """In-domain glue is missing and TC does not say so (RFC 9471)."""
    cuts = {rr.owner for rr in mine.authority if rr.type == 2}
    if mine.flags & (wire.TC | wire.AA) or mine.answer or not cuts:
        return False
    wanted = {rr for t in full for rr in diff.extra(t)
              if rr.type in (1, 28) and any(
                  rr.owner == c or rr.owner.endswith(c)
                  and len(rr.owner) > len(c) for c in cuts)}
    return not wanted <= diff.extra(mine)


def disagreement(q, mine, theirs, full, chosen=()):
    """None, or the smallest set of aspects in which mine differs.

    full: the references' responses over TCP where anybody truncated or
    something had no room, else the same as theirs.
    """
    if mine.flags & wire.TC:
        if _on_the_edge(q, mine, theirs):
            return None
        if any(diff.head(mine) == diff.head(t) for t in theirs) or \
                any(_lacks_glue(t, full) for t in theirs):
            every = [rr for t in full for s in t.sections for rr in s]
            got = [rr for s in mine.sections[:2] for rr in s]
            return None if diff.whole_rrsets(got, every) else {"answer"}
        return min((differing(mine, t) for t in theirs), key=len)
    # A response that is whole and fits is right, also where compression that
    # is not as good made the others truncate theirs.
    if q.qtype == "ANY" and _any_agrees(mine, full, list(chosen)):
        return None
    core = any(diff.core(mine) == diff.core(t) for t in full)
    more = any(diff.extra(mine) == diff.extra(t) for t in full + theirs) or \
        any(diff.core(mine) == diff.core(t) and _all_that_fits(q, mine, t)
            for t in full)
    if core and more:
        return None
    found = min((differing(mine, t) for t in full), key=len)
    if core:
        return {"additional"}
    return (found - {"additional"} if more else found) or {"flags"}


def _octets(m):
    """The size of a response without EDNS options: those are told apart."""
    options = m.edns.options if m.edns else ()
    return m.size - sum(4 + len(data) for _, data in options)


def _same_records(mine, theirs):
    return (diff.core(mine) == diff.core(theirs)
            and diff.extra(mine) == diff.extra(theirs)
            and not (mine.flags | theirs.flags) & wire.TC)


def _compare_sizes(v, q, reached, mine, refs, names):
    """A response may not be larger than those of NSD and Knot with the same
    records.  Some octets are gained elsewhere with a search for each owner of
    a proof: BIND finds it in the RDATA of NSEC, NSD in that of the SOA and in
    other proofs.  Aliases that lead to themselves may take what they like.
    """
    if not v.weighs or "CNAME or DNAME loop" in reached:
        return
    proves = mine.types(1) & {wire.type_number("NSEC"),
                              wire.type_number("NSEC3")}
    better = {"bind", "nsd"} if proves else {"bind"}
    same = [t for t, name in zip(refs, names)
            if name not in better and _same_records(mine, t)]
    if not same:
        return
    more = _octets(mine) - min(_octets(t) for t in same)
    v.sizes["equal" if more == 0 else "larger" if more > 0 else
            "smaller"] += 1
    if more > 0:
        v.complain("larger than another with the same records", q, reached,
                   mine, refs, names)


# The set of what is not secondaryd: nothing is granted to it, and its
# responses may be of any size.
CONTROL = "control"


def judge(zones, queries, endpoints, under_test, names, set_name):
    """Ask all, compare, classify; returns a Verdict."""
    v = Verdict()
    v.entries = listed(set_name)
    v.weighs = set_name != CONTROL
    *theirs, mine = diff.run(endpoints + [under_test], queries)
    full = _over_tcp(endpoints, queries, theirs, mine)
    chosen = _chosen(endpoints, queries, mine)
    model = Model(zones)
    for i, q in enumerate(queries):
        refs = [t[i] for t in theirs]
        _one(v, model, q, mine[i], refs, full.get(i, refs),
             chosen.get(i, ()), names)
    return v


def _chosen(endpoints, queries, mine):
    """For each ANY the responses of the references to queries for the very
    types that were answered."""
    index, again = [], []
    for i, q in enumerate(queries):
        if q.qtype == "ANY" and isinstance(mine[i], wire.Message):
            for t in mine[i].types(0) - {46}:
                index.append(i)
                again.append(q._replace(qtype=wire.type_text(t), tcp=True))
    out = {}
    for answers in diff.run(endpoints, again) if again else []:
        for i, m in zip(index, answers):
            if isinstance(m, wire.Message):
                out.setdefault(i, []).append(m)
    return out


def _over_tcp(endpoints, queries, theirs, mine):
    """What the references say over TCP where anybody truncated, or where
    room, or the lack of it, may be why an answer is like no other."""
    index = []
    for i, q in enumerate(queries):
        everyone = [t[i] for t in theirs] + [mine[i]]
        if q.tcp or not all(isinstance(m, wire.Message) for m in everyone):
            continue
        if any(m.flags & wire.TC for m in everyone) or \
                disagreement(q, mine[i], everyone[:-1], everyone[:-1]):
            index.append(i)
    again = [queries[i]._replace(tcp=True) for i in index]
    got = diff.run(endpoints, again) if again else []
    return {i: [g[n] for g in got] for n, i in enumerate(index)}


def _one(v, model, q, mine, refs, full, chosen, names):
    v.queries += 1
    reached = diff.features(model, q, refs + [mine])
    v.features.update(reached)
    if any(not isinstance(r, wire.Message) for r in refs + full):
        v.complain("a reference did not answer", q, reached, mine, refs,
                   names)
        return
    for flaw in diff.flaws(q, mine):
        v.complain(flaw, q, reached, mine, refs, names)
    if not isinstance(mine, wire.Message):
        return
    if len({diff.core(r) for r in refs}) == 1 and \
            len({diff.extra(r) for r in refs}) == 1:
        v.agreed += 1
    _compare_sizes(v, q, reached, mine, refs, names)
    if _lacks_glue(mine, full):
        v.complain("in-domain glue is missing without TC", q, reached, mine,
                   full, names)
    aspects = disagreement(q, mine, refs, full, chosen)
    if aspects is None:
        return
    for e in v.entries:
        if e.allows(q, reached, aspects):
            e.used += 1
            return
    v.complain("differs in " + ", ".join(sorted(aspects)), q, reached, mine,
               refs, names)


def _say_features(case, v):
    line = ""
    for name, count in sorted(v.features.items()):
        item = "%s %d" % (name, count)
        if len(line) + len(item) > 72:
            case.say(line)
            line = ""
        line += ("; " if line else "") + item
    case.say(line)


def report(case, v, claimed):
    """Print the counts; fail for a difference, a feature that no query
    reached, or an entry of differences.txt that nothing needs."""
    case.say("%d queries; the references agree on %d" % (
        v.queries, v.agreed))
    case.say("sizes, of NSD and Knot's smallest with the same records: %s" %
             ", ".join("%s %d" % kv for kv in sorted(v.sizes.items())))
    _say_features(case, v)
    for e in v.entries:
        case.say("listed, %d times: %s" % (e.used, e.reason))
    unreached = sorted(set(claimed) - set(v.features))
    unused = ["differences.txt:%d" % e.number for e in v.entries
              if not e.used]
    if v.wrong:
        counts = "; ".join("%s: %d" % kv
                           for kv in v.wrong_kinds.most_common())
        raise AssertionError("\n\n".join([counts] + v.wrong[:12]))
    assert not unreached, "no query reached: " + ", ".join(unreached)
    assert not unused, "nothing needs: " + ", ".join(unused)
