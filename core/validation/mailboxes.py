"""Rules that large hosts document; nothing is guessed of others.

Compared with the lists of validator.js (normalizeEmail) and email-normalize (email-normalize.readthedocs.io).
"""

from __future__ import annotations

from dataclasses import dataclass

from core.validation.email import canonical_email

RESERVED = ("example.com", "example.net", "example.org", "example", "test", "invalid", "localhost")  # RFC 2606


@dataclass(frozen=True)
class Rule:
    """What follows a plus, and `ignored` characters, change nothing before the @."""

    host: str
    ignored: str = ""


GMAIL = Rule("gmail.com", ignored=".")  # support.google.com/mail/answer/7436150
PROTON = Rule("proton.me", ignored="._-")  # removeEmailAlias() in github.com/ProtonMail/WebClients
RULES = {
    "gmail.com": GMAIL,
    "googlemail.com": GMAIL,
    "proton.me": PROTON,
    "protonmail.com": PROTON,
    "pm.me": PROTON,
    **dict.fromkeys(("icloud.com", "me.com", "mac.com"), Rule("icloud.com")),
    **{
        host: Rule(host)
        for host in (
            "outlook.com", "outlook.de", "outlook.fr", "outlook.es", "outlook.it", "hotmail.com", "hotmail.co.uk",
            "hotmail.de", "hotmail.es", "hotmail.fr", "hotmail.it", "live.com", "live.co.uk", "live.de", "live.fr",
            "msn.com", "fastmail.com", "fastmail.fm", "yandex.com", "yandex.ru", "zoho.com", "zohomail.com",
        )
    },
}  # fmt: skip
# Large, without a rule that would be safe.
OTHERS = frozenset((
    "126.com", "163.com", "aol.com", "aol.de", "att.net", "bk.ru", "bluewin.ch", "btinternet.com", "comcast.net",
    "daum.net", "foxmail.com", "free.fr", "freenet.de", "gmx.at", "gmx.ch", "gmx.com", "gmx.de", "gmx.net",
    "hanmail.net", "hey.com", "inbox.ru", "laposte.net", "libero.it", "list.ru", "mail.com", "mail.ru", "naver.com",
    "o2.pl", "online.de", "orange.fr", "posteo.de", "qq.com", "rediffmail.com", "rocketmail.com", "seznam.cz",
    "sina.com", "sky.com", "t-online.de", "tiscali.it", "tuta.com", "tutanota.com", "uol.com.br", "verizon.net",
    "virgilio.it", "web.de", "wp.pl", "yahoo.ca", "yahoo.co.id", "yahoo.co.in", "yahoo.co.jp", "yahoo.co.uk",
    "yahoo.com", "yahoo.com.au", "yahoo.com.br", "yahoo.com.mx", "yahoo.de", "yahoo.es", "yahoo.fr", "yahoo.in",
    "yahoo.it", "ymail.com",
))  # fmt: skip


def mailbox_of(email: str) -> str:
    local, _, host = canonical_email(email).rpartition("@")
    rule = RULES.get(host)
    if rule is None:
        return f"{local}@{host}"
    name = local.partition("+")[0].translate(dict.fromkeys(map(ord, rule.ignored)))
    return f"{name or local}@{rule.host}"


def host_of(email: str) -> str:
    return canonical_email(email).rpartition("@")[2]


def is_large(host: str) -> bool:
    """Its users have nothing to do with each other."""
    return host in RULES or host in OTHERS


def is_reserved(host: str) -> bool:
    """For demos and tests."""
    return any(host == name or host.endswith(f".{name}") for name in RESERVED)
