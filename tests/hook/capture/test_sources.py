"""What is recorded of source files: whose, and without what literals and comments say."""

from __future__ import annotations

import io
import os
import sys
import textwrap
import time
import tokenize
import types
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

import pytest

from leakhunt.hook.capture import scopes, sources, spots
from leakhunt.hook.capture.sources import Sources, masked
from tests.hook.capture.conftest import AsModule

SECRET = "hunter2"


SOURCE = '''\
PASSWORD = "hunter2"
def connect(user, password="hunter2", key=b'hunter2',
            token=f"hunter2 {user}", empty=""):  # the password is hunter2
    """Connects with
    hunter2
    """
    query = f"""password=
    hunter2 {user}
    """
    other = 'hunter2 \\
    hunter2'; kept = [user]
    return os.environ["hunter2"], r'\\hunter2'
'''


@pytest.mark.parametrize("record", ["masked", "full", "off"])
def test_no_literal_and_no_comment_is_recorded(
    record: str, tmp_path: Path, as_module: AsModule
) -> None:
    path = tmp_path / "shop.py"
    path.write_text(SOURCE)
    file = as_module(path)
    found = Sources(time.time() + 10, record)
    explained = spots.spots([(file, line) for line in range(1, 14)], 60.0, found, {})
    heads = scopes.scopes({file: {2: ("connect", None)}}, [file], 60.0, found)
    lines = {line: code for line, (_, code) in explained[file].items()}
    assert explained[file][12][0] == "connect"
    if record == "off":
        assert set(lines.values()) == {None}
        assert heads[file]["connect"][0] == ""
    elif record == "full":
        assert lines[1] == 'PASSWORD = "hunter2"'
        assert SECRET in heads[file]["connect"][0]
    else:
        assert SECRET not in repr(lines) + repr(heads)
        assert lines[1] == 'PASSWORD = "***"'
        assert lines[2] == "def connect(user, password=\"***\", key=b'***',"
        assert lines[3] == 'token=f"***", empty=""):'
        assert lines[8] in ("", None)
        assert lines[11] == "; kept = [user]"
        assert lines[12] == "return os.environ[\"***\"], r'***'"
        assert heads[file]["connect"] == (f"{lines[2]}\n{lines[3]}", ("os",))


@pytest.mark.skipif(sys.version_info < (3, 12), reason="PEP 701")
def test_an_f_string_with_its_own_quotes_within() -> None:
    text = 'x = f"{d["hunter2"]} {f"{"hunter2"}"}" + "hunter2"; y = f"{{" f\'}}\'\n"hunter2"\n'
    assert masked(text, 9) == ['x = f"***" + "***"; y = f"***" f\'***\'', '"***"', ""]


def test_what_cannot_be_taken_apart_ends_the_lines() -> None:
    assert masked('a = 1\nb = "hunter2\nc = "hunter2"\n', 9) == ["a = 1"]
    assert masked("a = 1\n'''hunter2\nhunter2", 9) == ["a = 1"]


def test_lines_are_counted_as_python_counts_them() -> None:
    assert masked("a = 1\r\nb\x0c = 2\rc = '\u2028'\n", 9) == [
        "a = 1",
        "b\x0c = 2",
        "c = '***'",
        "",
    ]
    assert masked("a\nb\nc\n", 2) == ["a", "b"]


def test_only_python_sources_of_loaded_modules_are_read(
    tmp_path: Path, as_module: AsModule
) -> None:
    """``compile(text, "prod.env", "exec")`` names a file that holds passwords."""
    env = tmp_path / "prod.env"
    env.write_text(f"PASSWORD={SECRET}\n")
    stranger = tmp_path / "stranger.py"
    stranger.write_text("x = 1\n")
    path = tmp_path / "shop.py"
    path.write_text("x = 1\n")
    file = as_module(path)
    found = Sources(time.time() + 10, "full")
    assert found.text(str(env)) is None
    assert found.text(str(stranger)) is None
    assert found.text(file) == "x = 1\n"
    library = tmp_path / f"shop{EXTENSION_SUFFIXES[0]}"
    library.write_text(SECRET)
    binary = as_module(library)
    assert Sources(time.time() + 10, "full").text(binary) is None


def test_no_code_of_a_module_runs_when_it_is_asked_for_its_file(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Lazy(types.ModuleType):
        def __getattr__(self, name: str) -> str:
            raise AssertionError("asked")

    monkeypatch.setitem(sys.modules, "lazy_of_a_test", Lazy("lazy_of_a_test"))
    monkeypatch.setitem(sys.modules, "none_of_a_test", None)
    Sources(time.time())


def test_every_literal_that_the_tokenizer_finds_is_masked() -> None:
    """Over sources of the standard library: exactly its literals and comments are replaced."""
    folder = Path(textwrap.__file__).parent
    files = [*sorted(folder.glob("[a-e]*.py"))[:60], *sorted(folder.glob("test/test_*string*.py"))]
    for path in files:
        with tokenize.open(path) as opened:
            text = opened.read()
        try:
            tokens = list(tokenize.generate_tokens(io.StringIO(text).readline))
        except (tokenize.TokenError, SyntaxError):
            continue
        spans = [(start, end) for start, end, _ in sources._masks(text)]
        assert spans == _literals(text, tokens), path
        assert "\n".join(masked(text, 1 << 30)).count("\n") == text.count("\n"), path


def _literals(text: str, tokens: list[tokenize.TokenInfo]) -> list[tuple[int, int]]:
    """Where the outermost literals and the comments stand."""
    lengths = [0]
    for line in io.StringIO(text):
        lengths.append(lengths[-1] + len(line))

    def offset(place: tuple[int, int]) -> int:
        return lengths[place[0] - 1] + place[1]

    start, end = (
        {getattr(tokenize, f"{kind}STRING_{edge}", None) for kind in "FT"}
        for edge in ("START", "END")
    )
    depth, found, began = 0, [], 0
    for token in tokens:
        if token.type in start:
            began = began if depth else offset(token.start)
            depth += 1
        elif token.type in end:
            depth -= 1
            found += [] if depth else [(began, offset(token.end))]
        elif depth == 0 and token.type in (tokenize.STRING, tokenize.COMMENT):
            found.append((offset(token.start), offset(token.end)))
    return found


def test_a_module_that_came_through_a_pipe_is_not_waited_for(
    tmp_path: Path, as_module: AsModule
) -> None:
    """``python <(cat program.py)``: nobody writes into that pipe any more."""
    path = tmp_path / "shop.py"
    path.write_text("x = 1\n")
    file = as_module(path)
    path.unlink()
    os.mkfifo(path)
    found = Sources(time.time() + 10)
    assert found.text(file) is None
    assert found.lines(file, 1) == []
