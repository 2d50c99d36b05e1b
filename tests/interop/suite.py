"""A test list that prints a line per failure and the count at the end. Standard library only."""

import sys
import threading
import time
import traceback

PATIENCE = 120.0  # seconds that any one condition may take, far above what it should
LOOK = 1.0  # seconds until whoever waits looks again, at the latest


class Patience:
    """What is left of `PATIENCE`. Time in which this process is stopped hardly counts: the others are
    stopped as well then."""

    def __init__(self):
        self._left = PATIENCE
        self._seen = time.monotonic()

    def is_over(self):
        now = time.monotonic()
        self._left -= min(now - self._seen, 2 * LOOK)
        self._seen = now
        return self._left <= 0


def wait_until(what, condition):
    """Waits for a condition; a failure names what did not happen."""
    patience = Patience()
    pause = threading.Event()
    while True:
        value = condition()
        if value:
            return value
        if patience.is_over():
            raise AssertionError(f"not within {PATIENCE:.0f} s: {what}")
        pause.wait(0.01)


def expect_error(kind, call, *args, **kwargs):
    try:
        result = call(*args, **kwargs)
    except kind:
        return
    raise AssertionError(f"expected {kind.__name__}, got {result!r}")


def run(name, tests, *given):
    """Runs every test with what is given, prints `NAME: N passed, N failed`, and ends the process."""
    failed = 0
    for test in tests:
        try:
            test(*given)
        except Exception:
            failed += 1
            print(f"FAILED {name} {test.__name__}", file=sys.stderr)
            traceback.print_exc()
    print(f"{name}: {len(tests) - failed} passed, {failed} failed", flush=True)
    sys.exit(1 if failed or not tests else 0)
