"""What kazoo's recipes cost: kazoo_bench.py HOST:PORT WORKLOAD SECS WARMUP

Prints one line of JSON, as the example bench_client does.
"""
import json
import sys
import threading
import time

from kazoo.client import KazooClient

server, work, secs, warmup = sys.argv[1], sys.argv[2], float(sys.argv[3]), float(sys.argv[4])
DATA = b"\7" * 128
TASKS = {"lock1": 1, "lock8": 8, "queue": 1, "queue_claim": 1}
OPS_PER_ROUND = {"queue": 2, "queue_claim": 3}

if work not in TASKS:
    print(json.dumps({"client": "kazoo", "workload": work, "skipped": "no recipe"}))
    sys.exit()


def connected():
    client = KazooClient(hosts=server, timeout=20)
    client.start()
    return client


clients = [connected() for _ in range(TASKS[work])]
latencies = [[] for _ in clients]
start = time.monotonic() + warmup
end = start + secs


def repeat(task):
    client = clients[task]
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
        now = time.monotonic()
        if began >= start and now <= end:
            latencies[task].append(now - began)


threads = [threading.Thread(target=repeat, args=(task,)) for task in range(len(clients))]
for thread in threads:
    thread.start()
time.sleep(max(0, start - time.monotonic()))
before = time.process_time()
time.sleep(max(0, end - time.monotonic()))
cpu = time.process_time() - before
for thread in threads:
    thread.join()
taken = sorted(latency for one in latencies for latency in one)
ops = len(taken) * OPS_PER_ROUND.get(work, 1)
share = lambda part: round(taken[int((len(taken) - 1) * part)] * 1e6, 1) if taken else 0
print(json.dumps({
    "client": "kazoo", "workload": work, "tasks": len(clients), "secs": secs, "ops": ops,
    "ops_s": round(ops / secs, 1), "p50_us": share(0.5), "p99_us": share(0.99),
    "cpu_us_op": round(cpu * 1e6 / max(1, ops), 2),
}), flush=True)
for client in clients:
    client.stop()
