# SPDX-License-Identifier: BSD-2-Clause
"""CPU time and memory of a server with all its processes.

A control group counts the processes that have come and gone, too.  Without
one (it takes root) /proc is read, and a process that nobody waited for is
forgotten with the CPU time that it used.
"""
import os
import re
import threading
import time
from collections import namedtuple

from figures import split
from lib import process

MIB = 1024.0

Cpu = namedtuple("Cpu", "total user kernel")
Memory = namedtuple("Memory", "pss anonymous")
Thread = namedtuple("Thread", "cpu written")    # seconds, octets
NOTHING = Cpu(0, 0, 0)


def _read(path):
    with open(path) as f:
        return f.read()


def minus(a, b):
    """What was used between b and a; now user and kernel are all of it."""
    total = a.total - b.total
    return Cpu(total, *split(total, a.user - b.user, a.kernel - b.kernel))


class Account:
    count = 0

    def __init__(self):
        self.root = None            # the first process, when there is no group
        self.group, self.version = None, 0
        Account.count += 1
        for version, base in ((1, "/sys/fs/cgroup/cpuacct"),
                              (2, "/sys/fs/cgroup")):
            probe = "cpuacct.usage" if version == 1 else "cgroup.controllers"
            group = "%s/secondaryd-bench-%d-%d" % (base, os.getpid(),
                                                   Account.count)
            try:
                os.stat(os.path.join(base, probe))
                os.mkdir(group)
            except OSError:
                continue
            self.group, self.version = group, version
            return

    def enter(self):
        """In the new process, before it becomes the server."""
        if self.group:
            with open(self.group + "/cgroup.procs", "w") as f:
                f.write("0")

    def pids(self):
        if self.group:
            return [int(p) for p in _read(self.group +
                                          "/cgroup.procs").split()]
        if self.root is None:
            return []
        return [self.root] + process.descendants(self.root)

    def cpu(self):
        """Seconds since the beginning.  The total is exact; user and kernel
        are what the clock's ticks saw, and may be more or less."""
        if self.version == 1:
            return Cpu(*(int(_read("%s/cpuacct.%s" % (self.group, k))) / 1e9
                         for k in ("usage", "usage_user", "usage_sys")))
        if self.version == 2:
            stat = dict(line.split() for line in _read(
                self.group + "/cpu.stat").splitlines())
            return Cpu(*(int(stat[k]) / 1e6 for k in (
                "usage_usec", "user_usec", "system_usec")))
        return self._cpu_of_processes()

    def _cpu_of_processes(self):
        user = kernel = 0
        for pid in self.pids():
            try:
                words = _read("/proc/%d/stat" % pid).rsplit(")", 1)[1].split()
            except OSError:
                continue
            user += int(words[11]) + int(words[13])
            kernel += int(words[12]) + int(words[14])
        tick = os.sysconf("SC_CLK_TCK")
        return Cpu((user + kernel) / tick, user / tick, kernel / tick)

    def thread(self, name):
        """What the thread of that name did; exact."""
        for pid in self.pids():
            for task in os.listdir("/proc/%d/task" % pid):
                at = "/proc/%d/task/%s/" % (pid, task)
                if _read(at + "comm").strip() == name:
                    written = re.search(r"wchar: (\d+)", _read(at + "io"))
                    return Thread(int(_read(at + "schedstat").split()[0])
                                  / 1e9, int(written.group(1)))
        raise LookupError("no thread " + name)

    def memory(self):
        """MiB; what processes share is counted once (PSS)."""
        pss = anonymous = 0
        for pid in self.pids():
            try:
                lines = _read("/proc/%d/smaps_rollup" % pid).splitlines()
            except OSError:
                continue
            for line in lines:
                words = line.split()
                if words[0] == "Pss:":
                    pss += int(words[1])
                elif words[0] == "Pss_Anon:":
                    anonymous += int(words[1])
        return Memory(pss / MIB, anonymous / MIB)

    def settle(self, calm, limit=15.0):
        """Wait until it used next to no CPU for `calm` tenths of a second."""
        deadline = time.monotonic() + limit
        last, quiet = self.cpu().total, 0
        while quiet < calm and time.monotonic() < deadline:
            time.sleep(0.1)
            used = self.cpu().total
            quiet = quiet + 1 if used - last < 0.002 else 0
            last = used

    def close(self):
        """When its processes have ended."""
        for _ in range(50):
            if not self.group:
                return
            try:
                os.rmdir(self.group)
                self.group = None
            except OSError:
                time.sleep(0.05)


class Activity:
    """Called again and again, says whether a server still does more than
    answer who asks: whether it used 2 % of a CPU within so many seconds."""

    def __init__(self, account, seconds):
        self.account, self.seconds = account, seconds
        self.used, self.since = -1.0, time.monotonic()
        self.looked = 0

    def __call__(self):
        now = time.monotonic()
        if now - self.looked > 0.5:
            self.looked = now
            used = self.account.cpu().total
            if used - self.used > 0.02 * self.seconds:
                self.used, self.since = used, now
        return now - self.since < self.seconds


class Peak(threading.Thread):
    """Watches memory until it is asked for the largest it saw."""

    def __init__(self, account):
        super().__init__(daemon=True)
        self.account, self.most = account, Memory(0, 0)
        self.ended = threading.Event()
        self.start()

    def run(self):
        pause = 0
        while not self.ended.wait(pause):
            began = time.monotonic()
            now = self.account.memory()
            self.most = Memory(*map(max, self.most, now))
            # Looking must not become a load of its own.
            pause = max(0.05, 5 * (time.monotonic() - began))

    def end(self):
        self.ended.set()
        self.join()
        return self.most
