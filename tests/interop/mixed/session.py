"""Curator's, kazoo's and our recipes on the same paths of one server."""

import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from kazoo.client import KazooClient
from kazoo.exceptions import NoNodeError

import counting
import discovery
import excluding
import gathering
import queueing
import suite
from peers import Crew
from suite import PATIENCE

ADDRESS, NAME, CLASSPATH, OURS = sys.argv[1:5]
JAVA = ["java", "-Dorg.slf4j.simpleLogger.defaultLogLevel=off", "-XX:TieredStopAtLevel=1"]
JAVA += ["-XX:+UseSerialGC", "-Xshare:auto", "-cp", CLASSPATH, "Worker"]


class World:
    """What every test gets: the workers, and a client to look at the znodes with."""

    def __init__(self):
        self.name = NAME
        self.address = ADDRESS
        self.crew = Crew(ADDRESS, {
            "curator": JAVA,
            "kazoo": [sys.executable, str(HERE / "kazoo_worker.py")],
            "ours": [OURS],
        })
        self.admin = KazooClient(hosts=ADDRESS, timeout=60)
        self.admin.start(timeout=PATIENCE)

    def wait_until_children(self, path, count):
        """Waits until a node has that many children."""
        def children():
            try:
                return len(self.admin.get_children(path)) == count
            except NoNodeError:
                return count == 0
        suite.wait_until(f"{count} children of {path}", children)

    def items_of(self, path, queue):
        """Where the items of a queue are, and their names in order."""
        directory = f"{path}/entries" if queue == "locking" else path
        try:
            names = self.admin.get_children(directory)
        except NoNodeError:
            return directory, []
        starts = ("queue-", "entry-", "qn-")
        return directory, sorted(name for name in names if name.startswith(starts))

    def left_in(self, path, queue):
        return self.items_of(path, queue)[1]

    def nodes(self, path, queue):
        """Names and data of all items, in the order in which they were put."""
        directory, names = self.items_of(path, queue)
        names.sort(key=lambda name: name[-10:])
        return [(name, self.admin.get(f"{directory}/{name}")[0]) for name in names]

    def forget_sequential(self, base, name):
        """Removes what Curator leaves: it looks for its sequential nodes under the wrong name."""
        directory = f"{base}/{name}"
        for child in self.admin.get_children(directory):
            assert child.startswith("sequential"), child
            self.admin.delete(f"{directory}/{child}")


if __name__ == "__main__":
    only = sys.argv[5:]
    modules = [excluding, gathering, queueing, counting, discovery]
    tests = [test for module in modules for test in module.TESTS]
    tests = [test for test in tests if not only or test.__name__ in only]
    world = World()
    try:
        suite.run(NAME, tests, world)
    finally:
        world.crew.stop()
        world.admin.stop()
