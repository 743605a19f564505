from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import pytest

from vinovits.errors import OutputError
from vinovits.output.atomic import atomic_file, atomic_folder, replace_folder, write_error


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def fill_and_fail(part: Path, error: BaseException) -> None:
    part.write_text("half")
    raise error


def test_the_file_appears_at_the_end(tmp_path: Path) -> None:
    target = tmp_path / "a.wav"
    with atomic_file(target) as part:
        part.write_text("new")
        assert part.parent == tmp_path
        assert not target.exists()
    assert target.read_text() == "new"
    assert names(tmp_path) == ["a.wav"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_after_an_error_the_old_file_is_as_it_was(
    tmp_path: Path, error: type[BaseException]
) -> None:
    target = tmp_path / "a.wav"
    target.write_text("old")
    with pytest.raises(error), atomic_file(target) as part:
        fill_and_fail(part, error())
    assert target.read_text() == "old"
    assert names(tmp_path) == ["a.wav"]


def test_a_disk_that_is_full_within_the_block_is_told(tmp_path: Path) -> None:
    target = tmp_path / "a.wav"
    with pytest.raises(OutputError, match=r"a\.wav can't be written: the disk is full"):  # noqa: SIM117
        with atomic_file(target) as part:
            fill_and_fail(part, OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))
    with pytest.raises(FileNotFoundError), atomic_file(target) as part:
        fill_and_fail(part, FileNotFoundError(errno.ENOENT, "another file"))
    assert names(tmp_path) == []


def test_the_umask_decides_who_may_read_it(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        with atomic_file(tmp_path / "a.wav"):
            pass
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a.wav").stat().st_mode) == 0o640


@pytest.mark.parametrize("mode", [0o600, 0o664, 0o755, 0o200])
def test_the_permissions_of_a_replaced_file_stay(tmp_path: Path, mode: int) -> None:
    target = tmp_path / "a.wav"
    target.write_text("old")
    target.chmod(mode)
    (tmp_path / "link.wav").symlink_to(target)
    for path in (target, tmp_path / "link.wav"):
        with atomic_file(path) as part:
            assert stat.S_IMODE(part.stat().st_mode) == 0o600
            part.write_text("new")
        assert stat.S_IMODE(target.stat().st_mode) == mode


def test_a_link_stays_and_its_file_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "a.wav").write_text("old")
    (tmp_path / "link.wav").symlink_to(tmp_path / "real" / "a.wav")
    with atomic_file(tmp_path / "link.wav") as part:
        part.write_text("new")
    assert (tmp_path / "link.wav").is_symlink()
    assert (tmp_path / "real" / "a.wav").read_text() == "new"


def test_the_longest_name_that_a_file_may_have_works(tmp_path: Path) -> None:
    with atomic_file(tmp_path / ("a" * 251 + ".wav")):
        pass


def test_what_can_not_be_written_is_found_at_once(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "folder.wav").mkdir()
    (tmp_path / "full.wav").symlink_to("/dev/full")
    (tmp_path / "loop.wav").symlink_to("loop.wav")
    os.mkfifo(tmp_path / "pipe.wav")
    for name, said in {
        "missing/a.wav": "there is no folder",
        "file/a.wav": "a part of this path is a file",
        "folder.wav": "is a folder",
        "full.wav": "is a device or a pipe",
        "pipe.wav": "is a device or a pipe",
        "loop.wav": "leads nowhere|too many",
        "a" * 300 + ".wav": "name too long",
        "a\0b.wav": "isn't a path",
    }.items():
        with pytest.raises(OutputError, match=said), atomic_file(tmp_path / name):
            raise AssertionError(name)
    with pytest.raises(OutputError), atomic_file(Path("/proc/a.wav")):
        raise AssertionError("/proc")
    assert stat.S_ISCHR(Path("/dev/full").stat().st_mode)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_protected_files_and_folders_are_told(tmp_path: Path) -> None:
    (tmp_path / "a.wav").touch(mode=0o444)
    with pytest.raises(OutputError, match="write-protected"), atomic_file(tmp_path / "a.wav"):
        pass
    tmp_path.chmod(0o555)
    with pytest.raises(OutputError, match="permission denied"), atomic_file(tmp_path / "b.wav"):
        pass
    tmp_path.chmod(0o755)


def test_folders_appear_whole_or_not_at_all(tmp_path: Path) -> None:
    with atomic_folder(tmp_path / "voice") as part:
        (part / "a").write_text("1")
    assert (tmp_path / "voice" / "a").read_text() == "1"
    with pytest.raises(OutputError, match="isn't empty"), atomic_folder(tmp_path / "voice"):
        pass
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="x"), atomic_folder(tmp_path / "empty") as part:
        fill_and_fail(part / "a", ValueError("x"))
    assert names(tmp_path) == ["empty", "voice"]
    assert not list((tmp_path / "empty").iterdir())


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (errno.ENOSPC, "the disk is full"),
        (errno.EROFS, "permission denied"),
        (errno.EIO, "input/output error"),
    ],
)
def test_errors_of_the_system_are_sentences(number: int, said: str) -> None:
    message = str(write_error("x.wav", OSError(number, os.strerror(number))))
    assert message.startswith("x.wav can't be written: ")
    assert said in message
    assert message.endswith(".")


def test_a_folder_takes_the_place_of_another_or_leaves_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, made = tmp_path / "voice", tmp_path / "made"
    for number in range(2):
        made.mkdir()
        (made / str(number)).touch()
        replace_folder(made, folder)
        assert [path.name for path in folder.iterdir()] == [str(number)]
        assert list(tmp_path.iterdir()) == [folder]
    made.mkdir()
    rename = Path.rename

    def failing(path: Path, to: Path) -> Path:
        if path == made:
            raise PermissionError(errno.EACCES, "it is in use")
        return rename(path, to)

    monkeypatch.setattr(Path, "rename", failing)
    with pytest.raises(PermissionError):
        replace_folder(made, folder)
    assert (folder / "1").exists()
    assert sorted(tmp_path.iterdir()) == [made, folder]
