"""What kazoo's recipes cost: kazoo_bench.py HOST:PORT WORKLOAD SECS WARMUP

Prints one line of JSON, as the example bench_client does.
"""
import json
import os
import sys
import threading
import time

from kazoo.client import KazooClient

server, work, secs, warmup = sys.argv[1], sys.argv[2], float(sys.argv[3]), float(sys.argv[4])
DATA = b"\7" * 128
TASKS = {
    "lock1": 1, "lock8": 8, "waiters2": 2, "waiters1000": 1000,
    "queue": 1, "queue_claim": 1, "latch": 1,
}
SESSIONS = {"lock8": 8, "waiters2": 2, "waiters1000": 8, "latch": 2}
OPS_PER_ROUND = {"queue": 2, "queue_claim": 3}

if work not in TASKS:
    print(json.dumps({"client": "kazoo", "workload": work, "skipped": "no recipe"}))
    sys.exit()


def connected():
    client = KazooClient(hosts=server, timeout=20)
    client.start()
    return client


clients = [connected() for _ in range(SESSIONS.get(work, 1))]
latencies = [[] for _ in range(TASKS[work])]
# Set when all threads have been started, which takes a while where there are many.
start = end = float("inf")
# When the lock was given back last.
released = 0.0


def note(task, began):
    now = time.monotonic()
    if began >= start and now <= end:
        latencies[task].append(now - began)


def hand_over(task):
    """Takes the lock and gives it back at once, with all the others in line."""
    global released
    lock = clients[task % len(clients)].Lock("/bench/kazoo-lock", "c%d" % task)
    while time.monotonic() < end:
        with lock:
            note(task, released)
            released = time.monotonic()


class Candidate:
    """Stands in an election until it is told to stop."""

    def __init__(self, client):
        self.election = client.Election("/bench/kazoo-election", "candidate")
        self.leads, self.stops = threading.Event(), threading.Event()
        self.thread = threading.Thread(target=self.election.run, args=(self.lead,))
        self.thread.start()

    def lead(self):
        self.leads.set()
        self.stops.wait()


def fail_over():
    """Two candidates in two sessions: the one that leads stops, and comes back as the backup."""
    leader, turn = Candidate(clients[0]), 1
    leader.leads.wait()
    while time.monotonic() < end:
        backup = Candidate(clients[turn % 2])
        while len(backup.election.contenders()) < 2:
            pass
        began = time.monotonic()
        leader.stops.set()
        backup.leads.wait()
        note(0, began)
        leader.thread.join()
        leader, turn = backup, turn + 1
    leader.stops.set()
    leader.thread.join()


def repeat(task):
    client = clients[task % len(clients)]
    if work == "queue":
        queue = client.Queue("/bench/kazoo-queue")

        def once():
            queue.put(DATA)
            queue.get()
    elif work == "queue_claim":
        queue = client.LockingQueue("/bench/kazoo-claims")

        def once():
            queue.put(DATA)
            queue.get()
            queue.consume()
    else:
        lock = client.Lock("/bench/kazoo-lock", "c%d" % task)

        def once():
            with lock:
                pass
    while time.monotonic() < end:
        began = time.monotonic()
        once()
        note(task, began)


def work_at(task):
    if work == "latch":
        fail_over()
    elif work.startswith("waiters"):
        hand_over(task)
    else:
        repeat(task)


threads = [
    threading.Thread(target=work_at, args=(task,), daemon=True) for task in range(TASKS[work])
]
for thread in threads:
    thread.start()
start = time.monotonic() + warmup
end = start + secs
time.sleep(max(0, start - time.monotonic()))
before = time.process_time()
time.sleep(max(0, end - time.monotonic()))
cpu = time.process_time() - before
if work != "waiters1000":
    for thread in threads:
        thread.join()
taken = sorted(latency for one in latencies for latency in one)
ops = len(taken) * OPS_PER_ROUND.get(work, 1)
share = lambda part: round(taken[int((len(taken) - 1) * part)] * 1e6, 1) if taken else 0
print(json.dumps({
    "client": "kazoo", "workload": work, "tasks": TASKS[work], "secs": secs, "ops": ops,
    "ops_s": round(ops / secs, 1), "p50_us": share(0.5), "p99_us": share(0.99),
    "cpu_us_op": round(cpu * 1e6 / max(1, ops), 2),
}), flush=True)
for client in clients:
    client.stop()
# Those who still stand in line would take minutes to get through it.
os._exit(0)
