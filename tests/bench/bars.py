# SPDX-License-Identifier: BSD-2-Clause
"""What must be shown at full scale: each line is a figure of secondaryd
against that of the best of the others in the same run."""
from collections import namedtuple

import figures
from servers import CONDENSED, OURS, STEPWISE

# part, which rows, key of the figure, its unit; bar: the ratio to reach.
# at_most: and an absolute limit, in the same unit.  above_empty: no further
# above the empty responder than so much.  ours: which of our own rows.
Line = namedtuple(
    "Line", "text part where key unit bar at_most above_empty ours")


def line(text, part, where, key, unit, bar=None, at_most=None,
         above_empty=None, ours=None):
    return Line(text, part, where, key, unit, bar, at_most, above_empty,
                ours or {})


GROWTH_MAX = 1.25


def queries(file, do=False, over="UDP", workers=1):
    return {"queries": file, "do": do, "over": over, "workers": workers}


def _query_lines():
    """User, then total CPU time for a query, of each kind."""
    yield line("UDP query, flat: user CPU", "queries", queries("flat"),
               "user_us", "us", 0.4)
    yield line("UDP query, flat: total CPU", "queries", queries("flat"),
               "total_us", "us", 0.85, None, 1.5)
    for text, where in (
            ("referral with DO", queries("referral", True)),
            ("NXDOMAIN with DO, NSEC", queries("nxdomain-nsec", True)),
            ("NXDOMAIN with DO, NSEC3", queries("nxdomain-nsec3", True))):
        yield line(text + ": user CPU", "queries", where, "user_us", "us", 0.5)
        yield line(text + ": total CPU", "queries", where, "total_us", "us",
                   0.85)
    yield line("query over TCP, flat: total CPU", "queries",
               queries("flat", over="TCP"), "total_us", "us", 0.9)
    yield line("query over TCP, referral with DO: total CPU", "queries",
               queries("referral", True, "TCP"), "total_us", "us", 0.9)


def _ixfr_out_lines():
    """All steps, or one that comes to the same, against what others have."""
    for answer in (STEPWISE, CONDENSED):
        for text, key in (("time", "ms"), ("CPU", "cpu_ms")):
            yield line("IXFR out, %s: %s" % (answer, text), "ixfr-out",
                       {"right": True, "each_signed": True}, key, "ms", 1,
                       ours={"answer": answer})


def _journal_lines():
    """How a version grows with the history and with the zone."""
    for ratio in ("last to first", "ten times the names"):
        text = "a version in the journal, %s: " % ratio
        where = {"ratio": ratio}
        yield line(text + "CPU to commit", "journal: growth", where,
                   "alone_commit_cpu_ms", "times", at_most=GROWTH_MAX)
        yield line(text + "NOTIFY to IXFR", "journal: growth",
                   {**where, "incremental": True}, "to_ixfr_ms", "times",
                   at_most=GROWTH_MAX)
        yield line(text + "disk", "journal: growth", where,
                   "octets_a_version", "times", at_most=GROWTH_MAX)


CANONICAL = {"order": "canonical"}
KEPT = {"killed_serial_kept": True}
EACH_SIGNED = {"each_signed": True}

LINES = [
    *_query_lines(),
    line("AXFR in: start to serving", "axfr-in", CANONICAL, "seconds", "s",
         0.6),
    line("AXFR in: CPU", "axfr-in", CANONICAL, "cpu_s", "s", 0.6),
    line("AXFR in, shuffled: start to serving", "axfr-in",
         {"order": "shuffled"}, "seconds", "s"),
    line("settled memory (PSS)", "axfr-in", CANONICAL, "pss_mib", "MiB", 0.65),
    line("settled anonymous memory", "axfr-in", CANONICAL, "anonymous_mib",
         "MiB", None, 30),
    line("IXFR in, 10 records: NOTIFY to visible", "ixfr-in", {},
         "change_ms", "ms", 0.5),
    line("IXFR in, 10 records: CPU", "ixfr-in", {}, "change_cpu_ms", "ms",
         0.7),
    line("changes at 100/s: lag, median", "ixfr-in", {}, "burst_lag_p50_ms",
         "ms", 0.7),
    line("changes at 100/s: lag, 99 %", "ixfr-in", {}, "burst_lag_p99_ms",
         "ms", 0.7),
    line("changes at 100/s: CPU", "ixfr-in", {}, "burst_cpu_s", "s", 0.7),
    line("as many changes in one IXFR", "ixfr-in", {}, "at_once_s", "s", 0.5),
    line("restart, primary down", "restart", {}, "seconds", "s", 0.05, 0.08),
    line("restart after kill -9, last serial kept", "restart", KEPT,
         "killed_seconds", "s", 0.05, 0.08),
    line("small zones: bootstrap", "many-zones", {}, "seconds", "s", 1),
    line("small zones: bootstrap, CPU", "many-zones", {}, "cpu_s", "s", 1),
    line("small zones: memory (PSS)", "many-zones", {}, "pss_mib", "MiB", 1),
    line("small zones: a tenth notified", "many-zones", {},
         "notified_seconds", "s", 1),
    line("small zones: restart", "many-zones", {}, "restart_seconds", "s",
         0.25),
    line("AXFR out, each message signed", "axfr-out", EACH_SIGNED, "seconds",
         "s", 1),
    *_ixfr_out_lines(),
    *_journal_lines(),
    line("a change until IXFR has it", "ixfrdist", {"incremental": True},
         "to_ixfr_ms", "ms", 1),
    line("a change kept for IXFR: CPU", "ixfrdist", {}, "cpu_ms", "ms", 1),
    line("a change kept for IXFR: disk", "ixfrdist", {}, "kib_a_version",
         "KiB", 1),
    line("changes kept for IXFR: memory (PSS)", "ixfrdist", {}, "pss_mib",
         "MiB", 1),
    line("longest gap in answers: a new zone", "gap", {}, "new_zone_gap_ms",
         "ms", None, 5),
    line("longest gap in answers: wide changes", "gap", {},
         "wide_changes_gap_ms", "ms", None, 5),
]


def _figures(results, this):
    """{server: figure} of one line."""
    out = {}
    for row in results.get(this.part, []):
        where = {**this.where, **(this.ours if row["server"] == OURS else {})}
        if all(row.get(k) == v for k, v in where.items()):
            out[row["server"]] = row.get(this.key)
    return out


def judge(results, this, empty):
    """One line's row of the report: a dict, or None when nothing was
    measured.  "met" is None where there is no bar or nothing to compare."""
    found = _figures(results, this)
    ours = found.get(OURS)
    best = figures.best_of(found, set(found) - {OURS, empty})
    if ours is None and best is None:
        return None
    ratio = figures.ratio(ours, best[1]) if best else None
    limits = []                     # (text, whether it is kept)
    if this.bar is not None and best:
        limits.append(("%.2f" % this.bar,
                       ratio is not None and ratio <= this.bar))
    if this.at_most is not None:
        limits.append(("%g %s" % (this.at_most, this.unit),
                       ours is not None and ours <= this.at_most))
    if this.above_empty is not None and found.get(empty) is not None:
        limits.append(("empty + %g %s" % (this.above_empty, this.unit),
                       ours is not None and
                       ours - found[empty] <= this.above_empty))
    return {"text": this.text, "unit": this.unit, "ours": ours,
            "peer": best[0] if best else None,
            "best": best[1] if best else None, "ratio": ratio,
            "bar": ", ".join(text for text, _ in limits),
            "met": all(kept for _, kept in limits) if limits else None}


def judge_all(results, empty):
    rows = [judge(results, this, empty) for this in LINES]
    return [r for r in rows if r]
