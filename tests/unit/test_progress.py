"""Progress bars count what they are told, and are nothing at all unless shown."""

import pytest

from dynlens.support.progress import Progress, tracked


def test_items_pass_through_and_are_counted(capsys):
    assert list(tracked("abc", 3, "letters", "letter", shown=True)) == ["a", "b", "c"]
    said = capsys.readouterr().err
    assert "letters: 100%" in said
    assert "3/3" in said


def test_a_bar_that_is_not_shown_writes_nothing(capsys):
    assert list(tracked("abc", 3, "letters", "letter", shown=False)) == ["a", "b", "c"]
    bar = Progress(10, "title", "step", shown=False)
    bar.advance(3), bar.reach(7), bar.close()
    assert capsys.readouterr() == ("", "")


def test_steps_add_up_and_what_is_reached_is_not_added_again(capsys):
    bar = Progress(10, "title", "step", shown=True)
    bar.advance(3), bar.reach(7), bar.advance(1), bar.close()
    assert "8/10" in capsys.readouterr().err


def test_a_time_is_shown_as_one(capsys):
    bar = Progress(2.5, "flow", "t", shown=True)
    bar.reach(1.25), bar.close()
    last = capsys.readouterr().err.split("\r")[-1]
    assert "50%" in last
    assert last.strip().endswith("1.25/2.5")


def test_the_bar_ends_its_line_where_the_work_fails(capsys):
    results = (1 / (1 - k) for k in range(3))
    with pytest.raises(ZeroDivisionError):
        list(tracked(results, 3, "work", "case", shown=True))
    assert capsys.readouterr().err.endswith("\n")
