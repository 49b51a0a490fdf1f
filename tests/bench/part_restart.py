# SPDX-License-Identifier: BSD-2-Clause
"""From start to the first right answer with the primary down: after a clean
stop, and after kill -9 soon after a change arrived."""
import time

import ask
import figures
import zones
from account import Peak, minus

NAME = "restart"
WIDTH, CHANGES = 5, 10
KILLED_PATIENCE_S = 20
SETTLE_S = 3                        # some ask for the primary all the time


def run(bench):
    bench.each(NAME, lambda name: _server(bench, name))


def _server(bench, name):
    row = {"server": name}
    row.update(_clean(bench, name))
    row.update(_killed(bench, name))
    bench.keep(NAME, **row)


def _change(bench, server, primary):
    primary.change(WIDTH, CHANGES)
    bench.notify(server, zones.FLAT, primary.flat.serial)


def _clean(bench, name):
    with bench.primary() as primary, \
            bench.booted(name, primary, [zones.FLAT]) as s:
        _change(bench, s, primary)
        bench.settle(s)
        s.flush()
        primary.stop()
        stop_s = s.stop()
        rows = []
        for _ in range(bench.scale.repetitions):
            rows.append(_start(bench, s, primary))
            s.stop()
        return dict(figures.summary(rows), stop_s=stop_s)


def _start(bench, server, primary):
    before = server.account.cpu()
    began = server.start()
    peak = Peak(server.account)
    try:
        seconds = bench.wait(server, zones.FLAT, primary.flat.serial, began)
        bench.settle(server, SETTLE_S)
    finally:
        most = peak.end()
    used = minus(server.account.cpu(), before)
    bench.check(server, primary)
    rest = server.account.memory()
    return {"seconds": seconds, "cpu_s": used.total,
            "peak_pss_mib": most.pss, "pss_mib": rest.pss}


def _killed(bench, name):
    with bench.primary() as primary, \
            bench.booted(name, primary, [zones.FLAT]) as s:
        _change(bench, s, primary)
        time.sleep(bench.scale.change_to_kill)
        primary.stop()
        s.kill()
        began = s.start()
        seen = ask.wait_serial(s.port, zones.FLAT, primary.flat.serial,
                               min(KILLED_PATIENCE_S, bench.scale.patience),
                               s.running)
        if seen is None:
            return {"killed_serial_kept": False, "killed_seconds": None}
        bench.check(s, primary)
        return {"killed_serial_kept": True, "killed_seconds": seen - began}
