"""The document reader: what it keeps of a file, and what it refuses, each with its line."""

import time
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tickwright.document import SIZE_MAX, ConfigError, Listing, Scalar, Table, read_file, read_mapping, read_text


def test_a_scalar_keeps_its_own_text_its_quotes_and_its_line():
    table = read_text('# a comment\na: 1.50\nb:\n  c: ["1.50", no]\n', "f.yaml")
    assert table.items["a"] == Scalar(table.places["a"], "1.50")
    inner = table.items["b"]
    assert isinstance(inner, Table)
    listing = inner.items["c"]
    assert isinstance(listing, Listing)
    assert [(item.text, item.quoted, str(item.place)) for item in listing.items if isinstance(item, Scalar)] == [
        ("1.50", True, "f.yaml:4"),
        ("no", False, "f.yaml:4"),
    ]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a: 1\nb: !!str 1\n", "f.yaml:2: b: expected a value without a tag, got tag:yaml.org,2002:str"),
        ("b: !python/object:x 1\n", "f.yaml:1: b: expected a value without a tag, got !python/object:x"),
        ("a: &x 1\n", "f.yaml:1: a: expected a value, got an anchor (&x); remove it"),
        ("a: {<<: {b: 1}}\n", "f.yaml:1: a: expected a key, got a merge (<<); write the keys out"),
        ("a: {b: 1,\n b: 2}\n", "f.yaml:2: a.b: expected each key once, got a second (first at line 1)"),
        ("a:\n\tb: 1\n", "f.yaml:2: expected YAML, got: a tab (indent with spaces)"),
        ("a: b: c\n", "f.yaml:1: expected YAML, got: mapping values are not allowed here"),
        ("a: 1\n---\nb: 2\n", "f.yaml:2: expected one document, got a second"),
        ("%YAML 1.1\n---\na: 1\n", "f.yaml:2: expected no directive, got one"),
        ("- 1\n", "f.yaml:1: expected a mapping, got a list"),
        ("", "f.yaml:1: expected a mapping, got nothing"),
        ("? [1]\n: 2\n", "f.yaml:1: expected a text key, got a list"),
        ("a: 1\non: 2\n", "f.yaml:2: expected a text key, got 'on' (quote it)"),
        ("012: 2\n", "f.yaml:1: expected a text key, got '012' (quote it)"),
    ],
)
def test_what_is_not_one_plain_mapping_is_refused_with_its_line(text, line):
    with pytest.raises(ConfigError) as caught:
        read_text(text, "f.yaml")
    assert str(caught.value) == line


def test_an_alias_is_refused_even_when_it_refers_to_itself():
    with pytest.raises(ConfigError) as caught:
        read_text("a: &x\n  b: *x\n", "f.yaml")
    assert [str(fault) for fault in caught.value.faults] == [
        "f.yaml:1: a: expected a value, got an anchor (&x); remove it",
        "f.yaml:2: a.b: expected a value, got an alias (*x); write it out",
    ]


def test_nesting_without_end_is_refused():
    with pytest.raises(ConfigError, match="expected at most 32 levels"):
        read_text("a: " + "[" * 100 + "]" * 100, "f.yaml")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a: " + "[" * 5000, 1),
        ("a:\n  b: " + "{" * 300_000, 2),
        ("a: " + "[\n " * 5000, 65),
        ("a: " + "[x, " * 5000, 1),
        ("a: " + "{a: " * 5000, 1),
        ('a: "#" \n"b": ' + "[" * 5000, 2),
        ("a:\n  " + "- " * 5000, 2),
        ("? " * 5000, 1),
        ("".join(" " * level + "a:\n" for level in range(1000)), 65),
    ],
)
def test_nesting_beyond_all_measure_is_refused_before_it_costs_anything(text, line):
    begun = time.process_time()
    with pytest.raises(ConfigError) as caught:
        read_text(text, "f.yaml")
    assert str(caught.value) == f"f.yaml:{line}: expected at most 32 levels, got more"
    assert time.process_time() - begun < 5


def test_brackets_in_comments_and_quotes_are_no_nesting():
    many = "[" * 100
    table = read_text(f"# {many}\na: '{many}' # {many}\nb: [{', '.join(['[1]'] * 100)}]\n", "f.yaml")
    assert table.items["a"] == Scalar(table.places["a"], many, quoted=True)


def test_files_are_refused_when_missing_too_large_or_not_utf8(tmp_path):
    missing, large, latin = tmp_path / "missing.yaml", tmp_path / "large.yaml", tmp_path / "latin.yaml"
    large.write_bytes(b"#" * (SIZE_MAX + 1))
    latin.write_bytes(b"a: 1\nb: \xe9\n")
    for path, line in (
        (missing, f"{missing}: expected a readable file, got: No such file or directory"),
        (large, f"{large}: expected at most 1048576 bytes, got more"),
        (latin, f"{latin}:2: expected UTF-8 text, got byte 0xe9"),
    ):
        with pytest.raises(ConfigError) as caught:
            read_file(path)
        assert str(caught.value) == line


def test_a_mapping_stands_for_the_same_document():
    table = read_mapping({"a": {"b": [1, 0.1, Decimal("1E+3"), "no", True, None]}})
    inner = table.items["a"]
    assert isinstance(inner, Table)
    listing = inner.items["b"]
    assert isinstance(listing, Listing)
    assert [(item.text, item.quoted) for item in listing.items if isinstance(item, Scalar)] == [
        ("1", False),
        ("0.1", False),
        ("1E+3", False),
        ("no", True),
        ("true", False),
        ("", False),
    ]


@pytest.mark.parametrize("value", [{1: 2}, {"a": object()}, {"a": b"x"}])
def test_a_mapping_with_other_keys_or_values_is_refused(value):
    with pytest.raises(ConfigError, match=r"^config: .*expected .*got"):
        read_mapping(value)


@settings(max_examples=150, deadline=None)
@given(st.text(alphabet="ab:-[]{}&*!|>'\"#%@\n\t ,?0.~<\\", max_size=40))
def test_any_text_is_read_or_refused_never_anything_else(text):
    """Hostile input ends in a table or a ConfigError whose every fault is one line."""
    try:
        found = [type(read_text(text, "f.yaml")).__name__]
    except ConfigError as error:
        found = [str(fault) for fault in error.faults]
    assert found
    assert all("\n" not in line for line in found)
