# SPDX-License-Identifier: BSD-2-Clause
"""Programs that a test starts, and waiting for what they do.

Each program runs in a process group of its own and is ended by that group.
When the test process dies, the kernel kills the program (PDEATHSIG); what a
program leaves behind falls to the test process, which is a subreaper.
"""
import ctypes
import os
import signal
import subprocess
import time

_libc = ctypes.CDLL(None, use_errno=True)
PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36


class Timeout(Exception):
    """Something awaited did not happen in time."""


def become_subreaper():
    """Orphans of this process' children become its own children."""
    _libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def die_with_parent(sig):
    """Have the kernel send sig to this process when its parent dies."""
    _libc.prctl(PR_SET_PDEATHSIG, sig, 0, 0, 0)


def children(pid):
    """Process ids of the children of a process, by /proc."""
    out = []
    try:
        for task in os.listdir("/proc/%d/task" % pid):
            with open("/proc/%d/task/%s/children" % (pid, task)) as f:
                out += [int(x) for x in f.read().split()]
    except OSError:
        pass
    return out


def descendants(pid):
    out, todo = [], children(pid)
    while todo:
        p = todo.pop()
        out.append(p)
        todo += children(p)
    return out


def kill_tree(pid):
    """kill -9 a child of this process and all below it."""
    for p in [pid] + descendants(pid):
        try:
            os.kill(p, signal.SIGKILL)
        except OSError:
            pass
    try:
        os.waitpid(pid, 0)
    except OSError:
        pass


def kill_descendants():
    """End every process below this one and wait for it."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        below = descendants(os.getpid())
        if not below:
            return
        for pid in below:
            try:
                os.kill(pid, signal.SIGKILL)
            except OSError:
                pass
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            pass
        time.sleep(0.01)


def wait_until(cond, timeout, what):
    """Poll cond until it is true; its value is returned.

    what says what is awaited, for the failure; it may be a function, which
    is then called at the time of failure.
    """
    deadline = time.monotonic() + timeout
    pause = 0.005
    while True:
        value = cond()
        if value:
            return value
        if time.monotonic() >= deadline:
            raise Timeout("waited %.0f s for %s" % (
                timeout, what() if callable(what) else what))
        time.sleep(pause)
        pause = min(pause * 1.5, 0.05)


def find_program(*candidates):
    """The first of these programs that is there, or None."""
    path = os.environ.get("PATH", "").split(":") + ["/usr/sbin", "/sbin"]
    for c in candidates:
        if not c:
            continue
        if "/" in c:
            if os.access(c, os.X_OK):
                return os.path.abspath(c)
            continue
        for d in path:
            p = os.path.join(d, c)
            if os.access(p, os.X_OK) and not os.path.isdir(p):
                return p
    return None


class Program:
    """A program with a log file and a process group."""

    def __init__(self, argv, log, cwd, env=None, in_child=None):
        """in_child is called in the new process before the program is."""
        def prepare():
            die_with_parent(signal.SIGKILL)
            if in_child:
                in_child()

        self.argv, self.log = argv, log
        with open(log, "ab") as f:
            self.popen = subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, stdout=f, stderr=f, cwd=cwd,
                start_new_session=True, preexec_fn=prepare,
                env=dict(os.environ, **(env or {})))
        self.pid = self.popen.pid

    def running(self):
        return self.popen.poll() is None

    def send(self, sig):
        if self.running():
            self.popen.send_signal(sig)

    def kill(self):
        """kill -9 the whole group, at once."""
        self._killpg()
        self.popen.wait()

    def stop(self, sig=signal.SIGTERM, timeout=20):
        """Ask it to end; returns its exit code.  Kills after timeout."""
        self.send(sig)
        try:
            self.popen.wait(timeout)
        except subprocess.TimeoutExpired:
            self._killpg()
            self.popen.wait()
            raise Timeout("%s did not end within %d s" % (
                os.path.basename(self.argv[0]), timeout)) from None
        finally:
            self._killpg()
        return self.popen.returncode

    def _killpg(self):
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except OSError:
            pass
