"""A follower that is cut from its leader goes on answering its clients: what a holder there is worth."""

import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parent / "mixed")]

from kazoo.client import KazooClient

import suite
from ensemble import Ensemble
from peers import Crew
from suite import PATIENCE

WORK, CLASSPATH, OURS = sys.argv[1:4]
SESSION_MS = 10_000  # of the holder that is cut off: no stall of a busy machine ends it before


class World:
    def __init__(self, ensemble):
        self.ensemble = ensemble
        self.crew = Crew(self.ensemble.address(3), {"ours": [OURS]})
        self.admin = KazooClient(hosts=self.ensemble.address(2), timeout=60)
        self.admin.start(timeout=PATIENCE)

    def stop(self):
        self.crew.stop()
        self.admin.stop()


class Resource:
    """Outside of ZooKeeper: takes writes by token, and none older than it has seen."""

    def __init__(self):
        self.seen = 0

    def write(self, token):
        if token < self.seen:
            return False
        self.seen = token
        return True


def a_holder_at_a_follower_that_is_cut_off_proves_nothing_and_writes_nothing(world):
    ensemble, target, resource = world.ensemble, "/fenced", Resource()
    world.admin.create(target, b"nobody")
    stale = world.crew.hire("ours", ensemble.address(1), SESSION_MS).ready()
    first = stale.start("prove", path="/lock", target=target, name="stale")
    held = first.wait_said("held")
    first.go(held)
    proved = first.wait_said("proved")
    assert proved["error"] is None, proved
    assert resource.write(held["token"])
    wrote = world.admin.get(target)[0]
    assert wrote == b"stale", wrote

    ensemble.cut()
    # The leader hears no more of the session than the follower tells it: nothing.
    next_ = world.crew.hire("ours", ensemble.address(3)).ready()
    second = next_.start("prove", path="/lock", target=target, name="next")
    taken = second.wait_said("held")
    assert taken["token"] > held["token"], (taken, held)
    second.go(taken)
    written = second.wait_said("proved")
    assert written["error"] is None, written
    assert resource.write(taken["token"])

    # What the other one believes is its own affair; it can prove nothing.
    first.go(proved)
    refused = first.wait_nth("proved", 2)
    assert refused["error"], refused
    assert not resource.write(held["token"]), "the fence let an old token pass"
    assert world.admin.get(target)[0] == b"next"
    print(f"the cut-off holder, asked after the next one had the lock: held before the proof "
          f"{refused['believed']}, after {refused['held']}: {refused['error']}", flush=True)

    ensemble.heal()
    # What was on its way is not carried out late.
    first.go(refused)
    later = first.wait_nth("proved", 3)
    assert later["error"] and not later["held"], later
    assert world.admin.get(target)[0] == b"next"
    first.go(later, "stop")
    first.result()
    second.go(written, "stop")
    second.result()
    behind = KazooClient(hosts=ensemble.address(1), timeout=60)
    behind.start(timeout=PATIENCE)
    behind.retry(behind.sync, target)
    assert behind.retry(behind.get, target)[0] == b"next"
    behind.stop()
    for worker in (stale, next_):
        worker.stop()


if __name__ == "__main__":
    ensemble = Ensemble(WORK, CLASSPATH)
    try:
        world = World(ensemble)
        tests = [a_holder_at_a_follower_that_is_cut_off_proves_nothing_and_writes_nothing]
        try:
            suite.run("ensemble-of-apache", tests, world)
        finally:
            world.stop()
    finally:
        ensemble.stop()
