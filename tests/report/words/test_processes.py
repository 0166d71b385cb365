"""What is said of live processes: each sentence from its figures."""

from __future__ import annotations

from leakhunt.report.words import processes as words

MIB = 1 << 20


def test_an_orphan_says_what_it_still_holds() -> None:
    assert words.orphan(7, 1, 20 * MIB, 1, 3) == (
        "an orphan: its main process 7 is gone, process 1 has adopted it and it still holds 20.0 MiB that "
        "nobody else uses, 1 open file, 3 sockets among them"
    )
    assert words.orphan(None, 1, None, None, None) == (
        "an orphan: its main process is gone, process 1 has adopted it"
    )


def test_an_outsized_child_is_told_against_the_youngest_beside_it() -> None:
    assert words.outsized(90 * MIB, 8, 30 * MIB, 61) == (
        "its own memory (USS 90.0 MiB) is 3 times that of the youngest child beside it (8: 30.0 MiB at an "
        "age of 1 min 1 s)"
    )


def test_a_hung_task_is_told_with_what_the_others_did() -> None:
    said = words.hung("shop.take", 3600, 1, 0.5)
    assert said.startswith("has been in shop.take for 1 h; ")
    assert "of 1 task that they did, the mean took 0.5 s" in said


def test_a_peak_above_the_limit_is_told_with_what_is_held_now() -> None:
    said = words.over_limit(300 * MIB, 200 * MIB, 90 * MIB)
    assert "(300.0 MiB) is above --max-memory-per-child (200.0 MiB)" in said
    assert said.endswith("whatever it holds now (90.0 MiB)")
    assert words.raise_limit(300 * MIB).startswith("--max-memory-per-child above 307200 (KiB)")


def test_the_sum_of_rss_is_told_only_where_it_counts_pages_twice() -> None:
    whose = words.whose_limit(None)
    assert words.total(1, 60 * MIB, 80 * MIB, None, whose) == "1 process: PSS 60.0 MiB"
    both = words.total(2, 60 * MIB, 80 * MIB, 600 * MIB, words.whose_limit("/pod"))
    assert both == (
        "2 processes: PSS 60.0 MiB, 10 % of the limit of the control group /pod (600.0 MiB); the sum of RSS, "
        "80.0 MiB, counts shared pages once for each"
    )


def test_processes_of_other_users_are_in_no_sum() -> None:
    assert words.unknown_pss(1, MIB, "bob").startswith(
        "1 process with 1.0 MiB RSS belongs to bob: "
    )
    assert words.unknown_pss(2, MIB, "bob").startswith(
        "2 processes with 1.0 MiB RSS belong to bob: "
    )


def test_a_crowd_and_what_ends_it() -> None:
    said = words.crowd(
        "w@h", 16, 100 * MIB, 80 * MIB, 1280 * MIB, 1600 * MIB, "the machine's memory"
    )
    assert said == (
        "w@h: 16 children of 100.0 MiB RSS (80.0 MiB PSS) are 1.2 GiB, 80 % of the machine's memory (1.6 GiB)"
    )
    assert (
        words.crowd_fix(8, "16", 12)
        == "--concurrency=12: then a fifth of it is left for everything else"
    )
    assert "unless the app sets worker_concurrency" in words.crowd_fix(8, None, 12)
    assert words.crowd_is_flat(50 * MIB, 60, 51 * MIB, 7200).endswith(
        "a child of 1 min is as large (50.0 MiB USS) as one of 2 h (51.0 MiB)"
    )


def test_without_pss_nothing_is_said_of_a_part_of_the_memory() -> None:
    assert words.total_of_rss(1, 60 * MIB) == "1 process: RSS 60.0 MiB"
    assert words.total_of_rss(2, 60 * MIB) == (
        "2 processes: the sum of RSS, 60.0 MiB, counts shared pages once for each"
    )


def test_watching_says_growth_only_where_the_interval_is_above_nothing() -> None:
    assert words.watched("child 7", None, None).endswith("too shortly to say whether it grows")
    grows = words.watched("child 7", (2.0 * MIB, MIB, 3.0 * MIB), (600, 400, 1200))
    assert grows == (
        "child 7: RSS grows by 2.0 MiB a minute (95 %: +1.0 MiB to +3.0 MiB); its limit is reached in 10 min "
        "at that rate (between 6 min 40 s and 20 min)"
    )
    over = words.watched("child 7", (2.0 * MIB, MIB, 3.0 * MIB), (0.0, 0.0, 0.0))
    assert over.endswith("; its limit is reached already")
    assert (words.lasting(600), words.lasting(0.0)) == ("10 min", "over it")
    falls = words.watched("child 7", (-2.0 * MIB, -3.0 * MIB, -1.0 * MIB), None)
    assert falls.startswith("child 7: RSS falls by 2.0 MiB a minute")
    assert "no growth of RSS is shown" in words.watched("child 7", (0.5 * MIB, -MIB, MIB), None)
    assert words.interval(2.0 * MIB, MIB) == "+2.0 MiB ± 1.0 MiB"
