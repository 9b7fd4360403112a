"""Recordings of one content: a copy beside the first, or the first under a new name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from hfs_vision.batch.cohort import read_record, result_folder
from hfs_vision.batch.names import read_names
from hfs_vision.batch.sources import BatchRecording

Digests = Callable[[Sequence[BatchRecording]], "list[str] | None"]


def find_copies(
    recordings: Sequence[BatchRecording], out: Path, digests: Digests
) -> dict[str, str] | None:
    """Which recordings are the content of another one: its key by theirs.

    Only what is new in the folder is looked at, and of that only what has the size of something
    else: the bytes of all the others need not be read. What a URL leads to has no size yet.

    Args:
        recordings: Of the batch.
        out: The batch's folder.
        digests: Gives the SHA-256 of recordings, empty where one cannot be read, or ``None`` if
            the batch was stopped.
    """
    names = read_names(out)
    given = {recording.key: recording for recording in recordings}
    before = {}  # content and size of what was analysed
    for key, name in names.items():
        record = read_record(result_folder(out, name)) or {}
        if record.get("sha256") and record.get("bytes"):
            before[key] = record["sha256"], record["bytes"]
    sizes = Counter(r.size for r in recordings if r.key not in names)
    sizes.update(size for _, size in before.values())
    alike = [r for r in recordings if r.key not in names and r.size and sizes[r.size] > 1]
    found = digests(alike) if alike else []
    if found is None:
        return None
    new = {r.key: sha256 for r, sha256 in zip(alike, found, strict=True) if sha256}
    # Under a known path there may be another content by now.
    doubtful = [given[key] for key, (sha256, _) in before.items() if key in given]
    doubtful = [r for r in doubtful if before[r.key][0] in new.values()]
    found = digests(doubtful) if doubtful else []
    if found is None:
        return None
    now = {r.key: sha256 for r, sha256 in zip(doubtful, found, strict=True)}
    first = {sha256: key for key, (sha256, _) in before.items() if now.get(key, sha256) == sha256}
    copies = {}
    for key, sha256 in new.items():
        if first.setdefault(sha256, key) != key:
            copies[key] = first[sha256]
    return copies
