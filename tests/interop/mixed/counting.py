"""Numbers that all kinds add to: nothing is lost, nothing counts twice."""

KINDS = ("curator", "kazoo", "ours")
TIMES = 60  # per worker

# What each counter is called by the kinds that have it.
COUNTERS = {
    "long": ("curator", "ours"),
    "int": ("curator", "kazoo", "ours"),
    "shared": ("curator", "kazoo", "ours"),
    "text": ("kazoo", "ours"),
}


def every_addition_counts_once(world):
    for counter, kinds in COUNTERS.items():
        path = f"/mixed/counter-{counter}"
        workers = [worker for kind in kinds for worker in world.crew.get(kind, 2)]
        if counter == "shared":
            # kazoo makes the node empty and writes the number later. Curator's SharedCount cannot
            # read it in between: it has to be there before kazoo comes.
            workers[0].call("value", counter=counter, path=path)
        tasks = [
            worker.start("add", counter=counter, path=path, times=TIMES, by=1 + number % 2)
            for number, worker in enumerate(workers)
        ]
        for task in tasks:
            task.result()
        expected = sum(TIMES * (1 + number % 2) for number in range(len(workers)))
        values = {worker.name: worker.call("value", counter=counter, path=path)
                  for worker in workers}
        assert set(values.values()) == {expected}, (counter, expected, values)
        print(f"{world.name} {counter}: {TIMES * len(workers)} additions by {len(workers)}, "
              f"0 lost", flush=True)


def numbers_are_written_alike(world):
    """Below zero, and up to where they end."""
    extremes = {"long": 2**63 - 1, "int": 2**31 - 1, "shared": 2**31 - 1, "text": 10**12}
    for counter, kinds in COUNTERS.items():
        for number in (0, -1, 258, -extremes[counter], extremes[counter]):
            written = {}
            for worker in world.crew.one_of_each(*kinds):
                path = f"/mixed/number-{counter}-{number}-{worker.kind}"
                # `by` fits into what the workers' languages call an int; two steps do for the rest.
                if worker.kind == "curator" and counter == "long" and abs(number) > 2**31:
                    continue
                if worker.kind == "ours" and abs(number) == 2**63:
                    continue
                worker.call("add", counter=counter, path=path, times=1, by=number)
                written[worker.kind] = world.admin.get(path)[0]
            assert len(set(written.values())) == 1, (counter, number, written)


TESTS = [every_addition_counts_once, numbers_are_written_alike]
