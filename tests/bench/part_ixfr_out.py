# SPDX-License-Identifier: BSD-2-Clause
"""IXFR from a thousand versions ago, each message signed.

The versions come one by one, with a NOTIFY each.  secondaryd takes part twice:
answering step by step, and with all steps condensed into one.  The first
answer counts apart: it may leave something for those that follow.
"""
import time

import figures
import zones
from account import minus
from bench import NotMeasured
from servers import CONDENSED, OURS, STEPWISE

NAME = "ixfr-out"
WIDTH = 5                           # 5 records go, 5 come
OLDEST = 1
POLL_S = 0.0002
ROUND_S = 5                         # for the answers of one round


def run(bench):
    ours = [name for name in bench.names if name == OURS]
    for history, names in ((STEPWISE, bench.names), (CONDENSED, ours)):
        bench.each("%s, %s" % (NAME, history),
                   lambda name: _server(bench, name, history), names)


def _server(bench, name, history):
    # A million names would tell the same: histories are apart from zones.
    # But each version takes Knot 0.2 s then.
    with bench.primary(bench.scale.history_names) as primary, \
            bench.booted(name, primary, [zones.FLAT], history=history) as s:
        had = dict(primary.flat.addresses)
        row = {"server": name, "fed_s": _feed(bench, s, primary)}
        bench.settle(s)
        first = _round(bench, s, primary, 1)
        rows = [_round(bench, s, primary, bench.scale.answers)
                for _ in range(bench.scale.repetitions)]
        row.update(figures.summary(rows), first_ms=first["ms"],
                   first_cpu_ms=first["cpu_ms"])
        row["answer"] = _answer(row, bench.scale.versions)
        row["right"] = bench.is_right_ixfr(NAME, s, primary, OLDEST, had)
        if row["answer"] != history:
            bench.note(NAME, name, "answers %s, not %s" % (
                row["answer"], history))
        bench.keep(NAME, **row)


def _feed(bench, server, primary):
    """Seconds until it has all versions."""
    began = time.monotonic()
    for _ in range(bench.scale.versions):
        primary.change(WIDTH)
        bench.notify(server, zones.FLAT, primary.flat.serial, POLL_S)
    return time.monotonic() - began


def _round(bench, server, primary, count):
    """Some answers, one after the other: what one of them takes."""
    rows, began = [], time.monotonic()
    before = server.account.cpu()
    while len(rows) < count and time.monotonic() - began < ROUND_S:
        rows.append(bench.pull(server.port, zones.FLAT, OLDEST))
        if rows[-1]["kind"] == "none" or \
                rows[-1]["serial"] != primary.flat.serial:
            raise NotMeasured("IXFR is answered with serial %d, or not" %
                              rows[-1]["serial"])
    bench.settle(server)
    used = minus(server.account.cpu(), before)
    row = figures.summary(rows)
    return {"ms": row["seconds"] * 1e3, "cpu_ms": used.total / len(rows) * 1e3,
            "user_ms": used.user / len(rows) * 1e3,
            "kernel_ms": used.kernel / len(rows) * 1e3,
            "answers": len(rows), "kib": row["octets"] / 2 ** 10,
            "records": row["records"], "messages": row["messages"],
            "each_signed": row["signed"] == row["messages"],
            "steps": row["steps"], "kind": row["kind"]}


def _answer(row, versions):
    if row["kind"] == "whole":
        return "with the whole zone"
    return {versions: STEPWISE, 1: CONDENSED}.get(
        row["steps"], "in %d steps" % row["steps"])

