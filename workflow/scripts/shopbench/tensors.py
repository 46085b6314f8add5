"""Safetensors files read and written piece by piece, so that a 144 GB model passes through a few hundred megabytes of memory.

Plain reads, no mmap: mapped pages count into a job's resident memory, and the scheduler would kill it. The format is eight bytes of header
length, a JSON header (name -> dtype, shape, data_offsets), then the tensors' bytes. https://huggingface.co/docs/safetensors
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
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
            self._stored.update(_read_header(file))

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
        found = {
            name: Stored(file, DTYPES[entry["dtype"]], tuple(entry["shape"]), 8 + length + entry["data_offsets"][0])
            for name, entry in header.items()
        }
    except FileNotFoundError:
        raise BadInput(f"{file}: no such file") from None
    except (ValueError, KeyError, MemoryError, OverflowError):
        raise BadInput(f"{file}: not a safetensors file; fetch or build it again") from None
    size = 8 + length + max((entry["data_offsets"][1] for entry in header.values()), default=0)
    if file.stat().st_size != size:
        raise BadInput(f"{file}: {file.stat().st_size} bytes, its header says {size}; fetch or build it again")
    return found


def _read_bytes(stored: Stored, first: int, count: int) -> torch.Tensor:
    """`count` elements from element `first` on, flat."""
    buffer = bytearray(count * stored.dtype.itemsize)
    with stored.file.open("rb") as stream:
        stream.seek(stored.start + first * stored.dtype.itemsize)
        stream.readinto(buffer)
    return torch.frombuffer(buffer, dtype=stored.dtype) if count else torch.empty(0, dtype=stored.dtype)


def weight_files(folder: Path) -> list[Path]:
    """A model folder's safetensors files, in the index's order; neither an index nor model.safetensors raises BadInput."""
    if (folder / INDEX).is_file():
        return [folder / name for name in dict.fromkeys(read_json(folder / INDEX)["weight_map"].values())]
    if (folder / "model.safetensors").is_file():
        return [folder / "model.safetensors"]
    raise BadInput(f"{folder}: neither model.safetensors nor {INDEX}; the model's weights must be in the safetensors format")


def write_tensors(
    path: Path, kinds: Mapping[str, tuple[torch.dtype, tuple[int, ...]]], blocks: Callable[[str], Iterable[torch.Tensor]]
) -> None:
    """Write a safetensors file, one tensor after the other.

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
    with path.open("wb") as stream:
        stream.write(len(text).to_bytes(8, "little") + text)
        for name, (dtype, _) in kinds.items():
            for block in blocks(name):
                stream.write(block.to(dtype).contiguous().flatten().view(torch.uint8).numpy())
        if stream.tell() != 8 + len(text) + offset:
            raise ValueError(f"{path}: the blocks do not fill the shapes that were announced")
