"""Files and folders that appear whole or not at all.

Everything is written beside its target under a name that ends in `.part` and renamed at the end, so
that an error, Ctrl-C or a full disk never leaves half a file behind, nor destroys the file that was
there.
"""

from __future__ import annotations

import errno
import os
import secrets
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from vinovits.errors import OutputError

_FULL = (errno.ENOSPC, errno.EDQUOT)
"""What the system says when there is no room, or no more for this user."""


@contextmanager
def atomic_file(target: Path) -> Iterator[Path]:
    """Give the path of an empty temporary file that replaces `target` if the block succeeds.

    The file is created at once: a target that can't be written is found before any work is done.
    A symbolic link is followed, so that the link stays and its file is replaced. The permissions of
    a file that is replaced stay.

    Args:
        target: The file to write. Its folder must exist.

    Yields:
        Path of the temporary file, in the folder of the target.

    Raises:
        OutputError: The folder is missing or not writable, the target is a folder, a device, a pipe
            or a write-protected file, or the disk is full, within the block too.
    """
    final = _checked(target)
    part = _part_of(final)
    try:
        permissions = stat.S_IMODE(final.stat().st_mode) if final.exists() else None
        # Mode 0666 lets the umask decide, as it does for any other file that a program writes. What
        # replaces a file is nobody else's to read before it has that one's permissions.
        mode = 0o666 if permissions is None else 0o600
        os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, mode))
    except OSError as error:
        raise write_error(target, error) from error
    try:
        yield part
        try:
            if permissions is not None:
                with suppress(OSError):  # file systems without permissions
                    part.chmod(permissions)
            part.replace(final)
        except OSError as error:
            raise write_error(target, error) from error
    except OSError as error:
        if error.errno in _FULL:  # of what the block does, that alone can't be about another file
            raise write_error(target, error) from error
        raise
    finally:
        part.unlink(missing_ok=True)


def check_file(target: Path) -> None:
    """Find out whether a file can be written, and make its folder; a file that is there stays.

    Args:
        target: What `atomic_file` is to write after a long time.

    Raises:
        OutputError: As `atomic_file` raises.
    """
    final = _checked(target)
    part = _part_of(final)
    try:
        final.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        part.unlink()
    except OSError as error:
        raise write_error(target, error) from error


@contextmanager
def atomic_folder(target: Path) -> Iterator[Path]:
    """Give the path of an empty temporary folder that becomes `target` if the block succeeds.

    Args:
        target: The folder to make. It must not exist yet, or be an empty folder; its parent must
            exist.

    Yields:
        Path of the temporary folder, beside the target.

    Raises:
        OutputError: The target exists and isn't an empty folder, or can't be made.
    """
    final = _resolved(target)
    try:
        if final.is_dir() and any(final.iterdir()):
            raise OutputError(
                f"The folder {target} isn't empty. Choose another one, or delete it first."
            )
        if final.exists() and not final.is_dir():
            raise OutputError(f"{target} exists and isn't a folder. Choose another name.")
    except OSError as error:
        raise write_error(target, error) from error
    part = _part_of(final)
    try:
        part.mkdir()
    except OSError as error:
        raise write_error(target, error) from error
    try:
        yield part
        if final.is_dir():
            final.rmdir()  # Windows doesn't rename over a folder, not even over an empty one.
        part.rename(final)
    except OSError as error:
        raise write_error(target, error) from error
    finally:
        shutil.rmtree(part, ignore_errors=True)


def replace_folder(made: Path, folder: Path) -> None:
    """Give a complete folder its name; one that was there goes.

    Raises:
        OSError: It can't be renamed; what was there stays.
    """
    old = folder.with_name(f".{folder.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if folder.exists():
        folder.rename(old)
    try:
        made.rename(folder)
    except OSError:
        if old.exists():
            old.rename(folder)
        raise
    shutil.rmtree(old, ignore_errors=True)


def write_error(target: Path | str, error: OSError) -> OutputError:
    """The sentence for an operating system error met while writing `target`.

    Args:
        target: What was written, as the user named it.
        error: What the operating system said.

    Returns:
        An error that names the target, the reason and, where there is one, the remedy.
    """
    name = str(target)
    folder = Path(name).parent
    if error.errno == errno.ENOENT and not folder.is_dir():
        return OutputError(
            f"{name} can't be written: there is no folder {folder}. Create it, or choose another."
        )
    if error.errno in _FULL:
        return OutputError(f"{name} can't be written: the disk is full. Free some space there.")
    if error.errno == errno.ENOTDIR:
        return OutputError(f"{name} can't be written: a part of this path is a file, not a folder.")
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return OutputError(
            f"{name} can't be written: permission denied. Choose a folder that you may write to."
        )
    reason = (error.strerror or str(error)).lower()
    return OutputError(f"{name} can't be written: {reason}.")


def _resolved(target: Path) -> Path:
    try:
        return target.resolve()
    except (OSError, RuntimeError) as error:  # RuntimeError: a loop of symbolic links
        raise OutputError(f"{target} can't be written: its path leads nowhere.") from error
    except ValueError as error:  # a NUL character
        raise OutputError(f"{str(target)!r} isn't a path.") from error


def _checked(target: Path) -> Path:
    """The real path of the file to write, after everything that can be known beforehand."""
    final = _resolved(target)
    try:
        if final.is_dir():
            raise OutputError(f"{target} is a folder. Name a file in it, such as {target}/out.wav.")
        if final.exists():
            if not final.is_file():
                raise OutputError(
                    f"{target} is a device or a pipe, not a file. Write to standard output with "
                    "`--out -` and redirect it there."
                )
            if not os.access(final, os.W_OK):
                raise OutputError(f"{target} is write-protected. Choose another name.")
    except OSError as error:
        raise write_error(target, error) from error
    return final


def _part_of(final: Path) -> Path:
    # A name of its own, rather than the target's with something appended, never gets too long.
    return final.parent / f".vinovits-{secrets.token_hex(6)}.part"
