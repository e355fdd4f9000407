"""Keys that vendors gave a prefix, or a form, to be found by."""

import re
from collections.abc import Iterator

from replay.redaction.spans import Span

_VENDOR_KEY = re.compile(
    r"""(?<![A-Za-z0-9_-])(?:
      (?P<a>gh[pousr]_)[A-Za-z0-9]{30,255}+ | (?P<b>github_pat_)\w{22,255}+
    | (?P<c>gl(?:pat|dt|rt|ft|soat)-)[\w-]{20,64}+
    | (?P<d>xox[abeoprs]-)[\w-]{10,255}+ | (?P<e>xapp-)[\w-]{20,255}+
    | (?P<f>[srp]k_(?:live|test)_)[A-Za-z0-9]{10,255}+ | (?P<g>whsec_)[A-Za-z0-9+/=]{16,255}+
    | (?P<h>AIza)[\w-]{35} | (?P<i>ya29\.)[\w-]{20,2048}+ | (?P<j>GOCSPX-)[\w-]{20,64}+
    | (?P<k>npm_)[A-Za-z0-9]{36} | (?P<l>pypi-)[\w-]{50,2048}+
    | (?P<m>SG\.)[\w-]{16,64}+\.[\w-]{16,64}+ | (?P<n>key-)[0-9a-f]{32}
    | (?P<p>sk-(?:proj-|ant-(?:api\d\d-)?|or-)?)[\w-]{20,512}+ | (?P<q>hf_)[A-Za-z0-9]{30,64}+
    | (?P<r>shp(?:at|ss|ca|pa)_)[0-9a-fA-F]{32} | (?P<s>do[opr]_v1_)[0-9a-f]{64} | (?P<t>dckr_pat_)[\w-]{20,64}+
    | (?P<u>sq0(?:atp|csp|idp)-)[\w-]{20,64}+ | (?P<v>rzp_(?:live|test)_)[A-Za-z0-9]{10,64}+
    | (?P<w>NRAK-|NRJS-|NRII-)[\w-]{20,64}+ | (?P<x>dapi)[0-9a-f]{32} | (?P<y>lin_api_)[A-Za-z0-9]{30,64}+
    | (?P<z>ntn_|figd_|sbp_|r8_|gsk_|glsa_|glc_|sntry[su]_|dp\.(?:pt|st|ct|sa)\.|hvs\.|hvb\.|pul-
        |rubygems_|PMAK-|ATATT3)
        [\w=-]{24,512}+
    | (?P<ab>LTAI)[A-Za-z0-9]{16,28}+ | (?P<ac>AGE-SECRET-KEY-1)[A-Z0-9]{58}
    | (?P<ad>EAAA)[\w-]{60}
    )(?![A-Za-z0-9])""",
    re.VERBOSE | re.ASCII,
)
_FORMS = (
    re.compile(r"hooks\.slack\.com/services/([A-Z0-9]{6,16}+/[A-Z0-9]{6,16}+/[A-Za-z0-9]{16,40}+)"),
    re.compile(r"discord(?:app)?\.com/api/webhooks/\d{15,22}/([\w-]{40,100}+)", re.ASCII),
    re.compile(r"(?<![\w-])\d{8,10}:(AA[\w-]{33})(?![\w-])", re.ASCII),  # a Telegram bot
    re.compile(r"(?<![\w~.-])([\w.-]{3}8Q~[\w~.-]{34})(?![\w~.-])", re.ASCII),  # an application of Azure
    re.compile(r"(?<![\w/-])(1//0[\w-]{30,120}+)", re.ASCII),  # a refresh token of Google
)

VENDOR_HINTS = (
    "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-", "gldt-", "glrt-", "glft-", "glsoat-", "xox",
    "xapp-", "k_live_", "k_test_", "whsec_", "aiza", "gocspx-", "npm_", "pypi-", "key-", "sk-", "hf_", "shp", "_v1_",
    "dckr_pat_", "hooks.slack", "sq0", "rzp_", "nrak-", "nrjs-", "nrii-", "dapi", "lin_api_", "ntn_", "figd_", "sbp_",
    "r8_", "gsk_", "glsa_", "glc_", "sntry", "pul-", "rubygems_", "pmak-", "atatt3", "ltai", "eaaa", "age-secret",
    "api/webhooks", ":aa", "8q~", "1//0",
)  # fmt: skip
"""What a text in small letters must hold one of before it is searched: all in, or beside, a long word."""

DOTTED_VENDOR_HINTS = ("ya29.", "sg.", "dp.", "hvs.", "hvb.")
"""The same of those whose prefix ends with a point, which parts words."""


def vendor_keys(text: str) -> Iterator[Span]:
    """Find keys that vendors gave a prefix to be found by."""
    for found in _VENDOR_KEY.finditer(text):
        yield Span(*found.span(), "vendor-key", found[found.lastgroup or 0])
    for form in _FORMS:
        for found in form.finditer(text):
            yield Span(*found.span(1), "vendor-key")
