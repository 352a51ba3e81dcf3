"""The file that a new user copies."""

from dotenv import dotenv_values

from config.settings.environment import Environment, load, names_of
from config.settings.example import FILE, example


def test_the_file_is_what_the_model_says():
    assert FILE.read_text() == example(), "Bring it up to date: python -m config.settings.example"


def test_it_lists_every_variable_once():
    assert list(dotenv_values(FILE)) == [
        line.partition("=")[0] for line in FILE.read_text().splitlines() if line and not line.startswith("#")
    ]
    assert set(dotenv_values(FILE)) == {names_of(field_name)[0] for field_name in Environment.model_fields}


def test_it_mentions_every_other_name():
    for field_name in Environment.model_fields:
        for name in names_of(field_name)[1:]:
            assert f"also called {name}" in FILE.read_text()


def test_a_copy_changes_nothing(bare):
    untouched = load(bare)
    bare.write_text(FILE.read_text())

    assert load(bare) == untouched
