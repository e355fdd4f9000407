"""Secrets made up for the tests (put together here, so that no scanner takes them for real ones), and innocents."""

import base64
import json
from collections.abc import Mapping
from urllib.parse import quote, quote_plus

AWS_KEY_ID = "AKIA" + "Q7R2ZK4M9XN1B5VD"
AWS_SECRET = "kX9/vT2+bQ7mZpLr4NwY" + "c8HdJ1sUeF6gAoI3xKtM"
EMAIL = "alice.liddell+tea@wonder-land.co.uk"
CARD = "4539578763621486"
SPACED_CARD = "4539 5787 6362 1486"
AMEX = "3782 822463 10005"
PHONE = "+49 151 23456789"
IBAN = "DE89 3704 0044 0532 0130 00"
BEARER = "Zk3vQ9-opaque_7Yt2.mNb5"
GITHUB = "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"
SESSION = "IQoJb3JpZ2lu" + "X2VjEKb3v9K8mQ2xT5rW7yZ1aB4cD6eF8gH0jK2mN4pQ"

RECEIPT_HANDLE = "AQEB" + "wJnKyrHigUMZj6rYigCgxlaS3SLy0aQ8b+Tn/5pVdXw7mL2kR4tYcUeGfHsAqZ1oI9vBnM3xP6"


def jwt_of(claims: Mapping[str, object]) -> str:
    parts = ({"alg": "HS256", "typ": "JWT"}, claims)
    encoded = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts]
    return ".".join([*encoded, "dGhlLXNpZ25hdHVyZS1vZi1pdA-_x"])


JWT = jwt_of({"sub": "u-1", "email": EMAIL, "exp": 1795262400})

FAMILIES = {
    "aws-access-key-id": AWS_KEY_ID,
    "aws-secret-access-key": AWS_SECRET,
    "aws-session-token": SESSION,
    "jwt": JWT,
    "email": EMAIL,
    "card-number": CARD,
    "phone": PHONE,
    "iban": IBAN,
    "vendor-key": GITHUB,
    "receipt-handle": RECEIPT_HANDLE,
    "ip-address": "8.8.4.4",
    "high-entropy": "tR7xQ2mZ9vK4bW1nY6pL3cD8fG5hJ0sA",
}

INNOCENTS = (
    "7d3c6b1e-52d1-4a4c-9a39-8f1f0a2d7a11",
    "da39a3ee5e6b4b0d3255bfef95601890afd80709",
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "d41d8cd98f00b204e9800998ecf8427e",
    "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
    "ORD-2026-0004711",
    "order 4539578763621487",
    "1795262400",
    "1795262400000",
    "1795262400000000",
    "18849496460467696128",
    "2026-11-20T10:15:30.123+00:00",
    "Fri, 20 Nov 2026 10:15:30 +0000",
    "arn:aws:sqs:eu-west-1:123456789012:orders.fifo",
    "arn:aws:secretsmanager:eu-west-1:123456789012:secret:prod/db-AbCdEf",
    "arn:aws:lambda:eu-west-1:123456789012:function:orders:live",
    "AIDAIENQZJOLO23YVJ4VO",
    "AROAEXAMPLEEXAMPLEEXA:orders",
    "Root=1-5e1b4151-5ac6c58f3d1f1b0a5f6f7f8a;Parent=53995c3f42cd8ad8;Sampled=1",
    "left-pad@1.2.3",
    "@types/node@20.1.0-rc.next",
    "logo@2x.png",
    "next_token=AAMA1234567890abcdef",
    "max_tokens=4096",
    "T3JkZXJDcmVhdGVkRXZlbnQ=",
    "OrderCreatedEvent",
    "https://example.com:8080/orders/1?page=2#top",
    "ASIAPACIFIC",
    "KeyError: 'token'",
    "Bearer authentication is required",
    "192.168.0.1",
    "10.0.0.1:443",
    "v1.2.3.4",
    "Chrome/119.0.5.7 Safari",
    "version 8.8.4.4",
    "192.0.2.17 2001:db8::7 ::1 fe80::1",
    "std::vector::size",
    "10:15:30:123:45",
    "555-2671",
    "2026-11-20 10-15-3012",
    "OrderCreatedEventHandlerServiceImplementationV2",
    "x-amz-id-2: mVb4kQ9TzX2nR7wY1cL6pD3sF8gH5jA0eUiO4tBvNxMq",
    "fullName is required",
    "bucket-name=uploads-2026",
    "src/main/java/com/example/OrderServiceImpl.java",
    "{} and %s and ${HOME} and 100%",
)


def forms(secret: str) -> set[str]:
    """List the forms in which a secret could be read from a text."""
    inner = base64.b64encode(secret.encode()).decode().rstrip("=")
    return {
        secret,
        json.dumps(secret)[1:-1],
        inner,
        inner.replace("+", "-").replace("/", "_"),
        quote(secret, safe=""),
        quote_plus(secret),
        secret.replace("@", "\\u0040").replace("/", "\\/"),
    }
