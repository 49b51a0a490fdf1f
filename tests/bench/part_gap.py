# SPDX-License-Identifier: BSD-2-Clause
"""The longest wait for an answer while a big zone changes.

A probe asks a thousand times a second: with nothing going on, while the whole
zone comes anew and is published, and while wide changes come until a server
that collects changes has to write them down (secondaryd: compaction).
"""
import time

import zones

NAME = "gap"
# That many wide changes are more than a tenth of the zone.
WIDE_CHANGES = 6
LOST_AFTER_S = 1.1                  # a query that was not answered


def run(bench):
    names = zones.write_queries(bench.dir, "flat", bench.scale)
    bench.each(NAME, lambda name: _server(bench, name, names))


def _server(bench, name, names):
    with bench.primary() as primary, \
            bench.booted(name, primary, [zones.FLAT]) as s, \
            bench.probe(s, zones.FLAT, names) as probe:
        row, windows = {"server": name}, []
        for what, happens in (("idle", _nothing), ("new_zone", _new_zone),
                              ("wide_changes", _wide_changes)):
            since, images = time.monotonic(), s.images()
            happens(bench, s, primary)
            time.sleep(bench.scale.afterwards)
            windows.append((what, since, time.monotonic()))
            if images:
                row[what + "_image_written"] = s.images() != images
        time.sleep(LOST_AFTER_S)
        for what, since, until in windows:
            row[what + "_s"] = until - since
            row[what + "_gap_ms"] = probe.longest(since, until)
            row[what + "_lost"] = probe.lost_in(since, until)
        bench.check(s, primary)
        bench.keep(NAME, **row)


def _nothing(_bench, _server, _primary):
    pass


def _new_zone(bench, server, primary):
    primary.change(bench.scale.wide_change)
    primary.forget()
    bench.notify(server, zones.FLAT, primary.flat.serial)


def _wide_changes(bench, server, primary):
    for _ in range(WIDE_CHANGES):
        primary.change(bench.scale.wide_change)
        bench.notify(server, zones.FLAT, primary.flat.serial)
