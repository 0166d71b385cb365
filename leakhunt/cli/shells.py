"""Completion scripts of bash and zsh: what Click's own cannot do with snapshot paths.

Folders of series are called ``celery@web1-4242-...``. Bash splits words at ``@`` (COMP_WORDBREAKS), so its
script hands over the line as it stands, and what bash replaces is cut off the answers. A folder
is completed without a space behind it, so that one may go on.
"""

from __future__ import annotations

import os
import re
from typing import Any, ClassVar

from click.shell_completion import (
    BashComplete,
    ZshComplete,
    add_completion_class,
    split_arg_string,
)

_BASH = """\
%(complete_func)s() {
    local IFS=$'\\n' answer type value
    local cur="${COMP_LINE:0:$COMP_POINT}"
    answer=$(env COMP_LINE="$cur" COMP_WORDBREAKS="$COMP_WORDBREAKS" %(complete_var)s=bash_complete "$1" 2>/dev/null)
    COMPREPLY=()
    while IFS=',' read -r type value; do
        case $type in
            dir) compopt -o dirnames ;;
            file) compopt -o default ;;
            plain)
                COMPREPLY+=("$value")
                [[ $value == */ ]] && compopt -o nospace
                ;;
        esac
    done <<< "$answer"
    return 0
}

complete -o nosort -F %(complete_func)s %(prog_name)s
"""

_ZSH = """\
#compdef %(prog_name)s

%(complete_func)s() {
    local -a completions described folders response
    local type key descr
    (( ! $+commands[%(prog_name)s] )) && return 1
    response=("${(@f)$(env COMP_WORDS="${words[*]}" COMP_CWORD=$((CURRENT-1)) %(complete_var)s=zsh_complete %(prog_name)s 2>/dev/null)}")
    for type key descr in ${response}; do
        case $type in
            dir) _path_files -/ ;;
            file) _path_files -f ;;
            plain)
                if [[ $key == */ ]]; then
                    folders+=("$key")
                elif [[ $descr == "_" ]]; then
                    completions+=("$key")
                else
                    described+=("$key":"$descr")
                fi
                ;;
        esac
    done
    [[ -n $described ]] && _describe -V unsorted described -U
    [[ -n $folders ]] && compadd -Q -U -V unsorted -S '' -a folders
    [[ -n $completions ]] && compadd -Q -U -V unsorted -a completions
}

if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
    %(complete_func)s "$@"
else
    (( $+functions[compdef] )) || { autoload -Uz compinit && compinit }
    compdef %(complete_func)s %(prog_name)s
fi
"""


def _quoted(value: str) -> str:
    """As it must stand on a command line that is being typed."""
    return re.sub(r"([^\w@%+=:,./~-])", r"\\\1", value)


class Bash(BashComplete):
    """Bash, with words that hold ``@``, ``:`` and ``=``."""

    source_template: ClassVar[str] = _BASH

    def get_completion_args(self) -> tuple[list[str], str]:
        line = os.environ["COMP_LINE"]
        words = split_arg_string(line)
        if line[-1:].isspace() and not line.endswith("\\ "):
            words.append("")
        self._typed = words[-1]
        return words[1:-1], words[-1]

    def format_completion(self, item: Any) -> str:
        breaks = set(os.environ.get("COMP_WORDBREAKS", "")) & set("@:=")
        start = max((self._typed.rfind(character) for character in breaks), default=-1)
        if self._typed[start : start + 1] != "@":  # readline keeps this one in the word
            start += 1
        value = str(item.value)
        if item.type == "plain" and value.startswith(self._typed[:start]):
            value = value[start:]
        return f"{item.type},{_quoted(value)}"


class Zsh(ZshComplete):
    """Zsh, with folders that are gone on from."""

    source_template: ClassVar[str] = _ZSH

    def format_completion(self, item: Any) -> str:
        if item.help:
            return str(super().format_completion(item))
        return f"{item.type}\n{_quoted(str(item.value))}\n_"


def register() -> None:
    """Take the place of Click's own scripts."""
    add_completion_class(Bash)
    add_completion_class(Zsh)
