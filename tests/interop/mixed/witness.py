"""Who is inside, by what the workers say: none of it goes through ZooKeeper.

A worker says "enter" once it holds what it waited for and "leave" before it gives it back, and each
time waits for the answer. So whenever two are inside by this book, two are inside; and a recipe that
lets two in at once shows, since each stays inside for two round trips through the witness.
"""


class Violation(AssertionError):
    pass


class Witness:
    """One at a time, and fencing tokens that grow. Its methods are called under `peers.order`."""

    def __init__(self, limit=1):
        self.limit = limit
        self.inside = {}
        self.entries = []  # (kind, member) in order
        self.most_inside = 0
        self.violations = []
        self.last_token = 0

    def entered(self, task, said):
        self.judge(task, said)
        self.inside[task] = said
        self.entries.append((task.worker.kind, task))
        self.most_inside = max(self.most_inside, len(self.inside))

    def judge(self, task, said):
        if len(self.inside) >= self.limit:
            self.violate(f"{task.worker} entered with {self.who()} inside")
        if self.limit == 1:
            self.judge_token(task, said)

    def judge_token(self, task, said):
        token = said.get("token")
        if token is not None:
            if token <= self.last_token:
                self.violate(f"{task.worker} entered with {token} after {self.last_token}")
            self.last_token = token

    def left(self, task):
        if self.inside.pop(task, None) is None:
            self.violate(f"{task.worker} left and was not inside")

    def died(self, task):
        """Killed, so that it does nothing inside any more, wherever it was."""
        self.inside.pop(task, None)

    def who(self):
        return ", ".join(str(task.worker) for task in self.inside)

    def violate(self, what):
        self.violations.append(what)

    def hand_overs(self):
        """How often somebody else followed, and how often somebody of another kind."""
        pairs = list(zip(self.entries, self.entries[1:]))
        return sum(a[1] is not b[1] for a, b in pairs), sum(a[0] != b[0] for a, b in pairs)


class ReadWriteWitness(Witness):
    """Readers together, writers alone; whoever comes after a writer has the higher token."""

    def __init__(self):
        super().__init__()
        self.last_reader_token = 0
        self.downgrades = 0

    def judge(self, task, said):
        writers = [other for other, how in self.inside.items() if how["as"] == "write"]
        token = said["token"]
        if said["as"] == "write":
            if self.inside:
                self.violate(f"the writer {task.worker} entered with {self.who()} inside")
            if token <= max(self.last_token, self.last_reader_token):
                self.violate(f"the writer {task.worker} entered with {token}, behind others")
            self.last_token = max(self.last_token, token)
        else:
            if writers:
                self.violate(f"the reader {task.worker} entered with {self.who()} inside")
            if token <= self.last_token:
                self.violate(f"the reader {task.worker} entered with {token}, behind a writer")
            self.last_reader_token = max(self.last_reader_token, token)

    def downgraded(self, task):
        """A writer that has become a reader without ever being outside."""
        if task in self.inside:
            self.inside[task] = {**self.inside[task], "as": "read"}
        self.downgrades += 1
