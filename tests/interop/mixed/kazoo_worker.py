"""kazoo's side of the mixed runs: kazoo_worker.py CONNECT SESSION_TIMEOUT_MS. See peers.py."""

import json
import logging
import os
import queue
import random
import sys
import threading

from kazoo.client import KazooClient
from kazoo.recipe.barrier import Barrier
from kazoo.retry import KazooRetry

PATIENCE = 600.0  # seconds; the driver gives up before, and the end of its input ends this process
logging.disable(logging.WARNING)
tasks = {}
printing = threading.Lock()


def show(line):
    with printing:
        sys.stdout.write(json.dumps(line) + "\n")
        sys.stdout.flush()


class Task:
    """Something that this worker was told to do, in a thread of its own."""

    def __init__(self, line):
        self.id = line["id"]
        self.arguments = line
        self.notices = 0
        self.answers = {}
        self.lock = threading.Lock()

    def __getattr__(self, name):
        return self.arguments[name]

    def say(self, what, **fields):
        """Says something and stands still until the driver lets it go on; what it was told."""
        answer = queue.Queue(1)
        with self.lock:
            self.notices += 1
            number = self.notices
            self.answers[number] = answer
        show({"id": self.id, "n": number, "say": what, **fields})
        return answer.get()

    def answered(self, line):
        with self.lock:
            answer = self.answers.pop(line["n"])
        answer.put(line["go"])


def rounds(task, enter, leave):
    """In, and out again, until the driver has seen enough. `enter` says how it got in."""
    count = 0
    while True:
        how = enter()
        try:
            first = task.say("enter", **how)
            second = task.say("leave")
        finally:
            leave()
        count += 1
        if "stop" in (first, second):
            return count


def by(path, kind):
    return {"as": kind, "token": zk.exists(path).czxid}


def free(task):
    return rounds(task, lambda: {"as": "write", "token": 2**62}, lambda: None)


def held(task, lock, kind):
    def enter():
        assert lock.acquire(timeout=PATIENCE), "not acquired"
        return by(f"{lock.path}/{lock.node}", kind)
    return rounds(task, enter, lock.release)


def lock(task):
    extra = task.arguments.get("extra", ())
    return held(task, zk.Lock(task.path, task.name, extra_lock_patterns=extra), "write")


def read_write(task):
    chance = random.Random(task.seed)
    read, write = zk.ReadLock(task.path, task.name), zk.WriteLock(task.path, task.name)
    now = None

    def enter():
        nonlocal now
        now = read if chance.randrange(5) < 3 else write
        assert now.acquire(timeout=PATIENCE), "not acquired"
        return by(f"{now.path}/{now.node}", "read" if now is read else "write")

    return rounds(task, enter, lambda: now.release())


def semaphore(task):
    leases = zk.Semaphore(task.path, task.name, max_leases=task.limit)

    def enter():
        assert leases.acquire(timeout=PATIENCE), "no lease"
        return {}

    return rounds(task, enter, leases.release)


def election(task):
    elected = zk.Election(task.path, task.name)
    state = {"count": 0, "go": True}

    def lead():
        how = by(f"{elected.lock.path}/{elected.lock.node}", "write")
        first = task.say("enter", **how)
        second = task.say("leave")
        state["count"] += 1
        state["go"] = "stop" not in (first, second)

    while state["go"]:
        elected.run(lead)
    return state["count"]


def contenders(task):
    return zk.Lock(task.path).contenders()


def barrier_set(task):
    Barrier(zk, task.path).create()
    return True


def barrier_remove(task):
    return Barrier(zk, task.path).remove()


def barrier_wait(task):
    task.say("waiting")
    assert Barrier(zk, task.path).wait(PATIENCE), "the barrier stayed"
    return True


def join(task):
    make = zk.ShallowParty if task.group == "shallow" else zk.Party
    party = make(task.path, task.name)
    party.join()
    task.say("joined")
    party.leave()
    return True


def members(task):
    make = zk.ShallowParty if task.group == "shallow" else zk.Party
    return sorted(make(task.path))


def partition(task):
    stop = threading.Event()

    def work():
        parts = zk.SetPartitioner(
            task.path, tuple(task.items), identifier=task.name, time_boundary=0.5)
        while not stop.is_set() and not parts.failed:
            if parts.acquired:
                mine = sorted(parts)
                task.say("enter", items=mine)
                while parts.acquired and not stop.is_set():
                    stop.wait(0.01)
                task.say("leave", items=mine)
            elif parts.release:
                parts.release_set()
            else:
                parts.wait_for_acquire(0.1)
        parts.finish()

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    task.say("partitioning")
    stop.set()
    thread.join()
    return True


def put(task):
    make = zk.LockingQueue if task.queue == "locking" else zk.Queue
    items = make(task.path)
    for item in task.items:
        items.put(item["data"].encode(), item.get("priority", 100))
    return True


def consume(task):
    stop = threading.Event()

    def work():
        items = zk.LockingQueue(task.path) if task.queue == "locking" else zk.Queue(task.path)
        while not stop.is_set():
            # kazoo's Queue does not wait for items, its LockingQueue does.
            data = items.get(0.2) if task.queue == "locking" else items.get()
            if data is None:
                stop.wait(0.01)
                continue
            task.say("item", data=data.decode())
            if task.queue == "locking":
                items.consume()

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    task.say("consuming")
    stop.set()
    thread.join()
    return True


def counter(task):
    return zk.Counter(task.path, support_curator=task.counter != "text")


def add(task):
    number = counter(task)
    for _ in range(task.times):
        number += task.arguments.get("by", 1)
    return True


def value(task):
    return counter(task).value


def carry_out(task, job):
    try:
        show({"id": task.id, "done": job(task)})
    except Exception as error:
        show({"id": task.id, "failed": repr(error)})
    finally:
        del tasks[task.id]


JOBS = {job.__name__: job for job in (
    free, lock, read_write, semaphore, election, contenders, barrier_set, barrier_remove,
    barrier_wait, join, members, partition, put, consume, add, value,
)}

if __name__ == "__main__":
    # As often as it takes: where many add to one number, somebody is always faster.
    again = KazooRetry(max_tries=-1, delay=0.005, max_delay=0.05)
    zk = KazooClient(
        hosts=sys.argv[1], timeout=int(sys.argv[2]) / 1000,
        connection_retry=again.copy(), command_retry=again.copy(),
    )
    zk.start(timeout=PATIENCE)
    show({"session": zk.client_id[0], "password": zk.client_id[1].hex()})
    for text in sys.stdin:
        line = json.loads(text)
        if "do" in line:
            tasks[line["id"]] = Task(line)
            work = threading.Thread(
                target=carry_out, args=(tasks[line["id"]], JOBS[line["do"]]), daemon=True
            )
            work.start()
        elif line["id"] in tasks:
            tasks[line["id"]].answered(line)
    zk.stop()
    zk.close()
    os._exit(0)
