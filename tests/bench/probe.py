# SPDX-License-Identifier: BSD-2-Clause
"""The probe (probe.c): a thousand questions a second, and what they found."""
import os
import subprocess
import threading

from lib import process


class Probe:
    """Asks until it is ended.

    serials: (time, serial) of each change that was seen; waits: (time, ms) of
    each answer that took over a millisecond; lost: times of queries without
    one.  Times are of time.monotonic().
    """

    def __init__(self, tools, port, zone, names=None):
        self.serials, self.waits, self.lost = [], [], []
        self.queries = self.answers = 0
        argv = [os.path.join(tools, "probe"), str(port), zone]
        self.popen = subprocess.Popen(
            argv + ([names] if names else []), stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True, start_new_session=True,
            preexec_fn=lambda: process.die_with_parent(9))
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for line in self.popen.stdout:
            kind, *values = line.split()
            if kind == "serial":
                self.serials.append((float(values[0]), int(values[1])))
            elif kind == "wait":
                self.waits.append((float(values[0]), float(values[1])))
            elif kind == "lost":
                self.lost.append(float(values[0]))
            else:
                self.queries, self.answers = map(int, values)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()

    def serial(self):
        return self.serials[-1][1] if self.serials else None

    def end(self):
        if self.popen.poll() is None:
            self.popen.stdin.close()
        self.popen.wait()
        self.reader.join()
        self.popen.stdout.close()

    def longest(self, since, until):
        """ms of the longest wait for an answer in that time; 1 or less is
        not told apart."""
        return max((ms for t, ms in self.waits if since <= t < until),
                   default=1.0)

    def lost_in(self, since, until):
        return sum(since <= t < until for t in self.lost)
