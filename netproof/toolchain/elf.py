"""What an ELF header tells about a program."""

from __future__ import annotations

import struct
from pathlib import Path

_PT_INTERP = 3
_HEADER = struct.Struct("<16sHHIQQQIHHHHHH")  # elf(5), Elf64_Ehdr


def is_static(path: Path) -> bool:
    """Whether the file is a 64-bit little-endian ELF program without a dynamic loader, so runs in an empty image."""
    with path.open("rb") as file:
        header = file.read(_HEADER.size)
        if len(header) < _HEADER.size or header[:6] != b"\x7fELF\x02\x01":
            return False
        fields = _HEADER.unpack(header)
        program_headers_offset, entry_size, entry_count = fields[5], fields[9], fields[10]
        file.seek(program_headers_offset)
        table = file.read(entry_size * entry_count)
    kinds = {struct.unpack_from("<I", table, index * entry_size)[0] for index in range(entry_count)}
    return _PT_INTERP not in kinds
