# SPDX-License-Identifier: BSD-2-Clause
"""secondaryd with ixfr-journal beside ixfrdist, which has the same purpose:
IXFR out of a history, behind a primary that has none, or not enough.

Both follow the same primary. ixfrdist cannot be told of a change: it asks as
often as the zone's SOA says, here once a second, which is the most that it
can do; changes come at any moment of that second. It takes the whole zone
each time and writes all of it down. secondaryd hears NOTIFY and takes IXFR.
"""
import random
import time

import figures
import zones
from servers import KEPT, OURS, Ixfrdist

NAME = "ixfrdist"
NEEDS = Ixfrdist.programs
WIDTH = 5                           # 5 records go, 5 come
REFRESH_S = 1


def run(bench):
    bench.each(NAME, lambda name: _server(bench, name),
               [*(n for n in bench.names if n == OURS), Ixfrdist.name])


def _server(bench, name):
    rnd = random.Random(zones.SEED)
    count = bench.scale.distributed
    with bench.primary(bench.scale.history_names) as primary:
        primary.refresh(REFRESH_S)
        with bench.booted(name, primary, [zones.FLAT],
                          history=KEPT) as s:
            row, disk = {"server": name, "versions": 2 * count}, s.disk()
            row.update(_latency(bench, s, primary, count, rnd))
            bench.settle(s)
            row["cpu_ms"] = _cpu_ms(bench, s, primary, count, rnd)
            row["kib_a_version"] = (s.disk() - disk) * 2 ** 10 / (2 * count)
            row["disk_mib"], row["pss_mib"] = s.disk(), s.account.memory().pss
            bench.keep(NAME, **row)


def _latency(bench, server, primary, count, rnd):
    """From a change, of which NOTIFY tells at once, to IXFR with it."""
    late = []
    for _ in range(count):
        time.sleep(rnd.random() * REFRESH_S)
        late.append(bench.change_to_ixfr(server, primary, WIDTH))
    ms = [seconds * 1e3 for seconds, _ in late]
    return {"to_ixfr_ms": figures.median(ms), "to_ixfr_ms_min": min(ms),
            "to_ixfr_ms_max": max(ms),
            "incremental": all(got["kind"] == "incremental"
                               for _, got in late)}


def _cpu_ms(bench, server, primary, count, rnd):
    """For one version, while nobody asks for it by IXFR."""
    before = server.account.cpu().total
    for _ in range(count):
        time.sleep(rnd.random() * REFRESH_S)
        primary.change(WIDTH)
        bench.notify(server, zones.FLAT, primary.flat.serial)
    bench.settle(server)
    return (server.account.cpu().total - before) / count * 1e3
