"""What holds for the records of every event."""

import json

from hypothesis import given
from hypothesis import strategies as st

from replay.delivery.records import EventRecords

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
RECORDS = st.lists(st.dictionaries(st.text(), VALUES, max_size=4), max_size=5)
STYLES = st.sampled_from(
    [{}, {"separators": (",", ":")}, {"indent": 2}, {"ensure_ascii": False}, {"separators": (" ,\n", "\t: ")}]
)


@given(RECORDS, st.dictionaries(st.text(), VALUES, max_size=3), st.dictionaries(st.text(), VALUES, max_size=3), STYLES)
def test_texts_and_values_are_those_of_the_same_records(records, before, after, style) -> None:
    """However an event is written, each record's text reads as its value and stands in the event as it is."""
    event = {**before, "Records": records}
    event.update({name: value for name, value in after.items() if name != "Records"})
    text = json.dumps(event, **style)
    found = EventRecords(text)
    assert [json.loads(each) for each in found.texts] == found.values == records
    assert all(each in text for each in found.texts)
    if records:
        assert found.event_of(found.texts) == text
        assert json.loads(found.event_of(found.texts[-1:])) == event | {"Records": records[-1:]}
