import os
from pathlib import Path

import pytest

from shared.core.errors import EmbeddedPostgresFailed
from transfuse.embedded import places
from transfuse.embedded.identity import Identity, server_identity
from transfuse.embedded.places import reachable_folder


class Blind(Identity, frozen=True, kw_only=True):
    """A user who sees only what lies below `visible`."""

    visible: Path

    def reaches(self, path: Path) -> bool:
        return path.is_relative_to(self.visible)


@pytest.fixture
def stand_ins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    base = tmp_path / "open"
    base.mkdir()
    monkeypatch.setattr(places, "OPEN_FOLDERS", (str(base),))
    return base


def blind(visible: Path) -> Blind:
    return Blind(name="someone", uid=os.geteuid(), gid=os.getegid(), visible=visible)


def test_a_folder_that_the_server_reaches_is_taken_as_it_is(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "postgres"
    assert reachable_folder(folder, blind(tmp_path)) == folder
    assert folder.is_dir()


def test_a_folder_out_of_reach_gets_the_same_stand_in_at_every_start(tmp_path: Path, stand_ins: Path) -> None:
    folder = tmp_path / "closed" / "postgres"
    first = reachable_folder(folder, blind(stand_ins))
    (first / "data").mkdir()
    assert first.parent == stand_ins
    assert folder.resolve() == first
    assert reachable_folder(folder, blind(stand_ins)) == first
    assert (first / "data").is_dir()


def test_a_stand_in_that_others_can_write_to_is_refused(tmp_path: Path, stand_ins: Path) -> None:
    folder = tmp_path / "closed" / "postgres"
    reachable_folder(folder, blind(stand_ins)).chmod(0o777)
    with pytest.raises(EmbeddedPostgresFailed, match="only this user can write"):
        reachable_folder(folder, blind(stand_ins))


def test_a_link_in_place_of_the_stand_in_is_refused(tmp_path: Path, stand_ins: Path) -> None:
    folder = tmp_path / "closed" / "postgres"
    made = reachable_folder(folder, blind(stand_ins))
    made.rmdir()
    (tmp_path / "trap").mkdir()
    made.symlink_to(tmp_path / "trap")
    with pytest.raises(EmbeddedPostgresFailed, match="only this user can write"):
        reachable_folder(folder, blind(stand_ins))


def test_a_user_who_reaches_nothing_is_named(tmp_path: Path, stand_ins: Path) -> None:
    with pytest.raises(EmbeddedPostgresFailed, match="the user someone can reach neither"):
        reachable_folder(tmp_path / "closed" / "postgres", blind(Path("/nowhere")))


def test_postgresql_never_runs_as_root(tmp_path: Path) -> None:
    identity = server_identity(tmp_path / "postgres")
    assert identity.uid != 0
    if os.geteuid() != 0:
        assert identity.of_subprocess() == {}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root steps down to another user")
def test_root_steps_down_to_the_owner_of_the_folder(tmp_path: Path) -> None:
    os.chown(tmp_path, 2, 2)
    assert server_identity(tmp_path / "checkout" / "postgres").uid == 2
