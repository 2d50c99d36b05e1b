"""Locks, semaphores and elections: never more inside than may be."""

import os

from exclusion import Contest, spread
from witness import ReadWriteWitness, Witness

ENTRIES = int(os.environ.get("ZK_MIXED_ENTRIES", "500"))  # per contest


def named(kinds, each=2):
    """Members that have names, to be known by where members have them."""
    members = spread(kinds, each)
    return [(kind, do, {**arguments, "name": f"{kind}-{number}"})
            for number, (kind, do, arguments) in enumerate(members)]


def locks_of_curator_and_ours(world):
    members = named([("curator", "mutex", {}), ("ours", "mutex", {})])
    Contest(world.crew, "/mixed/mutex", members, ENTRIES).run(kills=4).check("mutex", world.name)


def latches_of_curator_and_ours(world):
    members = named([("curator", "latch", {}), ("ours", "latch", {})])
    Contest(world.crew, "/mixed/latch", members, ENTRIES).run(kills=4).check("latch", world.name)


def locks_of_kazoo_and_ours(world):
    """In kazoo's layout; kazoo's Election is a lock of this kind."""
    members = named([("kazoo", "lock", {}), ("kazoo", "election", {}),
                     ("ours", "mutex", {"flavour": "kazoo"})])
    contest = Contest(world.crew, "/mixed/kazoo-lock", members, ENTRIES)
    contest.run(kills=4).check("kazoo's lock", world.name)


def locks_that_look_for_the_others_names(world):
    """Names of two layouts in one directory: each is told to wait for the other's, too."""
    members = named([("kazoo", "lock", {"extra": ["-lock-"]}),
                     ("ours", "mutex", {"extra": "__lock__"})])
    contest = Contest(world.crew, "/mixed/both-layouts", members, ENTRIES)
    contest.run(kills=2).check("both layouts", world.name)


def seeded(kind, do, arguments, each):
    return [(kind, do, {**arguments, "name": f"{kind}-{number}", "seed": number})
            for number in range(each)]


def read_write_locks_of_curator_and_ours(world):
    # Only ours downgrade. Curator 5.4, which Debian has, puts the reader at the end of the line
    # while its thread goes on at once, so that writers who waited are let in beside it; Curators
    # among themselves break the rule in the same way (CURATOR-621).
    members = seeded("curator", "read_write", {}, 4)
    members += seeded("ours", "read_write", {"downgrade": True}, 4)
    witness = ReadWriteWitness()
    contest = Contest(world.crew, "/mixed/read-write", members, ENTRIES, witness)
    contest.run(kills=4).check("read-write", world.name)
    assert witness.most_inside > 1, "no two readers were inside together"
    assert witness.downgrades > ENTRIES // 40, f"only {witness.downgrades} downgrades"


def read_write_locks_of_kazoo_and_ours(world):
    members = seeded("kazoo", "read_write", {}, 4)
    members += seeded("ours", "read_write", {"flavour": "kazoo", "downgrade": True}, 4)
    witness = ReadWriteWitness()
    contest = Contest(world.crew, "/mixed/kazoo-read-write", members, ENTRIES, witness)
    contest.run(kills=4).check("kazoo's read-write", world.name)
    assert witness.most_inside > 1, "no two readers were inside together"


def semaphores(world):
    """With a limit of each one's own, with one that is shared, as kazoo has them, and of one."""
    limit = 3
    shared = {"limit": limit, "limit_path": "/mixed/semaphore-limit"}
    kinds = {
        "semaphore": [("curator", "semaphore", {"limit": limit}),
                      ("ours", "semaphore", {"limit": limit})],
        "semaphore-shared": [("curator", "semaphore", shared), ("ours", "semaphore", shared)],
        "semaphore-kazoo": [("kazoo", "semaphore", {"limit": limit}),
                            ("ours", "semaphore", {"limit": limit, "flavour": "kazoo"})],
        "semaphore-mutex": [("curator", "semaphore_mutex", {}), ("ours", "semaphore_mutex", {})],
    }
    # Nobody shares a limit before somebody has said what it is.
    world.crew.get("curator")[0].call(
        "add", counter="shared", path=shared["limit_path"], times=1, by=limit)
    for label, members in kinds.items():
        witness = Witness(1 if label == "semaphore-mutex" else limit)
        members = named(members, each=4)
        contest = Contest(world.crew, f"/mixed/{label}", members, ENTRIES // 2, witness)
        contest.run(kills=2).check(label, world.name)
        assert witness.most_inside == witness.limit, f"{witness.most_inside} inside at most"


def selectors_and_locks_of_curator_and_ours(world):
    """An election is a lock here: each gets in the others' way."""
    members = named([("curator", "selector", {}), ("curator", "mutex", {}),
                     ("ours", "selector", {}), ("ours", "mutex", {})])
    contest = Contest(world.crew, "/mixed/selector", members, ENTRIES)
    contest.run(kills=2).check("selector", world.name)


def who_holds_hears_that_it_shall_let_go(world):
    """Asked for by a peer, by both sides of either kind."""
    workers = world.crew.one_of_each("curator", "ours")
    for holder in workers:
        for asker in workers:
            path = f"/mixed/revoked-{holder.kind}-{asker.kind}"
            task = holder.start("revocable", path=path)
            said = task.wait_said("holding")
            task.go(said)
            assert asker.call("revoke", path=said["node"])
            assert task.result() is True, (holder, asker)


def a_session_that_runs_out(world):
    """The lock of one that was killed goes to the next when its session expires."""
    for kind in ("curator", "ours"):
        path = f"/mixed/expiry-{kind}"
        dying = world.crew.hire(kind, session_timeout_ms=10_000).ready()
        holder = dying.start("mutex", path=path, name="dying")
        entered = holder.wait_said("enter")
        dying.kill()
        witness = Witness()
        witness.last_token = entered["token"]
        members = named([("curator", "mutex", {}), ("ours", "mutex", {})])
        contest = Contest(world.crew, path, members, ENTRIES // 10, witness, processes=1)
        contest.run().check(f"after {kind} died", world.name)


def participants_are_the_same_to_both(world):
    curator, ours = world.crew.one_of_each("curator", "ours")
    path = "/mixed/participants"
    tasks = []
    for number, worker in enumerate((curator, ours, curator, ours)):
        tasks.append(worker.start("latch", path=path, name=f"p{number}"))
        world.wait_until_children(path, number + 1)
    first = tasks[0].wait_said("enter")
    expected = ["p0", "p1", "p2", "p3"]
    for worker in (curator, ours):
        seen = worker.call("latch_participants", path=path)
        assert seen == expected, (worker, seen)
    tasks[0].go(first, "stop")
    for task in tasks:
        for what in ("enter", "leave"):
            task.go(task.wait_said(what), "stop")
        task.result()


def the_witness_sees_who_does_not_lock(world):
    """Without this, no violation would mean nothing."""
    for culprit in ("curator", "kazoo", "ours"):
        members = named([("curator", "mutex", {}), ("ours", "mutex", {})])
        members += named([(culprit, "free", {})], each=1)
        path = f"/mixed/planted-{culprit}"
        contest = Contest(world.crew, path, members, 50, processes=1).run()
        assert contest.witness.violations, f"a {culprit} that does not lock went unseen"


TESTS = [
    locks_of_curator_and_ours,
    locks_of_kazoo_and_ours,
    locks_that_look_for_the_others_names,
    read_write_locks_of_curator_and_ours,
    read_write_locks_of_kazoo_and_ours,
    semaphores,
    latches_of_curator_and_ours,
    selectors_and_locks_of_curator_and_ours,
    who_holds_hears_that_it_shall_let_go,
    a_session_that_runs_out,
    participants_are_the_same_to_both,
    the_witness_sees_who_does_not_lock,
]
