"""Values of every structure of the wire, and JSON that is like a frame, made at random."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, get_args

import msgspec
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from msgspec import Struct
from msgspec import inspect as types

# How many examples: of what is tried once, and of what is tried for every kind.  None is held to a time.
MANY = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
FEW = settings(MANY, max_examples=25)

# What UTF-8 can carry.
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
MOST = 2**53 - 1

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.text(st.characters(), max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


def values_of(struct: object) -> st.SearchStrategy[Any]:
    """Return what makes values of a structure, or of a union of some."""
    # Not every union of structures can be told apart when it is read.
    return st.one_of([_made(types.type_info(each)) for each in get_args(struct) or [struct]])


def _made(kind: types.Type) -> st.SearchStrategy[Any]:
    match kind:
        case types.StructType():
            return st.builds(kind.cls, **{field.name: _made(field.type) for field in kind.fields})
        case types.UnionType():
            return st.one_of([_made(each) for each in kind.types])
        case types.Metadata(type=inner, extra_json_schema=extra):
            return st.from_regex(extra["pattern"], fullmatch=True) if "pattern" in extra else _made(inner)
        case types.ListType():
            return st.lists(_made(kind.item_type), max_size=3)
        case types.DictType():
            return st.dictionaries(_made(kind.key_type), _made(kind.value_type), max_size=3)
        case types.TupleType():
            return st.tuples(*map(_made, kind.item_types))
        case types.LiteralType():
            return st.sampled_from(kind.values)
        case types.StrType(pattern=str(pattern)):
            return st.from_regex(pattern, fullmatch=True)
        case types.IntType():
            return st.integers(kind.ge or 0, kind.le or MOST)
    return _PLAIN[type(kind)]


_PLAIN: Mapping[type[types.Type], st.SearchStrategy[Any]] = {
    types.StrType: TEXTS,
    types.BoolType: st.booleans(),
    types.NoneType: st.none(),
    types.FloatType: st.integers(0, 1000).map(float),
    types.AnyType: st.none() | st.integers() | st.dictionaries(TEXTS, TEXTS, max_size=2),
    types.RawType: st.dictionaries(TEXTS, TEXTS, max_size=2).map(msgspec.json.encode).map(msgspec.Raw),
}


@st.composite
def broken_frames(draw: st.DrawFn, frames: object) -> tuple[dict[str, Any], Any]:
    """Make a frame of which one part was replaced by something else; return it with the id that it had."""
    value: Struct = draw(values_of(frames))
    frame: dict[str, Any] = json.loads(msgspec.json.encode(value))
    request = frame.get("id")
    key = draw(st.sampled_from(sorted(frame.keys() - {"id"}) or ["t"]))
    frame[key] = draw(JSON)
    return frame, request


def encoded(value: Struct) -> str:
    """Return a structure as JSON."""
    return msgspec.json.encode(value).decode()
