"""download_source and provide_source against a server on this machine that breaks off, refuses, and serves wrong bytes."""

import hashlib
import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from shopbench.source_table import COLUMNS

SCRIPTS = Path(__file__).resolve().parents[3] / "workflow" / "scripts"
CONTENT = bytes(range(256)) * 1000
SHA256 = hashlib.sha256(CONTENT).hexdigest()
CUT = 100_000


class Handler(BaseHTTPRequestHandler):
    """/good serves ranges, /cut breaks off after CUT bytes of each answer, /plain ignores ranges; also speaks the hub's file protocol."""

    def do_HEAD(self) -> None:
        self.answer(body=False)

    def do_GET(self) -> None:
        self.answer(body=True)

    def answer(self, body: bool) -> None:
        asked = self.headers.get("Range")
        self.server.seen.append((self.command, self.path, asked))
        if self.path.startswith("/gone"):
            return self.send_error(404)
        if self.path.startswith("/busy") and len(self.server.seen) < 3:
            return self.send_error(503)
        start = int(asked.removeprefix("bytes=").split("-")[0]) if asked and not self.path.startswith("/plain") else 0
        if start >= len(CONTENT):
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{len(CONTENT)}")
            self.send_header("Content-Length", "0")
            return self.end_headers()
        piece = CONTENT[start:]
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(CONTENT) - 1}/{len(CONTENT)}")
        self.send_header("Content-Length", str(len(piece)))
        self.send_header("ETag", f'"{SHA256}"')
        self.send_header("X-Repo-Commit", "c" * 40)
        self.end_headers()
        if body:
            self.wfile.write(piece[:CUT] if self.path.startswith("/cut") else piece)
        self.close_connection = True

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def server():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.seen = []
    server.address = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def run(program: str, *arguments: object, **environment: str) -> subprocess.CompletedProcess:
    command = [sys.executable, str(SCRIPTS / program), *map(str, arguments)]
    direct = {key: value for key, value in os.environ.items() if not key.lower().endswith("_proxy")}
    return subprocess.run(command, capture_output=True, text=True, env={**direct, **environment}, timeout=120)


def download(folder: Path, row: list[str], attempts: int = 3, **environment: str) -> subprocess.CompletedProcess:
    table = folder / "sources.tsv"
    table.write_text("\t".join(COLUMNS) + "\n" + "\t".join(row) + "\n")
    output = folder / "raw" / row[0] / row[1]
    where = ["--sources", table, "--source", row[0], "--file", row[1], "--output", output]
    return run("download_source.py", *where, "--attempts", attempts, "--wait", 0.05, **environment)


def https_row(address: str, size: str = "", sha256: str = SHA256) -> list[str]:
    return ["shop", "deep/file.bin", "https", "", "", address, size, sha256, "none", "downloaded"]


def left_in(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in (folder / "raw").rglob("*") if path.is_file())


def test_a_transfer_that_breaks_off_continues_and_is_whole(server, tmp_path):
    done = download(tmp_path, https_row(f"{server.address}/cut", str(len(CONTENT))))
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "raw/shop/deep/file.bin").read_bytes() == CONTENT
    assert [asked for _, _, asked in server.seen] == [None, f"bytes={CUT}-", f"bytes={2 * CUT}-"]
    assert left_in(tmp_path) == ["raw/shop/deep/file.bin"]


def test_the_next_run_continues_where_the_last_one_gave_up(server, tmp_path):
    gave_up = download(tmp_path, https_row(f"{server.address}/cut"), attempts=1)
    assert gave_up.returncode == 2
    assert f"goes on at byte {CUT:,}" in gave_up.stderr
    assert not (tmp_path / "raw/shop/deep/file.bin").exists()
    assert download(tmp_path, https_row(f"{server.address}/good")).returncode == 0
    assert server.seen[-1][2] == f"bytes={CUT}-"
    assert (tmp_path / "raw/shop/deep/file.bin").read_bytes() == CONTENT


def test_a_server_without_ranges_starts_over(server, tmp_path):
    download(tmp_path, https_row(f"{server.address}/cut"), attempts=1)
    assert download(tmp_path, https_row(f"{server.address}/plain")).returncode == 0
    assert (tmp_path / "raw/shop/deep/file.bin").read_bytes() == CONTENT


def test_all_bytes_here_already_is_no_error(server, tmp_path):
    part = tmp_path / "raw/shop/deep/.file.bin.download/part"
    part.parent.mkdir(parents=True)
    part.write_bytes(CONTENT)
    assert download(tmp_path, https_row(f"{server.address}/good")).returncode == 0
    assert left_in(tmp_path) == ["raw/shop/deep/file.bin"]


def test_a_wrong_hash_names_both_and_leaves_nothing(server, tmp_path):
    wrong = "0" * 64
    done = download(tmp_path, https_row(f"{server.address}/good", sha256=wrong))
    assert done.returncode == 2
    assert wrong in done.stderr and SHA256 in done.stderr
    assert left_in(tmp_path) == []


def test_a_wrong_size_is_told_in_bytes(server, tmp_path):
    done = download(tmp_path, https_row(f"{server.address}/good", size="7", sha256=""))
    assert done.returncode == 2
    assert f"{len(CONTENT):,} bytes" in done.stderr and "says 7" in done.stderr
    assert left_in(tmp_path) == []


def test_a_refusal_is_final_and_a_busy_server_is_asked_again(server, tmp_path):
    gone = download(tmp_path, https_row(f"{server.address}/gone"))
    assert gone.returncode == 2
    assert "404" in gone.stderr.splitlines()[-1]
    assert len(server.seen) == 1
    server.seen.clear()
    assert download(tmp_path, https_row(f"{server.address}/busy"), attempts=4).returncode == 0


def test_a_hub_file_is_asked_for_at_its_revision(server, tmp_path):
    row = ["shop", "all/test.parquet", "hub", "lab/shop", "d" * 40, "", str(len(CONTENT)), SHA256, "MIT", "downloaded"]
    environment = {"HF_ENDPOINT": server.address, "HF_HUB_OFFLINE": "0", "HF_HUB_DISABLE_XET": "1", "HF_HOME": str(tmp_path / "home")}
    done = download(tmp_path, row, **environment)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "raw/shop/all/test.parquet").read_bytes() == CONTENT
    asked = {path for _, path, _ in server.seen if path.startswith("/datasets/")}
    assert asked == {f"/datasets/lab/shop/resolve/{'d' * 40}/all/test.parquet"}
    assert left_in(tmp_path) == ["raw/shop/all/test.parquet"]
    assert download(tmp_path, [*row[:7], "0" * 64, *row[8:]], **environment).returncode == 2


def provide(folder: Path, row: list[str]) -> subprocess.CompletedProcess:
    table = folder / "sources.tsv"
    table.write_text("\t".join(COLUMNS) + "\n" + "\t".join(row) + "\n")
    where = ["--sources", table, "--source", row[0], "--file", row[1], "--output", folder / "raw" / row[0] / row[1]]
    return run("provide_source.py", *where, "--provided", folder / "downloads")


def test_a_provided_file_is_asked_for_checked_and_copied(tmp_path):
    row = ["shop", "file.bin", "provided", "", "", "https://example.org/login", str(len(CONTENT)), SHA256, "none", "sign in"]
    given = tmp_path / "downloads/shop/file.bin"
    missing = provide(tmp_path, row)
    assert missing.returncode == 2
    assert len(missing.stderr.splitlines()) == 1
    assert "https://example.org/login" in missing.stderr and str(given) in missing.stderr and "sign in" in missing.stderr
    given.parent.mkdir(parents=True)
    given.write_bytes(CONTENT[:-1] + b"x")
    assert provide(tmp_path, row).returncode == 2
    assert left_in(tmp_path) == []
    given.write_bytes(CONTENT)
    assert provide(tmp_path, row).returncode == 0
    assert (tmp_path / "raw/shop/file.bin").read_bytes() == CONTENT
    assert given.exists()


def test_a_provided_file_cannot_be_downloaded(tmp_path):
    row = ["shop", "file.bin", "provided", "", "", "https://example.org/login", "", "", "none", "sign in"]
    done = download(tmp_path, row)
    assert done.returncode == 2
    assert "behind a login" in done.stderr
