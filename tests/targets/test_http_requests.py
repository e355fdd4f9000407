"""The request that an event tells of: rebuilt exactly, without what belonged to its own way."""

import json
from typing import Any
from urllib.parse import parse_qsl, quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replay.errors import InvalidEvent, InvalidJson
from replay.payloads.captures import Event
from replay.targets.http_parts.captured_request import captured_request
from tests.targets.http_events import event, function_url, http_api, load_balancer, rest_api

EVENTS = [rest_api, http_api, function_url, load_balancer]
TOKEN = st.text("abcdefghijklmnopqrstuvwxyz-", min_size=1, max_size=12).filter(lambda name: name not in {"te", "via"})
VALUES = st.text(st.characters(codec="utf-8", exclude_characters="\r\n\x00"), max_size=20)
RAW = st.text("abcXYZ019-._~%2B!$'()*,;:@", max_size=20)


@pytest.mark.parametrize("of", EVENTS)
@given(
    method=st.sampled_from(["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "PURGE"]),
    path=RAW.map(lambda text: f"/{text}"),
    body=st.binary(max_size=200),
)
def test_method_path_and_body_are_the_events_own(of: Any, method: str, path: str, body: bytes) -> None:
    """Whatever they are, they come back byte for byte, a body also from base64."""
    request = captured_request(event(of(method, path, "", (), body)))
    assert (request.method, request.path, request.body) == (method, path, body)


@pytest.mark.parametrize("of", [http_api, function_url])
@given(query=st.text("abc=&%20+-._~/?:", max_size=40))
def test_a_raw_query_string_is_sent_as_it_is(of: Any, query: str) -> None:
    """Payload format 2.0 has it byte for byte, plus signs, empty parts and all."""
    assert captured_request(event(of(query=query))).query == query


@given(pairs=st.lists(st.tuples(st.text(min_size=1, max_size=8), st.text(max_size=12)), max_size=6))
def test_a_decoded_query_string_means_the_same(pairs: list[tuple[str, str]]) -> None:
    """A REST API decodes it: encoded again, every value of every name arrives, those of a name in their order."""
    query = "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in pairs)
    sent = parse_qsl(captured_request(event(rest_api(query=query))).query, keep_blank_values=True)
    assert sorted(sent, key=lambda pair: pair[0]) == sorted(pairs, key=lambda pair: pair[0])


def test_the_query_string_of_a_load_balancer_is_not_encoded_twice() -> None:
    """It hands over what came, still encoded."""
    assert captured_request(event(load_balancer(query="a=1%202&b=%2B&a=x+y"))).query == "a=1%202&a=x+y&b=%2B"
    assert captured_request(event(load_balancer(query="a=1%202", several=False))).query == "a=1%202"


@pytest.mark.parametrize("of", [rest_api, load_balancer])
@given(values=st.lists(VALUES, min_size=1, max_size=4), name=TOKEN)
def test_each_value_of_a_header_is_sent(of: Any, name: str, values: list[str]) -> None:
    """A header that came several times is sent several times, in order."""
    header = f"x-{name}x"
    request = captured_request(event(of(headers=[(header, value) for value in values])))
    assert [value for key, value in request.headers if key == header] == values


def test_cookies_are_one_header() -> None:
    """Payload format 2.0 has cookies apart: they are sent as one header, once."""
    made = http_api(headers=[("cookie", "a=1; b=2"), ("x-a", "1"), ("x-a", "2")])
    made["headers"]["cookie"] = "a=1;b=2"
    assert captured_request(event(made)).headers == (("x-a", "1,2"), ("cookie", "a=1; b=2"))
    assert captured_request(event(rest_api(headers=[("Cookie", "a=1")]))).headers == (("Cookie", "a=1"),)


@pytest.mark.parametrize("of", EVENTS)
def test_what_belonged_to_its_own_way_is_left_out(of: Any) -> None:
    """Host, credentials, signatures, hop-by-hop headers, those that `Connection` names, and what AWS adds: none is sent."""
    names = [
        "Host",
        "Authorization",
        "Proxy-Authorization",
        "X-Api-Key",
        "X-Amz-Date",
        "X-Amz-Security-Token",
        "X-Amz-Content-Sha256",
        "Connection",
        "Keep-Alive",
        "TE",
        "Trailer",
        "Transfer-Encoding",
        "Upgrade",
        "Expect",
        "Content-Length",
        "X-Named",
        "Via",
        "X-Forwarded-For",
        "X-Forwarded-Port",
        "X-Forwarded-Proto",
        "X-Forwarded-Host",
        "X-Forwarded-Server",
        "X-Amzn-Trace-Id",
        "X-Amz-Cf-Id",
        "CloudFront-Viewer-Country",
        "X-Amzn-Oidc-Data",
    ]
    captured = [(name, "x-named" if name == "Connection" else "captured") for name in names]
    request = captured_request(event(of(headers=[*captured, ("X-Kept", "1"), ("X-Amz-Target", "t")])))
    assert [(name.lower(), value) for name, value in request.headers] == [("x-kept", "1"), ("x-amz-target", "t")]


@pytest.mark.parametrize("of", EVENTS)
def test_a_presigned_querys_signature_is_left_out(of: Any) -> None:
    """The parameters of a presigned URL are credentials too; all others stay."""
    query = (
        "a=1&X-Amz-Signature=s&X-Amz-Credential=c&X-Amz-Security-Token=t&X-Amz-Date=d&X-Amz-Algorithm=x&X-Amz-Expires=5"
    )
    assert captured_request(event(of(query=f"{query}&X-Amz-SignedHeaders=host"))).query == "a=1"


def test_the_stage_is_none_of_the_path() -> None:
    """It belongs to where it is sent: an HTTP API hands it over before the path, a REST API does not."""
    assert captured_request(event(http_api(path="/orders/1", stage="prod"))).path == "/orders/1"
    assert captured_request(event(http_api(path="", stage="prod"))).path == "/"
    assert captured_request(event(http_api(path="/prod/1"))).path == "/prod/1"
    assert captured_request(event(rest_api(path="/prod/1"))).path == "/prod/1"


@pytest.mark.parametrize(
    ("path", "resource", "parameters", "sent"),
    [
        ("/shop/orders/1", "/orders/{id}", {"id": "1"}, "/orders/1"),
        ("/shop/a%2Bb//c", "/{proxy+}", {"proxy": "a%2Bb//c"}, "/a%2Bb//c"),
        ("/shop", "/", None, "/"),
        ("/orders/1", "/orders/{id}", {"id": "1"}, "/orders/1"),
        ("/elsewhere", "/orders", None, "/elsewhere"),
        ("/a@evil.invalid/b", "@evil.invalid", None, "/a@evil.invalid/b"),
        ("/a/bc", "bc", None, "/a/bc"),
        ("/a", "{x}", {"x": "a"}, "/a"),
    ],
)
def test_the_base_path_of_a_custom_domain_is_none_of_the_path(
    path: str, resource: str, parameters: Any, sent: str
) -> None:
    """A REST API behind a domain name of its own hands its mapping over before the path; the resource tells which it is."""
    made = rest_api(path=path, resource=resource, parameters=parameters, domain="api.example.invalid")
    made["requestContext"]["resourcePath"] = resource
    assert captured_request(event(made)).path == sent


def test_what_an_http_api_has_decoded_is_encoded() -> None:
    """A space, a question mark, a line break or a letter beyond ASCII cannot stand in a request line; `%2B` can."""
    assert captured_request(event(http_api(path="/a b?c#d\r\né%2B"))).path == "/a%20b%3Fc%23d%0D%0A%C3%A9%2B"


def test_a_path_is_never_a_host() -> None:
    """An absolute URL for a path is a path, so that no event says where it is sent."""
    assert captured_request(event(rest_api(path="http://evil.invalid/"))).path == "/http://evil.invalid/"
    assert captured_request(event(rest_api(path="//evil.invalid/"))).path == "//evil.invalid/"


@pytest.mark.parametrize(
    ("path", "climbs"),
    [
        ("/../prod", True), ("/a/../../prod", True), ("/%2E%2e/prod", True), ("/a/..%2f../b", True), ("/a\\..\\..", True),
        ("//../..", True), ("/./..", True), ("/a/../b", False), ("/a/b/../..", False), ("/..a/...", False), ("/", False),
    ],
)  # fmt: skip
def test_a_path_that_climbs_is_known(path: str, climbs: bool) -> None:
    """However its `..` are written, a path that would lead above where it is put is told from one that does not."""
    assert captured_request(event(rest_api(path=path))).climbs is climbs


@pytest.mark.parametrize(
    "made",
    [
        {"Records": []},
        [],
        {"requestContext": {"connectionId": "c", "routeKey": "$connect"}},
        rest_api(method="BAD METHOD"),
        rest_api(method="CONNECT"),
        rest_api(headers=[("x-a", "1\r\nx-b: 2")]),
        rest_api(headers=[("x a", "1")]),
        {**rest_api(), "body": {"a": 1}},
        {**rest_api(), "body": "§", "isBase64Encoded": True},
        {**rest_api(), "multiValueHeaders": [1]},
        {**rest_api(), "multiValueHeaders": None, "headers": {"a": {}}},
    ],
)
def test_what_is_no_request_is_refused(made: Any) -> None:
    """Events of other shapes, and requests that HTTP does not know, are told and not sent; no value of theirs is shown."""
    with pytest.raises(InvalidEvent) as caught:
        captured_request(event(made))
    assert caught.value.hint
    assert "x-b" not in str(caught.value)


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))  # fmt: skip
def test_events_are_hostile(value: Any) -> None:
    """Whatever stands in a member of the event, it is a request or an error of ours; and the target begins with a slash."""
    for name in rest_api():
        for made in ({**rest_api(), name: value}, {**http_api(), name: value}):
            try:
                target = captured_request(Event(text=json.dumps(made))).target
            except (InvalidEvent, InvalidJson):
                continue
            assert target.startswith("/")
            assert target.isascii()
            assert not set(target) & set(" \r\n\x00")
