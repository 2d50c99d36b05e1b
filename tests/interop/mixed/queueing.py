"""Queues: what one kind puts, another takes, once, in the order it should."""

import os
import time
from collections import Counter

from peers import order, wait_for
from suite import PATIENCE, wait_until

ITEMS = int(os.environ.get("ZK_MIXED_ITEMS", "60"))  # per producer

# Each kind of queue, and who has it.
QUEUES = {
    "plain": ("curator", "ours"),
    "id": ("curator", "ours"),
    "priority": ("curator", "ours"),
    "delay": ("curator", "ours"),
    "simple": ("curator", "ours"),
    "kazoo": ("kazoo", "ours"),
    "locking": ("kazoo", "ours"),
}
CLAIMED = ("plain", "id", "priority", "delay")  # with a directory of claims


class Consumption:
    """Workers that take items until all have come."""

    def __init__(self, world, path, queue, claims=None):
        self.world = world
        self.arguments = {"path": path, "queue": queue}
        if claims:
            self.arguments["claims"] = claims
        self.items = []  # (data, kind) in order
        self.hold = 0  # how many more to leave waiting, once they have their item
        self.held = []
        self.tasks = []

    def add(self, worker):
        task = worker.start("consume", self.on_say, **self.arguments)
        self.tasks.append(task)
        return task

    def on_say(self, task, said):
        if said["say"] != "item":
            return
        if self.hold:
            self.hold -= 1
            self.held.append((task, said))
            return
        self.items.append((said["data"], task.worker.kind))
        task.go(said)

    def wait(self, condition, what):
        with order:
            if not wait_for(condition):
                left = self.world.left_in(self.arguments["path"], self.arguments["queue"])
                raise AssertionError(
                    f"not within {PATIENCE:.0f} s: {what}, but {len(self.items)}, of "
                    f"{self.arguments}; left in it: {left}; the last: {self.items[-5:]}")

    def wait_items(self, count):
        self.wait(lambda: len(self.items) >= count, f"{count} items")

    def finish(self):
        for task in self.tasks:
            if not task.ended:
                task.go(task.wait_said("consuming"))
                task.result()
        return [data for data, _ in self.items]


def item(queue, data, number):
    """An item with whatever else its queue wants."""
    more = {
        "id": {"id": f"id-{number}"},
        "priority": {"priority": number % 5 - 2},
        "delay": {"due_ms": int(time.time() * 1000) + number % 3},
        "kazoo": {"priority": number % 5},
        "locking": {"priority": number % 5},
    }
    return {"data": data, **more.get(queue, {})}


def produce(workers, queue, path, **more):
    tasks = []
    for worker in workers:
        items = [item(queue, f"{worker.name}-{number}", number) for number in range(ITEMS)]
        tasks.append(worker.start("put", queue=queue, path=path, items=items, **more))
    return tasks


def each_item_is_taken_once(world):
    """By whoever comes first: producers and consumers of both kinds at the same time."""
    total, by_kind = 0, Counter()
    for queue, kinds in QUEUES.items():
        for claims in (None, f"/mixed/claims-{queue}") if queue in CLAIMED else (None,):
            path = f"/mixed/queue-{queue}" + ("-claimed" if claims else "")
            workers = [worker for kind in kinds for worker in world.crew.get(kind, 2)]
            consumption = Consumption(world, path, queue, claims)
            for worker in workers:
                consumption.add(worker)
            for task in produce(workers, queue, path):
                task.result()
            consumption.wait_items(ITEMS * len(workers))
            # Those who claim an item remove it when they have done with it.
            wait_until(f"nothing left of {queue}", lambda: not world.left_in(path, queue))
            taken = Counter(consumption.finish())
            expected = {f"{worker.name}-{number}": 1
                        for worker in workers for number in range(ITEMS)}
            assert taken == expected, (queue, claims, taken - Counter(expected))
            total += len(taken)
            by_kind.update(kind for _, kind in consumption.items)
    print(f"{world.name} queues: {total} items, each taken once, {dict(by_kind)}", flush=True)


def an_order_is_everybodys_order(world):
    """Put by both kinds in turns, drained by one: the same order whoever drains."""
    numbers = [7, -3, 0, 7, -2147483648, 2147483647, 1, -3]
    for queue, kinds in QUEUES.items():
        for drainer in world.crew.one_of_each(*kinds):
            path = f"/mixed/order-{queue}-{drainer.kind}"
            now = int(time.time() * 1000)
            items = []
            for place, number in enumerate(numbers):
                rank = number % 1000 if queue in ("kazoo", "locking") else number
                items.append({
                    "data": f"{place}", "id": f"i{-place}", "priority": rank,
                    # All of them due already, in another order than they are put, and no two at
                    # the same time: Curator does not keep the order of those.
                    "due_ms": now - 10_000 + place * 5 % 8,
                })
            producers = world.crew.one_of_each(*kinds)
            for place, entry in enumerate(items):
                producers[place % 2].call("put", queue=queue, path=path, items=[entry])
            rank = {"priority": "priority", "kazoo": "priority", "locking": "priority",
                    "delay": "due_ms"}.get(queue)
            if rank:
                items.sort(key=lambda entry: entry[rank])
            consumption = Consumption(world, path, queue)
            consumption.add(drainer)
            consumption.wait_items(len(items))
            expected = [entry["data"] for entry in items]
            taken = consumption.finish()
            assert taken == expected, (queue, drainer, taken, expected)


def nothing_comes_before_its_time(world):
    for drainer in world.crew.one_of_each("curator", "ours"):
        path = f"/mixed/due-{drainer.kind}"
        consumption = Consumption(world, path, "delay")
        consumption.add(drainer)
        due = int(time.time() * 1000) + 1_000
        for worker in world.crew.one_of_each("curator", "ours"):
            entry = {"data": f"{worker.kind}", "due_ms": due}
            worker.call("put", queue="delay", path=path, items=[entry])
        consumption.wait_items(2)
        assert time.time() * 1000 >= due, f"{drainer} was early"
        consumption.finish()


def a_dead_consumers_item_is_given_to_the_next(world):
    """Killed with an item in its hands, by turns a peer and one of ours; the other kind gets it."""
    for queue, peer in (("plain", "curator"), ("priority", "curator"), ("locking", "kazoo")):
        for dying, heir in ((peer, "ours"), ("ours", peer)):
            path = f"/mixed/dead-{queue}-{dying}"
            claims = f"{path}-claims" if queue in CLAIMED else None
            consumption = Consumption(world, path, queue, claims)
            consumption.hold = 1
            victim = world.crew.hire(dying).ready()
            consumption.add(victim)
            world.crew.get("ours")[0].call("put", queue=queue, path=path,
                                           items=[{"data": "work", "priority": 1}])
            consumption.wait(lambda: consumption.held, "the victim has the item")
            # Curator looks at a queue when it begins and when items come or go, but not when a claim
            # goes: it has to begin after that.
            if heir != "curator":
                consumption.add(world.crew.get(heir)[0])
            victim.kill()
            victim.end_session()
            if heir == "curator":
                consumption.add(world.crew.get(heir)[0])
            consumption.wait_items(1)
            wait_until("the item gone", lambda: not world.left_in(path, queue))
            assert consumption.finish() == ["work"]


def names_and_data_are_alike(world):
    """The very bytes of what each kind puts."""
    due = 1_900_000_000_123
    items = {
        "plain": [{"data": "text"}, {"data": ""}, {"data": "\u00fc"}],
        "id": [{"data": "text", "id": "a1"}, {"data": "text", "id": "with/slash|bar"}],
        "priority": [{"data": "x", "priority": p} for p in (0, 7, -1, 2**31 - 1, -(2**31))],
        "delay": [{"data": "x", "due_ms": due}, {"data": "x", "due_ms": 1}],
        "simple": [{"data": "text"}, {"data": ""}],
        "kazoo": [{"data": "text", "priority": p} for p in (0, 5, 100, 999)],
        "locking": [{"data": "text", "priority": p} for p in (0, 5, 100, 999)],
    }
    for queue, kinds in QUEUES.items():
        nodes = {}
        for worker in world.crew.one_of_each(*kinds):
            path = f"/mixed/bytes-{queue}-{worker.kind}"
            for entry in items[queue]:
                worker.call("put", queue=queue, path=path, items=[entry])
            nodes[worker.kind] = world.nodes(path, queue)
        assert len(nodes[kinds[0]]) == len(items[queue]), nodes
        assert nodes[kinds[0]] == nodes[kinds[1]], (queue, nodes)


def several_in_one_node_are_alike(world):
    nodes = {}
    for worker in world.crew.one_of_each("curator", "ours"):
        path = f"/mixed/together-{worker.kind}"
        items = [{"data": text} for text in ("a", "bc", "")]
        worker.call("put_together", queue="plain", path=path, items=items)
        nodes[worker.kind] = world.nodes(path, "plain")
    assert nodes["curator"] == nodes["ours"], nodes
    for drainer, putter in (("curator", "ours"), ("ours", "curator")):
        consumption = Consumption(world, f"/mixed/together-{putter}", "plain")
        consumption.add(world.crew.get(drainer)[0])
        consumption.wait_items(3)
        assert consumption.finish() == ["a", "bc", ""]


def shards_are_everybodys(world):
    """Filled by one kind or both, which add shards as they need them; emptied by both."""
    for fillers in (("curator",), ("ours",), ("curator", "ours")):
        path = f"/mixed/shards-{'-'.join(fillers)}"
        more = {"leader": f"{path}-leader", "threshold": 10, "max_shards": 3}
        workers = [worker for kind in fillers for worker in world.crew.get(kind, 2)]
        tasks = produce(workers, "sharded", path, **more)
        for task in tasks:
            task.result()
        expected = {f"{worker.name}-{number}": 1 for worker in workers for number in range(ITEMS)}
        shards = world.admin.get_children(path)
        # Those who begin at the same time make the first at the same time. Curator looks every 50 ms,
        # and all may have been put by then.
        least = 2 if fillers == ("ours",) else 1
        assert least <= len(shards) <= 3 + len(workers), shards
        consumption = Consumption(world, path, "sharded")
        consumption.arguments.update(more)
        for worker in world.crew.one_of_each("curator", "ours"):
            consumption.add(worker)
        consumption.wait_items(len(expected))
        left = [world.admin.get_children(f"{path}/{shard}") for shard in shards]
        assert not any(left), left
        taken = Counter(consumption.finish())
        assert taken == expected, taken - Counter(expected)
        by_kind = Counter(kind for _, kind in consumption.items)
        print(f"{world.name} shards filled by {fillers}: {len(shards)}, {len(taken)} items, each "
              f"taken once, {dict(by_kind)}", flush=True)


TESTS = [
    each_item_is_taken_once,
    an_order_is_everybodys_order,
    nothing_comes_before_its_time,
    a_dead_consumers_item_is_given_to_the_next,
    names_and_data_are_alike,
    several_in_one_node_are_alike,
    shards_are_everybodys,
]
