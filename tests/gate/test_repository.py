"""Below which folder code hosts look for a file."""

from __future__ import annotations

from pathlib import Path

from leakhunt.gate.repository import repository


def test_it_is_where_git_keeps_its_own(tmp_path: Path) -> None:
    backend = tmp_path / "shop" / "backend"
    backend.mkdir(parents=True)
    (tmp_path / "shop" / ".git").mkdir()
    assert repository(backend, {}) == tmp_path / "shop"
    assert repository(tmp_path / "shop", {}) == tmp_path / "shop"


def test_a_work_tree_has_a_file_instead(tmp_path: Path) -> None:
    (tmp_path / "backend").mkdir()
    (tmp_path / ".git").write_text("gitdir: /elsewhere\n")
    assert repository(tmp_path / "backend", {}) == tmp_path


def test_a_checkout_without_git_is_what_the_runner_says(tmp_path: Path) -> None:
    backend = tmp_path / "backend"
    backend.mkdir()
    for name in ("GITHUB_WORKSPACE", "CI_PROJECT_DIR"):
        assert repository(backend, {name: str(tmp_path)}) == tmp_path
        assert repository(backend, {name: str(tmp_path / "other")}) == backend
        assert repository(backend, {name: ""}) == backend


def test_a_checkout_in_a_folder_of_the_workspace_is_the_repository(tmp_path: Path) -> None:
    (tmp_path / "shop" / ".git").mkdir(parents=True)
    assert repository(tmp_path / "shop", {"GITHUB_WORKSPACE": str(tmp_path)}) == tmp_path / "shop"


def test_without_any_it_is_the_folder_itself(tmp_path: Path) -> None:
    assert repository(tmp_path, {}) == tmp_path
