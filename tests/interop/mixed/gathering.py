"""Barriers and groups: everybody waits for everybody, everybody knows of everybody."""

from peers import order
from suite import wait_until

KINDS = ("curator", "kazoo", "ours")


def a_barrier_holds_everybody(world):
    """Set by one kind, removed by another: all kinds wait in between."""
    workers = world.crew.one_of_each(*KINDS)
    for round_, setter in enumerate(workers):
        path = f"/mixed/barrier-{setter.kind}"
        setter.call("barrier_set", path=path)
        waiting = [worker.start("barrier_wait", path=path) for worker in workers]
        for task in waiting:
            task.go(task.wait_said("waiting"))
        # A request of each, behind whatever it asked to wait.
        for worker in workers:
            assert not worker.call("value", path="/mixed/none", counter="shared")
        with order:
            assert not any(task.ended for task in waiting), "somebody did not wait"
        workers[(round_ + 1) % len(workers)].call("barrier_remove", path=path)
        for task in waiting:
            task.result()


class Meeting:
    """The members of one double barrier. Nobody may be inside before all have come, nor outside
    before all are leaving."""

    def __init__(self, path, workers, liar=None):
        self.count = len(workers) + (1 if liar else 0)
        self.said = {"coming": 0, "inside": 0, "leaving": 0, "outside": 0}
        self.early = []
        self.waiting = []
        self.path = path
        self.tasks = []
        if liar:
            self.start(liar, 1)
            self.tasks[0].wait_said("inside")
        for worker in workers:
            self.start(worker, self.count)

    def start(self, worker, members):
        with order:
            task = worker.start("double_barrier", self.on_say, path=self.path, members=members)
            self.tasks.append(task)

    def on_say(self, task, said):
        what = said["say"]
        self.said[what] += 1
        before = {"inside": "coming", "outside": "leaving"}.get(what)
        if before and self.said[before] < self.count:
            self.early.append(f"{task.worker} was {what} with {self.said[before]} {before}")
        if what == "inside":
            # All are let on together: Curator's double barrier hangs when a fast member leaves
            # before a slow one has looked (n >= 3).
            self.waiting.append((task, said))
            if len(self.waiting) == self.count:
                for other, word in self.waiting:
                    other.go(word)
        else:
            task.go(said)

    def finish(self):
        for task in self.tasks:
            task.result()
        return self.early


def double_barriers_open_and_close_together(world):
    curator, ours = world.crew.get("curator", 2), world.crew.get("ours", 2)
    meetings = early = 0
    for count in range(1, 6):
        for turn in range(4):
            crew = [curator[0], ours[0], curator[1], ours[1], ours[0]]
            workers = (crew[turn:] + crew[:turn])[:count]
            meeting = Meeting(f"/mixed/double-{count}-{turn}", workers)
            early += len(meeting.finish())
            meetings += 1
    print(f"{world.name} double barriers: {meetings} rounds of 1 to 5, {early} early", flush=True)
    assert not early


def the_double_barrier_is_used_again(world):
    """The same path, round after round."""
    curator, ours = world.crew.one_of_each("curator", "ours")
    for _ in range(20):
        early = Meeting("/mixed/double-again", [curator, ours, ours]).finish()
        assert not early, early


def an_early_member_is_seen(world):
    """Without this, nobody early would mean nothing: one member believes that it is the only one."""
    for kind in ("curator", "ours"):
        (liar,), (ours,) = world.crew.get(kind), world.crew.get("ours")
        meeting = Meeting(f"/mixed/double-planted-{kind}", [ours, ours], liar)
        assert meeting.finish(), f"an early {kind} went unseen"


def groups_see_the_same(world):
    curator, ours = world.crew.one_of_each("curator", "ours")
    path = "/mixed/group"
    everybody = {"c": "curator's", "o": "ours", "c2": "", "o2": "\u00fc"}
    members = [
        worker.start("join", group="curator", path=path, name=name, payload=everybody[name])
        for worker, name in ((curator, "c"), (ours, "o"), (curator, "c2"), (ours, "o2"))
    ]
    joined = [task.wait_said("joined") for task in members]

    def seen_by_all():
        views = [ours.call("members", group="curator", path=path)]
        views += [curator.call("members", name=name) for name in ("c", "c2") if name in everybody]
        return views

    wait_until("four members in every view", lambda: all(v == everybody for v in seen_by_all()))
    for name, task, said in (("o", members[1], joined[1]), ("c2", members[2], joined[2])):
        task.go(said)
        task.result()
        del everybody[name]
        wait_until(f"{name} gone from every view", lambda: all(v == everybody for v in seen_by_all()))
    for task, said in ((members[0], joined[0]), (members[3], joined[3])):
        task.go(said)
        task.result()


def a_member_that_is_killed_leaves_the_group(world):
    curator, ours = world.crew.one_of_each("curator", "ours")
    path = "/mixed/group-killed"
    stays = curator.start("join", path=path, name="stays", payload="")
    said = stays.wait_said("joined")
    for kind in ("curator", "ours"):
        victim = world.crew.hire(kind).ready()
        victim.start("join", group="curator", path=path, name=kind, payload="").wait_said("joined")

        def views():
            return (sorted(curator.call("members", name="stays")),
                    sorted(ours.call("members", group="curator", path=path)))

        wait_until("both see it come", lambda: views() == (sorted(["stays", kind]),) * 2)
        victim.kill()
        victim.end_session()
        wait_until("both see it go", lambda: views() == (["stays"],) * 2)
    stays.go(said)
    stays.result()


def parties_see_the_same(world):
    """kazoo's two kinds of group. The same id may be there twice."""
    kazoo, ours = world.crew.one_of_each("kazoo", "ours")
    for group in ("party", "shallow"):
        path = f"/mixed/{group}"
        names = ["a", "b", "b", "with-dash"]
        tasks = []
        for number, name in enumerate(names):
            worker = (kazoo, ours)[number % 2]
            tasks.append(worker.start("join", group=group, path=path, name=name, payload=""))
        said = [task.wait_said("joined") for task in tasks]
        for left in range(len(names)):
            expected = sorted(names[left:])
            # kazoo's list of members is a read each, and may meet one that is leaving.
            wait_until(f"both see {expected}", lambda: all(
                sorted(worker.call("members", group=group, path=path, name="")) == expected
                for worker in (kazoo, ours)))
            tasks[left].go(said[left])
            tasks[left].result()


class Partition:
    """Members that share out items. No item may be two members' at the same time."""

    def __init__(self, path, items):
        self.path = path
        self.items = items
        self.holders = {}
        self.twice = []
        self.moves = 0
        self.tasks = {}

    def join(self, worker, name):
        with order:
            self.tasks[name] = worker.start(
                "partition", lambda task, said: self.on_say(name, task, said),
                path=self.path, name=name, items=self.items)

    def on_say(self, name, task, said):
        if said["say"] == "partitioning":
            return
        for item in said["items"]:
            if said["say"] == "leave":
                if self.holders.pop(item, None) != name:
                    self.twice.append(f"{name} leaves {item}, which it has no more")
                continue
            if item in self.holders:
                self.twice.append(f"{name} has {item}, and so has {self.holders[item]}")
            self.holders[item] = name
            self.moves += 1
        task.go(said)

    def leave(self, name):
        task = self.tasks.pop(name)
        task.go(task.wait_said("partitioning"))
        task.result()

    def kill(self, name):
        worker = self.tasks.pop(name).worker
        with order:
            worker.kill()
            self.holders = {item: who for item, who in self.holders.items() if who != name}
        worker.end_session()

    def wait_settled(self):
        names = sorted(self.tasks)
        wanted = {item: names[at % len(names)] for at, item in enumerate(sorted(self.items))}

        def settled():
            with order:
                return self.holders == wanted
        wait_until(f"the items shared out among {names}", settled)
        assert not self.twice, self.twice


def a_set_is_shared_out(world):
    """kazoo's SetPartitioner and ours in its layout: who comes, goes and dies."""
    partition = Partition("/mixed/partition", [f"item-{number}" for number in range(7)])
    kazoo, ours = world.crew.one_of_each("kazoo", "ours")
    for worker, name in ((ours, "m"), (kazoo, "a"), (ours, "b"), (kazoo, "z")):
        partition.join(worker, name)
        partition.wait_settled()
    for name in ("m", "a"):
        partition.leave(name)
        partition.wait_settled()
    for kind, name in (("kazoo", "c"), ("ours", "y")):
        victim = world.crew.hire(kind).ready()
        partition.join(victim, name)
        partition.wait_settled()
        partition.kill(name)
        partition.wait_settled()
    # All at once.
    for number in range(2):
        partition.join(kazoo, f"k{number}")
        partition.join(ours, f"o{number}")
    partition.wait_settled()
    for name in ("k0", "b", "o1"):
        partition.leave(name)
    partition.wait_settled()
    for name in list(partition.tasks):
        partition.leave(name)
    assert not partition.holders and not partition.twice, partition.twice
    print(f"{world.name} partitions: {partition.moves} times an item was got, never by two",
          flush=True)


TESTS = [
    a_barrier_holds_everybody,
    double_barriers_open_and_close_together,
    the_double_barrier_is_used_again,
    an_early_member_is_seen,
    groups_see_the_same,
    a_member_that_is_killed_leaves_the_group,
    parties_see_the_same,
    a_set_is_shared_out,
]
