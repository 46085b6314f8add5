"""Files are whole or absent."""

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from shopbench.files import BadInput, Parts, check_manifest, read_jsonl, whole_file, whole_folder


def test_a_failed_write_leaves_the_old_file(tmp_path):
    target = tmp_path / "x.txt"
    target.write_text("old")
    with pytest.raises(RuntimeError), whole_file(target) as partial:
        partial.write_text("half")
        raise RuntimeError
    assert target.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["x.txt"]


def test_a_folder_appears_with_its_manifest_or_not_at_all(tmp_path):
    target = tmp_path / "model"
    with pytest.raises(RuntimeError), whole_folder(target) as partial:
        (partial / "a").write_text("half")
        raise RuntimeError
    assert not list(tmp_path.iterdir())
    with whole_folder(target) as partial:
        (partial / "a").write_text("whole")
    check_manifest(target)
    (target / "a").write_text("cut")
    with pytest.raises(BadInput, match="3 bytes, manifest.json says 5"):
        check_manifest(target)


def test_a_torn_line_is_cut_off_and_the_next_one_is_whole(tmp_path):
    parts = Parts(tmp_path, "rule", {"seed": 1})
    parts.append("done.jsonl", {"id": "a"})
    with (parts.folder / "done.jsonl").open("a") as stream:
        stream.write('{"id": "b')
    again = Parts(tmp_path, "rule", {"seed": 1})
    assert again.rows("done.jsonl") == [{"id": "a"}]
    again.append("done.jsonl", {"id": "c"})
    assert [json.loads(line)["id"] for line in (again.folder / "done.jsonl").read_text().splitlines()] == ["a", "c"]


def test_other_parameters_have_other_parts(tmp_path):
    assert Parts(tmp_path, "rule", {"seed": 1}).folder != Parts(tmp_path, "rule", {"seed": 2}).folder


def test_a_broken_line_is_named(tmp_path):
    file = tmp_path / "rows.jsonl"
    file.write_text('{"a": 1}\n{"a": \n')
    with pytest.raises(BadInput, match=r"rows.jsonl, line 2: not JSON"):
        read_jsonl(file)


def run(main: str) -> subprocess.CompletedProcess:
    """A process whose `main` is this code, under `run_program`; it says when Python takes its modules apart."""
    scripts = Path(__file__).parents[2] / "workflow/scripts"
    program = f"""
import atexit, multiprocessing, sys, time
sys.path.insert(0, {str(scripts)!r})
from shopbench.files import BadInput, run_program
class Part:
    def __del__(self, print=print):
        print("taken apart")
part = Part()
def main():
{textwrap.indent(main, "    ")}
run_program(main)
"""
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)


def test_a_program_ends_without_taking_itself_apart_and_says_all_it_has_to_say():
    done = run("atexit.register(print, 'and one at the end')\nprint('a line that waits in a buffer')")
    assert (done.returncode, done.stdout, done.stderr) == (0, "a line that waits in a buffer\nand one at the end\n", "")


def test_a_program_ends_its_processes():
    done = run(
        "child = multiprocessing.get_context('fork').Process(target=time.sleep, args=(600,), daemon=True)\nchild.start()\nprint(child.pid)"
    )
    assert done.returncode == 0
    with pytest.raises(ProcessLookupError):
        os.kill(int(done.stdout), 0)


def test_bad_input_is_one_line_and_exit_code_2():
    done = run("raise BadInput('a.csv, row 3:\\n  no price')")
    assert (done.returncode, done.stderr) == (2, "error: a.csv, row 3: no price\n")
