# SPDX-License-Identifier: BSD-2-Clause
"""Arithmetic: nothing here starts, asks or waits for anything."""
import math
import statistics


def median(values):
    values = [v for v in values if v is not None]
    return statistics.median(values) if values else None


def percentile(values, percent):
    """The smallest value that so many percent do not exceed."""
    values = sorted(values)
    if not values:
        return None
    return values[max(0, math.ceil(len(values) * percent / 100) - 1)]


def lags(published, seen):
    """For each version, how long until it, or a later one, was seen.

    published and seen are lists of (time, serial), in order of time; the
    serials only grow.  A version that was never seen has no lag.
    """
    out, k = [], 0
    for t, serial in published:
        while k < len(seen) and seen[k][1] < serial:
            k += 1
        if k < len(seen):
            out.append(max(0.0, seen[k][0] - t))
    return out


def split(total, user_ticks, kernel_ticks):
    """Divide CPU time as the ticks of the clock saw it: (user, kernel)."""
    ticks = user_ticks + kernel_ticks
    if ticks == 0:
        return 0.0, 0.0
    return total * user_ticks / ticks, total * kernel_ticks / ticks


def summary(rows):
    """One row of several repetitions: numbers become their medians.

    What is not a number is taken from the first; what was true must have
    been so each time.
    """
    out = {}
    for key, first in rows[0].items():
        values = [r.get(key) for r in rows]
        if isinstance(first, bool):
            out[key] = all(values)
        elif isinstance(first, (int, float)):
            out[key] = median(values)
        else:
            out[key] = first
    return out


def best_of(figures, peers):
    """(name, figure) of the peer with the smallest figure, or None."""
    known = [(figures[p], p) for p in peers if figures.get(p) is not None]
    if not known:
        return None
    figure, name = min(known)
    return name, figure


def ratio(ours, best):
    if ours is None or not best:
        return None
    return ours / best
