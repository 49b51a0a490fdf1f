# SPDX-License-Identifier: BSD-2-Clause
"""What is damaged on the disk costs a transfer, never a wrong answer."""
import os
import subprocess

from lib import dnsq, servers, zones
from lib.case import test
from test_follow import pair, wait_stored

WHERE = {"header": 0.0, "first node": 0.01, "middle": 0.5, "end": 0.999}


def large(case):
    """A zone whose image is a file, stored, and secondaryd stopped."""
    zone = zones.flat(count=4000)
    prim, sut = pair(case, "knot", zone)
    wait_stored(case, sut, zone.apex)
    assert sut.stop() == 0
    images = os.listdir(sut.p("state", "images"))
    assert len(images) == 1, images
    return prim, sut, zone, sut.p("state", "images", images[0])


@test(needs=("knot", "secondaryd"), where=WHERE)
def a_damaged_image_costs_one_transfer(case, where):
    prim, sut, zone, path = large(case)
    size = os.path.getsize(path)
    with open(path, "r+b") as f:
        f.seek(min(int(size * WHERE[where]), size - 1))
        octet = f.read(1)
        f.seek(-1, os.SEEK_CUR)
        f.write(bytes([octet[0] ^ 0x10]))
    mark = len(sut.log_text())
    sut.start()
    sut.wait_log("damaged", after=mark)
    sut.wait_serial(zone.apex, zone.serial)
    assert sut.transfers(zone.apex, zone.serial, mark)[0][0] == "AXFR"
    dnsq.assert_same_zone(prim.at(), sut.at(), zone.apex)


@test(needs=("knot", "secondaryd"))
def a_lost_image_costs_one_transfer(case):
    prim, sut, zone, path = large(case)
    os.unlink(path)
    mark = len(sut.log_text())
    sut.start()
    sut.wait_serial(zone.apex, zone.serial)
    assert sut.transfers(zone.apex, zone.serial, mark)[0][0] == "AXFR"
    dnsq.assert_same_zone(prim.at(), sut.at(), zone.apex)


@test(needs=("knot", "secondaryd"))
def a_storage_of_something_else_is_refused(case):
    sut = case.server("secondaryd")
    sut.follow("example.", [servers.Peer("127.0.0.1", 1, None)])
    os.makedirs(sut.p("state"), mode=0o700)
    with open(sut.p("state", "store.mdb"), "wb") as f:
        f.write(b"not a database" * 1000)
    sut.launch()
    case.wait_until(lambda: not sut.program.running(), 10, "the refusal")
    assert sut.program.popen.returncode == 1
    assert "store.mdb" in sut.log_text()


@test(needs=("knot", "prlimit", "secondaryd"))
def a_full_disk_keeps_the_zone_served_and_heals_by_itself(case):
    zone = zones.flat(count=300)
    prim = case.server("knot", name="primary")
    sut = case.server("secondaryd")
    prim.serve(zone, allow=[servers.allow()], notify=[sut.peer()])
    sut.follow(zone.apex, [prim.peer()], allow=[servers.allow()])
    prim.start()
    # No file may grow beyond this, as if the disk were full.
    sut.launch(wrapper=["prlimit", "--fsize=40960:unlimited"])
    sut.wait_serial(zone.apex, zone.serial)
    case.wait_until(lambda: "served but not stored" in
                    sut.status_of(zone.apex), 10, "the alarm")
    assert "ALARM" in sut.status_of(zone.apex)
    subprocess.run(["prlimit", "--pid", str(sut.program.popen.pid),
                    "--fsize=unlimited"], check=True)
    case.wait_until(lambda: "ALARM" not in sut.status_of(zone.apex), 20,
                    "the zone to be stored")
    prim.stop()
    sut.kill()
    sut.start()
    assert sut.serial(zone.apex) == zone.serial
