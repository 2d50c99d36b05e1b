"""Curator's InterProcessMutex and our Lock on one path: never two inside, and both get in."""

import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

import suite
from proxy import Proxy

ADDRESS, NAME, CLASSPATH, OURS = sys.argv[1:5]
CURATOR = ["java", "-Dorg.slf4j.simpleLogger.defaultLogLevel=off", "-XX:TieredStopAtLevel=1"]
CURATOR += ["-cp", CLASSPATH, "Contender"]
ROUNDS = 100  # per contender
TIME_LIMIT = 120.0
SESSION_MS = 30_000  # no stall of a busy machine ends one by accident
SHORT_SESSION_MS = 10_000  # of a holder that is killed, for which the others wait


class Contest:
    """Contenders of each kind, let loose on one path at the same moment."""

    def __init__(self, address, path, kinds, directory=None, rounds=ROUNDS, hold=False):
        self.rounds = rounds
        self.directory = directory or pathlib.Path(tempfile.mkdtemp())
        self.log = self.directory / "log"
        self.contenders = {}
        for kind, command, count in kinds:
            for number in range(count):
                name = f"{kind}-{number}"
                session_ms = SHORT_SESSION_MS if hold else SESSION_MS
                arguments = [address, str(session_ms), path, str(rounds), name, str(self.directory)]
                arguments += ["hold"] if hold else []
                self.contenders[name] = subprocess.Popen(
                    command + arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
                )
        for name, process in self.contenders.items():
            line = process.stdout.readline()
            assert line == "ready\n", f"{name} said {line!r} instead of ready"
        for process in self.contenders.values():
            process.stdin.write("go\n")
            process.stdin.flush()

    def lines(self):
        return self.log.read_text().splitlines() if self.log.exists() else []

    def stand_in_for(self, dead):
        """Does for a contender that was killed what its exit would have done."""
        with self.log.open("a") as log:
            log.write(f"leave {dead}\n")
        (self.directory / "held").unlink()

    def finish(self, known_before=0):
        """The holders in order, once every contender has done its rounds."""
        for name, process in self.contenders.items():
            try:
                status = process.wait(TIME_LIMIT)
            except subprocess.TimeoutExpired:
                process.kill()
                raise AssertionError(f"{name} did not finish; last: {self.lines()[-4:]}")
            assert status == 0, f"{name} ended with {status}; last: {self.lines()[-4:]}"
        lines = self.lines()
        holders = []
        for entered, left in zip(lines[::2], lines[1::2], strict=True):
            name = entered.removeprefix("enter ")
            assert (entered, left) == (f"enter {name}", f"leave {name}"), (entered, left)
            holders.append(name)
        assert len(holders) == known_before + self.rounds * len(self.contenders), len(holders)
        return holders


def report(label, holders):
    kinds = [name.split("-")[0] for name in holders]
    hand_overs = sum(a != b for a, b in zip(holders, holders[1:]))
    between = sum(a != b for a, b in zip(kinds, kinds[1:]))
    print(f"{NAME} {label}: held {len(holders)} times, {hand_overs} hand-overs, "
          f"{between} of them between Curator and us", flush=True)
    return hand_overs, between


def both():
    return [("curator", CURATOR, 2), ("ours", [OURS], 2)]


def never_two_inside():
    holders = Contest(ADDRESS, "/contest/plain", both()).finish()
    hand_overs, between = report("plain", holders)
    assert hand_overs >= 200 and between >= 100, "the contenders hardly met"


def never_two_inside_while_connections_are_cut():
    proxy = Proxy(ADDRESS)
    contest = Contest(proxy.address, "/contest/cut", both())
    for share in (0.2, 0.4, 0.6):
        wanted = int(share * 2 * ROUNDS * len(contest.contenders))
        suite.wait_until(f"{wanted} log lines", lambda: len(contest.lines()) >= wanted)
        proxy.cut()
    holders = contest.finish()
    hand_overs, between = report("with cuts", holders)
    assert hand_overs >= 200 and between >= 50, "the contenders hardly met"


def a_dead_holder_gives_way():
    """A holder that is killed keeps the lock until its session expires, and no longer."""
    for kind, command in (("curator", CURATOR), ("ours", [OURS])):
        path = f"/contest/dead-{kind}"
        dead = Contest(ADDRESS, path, [(kind, command, 1)], rounds=1, hold=True)
        suite.wait_until("the lock is held", lambda: len(dead.lines()) == 1)
        contest = Contest(ADDRESS, path, both(), directory=dead.directory, rounds=10)
        assert contest.lines() == [f"enter {kind}-0"], contest.lines()
        (victim,) = dead.contenders.values()
        victim.kill()
        victim.wait()
        # Its session lives on for a while, so nobody can be inside yet.
        contest.stand_in_for(f"{kind}-0")
        holders = contest.finish(known_before=1)
        report(f"after the death of {kind}", holders)


TESTS = [never_two_inside, never_two_inside_while_connections_are_cut, a_dead_holder_gives_way]

if __name__ == "__main__":
    suite.run(NAME, TESTS)
