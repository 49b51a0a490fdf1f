# SPDX-License-Identifier: BSD-2-Clause
"""Ports that are free on TCP and UDP, on every loopback address.

A port stays reserved for the run that chose it, by a file named after it, so
that tests side by side do not choose the same.  The range ends where the
kernel's own choice begins: a server that is started again finds its port
still free, because no outgoing connection can have taken it meanwhile.
"""
import os
import random
import socket


def _range():
    try:
        with open("/proc/sys/net/ipv4/ip_local_port_range") as f:
            low = int(f.read().split()[0])
    except OSError:
        low = 32768
    return (10240, low) if low > 12000 else (low, 65535)


def _free(port):
    for family, address in ((socket.AF_INET, "0.0.0.0"),
                            (socket.AF_INET6, "::")):
        for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
            try:
                s = socket.socket(family, kind)
            except OSError:
                continue
            with s:
                if family == socket.AF_INET6:
                    s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                if kind == socket.SOCK_STREAM:
                    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    s.bind((address, port))
                except OSError:
                    return False
    return True


def reserve(directory):
    """A port number, free now and reserved in directory."""
    low, high = _range()
    rnd = random.SystemRandom()
    for _ in range(1000):
        port = rnd.randrange(low, high)
        try:
            fd = os.open(os.path.join(directory, str(port)),
                         os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            continue
        os.close(fd)
        if _free(port):
            return port
    raise RuntimeError("no free port found")
