# SPDX-License-Identifier: BSD-2-Clause
"""What it takes to keep every version: secondaryd with ixfr-journal.

Thousands of versions of a big zone come one by one, each with its NOTIFY. The
first and the last tenth of them are measured; beside it secondaryd without the
journal, and with a tenth of the names. What a version takes must grow with
neither the history nor the zone.

Most versions come as soon as the one before is served, and many of them are
made durable together. Some come alone: the one before is durable by then. One
thread makes them so, in the module and in the server's own store.
"""
import time

import figures
import zones
from account import minus
from servers import KEPT, OURS

NAME = "journal"
GROWTH = NAME + ": growth"
WIDTH = 5                           # 5 records go, 5 come
TENTH = 10
OLDEST = 1
POLL_S = 0.0002
ALONE_S = 0.07                      # more than the default of sync-interval
COMMIT = "commit"                   # the thread
FOLDER = ("modules", "ixfr-journal")
COMPARED = ("cpu_ms", "commit_cpu_ms", "alone_cpu_ms", "alone_commit_cpu_ms",
            "alone_written_kib", "to_ixfr_ms", "octets_a_version")


def run(bench):
    if OURS not in bench.names:
        bench.not_run.append("part %s: it is about %s" % (NAME, OURS))
        return
    big = bench.scale.flat
    kept = _rows(bench, big, KEPT)
    not_kept = _rows(bench, big, None)
    small = _rows(bench, big // TENTH, KEPT)
    for ratio, rows, to in (("last to first", kept[1:], kept),
                            ("ten times the names", kept, small),
                            ("kept to not kept", kept, not_kept)):
        if rows and to:
            bench.keep(GROWTH, server=OURS, ratio=ratio, incremental=all(
                row.get("incremental", False) for row in (rows[0], to[0])), **{
                    key: figures.ratio(rows[0].get(key), to[0].get(key))
                    for key in COMPARED})


def _rows(bench, names, history):
    """Of the first versions, and, if it is the big zone, of the last ones;
    none, when they could not be measured."""
    rows = []
    bench.each("%s, %d names, %s" % (
        NAME, names, history or "not kept"),
        lambda name: rows.extend(_server(bench, names, history)), [OURS])
    return rows


def _server(bench, names, history):
    count, rows = bench.scale.journal_versions, []
    tenth = count // TENTH
    with bench.primary(names) as primary, \
            bench.booted(OURS, primary, [zones.FLAT], history=history) as s:
        rows.append(_measure(bench, s, primary, tenth))
        if names == bench.scale.flat:
            _feed(bench, s, primary, count - 2 * tenth)
            bench.settle(s)
            rows.append(_measure(bench, s, primary, tenth))
        bench.check(s, primary)
        if history:
            rows[-1]["right"] = bench.is_right_ixfr(NAME, s, primary, OLDEST,
                                                    {})
        for window, row in zip(("first", "last"), rows):
            bench.keep(NAME, server=OURS, names=names, kept=bool(history),
                       versions=window, **row)
    return rows


def _feed(bench, server, primary, count):
    for _ in range(count):
        primary.change(WIDTH)
        bench.notify(server, zones.FLAT, primary.flat.serial, POLL_S)


def _measure(bench, server, primary, count):
    """So many versions: most together, some alone."""
    alone, rounds = bench.scale.alone, bench.scale.repetitions
    together = (count - 2 * alone) // rounds
    disk = server.disk(*FOLDER)
    row = figures.summary([_together(bench, server, primary, together)
                           for _ in range(rounds)])
    row["octets_a_version"] = (server.disk(*FOLDER) - disk) * 2 ** 20 / (
        together * rounds)
    row.update(_alone(bench, server, primary, alone))
    if server.history:
        row.update(_to_ixfr(bench, server, primary, alone))
        row["journal_mib"] = server.disk(*FOLDER)
    row["other_files_mib"] = server.disk() - server.disk(*FOLDER)
    row["pss_mib"] = server.account.memory().pss
    return row


def _takes(bench, server, feed, count):
    """What a version takes: of all threads, and of the one that commits."""
    cpu, commit = server.account.cpu(), server.account.thread(COMMIT)
    feed()
    bench.settle(server)
    used = minus(server.account.cpu(), cpu)
    now = server.account.thread(COMMIT)
    return {"cpu_ms": used.total / count * 1e3,
            "commit_cpu_ms": (now.cpu - commit.cpu) / count * 1e3,
            "written_kib": (now.written - commit.written) / count / 2 ** 10}


def _together(bench, server, primary, count):
    return _takes(bench, server, lambda: _feed(bench, server, primary, count),
                  count)


def _alone(bench, server, primary, count):
    def feed():
        for _ in range(count):
            _feed(bench, server, primary, 1)
            time.sleep(ALONE_S)

    return {"alone_" + key: value for key, value in _takes(
        bench, server, feed, count).items()}


def _to_ixfr(bench, server, primary, count):
    late = []
    for _ in range(count):
        time.sleep(ALONE_S)
        late.append(bench.change_to_ixfr(server, primary, WIDTH))
    ms = [seconds * 1e3 for seconds, _ in late]
    return {"to_ixfr_ms": figures.median(ms), "to_ixfr_ms_max": max(ms),
            "incremental": all(got["kind"] == "incremental"
                               for _, got in late)}
