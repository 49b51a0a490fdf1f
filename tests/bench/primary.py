# SPDX-License-Identifier: BSD-2-Clause
"""The primary of all (primary/main.c), and what its zones hold."""
import os
import subprocess

from ask import HOST
from lib import process
from zones import FlatZone


class Primary:
    def __init__(self, tools, port, key_file, log, flat=0, delegations=0,
                 small=0):
        self.port, self.flat = port, FlatZone(flat)
        with open(log, "ab") as f:
            self.popen = subprocess.Popen(
                [os.path.join(tools, "primary"), str(port), key_file,
                 str(flat), str(delegations), str(small)],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=f,
                text=True, start_new_session=True,
                preexec_fn=lambda: process.die_with_parent(9))
        if self._line() != "ready":
            raise RuntimeError("the primary did not start")

    def _line(self):
        return self.popen.stdout.readline().strip()

    def _command(self, text):
        self.popen.stdin.write(text + "\n")
        self.popen.stdin.flush()
        return self._line()

    def _do(self, text):
        answer = self._command(text)
        if answer != "ok":
            raise RuntimeError("the primary said %r to %r" % (answer, text))

    @property
    def address(self):
        return HOST, self.port

    def change(self, width, count=1):
        """flat.test. changes `count` times, `width` names each time."""
        self._do("change %d %d" % (width, count))
        for _ in range(count):
            self.flat.change(width)

    def forget(self):
        """No IXFR from what was before."""
        self._do("forget")

    def shuffle(self):
        self._do("shuffle")

    def change_small(self, first, count, step):
        self._do("small %d %d %d" % (first, count, step))

    def refresh(self, seconds):
        """How often secondaries have to ask; before any of them does."""
        self._do("refresh %d" % seconds)

    def counts(self):
        """AXFRs and IXFRs of flat.test. that were sent."""
        return [int(x) for x in self._command("count").split()]

    def stop(self):
        """It goes down; no address is left to ask."""
        if self.popen.poll() is None:
            self.popen.kill()
        self.popen.wait()
        self.popen.stdin.close()
        self.popen.stdout.close()
