# SPDX-License-Identifier: BSD-2-Clause
"""A big zone sent on by AXFR, signed with TSIG."""
import figures
import zones
from account import minus
from bench import NotMeasured

NAME = "axfr-out"


def run(bench):
    bench.each(NAME, lambda name: _server(bench, name))


def _server(bench, name):
    with bench.primary() as primary, \
            bench.booted(name, primary, [zones.FLAT]) as s:
        bench.check(s, primary)
        expected = bench.pull(primary.port, zones.FLAT)["records"]
        rows = []
        for _ in range(bench.scale.repetitions):
            rows.append(_once(bench, s, expected))
            bench.settle(s)
        bench.keep(NAME, server=name, **figures.summary(rows))


def _once(bench, server, expected):
    before = server.account.cpu()
    got = bench.pull(server.port, zones.FLAT)
    used = minus(server.account.cpu(), before)
    if got["kind"] != "whole" or got["records"] != expected:
        raise NotMeasured("the zone did not come whole: %d of %d records" % (
            got["records"], expected))
    return {"seconds": got["seconds"], "cpu_s": used.total,
            "user_s": used.user, "kernel_s": used.kernel,
            "mib": got["octets"] / 2 ** 20, "messages": got["messages"],
            "each_signed": got["signed"] == got["messages"]}
