"""The members of zip archives as feeds; nothing is ever unpacked to the path that an archive names."""

from __future__ import annotations

import contextlib
import copy
import stat
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from cart_nlp.registries.containers.bounds import BOMB_RATIO, BOMB_SIZE
from cart_nlp.registries.containers.feeds import (
    ARCHIVE_ERRORS,
    Feed,
    Meter,
    decompressed,
    read_chunks,
    shown,
)
from cart_nlp.registries.entry import InputError, Reject, Rejected

_LOCAL_HEADER = 30
_STEP, _FINE_STEP = 1 << 12, 1 << 6
_SKIPPED = ("__MACOSX/", "Contents.txt")


def open_member(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> IO[bytes]:
    """Open a member of an archive; raises Rejected with the reason if it cannot be."""
    if info.flag_bits & 1:
        raise Rejected("is encrypted; decrypt the archive first")
    try:
        return archive.open(info)
    except ARCHIVE_ERRORS as error:
        raise Rejected(f"cannot be opened: {shown(str(error))[:200]}") from None


def member_chunks(
    archive: zipfile.ZipFile, info: zipfile.ZipInfo, stream: IO[bytes], feed: Feed
) -> Iterator[bytes]:
    """Chunks of an opened member up to its fault, if it has one, which is left in the feed."""
    given = 0
    for chunk in read_chunks(stream, lambda: feed):
        given += len(chunk)
        yield chunk
    if feed.fault and (rest := b"".join(_up_to_fault(archive, info, given))):
        yield rest


def _up_to_fault(archive: zipfile.ZipFile, info: zipfile.ZipInfo, given: int) -> Iterator[bytes]:
    """What a faulty member has between what was given and its fault, read again in small steps.

    Its checksum is not asked again: that would take the last of them.
    """
    unchecked = copy.copy(info)
    del unchecked.CRC
    with contextlib.suppress(*ARCHIVE_ERRORS), archive.open(unchecked) as stream:
        while piece := stream.read(_STEP if given >= _STEP else _FINE_STEP):
            yield piece[given:]
            given -= min(given, len(piece))


def packed_share(info: zipfile.ZipInfo, meter: Meter | None, scale: float = 1.0) -> Meter | None:
    """A meter of the bytes of a member, which tells `meter` how many they are within the archive."""
    if meter is None:
        return None
    share = scale * info.compress_size / max(1, info.file_size)
    return lambda count: meter(round(count * share))


def zip_members(archive: zipfile.ZipFile, name: str, meter: Meter | None = None) -> Iterator[Feed | Reject]:
    """The members of an archive as feeds, in archive order; nothing is ever written to their paths."""
    overlapping = _overlapping(archive)
    for info in archive.infolist():
        if (
            (info.filename and info.is_dir())
            or info.filename.startswith(_SKIPPED)
            or Path(info.filename).name.startswith(".")
        ):
            continue
        place = shown(info.filename)
        if stat.S_ISLNK(info.external_attr >> 16):
            yield Reject(name, place, None, "a symbolic link inside the archive: not followed")
            continue
        if info in overlapping:
            yield Reject(name, place, None, "its data are those of another member: not read")
            continue
        if info.file_size > BOMB_SIZE and info.file_size > info.compress_size * BOMB_RATIO:
            yield Reject(name, place, None, f"inflates to more than {BOMB_RATIO} times its size: not read")
            continue
        try:
            stream = open_member(archive, info)
        except Rejected as reason:
            yield Reject(name, place, None, str(reason))
            continue
        feed = Feed(f"{name}:{place}", iter(()), meter=packed_share(info, meter))
        with stream:
            feed.source = member_chunks(archive, info, stream, feed)
            yield decompressed(feed)


def _overlapping(archive: zipfile.ZipFile) -> set[zipfile.ZipInfo]:
    """Members that lie within others, as in archives that are made to inflate without end."""
    found, end = set(), 0
    for info in sorted(archive.infolist(), key=lambda info: info.header_offset):
        if info.header_offset < end:
            found.add(info)
        else:
            end = info.header_offset + info.compress_size + _LOCAL_HEADER
    return found


def open_zip(path: Path, name: str) -> zipfile.ZipFile:
    """Open an archive; raises InputError if its directory cannot be read."""
    try:
        return zipfile.ZipFile(path)
    except ARCHIVE_ERRORS as error:
        raise InputError(
            f"{name}: not a whole zip archive, perhaps truncated ({shown(str(error))[:200]})"
        ) from None
