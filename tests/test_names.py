"""Names and labels, and the remedy for one that there is not."""

import pytest

from geobench.names import CEILING, LABEL, LONGEST, NAME, did_you_mean, file_name


def test_the_nearest_names_are_the_remedy_and_else_all_of_them():
    known = ["distance", "accuracy", "nll", "nll-smoothed"]
    assert did_you_mean("distanec", known) == "Did you mean distance?"
    assert did_you_mean("nll-smooth", known) == "Did you mean nll-smoothed?"
    assert did_you_mean("seen", ["sean", "seem", "no"]) == "Did you mean seem or sean?"
    assert did_you_mean("x", known) == "There are: distance, accuracy, nll, nll-smoothed."
    assert did_you_mean("x", []) == "There are: none."


def test_a_list_too_long_to_read_may_be_left_to_a_command():
    listed = "`geobench list` shows them."
    assert did_you_mean("x", ["distance"], otherwise=listed) == listed
    assert did_you_mean("distanc", ["distance"], otherwise=listed) == "Did you mean distance?"


def test_what_is_no_text_has_a_remedy_too():
    assert did_you_mean(["paper"], ["paper"]) == "Did you mean paper?"
    assert did_you_mean(3, ["paper"]) == "There are: paper."


@pytest.mark.parametrize("name", ["prior", "prior-300km", "im2gps", "12"])
def test_names_are_lower_case_words_joined_by_hyphens(name):
    assert NAME.fullmatch(name)
    assert LABEL.fullmatch(name)


@pytest.mark.parametrize("name", ["", "Prior", "prior-", "-prior", "a--b", "a b", "a/b", "../up"])
def test_no_other_text_is_a_name(name):
    assert not NAME.fullmatch(name)


@pytest.mark.parametrize("label", ["", "a/b", "a\n", ".hidden", " a", "é"])
def test_a_label_neither_leads_to_another_folder_nor_hides(label):
    assert not LABEL.fullmatch(label)
    assert LABEL.fullmatch(CEILING)


@pytest.mark.parametrize("text", ["a" * 201, "é" * 101, "京" * 300, "x" * 199 + "é"])
def test_a_name_too_long_for_a_file_is_shortened_and_stays_its_own(text):
    short = file_name(text)
    assert len(short.encode()) <= LONGEST
    assert short != file_name(text + "b")
    assert short == file_name(text)
    assert text.startswith(short[:-13])


@pytest.mark.parametrize("text", ["a" * 200, "é" * 100, "unseen-cells-unseen"])
def test_a_name_for_which_there_is_room_is_left_as_it_is(text):
    assert file_name(text) == text
