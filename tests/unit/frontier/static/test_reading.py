"""What is noted while a module is read."""

from __future__ import annotations

from stackcompat.frontier.static.names import Take
from stackcompat.frontier.static.reading import SourceReading, bind, take


def test_a_name_is_bound_with_its_origin_and_the_last_binding_counts() -> None:
    reading = SourceReading(package="alpha")
    bind(reading, "jit", "beta.core.jit")
    bind(reading, "grad")
    assert reading.offers == {"jit": "beta.core.jit", "grad": ""}
    bind(reading, "jit")
    assert reading.offers == {"jit": "", "grad": ""}


def test_a_name_that_is_bound_again_is_no_longer_the_function_that_it_was() -> None:
    reading = SourceReading(package="alpha", keywords={"jit": ("fun",), "grad": ("fun",)})
    bind(reading, "jit", "beta.jit")
    assert reading.keywords == {"grad": ("fun",)}


def test_what_a_class_binds_is_no_name_of_the_module() -> None:
    reading = SourceReading(package="alpha", class_depth=1, offers={"jit": "beta.jit"}, keywords={"jit": ("fun",)})
    bind(reading, "jit")
    bind(reading, "method")
    assert reading.offers == {"jit": "beta.jit"}
    assert reading.keywords == {"jit": ("fun",)}


def test_what_is_taken_is_noted_in_order_with_its_line() -> None:
    reading = SourceReading(package="alpha", class_depth=1)
    take(reading, "beta.jit", 3)
    take(reading, "beta.jit", 4, keyword="static")
    take(reading, "beta.config", 5, text="enable")
    assert reading.takes == [
        Take(name="beta.jit", line=3),
        Take(name="beta.jit", line=4, keyword="static"),
        Take(name="beta.config", line=5, text="enable"),
    ]
