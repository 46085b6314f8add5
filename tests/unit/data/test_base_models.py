"""Base models from a hub (a local server that speaks its protocol) and from a folder of the site."""

import hashlib
import json
import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from shopbench.files import BadInput, check_manifest
from shopbench.model_folder import check_model, folder_digest

SCRIPTS = Path(__file__).resolve().parents[3] / "workflow" / "scripts"
REVISION = "0123456789abcdef0123456789abcdef01234567"
INDEX = {"weight_map": {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}}
FILES = {
    "config.json": b"{}",
    "tokenizer_config.json": b'{"x": 1}',
    "model.safetensors.index.json": json.dumps(INDEX).encode(),
    "model-00001-of-00002.safetensors": b"one" * 1000,
    "model-00002-of-00002.safetensors": b"two" * 1000,
    "pytorch_model.bin": b"pickled",
    "original/consolidated.safetensors": b"twice",
}


class Hub(BaseHTTPRequestHandler):
    """The three requests that a snapshot takes: the list of files, a file's head, the file."""

    def do_HEAD(self):
        self.answer(body=False)

    def do_GET(self):
        self.answer(body=True)

    def answer(self, body):
        path = urlsplit(self.path).path
        self.server.asked.append((self.command, path))
        if path.startswith("/api/"):
            entries = [{"type": "file", "path": n, "size": len(b), "oid": hashlib.sha1(b).hexdigest()} for n, b in FILES.items()]
            listing = {"sha": REVISION, "id": "shop/model", "siblings": [{"rfilename": entry["path"]} for entry in entries]}
            content, headers = json.dumps(entries if "/tree/" in path else listing).encode(), {}
        else:
            name = path.split(f"/resolve/{REVISION}/")[-1]
            if name in self.server.withheld:
                self.send_error(403)
                return
            content = FILES[name]
            headers = {"ETag": hashlib.sha1(content).hexdigest(), "X-Repo-Commit": REVISION}
        self.send_response(200)
        for name, value in {"Content-Type": "application/json", "Content-Length": str(len(content)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if body:
            self.wfile.write(content)

    def log_message(self, *_):
        pass


@pytest.fixture
def hub():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    server.withheld, server.asked = set(), []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()


def run(program, *arguments, **environment):
    command = [sys.executable, str(SCRIPTS / program), *map(str, arguments)]
    return subprocess.run(command, env=os.environ | environment, capture_output=True, text=True)


def download(hub, folder):
    arguments = ["--hub", "shop/model", "--revision", REVISION, "--parts", folder / "parts", "--output", folder / "model"]
    home = {"HF_HOME": str(folder / "home"), "HF_HUB_OFFLINE": "0", "HF_HUB_DISABLE_XET": "1", "HF_HUB_DISABLE_TELEMETRY": "1"}
    return run("download_model.py", *arguments, HF_ENDPOINT=f"http://127.0.0.1:{hub.server_port}", **home)


def test_a_snapshot_is_whole_and_without_pickles(hub, tmp_path):
    outcome = download(hub, tmp_path)
    assert outcome.returncode == 0, outcome.stderr
    found = {p.name: p.read_bytes() for p in (tmp_path / "model").iterdir() if p.name != "manifest.json"}
    assert found == {
        name: content for name, content in FILES.items() if name not in ("pytorch_model.bin", "original/consolidated.safetensors")
    }
    check_manifest(tmp_path / "model")
    assert not list((tmp_path / "parts" / "download_model").iterdir())


def test_a_broken_download_goes_on_where_it_was(hub, tmp_path):
    last = "model-00002-of-00002.safetensors"
    hub.withheld = {last}
    outcome = download(hub, tmp_path)
    assert outcome.returncode == 2 and "error: shop/model at 0123" in outcome.stderr
    assert not (tmp_path / "model").exists()
    hub.withheld = set()
    hub.asked.clear()
    assert download(hub, tmp_path).returncode == 0
    fetched = [path.rsplit("/", 1)[-1] for method, path in hub.asked if method == "GET" and "/resolve/" in path]
    assert fetched == [last]


def test_a_folder_of_the_site_is_linked(tmp_path):
    site = tmp_path / "site"
    site.mkdir()
    for name, content in FILES.items():
        if "/" not in name:
            (site / name).write_bytes(content)
    outcome = run("link_model.py", "--path", site, "--output", tmp_path / "model")
    assert outcome.returncode == 0, outcome.stderr
    link = tmp_path / "model" / "model-00001-of-00002.safetensors"
    assert link.is_symlink() and link.read_bytes() == b"one" * 1000
    assert not (tmp_path / "model" / "pytorch_model.bin").exists()
    check_manifest(tmp_path / "model")


def test_a_missing_shard_is_named(tmp_path):
    for name, content in FILES.items():
        if "/" not in name and name != "model-00001-of-00002.safetensors":
            (tmp_path / name).write_bytes(content)
    with pytest.raises(BadInput, match="model-00001-of-00002.safetensors: no such file"):
        check_model(tmp_path)
    outcome = run("link_model.py", "--path", tmp_path, "--output", tmp_path / "model")
    assert outcome.returncode == 2 and len(outcome.stderr.splitlines()) == 1
    assert not (tmp_path / "model").exists()


def test_other_files_than_those_meant_are_refused(tmp_path):
    site = tmp_path / "site"
    site.mkdir()
    for name, content in FILES.items():
        if "/" not in name:
            (site / name).write_bytes(content)
    meant = folder_digest(site)
    assert run("link_model.py", "--path", site, "--sha256", meant, "--output", tmp_path / "model").returncode == 0
    (site / "pytorch_model.bin").write_bytes(b"not taken")
    assert folder_digest(site) == meant
    (site / "model-00001-of-00002.safetensors").write_bytes(b"eno" * 1000)
    outcome = run("link_model.py", "--path", site, "--sha256", meant, "--output", tmp_path / "other")
    assert outcome.returncode == 2 and len(outcome.stderr.splitlines()) == 1
    assert meant in outcome.stderr and not (tmp_path / "other").exists()


def test_the_digest_is_sha256sums(tmp_path):
    """`sha256sum * | sha256sum` in the folder says the same."""
    for name in ("a.json", "b.safetensors"):
        (tmp_path / name).write_text(name)
    (tmp_path / "left_out.bin").write_text("x")
    said = subprocess.run("sha256sum a.json b.safetensors | sha256sum", shell=True, cwd=tmp_path, capture_output=True, text=True)
    assert folder_digest(tmp_path) == said.stdout.split()[0]
