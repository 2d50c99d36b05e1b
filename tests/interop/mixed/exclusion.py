"""Contests: members of several kinds on one path, of whom only so many may be inside."""

import random

from peers import order, wait_for
from suite import LOOK, PATIENCE, Patience
from witness import Violation, Witness


class Contest:
    """Lets members in and out until there have been `entries` of them, and kills some meanwhile.

    `members` are (kind, what to do, arguments); each is a task of its own, spread over `processes`
    processes of its kind that belong to this contest alone.
    """

    def __init__(self, crew, path, members, entries, witness=None, processes=2, address=None):
        self.crew = crew
        self.path = path
        self.wanted = entries
        self.witness = witness or Witness()
        self.address = address
        self.random = random.Random(path)
        self.kills = 0
        self.kills_wanted = 0
        self.running = {}  # task -> its member
        self.lingering = []
        self.victim = None  # once "next": the task that enters next, and is not let go on
        kinds = sorted({kind for kind, _, _ in members})
        self.workers = {kind: [self.hire(kind) for _ in range(processes)] for kind in kinds}
        for workers in self.workers.values():
            for worker in workers:
                worker.ready()
        for number, member in enumerate(members):
            workers = self.workers[member[0]]
            self.begin(workers[number % len(workers)], member)

    def hire(self, kind):
        return self.crew.hire(kind, self.address)

    def begin(self, worker, member):
        _, do, arguments = member
        with order:
            task = worker.start(do, self.on_say, path=self.path, **arguments)
            self.running[task] = member

    def on_say(self, task, said):
        """Under `order`, for each notice."""
        if said["say"] == "enter":
            self.witness.entered(task, said)
            if self.victim == "next":
                self.victim = task
                return
            self.linger(task, said)
            return
        elif said["say"] == "downgrade":
            self.witness.downgraded(task)
        elif said["say"] == "leave":
            self.witness.left(task)
        self.let_go(task, said)

    def is_over(self):
        """Not before everybody has been inside, and all have been killed that are to be: the others go
        on while a process is started, however long that takes."""
        if len(self.witness.entries) < self.wanted or self.kills < self.kills_wanted:
            return False
        return self.running.keys() <= {task for _, task in self.witness.entries}

    def let_go(self, task, said):
        task.go(said, "stop" if self.is_over() else "on")

    def linger(self, task, said):
        """Where several may be inside, they stay until as many are, and one more would show."""
        self.lingering.append((task, said))
        is_over = self.is_over()
        while self.lingering and (is_over or len(self.lingering) >= self.witness.limit):
            self.let_go(*self.lingering.pop(0))

    def wait_entries(self, count):
        """Waits until so many have entered. Each next one has a limit of its own."""
        with order:
            seen, patience = -1, Patience()
            while (have := len(self.witness.entries)) < count:
                failed = [task for task in self.running if task.ended]
                if failed:
                    raise AssertionError(f"{failed[0].worker} stopped: {failed[0].failure}")
                if have > seen:
                    seen, patience = have, Patience()
                elif patience.is_over():
                    inside = self.witness.who() or "nobody"
                    raise AssertionError(f"nobody entered after {have} had; inside: {inside}")
                order.wait(LOOK)

    def kill(self, holder, end_session=True):
        """Kills the process of one that is inside, or of any; another one takes its place."""
        with order:
            victim = self.next_holder() if holder else self.random.choice(list(self.running))
            victim = victim.worker
            victim.kill()
            members = [self.running.pop(task) for task in list(self.running)
                       if task.worker is victim]
            self.lingering = [pair for pair in self.lingering if pair[0].worker is not victim]
            for task in list(self.witness.inside):
                if task.worker is victim:
                    self.witness.died(task)
        if end_session:
            victim.end_session()
        successor = self.hire(victim.kind).ready()
        workers = self.workers[victim.kind]
        workers[workers.index(victim)] = successor
        with order:
            for member in members:
                self.begin(successor, member)
            self.kills += 1

    def next_holder(self):
        """The next to enter, which stays inside."""
        self.victim = "next"
        if not wait_for(lambda: self.victim != "next"):
            raise AssertionError(f"nobody entered within {PATIENCE:.0f} s")
        holder, self.victim = self.victim, None
        return holder

    def run(self, kills=0):
        """To its end, with kills at even distances: of a holder, of anybody, in turns."""
        self.kills_wanted = kills
        for number in range(kills):
            self.wait_entries((number + 1) * self.wanted // (kills + 1))
            self.kill(holder=number % 2 == 0)
        return self.finish()

    def finish(self):
        self.wait_entries(self.wanted)
        for task in list(self.running):
            task.result()
        for workers in self.workers.values():
            for worker in workers:
                worker.stop()
        return self

    def check(self, label, name):
        """Reports the figures, and raises on any violation or if the members hardly met."""
        witness = self.witness
        hand_overs, between = witness.hand_overs()
        print(f"{name} {label}: {len(witness.entries)} entries, {hand_overs} hand-overs, "
              f"{between} between kinds, {self.kills} kills, {len(witness.violations)} violations",
              flush=True)
        if witness.violations:
            raise Violation("; ".join(witness.violations[:5]))
        assert between >= self.wanted // 10, f"only {between} hand-overs between kinds"
        return self


def spread(kinds, each=2):
    """`each` members of every (kind, what to do, arguments)."""
    return [(kind, do, arguments) for kind, do, arguments in kinds for _ in range(each)]
