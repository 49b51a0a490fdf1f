# SPDX-License-Identifier: BSD-2-Clause
"""CPU time for a query, over UDP and over TCP connections that stay open.

All servers run at the same time with the same zones and take turns: a round
of one, a round of the next.  The empty responder takes its turn too.  With
one worker, the server has the first CPU for itself and dnsperf the second.
"""
import contextlib
import os
import re
import subprocess
import time

import ask
import figures
import zones
from account import minus
from bench import NotMeasured, tell
from servers import EmptyResponder

NAME = "queries"
NEEDS = ("dnsperf", "taskset")
APEXES = [zones.FLAT, zones.NSEC, zones.NSEC3]
EMPTY = EmptyResponder.name
CLIENTS = 20
# Not more than the backlog of any server: connections come all at once.
TCP_CLIENTS = 8
OUTSTANDING = 100
LOST = 0.001                        # of the queries is worth a note

# query file, DO, over TCP
CASES = [("flat", False, False),
         ("nxdomain-nsec3", True, False),
         ("flat-nxdomain", False, False),
         ("referral", False, False),
         ("referral", True, False),
         ("nxdomain-nsec", True, False),
         ("flat", False, True),
         ("referral", True, True)]
TWO_WORKERS = CASES[:2]
SMALL = [CASES[i] for i in (0, 1, 4, 6)]


def run(bench):
    if bench.scale.name == "small":
        _with_workers(bench, 1, SMALL)
        bench.not_run.append("queries: two workers and some kinds of query "
                             "are for SCALE=full")
    else:
        _with_workers(bench, 1, CASES)
        _with_workers(bench, 2, TWO_WORKERS)


def _with_workers(bench, workers, cases):
    with contextlib.ExitStack() as stack:
        primary = stack.enter_context(bench.primary(delegations=True))
        up = []

        def start(name):
            s = stack.enter_context(bench.booted(name, primary, APEXES,
                                                 workers))
            bench.check(s, primary)
            wrong = ask.wrong_delegations(s.port, bench.scale)
            if wrong:
                raise NotMeasured("%d of 200 referrals and denials are wrong"
                                  % wrong)
            up.append(s)

        bench.each(NAME, start)
        if workers == 1:
            if EmptyResponder.path():
                up.append(_empty_responder(bench, stack, primary))
            else:
                bench.not_run.append(EMPTY + ": not built")
        for case in cases:
            _case(bench, up, workers, *case)


def _empty_responder(bench, stack, primary):
    s = stack.enter_context(bench.server(EmptyResponder, primary, []))
    s.start()
    with ask.Asker(s.port) as asker:
        while asker.exchange(ask.query_wire(0, zones.FLAT, ask.SOA)) is None:
            time.sleep(0.01)
    return s


def _case(bench, up, workers, file, do, tcp):
    path = zones.write_queries(bench.dir, file, bench.scale)
    pinned = workers == 1 and os.cpu_count() > 1
    tell("%s: %s%s over %s, %d workers" % (
        NAME, file, " DO" * do, "TCP" if tcp else "UDP", workers))
    # It knows nothing of TCP, nor of referrals.
    up = [s for s in up if s.name != EMPTY or not tcp and file == "flat"]
    rounds = {s.name: [] for s in up}
    for s in up:
        if pinned:
            s.pin({0})
        if bench.scale.warm_up_seconds:
            _round(bench, s, path, do, tcp, bench.scale.warm_up_seconds,
                   pinned)
    for _ in range(bench.scale.query_rounds):
        for s in up:
            r = _round(bench, s, path, do, tcp, bench.scale.query_seconds,
                       pinned)
            if r:
                rounds[s.name].append(r)
    for name, rows in rounds.items():
        if any(r["lost"] > LOST for r in rows):
            bench.note(NAME, name, "queries for %s were lost" % file)
        if rows:
            bench.keep(NAME, server=name, queries=file, do=do, workers=workers,
                       over="TCP" if tcp else "UDP", **_summary(rows))


def _summary(rows):
    """Medians of the rounds; user and kernel as all rounds together divide.

    The clock's ticks that divide are few in one round.
    """
    row = figures.summary(rows)
    total = row["total_us"]
    parts = [sum(r["user_us"] * r["answers"] for r in rows),
             sum(r["kernel_us"] * r["answers"] for r in rows)]
    row["user_us"], row["kernel_us"] = figures.split(total, *parts)
    row["total_us_min"] = min(r["total_us"] for r in rows)
    row["total_us_max"] = max(r["total_us"] for r in rows)
    row["rounds"] = len(rows)
    return row


def _busy():
    """CPU seconds that the whole machine has spent."""
    with open("/proc/stat") as f:
        v = [int(x) for x in f.readline().split()[1:9]]
    return (sum(v) - v[3] - v[4]) / os.sysconf("SC_CLK_TCK")


def _children():
    t = os.times()
    return t.children_user + t.children_system


def _round(bench, server, path, do, tcp, seconds, pinned):
    """dnsperf once: figures, or None and a note."""
    argv = ["taskset", "-c", "1"] if pinned else []
    argv += ["dnsperf", "-s", ask.HOST, "-p", str(server.port), "-d", path,
             "-l", str(seconds), "-T", "1", "-q", str(OUTSTANDING), "-t", "2",
             "-c", str(TCP_CLIENTS if tcp else CLIENTS)]
    argv += ["-D"] if do else []
    argv += ["-m", "tcp"] if tcp else []
    before, busy, client = server.account.cpu(), _busy(), _children()
    began = time.monotonic()
    out = subprocess.run(argv, stdout=subprocess.PIPE, text=True,
                         stderr=subprocess.STDOUT).stdout
    took = time.monotonic() - began
    client = _children() - client
    used = minus(server.account.cpu(), before)
    try:
        return _figures(out, used, (_busy() - busy - used.total - client)
                        / took, client / took)
    except (AttributeError, ZeroDivisionError):
        bench.note(NAME, server.name, "dnsperf said " + out[-200:])
        return None


def _number(pattern, text):
    return float(re.search(pattern, text).group(1))


def _figures(out, used, others, client):
    answers = _number(r"Queries completed:\s+(\d+)", out)
    sent = _number(r"Queries sent:\s+(\d+)", out)
    return {
        "total_us": used.total / answers * 1e6,
        "user_us": used.user / answers * 1e6,
        "kernel_us": used.kernel / answers * 1e6,
        "answers": answers,
        "lost": (sent - answers) / sent,
        "octets": _number(r"response (\d+)", out),
        "dnsperf_cpus": client,
        "other_cpus": max(0.0, others),
    }
