# SPDX-License-Identifier: BSD-2-Clause
"""The first transfer of a big zone: time, CPU, memory, in the order in which
primaries send zones and in none."""
import time

import figures
import zones
from account import NOTHING, Peak, minus

NAME = "axfr-in"


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
        if bench.scale.name == "full":
            time.sleep(3)           # for what is given back later
        rest = s.account.memory()
        bench.check(s, primary)
        return {"seconds": seconds, "cpu_s": used.total,
                "cpu_s_until_answer": at_answer.total,
                "user_s": used.user, "kernel_s": used.kernel,
                "peak_pss_mib": most.pss, "peak_anonymous_mib": most.anonymous,
                "pss_mib": rest.pss, "anonymous_mib": rest.anonymous,
                "disk_mib": s.disk()}
