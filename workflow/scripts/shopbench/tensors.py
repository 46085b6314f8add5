"""Safetensors files read and written piece by piece, so that a 144 GB model passes through a few hundred megabytes of memory.

Plain reads, no mmap: mapped pages count into a job's resident memory, and the scheduler would kill it. The format is eight bytes of header
length, a JSON header (name -> dtype, shape, data_offsets), then the tensors' bytes. https://huggingface.co/docs/safetensors
"""

from __future__ import annotations

import hashlib
import json
import math
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import torch

from shopbench.files import BadInput, read_json

CODES = {
    torch.float64: "F64",
    torch.float32: "F32",
    torch.float16: "F16",
    torch.bfloat16: "BF16",
    torch.int64: "I64",
    torch.int32: "I32",
    torch.int16: "I16",
    torch.int8: "I8",
    torch.uint8: "U8",
    torch.bool: "BOOL",
}
DTYPES = {code: dtype for dtype, code in CODES.items()}
INDEX = "model.safetensors.index.json"


@dataclass(frozen=True)
class Stored:
    """Where one tensor lies: `start` is the offset of its first byte in `file`."""

    file: Path
    dtype: torch.dtype
    shape: tuple[int, ...]
    start: int


class TensorFiles(Mapping[str, Stored]):
    """The tensors of some safetensors files by name, in file order. Nothing but headers is read until `read` or `rows` is called."""

    def __init__(self, files: Iterable[Path]) -> None:
        self._stored: dict[str, Stored] = {}
        for file in files:
            for name, stored in _read_header(file).items():
                if name in self._stored:
                    raise BadInput(f"{file}: {name} is in {self._stored[name].file.name} too; fetch or build the model again")
                self._stored[name] = stored

    def __getitem__(self, name: str) -> Stored:
        return self._stored[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._stored)

    def __len__(self) -> int:
        return len(self._stored)

    def read(self, name: str) -> torch.Tensor:
        """The whole tensor, in its stored dtype, on the CPU."""
        stored = self._stored[name]
        return _read_bytes(stored, 0, math.prod(stored.shape)).reshape(stored.shape)

    def rows(self, name: str, first: int, last: int) -> torch.Tensor:
        """Rows `first` to `last` (exclusive) along the first dimension, in the stored dtype, on the CPU."""
        stored = self._stored[name]
        width = math.prod(stored.shape[1:])
        return _read_bytes(stored, first * width, (last - first) * width).reshape(last - first, *stored.shape[1:])


def _read_header(file: Path) -> dict[str, Stored]:
    try:
        with file.open("rb") as stream:
            length = int.from_bytes(stream.read(8), "little")
            header = json.loads(stream.read(length))
        header.pop("__metadata__", None)
        for name, entry in header.items():
            if entry["dtype"] not in DTYPES:
                raise BadInput(f"{file}: {name} is stored as {entry['dtype']}, which is not one of {', '.join(DTYPES)}; convert the model")
        found = {
            name: Stored(file, DTYPES[entry["dtype"]], tuple(entry["shape"]), 8 + length + entry["data_offsets"][0])
            for name, entry in header.items()
        }
    except FileNotFoundError:
        raise BadInput(f"{file}: no such file") from None
    except (ValueError, KeyError, TypeError, AttributeError, MemoryError, OverflowError):
        raise BadInput(f"{file}: not a safetensors file; fetch or build it again") from None
    size = 8 + length + max((entry["data_offsets"][1] for entry in header.values()), default=0)
    if file.stat().st_size != size:
        raise BadInput(f"{file}: {file.stat().st_size} bytes, its header says {size}; fetch or build it again")
    return found


def _read_bytes(stored: Stored, first: int, count: int) -> torch.Tensor:
    """`count` elements from element `first` on, flat."""
    values = torch.empty(count, dtype=stored.dtype)
    with stored.file.open("rb") as stream:
        stream.seek(stored.start + first * stored.dtype.itemsize)
        stream.readinto(_bytes_of(values))
    return values


def _bytes_of(tensor: torch.Tensor) -> memoryview:
    """The memory of a contiguous tensor on the CPU."""
    return memoryview(tensor.flatten().view(torch.uint8).numpy())  # type: ignore[arg-type]


def weight_files(folder: Path) -> list[Path]:
    """A model folder's safetensors files, in the index's order; neither an index nor model.safetensors raises BadInput."""
    if (folder / INDEX).is_file():
        return [folder / name for name in dict.fromkeys(read_json(folder / INDEX)["weight_map"].values())]
    if (folder / "model.safetensors").is_file():
        return [folder / "model.safetensors"]
    raise BadInput(f"{folder}: neither model.safetensors nor {INDEX}; the model's weights must be in the safetensors format")


def check_index(folder: Path, tensors: TensorFiles) -> None:
    """Raise BadInput if a model folder's index, where it has one, names other tensors than its files hold, or other files for them."""
    listed = read_json(folder / INDEX)["weight_map"] if (folder / INDEX).is_file() else {}
    found = {name: stored.file.name for name, stored in tensors.items()} if listed else {}
    for name in sorted(listed.keys() | found.keys()):
        if listed.get(name) != found.get(name):
            says, is_in = listed.get(name, "no file"), found.get(name, "none")
            raise BadInput(f"{folder / INDEX}: says {says} has {name}, which is in {is_in}; fetch or build the model again")


class BackgroundDigest:
    """SHA-256 of bytes while they are written: hashing them takes as long as making them, and a core of its own."""

    def __init__(self) -> None:
        self._digest = hashlib.sha256()
        self._pool = ThreadPoolExecutor(1)
        self._waiting: deque[Future[None]] = deque()

    def update(self, data: memoryview | bytes) -> None:
        self._waiting.append(self._pool.submit(self._digest.update, data))
        # Blocks wait in memory for their turn: few of them.
        if len(self._waiting) > 2:
            self._waiting.popleft().result()

    def hexdigest(self) -> str:
        self._pool.shutdown()
        return self._digest.hexdigest()


def write_tensors(
    path: Path, kinds: Mapping[str, tuple[torch.dtype, tuple[int, ...]]], blocks: Callable[[str], Iterable[torch.Tensor]]
) -> str:
    """Write a safetensors file, one tensor after the other, and return its SHA-256.

    `kinds` gives each tensor's dtype and shape, known before its values are; `blocks(name)` yields the values in consecutive rows.
    """
    header: dict[str, object] = {"__metadata__": {"format": "pt"}}
    offset = 0
    for name, (dtype, shape) in kinds.items():
        end = offset + math.prod(shape) * dtype.itemsize
        header[name] = {"dtype": CODES[dtype], "shape": list(shape), "data_offsets": [offset, end]}
        offset = end
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    digest = BackgroundDigest()
    with path.open("wb") as stream:

        def write(data: memoryview | bytes) -> None:
            digest.update(data)
            stream.write(data)

        write(len(text).to_bytes(8, "little") + text)
        for name, (dtype, _) in kinds.items():
            for block in blocks(name):
                write(_bytes_of(block.to("cpu", dtype).contiguous()))
        if stream.tell() != 8 + len(text) + offset:
            raise ValueError(f"{path}: the blocks do not fill the shapes that were announced")
    return digest.hexdigest()
