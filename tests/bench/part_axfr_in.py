# SPDX-License-Identifier: BSD-2-Clause
"""The first transfer of a big zone: time, CPU, memory, in the order in which
primaries send zones and in none.

Memory is settled after the zone was queried all over, so that a zone in a
mapped file counts as one on the heap does.
"""
import subprocess
import time

import ask
import figures
import zones
from account import NOTHING, Peak, minus

NAME = "axfr-in"
NEEDS = ("dnsperf",)
QUERIED_S = 3


def run(bench):
    for shuffled in (False, True):
        times = 1 if shuffled else bench.scale.repetitions
        rows = {}

        def measure(name):
            with bench.primary() as primary:
                if shuffled:
                    primary.shuffle()
                row = _once(bench, name, primary)
            rows.setdefault(name, []).append(row)

        for _ in range(times):
            bench.each(NAME + (" shuffled" if shuffled else ""), measure)
        for name, several in rows.items():
            bench.keep(NAME, server=name,
                       order="shuffled" if shuffled else "canonical",
                       repetitions=len(several), **figures.summary(several))


def _once(bench, name, primary):
    with bench.server(name, primary, [zones.FLAT]) as s:
        began = s.start()
        peak = Peak(s.account)
        try:
            seconds = bench.first_answer(s, [zones.FLAT], began)
            at_answer = s.account.cpu()
            bench.settle(s)
        finally:
            most = peak.end()
        used = minus(s.account.cpu(), NOTHING)
        bench.check(s, primary)
        _query_all_over(bench, s)
        time.sleep(bench.scale.afterwards)  # for what is given back later
        rest = s.account.memory()
        return {"seconds": seconds, "cpu_s": used.total,
                "cpu_s_until_answer": at_answer.total,
                "user_s": used.user, "kernel_s": used.kernel,
                "peak_pss_mib": most.pss, "peak_anonymous_mib": most.anonymous,
                "pss_mib": rest.pss, "anonymous_mib": rest.anonymous,
                "disk_mib": s.disk()}


def _query_all_over(bench, server):
    path = zones.write_queries(bench.dir, "flat", bench.scale)
    subprocess.run(["dnsperf", "-s", ask.HOST, "-p", str(server.port),
                    "-d", path, "-n", "1", "-l", str(QUERIED_S)],
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
