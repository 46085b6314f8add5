"""When a program that can be gone on with stops itself."""

import os
import time

import pytest

from shopbench.deadline import Deadline, process_age


def seconds_left(deadline):
    return deadline.end - time.monotonic()


def test_no_limit_never_ends():
    deadline = Deadline(0)
    deadline.took(1e9)
    assert not deadline.is_near()


@pytest.mark.parametrize("minutes, left", [(1, 30), (60, 3240), (1440, 85_800)])
def test_some_of_the_run_time_is_kept(minutes, left):
    assert seconds_left(Deadline(minutes, age=0)) == pytest.approx(left, abs=1)
    assert seconds_left(Deadline(minutes, age=20)) == pytest.approx(left - 20, abs=1)


def test_another_step_has_to_fit_twice():
    deadline = Deadline(10, age=400)
    assert not deadline.is_near()
    deadline.took(30)
    assert not deadline.is_near()
    deadline.took(75)
    deadline.took(1)
    assert deadline.is_near()


def test_age_counts_from_the_start_of_the_process():
    child = os.popen("python3 -c 'import sys, time; sys.path.insert(0, \"workflow/scripts\"); time.sleep(0.5); "
                     "from shopbench.deadline import process_age; print(process_age())'")  # fmt: skip
    assert 0.4 < float(child.read()) < 30
    assert process_age() > 0.4
