"""The folder that annotations and code-scanning results are relative to, wherever below it a check runs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

#: Where the runners of GitHub and GitLab have checked the repository out.
CHECKED_OUT = ("GITHUB_WORKSPACE", "CI_PROJECT_DIR")


def repository(folder: Path, environment: Mapping[str, str]) -> Path:
    """The next folder above with a ``.git``, or what the runner names; else the folder itself, which is absolute."""
    around = (folder, *folder.parents)
    roots = [each for each in around if (each / ".git").exists()]
    named = (Path(environment[name]) for name in CHECKED_OUT if environment.get(name))
    roots += [each for each in named if each in around]
    return roots[0] if roots else folder
