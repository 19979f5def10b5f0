"""Open what the user names: files, archives, compressed streams and standard input, within bounds."""

from __future__ import annotations

import contextlib
import errno
import lzma
import os
import re
import shutil
import stat
import struct
import sys
import tempfile
import zipfile
import zlib
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from cart_nlp.registries.containers.bounds import BOMB_RATIO, is_bomb
from cart_nlp.registries.entry import InputError, Settled

CHUNK = 1 << 20
HEAD = 1 << 16
BLANK = b"\0 \t\r\n\xef\xbb\xbf"
MOST_BLANKS = 1 << 26
"""Bytes of blanks at the start of an input that are looked past."""
ARCHIVE_ERRORS = (OSError, EOFError, zlib.error, zipfile.BadZipFile, RuntimeError, ValueError, IndexError,
                  NotImplementedError, struct.error, lzma.LZMAError)  # fmt: skip
"""What Python's zipfile raises over a damaged archive."""
_GZIP, _ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
_SKIPPABLE = re.compile(rb"[\x50-\x5f]\x2a\x4d\x18", re.DOTALL)
_FOREIGN = {
    b"7z\xbc\xaf\x27\x1c": "a 7z archive",
    b"Rar!": "a RAR archive",
    b"\xfd7zXZ": "xz-compressed",
    b"BZh": "bzip2-compressed",
    b"%PDF": "a PDF document",
    b"\xd0\xcf\x11\xe0": "an old Excel or Word file (save it as .xlsx or .csv)",
    b"SQLite format 3": "an SQLite database",
    b"\x89PNG": "an image",
    _GZIP: "compressed twice (unpack it once)",
    _ZSTD: "compressed twice (unpack it once)",
}


Meter = Callable[[int], None]


@dataclass
class Feed:
    """A named stream of bytes, read in chunks, whose head can be looked at first.

    A stream that breaks off (truncated gzip, damaged archive member) ends early and leaves the reason in
    `fault`: what came before it is still good.
    """

    name: str
    source: Iterator[bytes]
    fault: str | None = None
    path: Path | None = None
    """The file itself, where the feed is a plain file that can be read from both ends."""
    offset: int = 0
    meter: Meter | None = None
    """Hears how many bytes more of the file are read, as they lie on the disk."""
    notes: dict[str, tuple[int, str]] = field(default_factory=dict)
    """What a user should know of records: the end of a sentence -> how many, and where the first stands."""
    settled: Callable[[bytes, bool], Settled] | None = None
    """What to do with a record by its bytes, and by whether it may be kept."""
    _head: deque[bytes] = field(default_factory=deque)

    def peek(self, size: int = HEAD) -> bytes:
        """The first `size` bytes or more, fewer only if the stream is shorter."""
        held = sum(map(len, self._head))
        while held < size:
            chunk = next(self.source, b"")
            if not chunk:
                break
            self._head.append(chunk)
            held += len(chunk)
        return b"".join(self._head)

    def opening(self) -> bytes:
        """The head as far as a byte that is no blank, or MOST_BLANKS; `peek` gives all of it from now on."""
        head = self.peek()
        while len(head) < MOST_BLANKS and not head.strip(BLANK):
            more = self.peek(2 * len(head))
            if len(more) == len(head):
                break
            head = more
        return head

    def noting(self, place: str) -> Callable[[str], None]:
        """Counts what is said of the record at a place."""

        def note(said: str) -> None:
            count, first = self.notes.get(said, (0, place))
            self.notes[said] = count + 1, first

        return note

    def tell(self, report: Callable[[str], None]) -> None:
        """Report what was said of records, once the stream is read."""
        for said, (count, place) in self.notes.items():
            records = "record" if count == 1 else "records"
            report(f"{self.name}: {count:,} {records} {said} (the first at {place})")

    def chunks(self) -> Iterator[bytes]:
        """All bytes, the head included; to be called once."""
        while self._head:
            yield self._counted(self._head.popleft())
        for chunk in self.source:
            yield self._counted(chunk)

    def _counted(self, chunk: bytes) -> bytes:
        self.offset += len(chunk)
        if self.meter is not None:
            self.meter(len(chunk))
        return chunk


def grown(held: bytes, chunks: Iterator[bytes]) -> tuple[bytes, bool]:
    """What is held and as much again after it, at most some 16 MiB; and whether the stream has ended."""
    parts = [held]
    wanted = min(max(len(held), 1), 1 << 24)
    while wanted > 0:
        chunk = next(chunks, b"")
        if not chunk:
            return b"".join(parts), True
        parts.append(chunk)
        wanted -= len(chunk)
    return b"".join(parts), False


def shown(name: str) -> str:
    """A name fit for a message: nothing in it moves the cursor or reverses the line."""
    return "".join(sign if sign.isprintable() else f"\\x{ord(sign):02x}" for sign in name)


def _no_file(path: str, error: OSError) -> InputError:
    reasons = {
        errno.ENOENT: "no such file",
        errno.EACCES: "permission denied",
        errno.ELOOP: "a symbolic link that leads back to itself",
        errno.ENAMETOOLONG: "the name is too long",
    }
    reason = reasons.get(error.errno or 0, error.strerror or str(error))
    return InputError(f"{shown(path)}: {reason}")


def open_file(path: str) -> IO[bytes]:
    """Open a regular file or a pipe; raises InputError for anything else."""
    try:
        mode = Path(path).stat().st_mode
        if stat.S_ISDIR(mode):
            raise InputError(
                f"{shown(path)}: is a directory; name the files in it, e.g. {shown(path)}/*.json"
            )
        if not (stat.S_ISREG(mode) or stat.S_ISFIFO(mode)):
            raise InputError(f"{shown(path)}: is a device or socket, not a file")
        return Path(path).open("rb")
    except OSError as error:
        raise _no_file(path, error) from None
    except ValueError:  # a NUL in the name
        raise InputError(f"{shown(path)}: not a file name") from None


def read_chunks(stream: IO[bytes], feed: Callable[[], Feed]) -> Iterator[bytes]:
    """Chunks of an open file; an error of the disk or the archive ends them and is left in the feed."""
    try:
        while chunk := stream.read(CHUNK):
            yield chunk
    except ARCHIVE_ERRORS as error:
        feed().fault = f"damaged or cut short: {shown(str(error))[:200]}"


def _inflate(chunks: Iterator[bytes], feed: Feed) -> Iterator[bytes]:
    """Decompress concatenated gzip members."""
    machine = zlib.decompressobj(wbits=31)
    taken = given = 0
    started = False
    for chunk in chunks:
        taken += len(chunk)
        data = chunk
        while data:
            if not started and not data.strip(b"\0"):
                break  # zero padding after the last member
            before = machine.copy()
            try:
                out = machine.decompress(data, CHUNK)
            except zlib.error as error:
                feed.fault = f"the gzip data is damaged near byte {taken:,} ({error})"
                yield from _up_to_fault(before, data)
                return
            started = True
            given += len(out)
            if _is_bomb(given, taken, feed):
                return
            if out:
                yield out
            if machine.eof:
                data, machine, started = machine.unused_data, zlib.decompressobj(wbits=31), False
            else:
                data = machine.unconsumed_tail
    if started:
        if tail := machine.flush():
            yield tail
        feed.fault = f"the gzip data ends too early, after {taken:,} compressed bytes: the file is truncated"


def _up_to_fault(machine: zlib._Decompress, data: bytes) -> Iterator[bytes]:
    """What faulty data inflate to before their fault, in steps: the one with the fault gives nothing."""
    parts: list[bytes] = []
    with contextlib.suppress(zlib.error):
        for at in range(len(data)):
            parts.append(machine.decompress(data[at : at + 1]))
    if any(parts):
        yield b"".join(parts)


def _is_bomb(given: int, taken: int, feed: Feed) -> bool:
    if not is_bomb(given, taken):
        return False
    feed.fault = (
        f"inflates to more than {BOMB_RATIO} times its size, as a decompression bomb does; "
        "decompress it yourself if you trust it"
    )
    return True


def _unzstd(chunks: Iterator[bytes], feed: Feed) -> Iterator[bytes]:
    """Decompress concatenated zstd frames, in pieces so small that none can fill the memory."""
    try:
        import zstandard
    except ImportError:
        raise InputError(f"{feed.name}: zstd-compressed; pip install 'cart-nlp[zstd]' to read it") from None
    frames = zstandard.ZstdDecompressor(max_window_size=1 << 27)
    machine = frames.decompressobj()
    taken = given = 0
    started = False
    for chunk in chunks:
        out: list[bytes] = []
        rest = memoryview(chunk)
        while rest:
            # The last four bytes are a checksum: the block before it is good, whatever they are.
            size = min(1024, max(len(rest) - 4, 4))
            piece, rest = rest[:size], rest[size:]
            taken += len(piece)
            while piece:
                try:
                    out.append(machine.decompress(piece))
                except zstandard.ZstdError as error:
                    feed.fault = f"the zstd data is damaged near byte {taken:,} ({error})"
                    yield b"".join(out)
                    return
                started = not machine.eof
                piece = memoryview(machine.unused_data)
                if machine.eof:
                    machine = frames.decompressobj()
            if sum(map(len, out)) > CHUNK or not rest:
                joined = b"".join(out)
                out.clear()
                given += len(joined)
                if _is_bomb(given, taken, feed):
                    return
                if joined:
                    yield joined
    if started:
        feed.fault = f"the zstd data ends too early, after {taken:,} compressed bytes: the file is truncated"


def decompressed(feed: Feed) -> Feed:
    """The feed itself, or what it inflates to; by its first bytes, not by its name."""
    inner = Feed(feed.name, iter(()))
    head = feed.peek(16)
    if head.startswith(_GZIP):
        inner.source = _inflate(feed.chunks(), inner)
    elif head.startswith(_ZSTD) or _SKIPPABLE.match(head):
        inner.source = _unzstd(_without_skippable(feed), inner)
    else:
        return feed
    return inner


def _without_skippable(feed: Feed) -> Iterator[bytes]:
    """A zstd stream without the frames before the first one that hold no data but, say, an index."""
    held = b""
    skip = 0
    chunks = feed.chunks()
    for chunk in chunks:
        held += chunk
        while held:
            if skip:
                held, skip = held[skip:], max(0, skip - len(held))
                continue
            if len(held) < 8 or not _SKIPPABLE.match(held):
                break
            skip = 8 + int.from_bytes(held[4:8], "little")
        if len(held) >= 8:
            break
    yield held
    yield from chunks


def foreign(head: bytes) -> str | None:
    """What a file, unpacked, is that certainly holds no registry records, or None."""
    if head[257:262] == b"ustar":
        return "a tar archive (unpack it first)"
    if head[8:12] == b"DUCK":
        return "a DuckDB database"
    return next((what for magic, what in _FOREIGN.items() if head.startswith(magic)), None)


def spooled(feed: Feed, folder: Path) -> Path:
    """Write a feed to a file, for formats that must be read from both ends."""
    target = folder / "spooled"
    try:
        with target.open("wb") as out:
            for chunk in feed.chunks():
                out.write(chunk)
    except OSError as error:
        raise InputError(
            f"{feed.name}: cannot be buffered in {folder}: {error.strerror}; set TMPDIR"
        ) from None
    return target


def stdin_feed() -> Feed:
    """Standard input as a feed."""
    feed = Feed("-", iter(()))
    feed.source = read_chunks(sys.stdin.buffer, lambda: feed)
    return feed


def file_feed(path: str, stream: IO[bytes]) -> Feed:
    """An open file as a feed that tells if the file changed while it was read."""
    feed = Feed(shown(path), iter(()))
    before = os.fstat(stream.fileno())
    if stat.S_ISREG(before.st_mode):
        feed.path = Path(path)

    def watched() -> Iterator[bytes]:
        yield from read_chunks(stream, lambda: feed)
        after = os.fstat(stream.fileno())
        if stat.S_ISREG(before.st_mode) and (before.st_size, before.st_mtime_ns) != (
            after.st_size,
            after.st_mtime_ns,
        ):
            feed.fault = "the file changed while it was read: records may be missing or broken; read it again"

    feed.source = watched()
    return feed


def temporary_folder(name: str) -> Path:
    """A new folder for buffers; the caller removes it."""
    try:
        return Path(tempfile.mkdtemp(prefix="cart-nlp-"))
    except OSError as error:
        raise InputError(f"{name}: no folder for temporary files ({error.strerror}); set TMPDIR") from None


def remove_folder(folder: Path) -> None:
    """Remove a folder of buffers."""
    shutil.rmtree(folder, ignore_errors=True)
