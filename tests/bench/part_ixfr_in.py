# SPDX-License-Identifier: BSD-2-Clause
"""Changes of a big zone: from NOTIFY to the new answer.

A small change alone; many of them, a hundred in a second, each with its
NOTIFY; and as many that come in one IXFR.
"""
import time

import ask
import figures
import zones
from account import Peak
from bench import NotMeasured

NAME = "ixfr-in"
WIDTH = 5                           # 5 records go, 5 come
RATE = 100                          # changes in a second
POLL_S = 0.0002


def run(bench):
    bench.each(NAME, lambda name: _server(bench, name))


def _server(bench, name):
    with bench.primary() as primary, \
            bench.booted(name, primary, [zones.FLAT]) as s:
        row = {"server": name}
        row.update(_single_changes(bench, s, primary))
        bench.check(s, primary)
        row.update(_burst(bench, s, primary))
        bench.check(s, primary)
        row.update(_many_at_once(bench, s, primary))
        bench.check(s, primary)
        # The first of the AXFRs was the one that it began with.
        row["axfrs"] = primary.counts()[0] - 1
        bench.keep(NAME, **row)


def _idle(server):
    """CPU seconds that it uses in a second when there is nothing to do."""
    before, began = server.account.cpu().total, time.monotonic()
    time.sleep(1)
    return (server.account.cpu().total - before) / (time.monotonic() - began)


def _single_changes(bench, server, primary):
    idle = _idle(server)
    latency, cpu = [], []
    for _ in range(bench.scale.single_changes):
        before, began = server.account.cpu().total, time.monotonic()
        primary.change(WIDTH)
        latency.append(bench.notify(server, zones.FLAT, primary.flat.serial,
                                    POLL_S))
        bench.settle(server)
        used = server.account.cpu().total - before
        cpu.append(used - idle * (time.monotonic() - began))
    return {"change_ms": figures.median(latency) * 1e3,
            "change_ms_min": min(latency) * 1e3,
            "change_ms_max": max(latency) * 1e3,
            "change_cpu_ms": figures.median(cpu) * 1e3}


def _publish(bench, primary, notifier):
    """The changes at their pace: (time, serial) of each."""
    published, began = [], time.monotonic()
    for n in range(bench.scale.burst):
        time.sleep(max(0, began + n / RATE - time.monotonic()))
        primary.change(WIDTH)
        published.append((time.monotonic(), primary.flat.serial))
        notifier.send(primary.flat.serial)
    return published


def _wait_last(bench, probe, notifier, serial):
    deadline = time.monotonic() + 3 * bench.scale.patience
    again = time.monotonic() + 1
    while probe.serial() != serial:
        now = time.monotonic()
        if now > deadline:
            raise NotMeasured("the last of the changes was never served")
        if now > again:             # as a primary would that hears nothing
            notifier.send(serial)
            again = now + 1
        time.sleep(0.005)


def _burst(bench, server, primary):
    before = server.account.cpu().total
    peak = Peak(server.account)
    with ask.Notifier(server.port, zones.FLAT) as notifier, \
            bench.probe(server, zones.FLAT) as probe:
        try:
            published = _publish(bench, primary, notifier)
            _wait_last(bench, probe, notifier, primary.flat.serial)
        finally:
            most = peak.end()
        seen = [s for s in probe.serials if s[0] >= published[0][0]]
    bench.settle(server)
    late = figures.lags(published, probe.serials)
    return {"burst_changes": len(published),
            "burst_lag_p50_ms": figures.percentile(late, 50) * 1e3,
            "burst_lag_p99_ms": figures.percentile(late, 99) * 1e3,
            "burst_cpu_s": server.account.cpu().total - before,
            "burst_versions_seen": len(seen),
            "burst_peak_pss_mib": most.pss}


def _many_at_once(bench, server, primary):
    before = server.account.cpu().total
    primary.change(WIDTH, bench.scale.burst)
    seconds = bench.notify(server, zones.FLAT, primary.flat.serial, POLL_S)
    bench.settle(server)
    return {"at_once_s": seconds,
            "at_once_cpu_s": server.account.cpu().total - before,
            "pss_mib": server.account.memory().pss}
