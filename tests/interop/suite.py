"""A test list that prints a line per failure and the count at the end. Standard library only."""

import sys
import threading
import time
import traceback

PATIENCE = 60.0  # seconds that any one condition may take, far above what it should


def wait_until(what, condition):
    """Waits for a condition; a failure names what did not happen."""
    deadline = time.monotonic() + PATIENCE
    pause = threading.Event()
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {PATIENCE:.0f} s: {what}")
        pause.wait(0.01)


def expect_error(kind, call, *args, **kwargs):
    try:
        result = call(*args, **kwargs)
    except kind:
        return
    raise AssertionError(f"expected {kind.__name__}, got {result!r}")


def run(name, tests):
    """Runs every test, prints `NAME: N passed, N failed`, and ends the process."""
    failed = 0
    for test in tests:
        try:
            test()
        except Exception:
            failed += 1
            print(f"FAILED {name} {test.__name__}", file=sys.stderr)
            traceback.print_exc()
    print(f"{name}: {len(tests) - failed} passed, {failed} failed", flush=True)
    sys.exit(1 if failed or not tests else 0)
