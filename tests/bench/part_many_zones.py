# SPDX-License-Identifier: BSD-2-Clause
"""Many small zones: from nothing until all are served, a tenth of them
changed and notified at once, and a restart with the primary down."""
import random
import threading
import time

import ask
import zones
from account import Activity, Peak
from bench import NoStart, NotMeasured

NAME = "many-zones"
SAMPLE = 200
PAUSE_S = 0.02
PATIENCE = 10                       # times what is waited for one zone


def run(bench):
    bench.each(NAME, lambda name: _server(bench, name))


def _wait_all(bench, server, apexes, serial, began, active=lambda: True):
    """Seconds from began until all zones answer with at least that serial.

    A sample is asked again and again, and only when all of it was there is
    everything asked: looking must not be the load.
    """
    deadline = began + PATIENCE * bench.scale.patience
    missing = list(apexes)
    with ask.udp_socket(server.port) as s:
        while True:
            some = random.sample(missing, min(SAMPLE, len(missing)))
            there = ask.served(s, some, serial)
            if len(there) == len(some):
                there = ask.served(s, missing, serial)
            now = time.monotonic()
            missing = [z for z in missing if z not in there]
            if not missing:
                return now - began
            if now > deadline or not server.running() or not active():
                raise NotMeasured("%d of %d zones are missing after %d s" % (
                    len(missing), len(apexes), now - began))
            time.sleep(PAUSE_S)


def _server(bench, name):
    apexes = [zones.small_zone(i) for i in range(bench.scale.small)]
    with bench.primary(flat=0, small=True) as primary, \
            bench.server(name, primary, apexes) as s:
        row = {"server": name, "zones": len(apexes)}
        row.update(_bootstrap(bench, s, apexes))
        row.update(_notified(bench, s, primary, apexes[::10]))
        row.update(_restarted(bench, s, primary, apexes))
        bench.keep(NAME, **row)


def _bootstrap(bench, server, apexes):
    began = server.start()
    peak = Peak(server.account)
    active = Activity(server.account, bench.scale.patience)
    try:
        seconds = _wait_all(bench, server, apexes, 1, began, active)
        bench.settle(server)
    except NotMeasured as e:
        raise NoStart(str(e)) from None
    finally:
        most = peak.end()
    _check(bench, server, 1)
    rest = server.account.memory()
    return {"seconds": seconds, "cpu_s": server.account.cpu().total,
            "peak_pss_mib": most.pss, "pss_mib": rest.pss,
            "anonymous_mib": rest.anonymous}


def _check(bench, server, serial):
    wrong = ask.wrong_small(server.port, bench.scale, serial)
    if wrong:
        raise NotMeasured("%d of 100 names have a wrong address" % wrong)


def _notified(bench, server, primary, apexes):
    before = server.account.cpu().total
    primary.change_small(0, len(apexes), 10)
    began = time.monotonic()
    notifying = threading.Thread(target=ask.notify_all, daemon=True,
                                 args=(server.port, apexes, 2))
    notifying.start()
    seconds = _wait_all(bench, server, apexes, 2, began)
    notifying.join()
    bench.settle(server)
    _check(bench, server, 2)
    return {"notified": len(apexes), "notified_seconds": seconds,
            "notified_cpu_s": server.account.cpu().total - before}


def _restarted(bench, server, primary, apexes):
    server.flush()
    primary.stop()
    server.stop()
    before = server.account.cpu().total
    seconds = _wait_all(bench, server, apexes, 1, server.start())
    bench.settle(server)
    _check(bench, server, 2)
    return {"restart_seconds": seconds,
            "restart_cpu_s": server.account.cpu().total - before}
