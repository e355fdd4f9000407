"""Key names that say of their value that it is a person's: a name, a postal address, a phone number."""

import re
from functools import lru_cache
from itertools import islice
from typing import Literal

from replay.payloads.exact_json import Path
from replay.redaction.secret_keys import holds_secrets, is_secret_key, keys_above, plain_name

PersonalKind = Literal["", "person-name", "postal-address", "phone", "name-of-somebody", "part-of-address"]
"""The last two only beneath a key that means a person or an address: `customer.name`, but not `bucket.name`."""

_NAME_ENDS = (
    "firstname", "lastname", "fullname", "surname", "givenname", "familyname", "middlename", "maidenname", "forename",
    "birthname", "customername", "cardholder", "cardholdername", "accountholder", "accountholdername", "holdername",
    "patientname", "recipientname", "passengername", "guestname", "contactname", "buyername", "nameoncard",
    "personname", "employeename", "addresseename", "billingname", "shippingname", "vorname", "nachname",
    "familienname", "prenom", "apellido", "apellidos", "cognome", "sobrenome", "voornaam", "achternaam", "fornavn",
    "etternavn", "nazwisko", "nombrecompleto", "фамилия", "отчество", "фио", "姓名", "氏名", "苗字", "이름", "성명",
    "الاسمالكامل", "שםמלא",
)  # fmt: skip
_SOMEBODYS_NAMES = frozenset(
    {"name", "names", "first", "last", "middle", "given", "family", "displayname", "nombre", "nom", "nome", "initials"}
)
_ADDRESS_ENDS = (
    "street", "streetname", "streetaddress", "streetnumber", "housenumber", "addressline", "postcode", "postalcode",
    "zipcode", "postaladdress", "homeaddress", "mailingaddress", "billingaddress", "shippingaddress", "deliveryaddress",
    "strasse", "straße", "hausnummer", "anschrift", "codepostal", "codigopostal", "indirizzo", "direccion", "endereco",
    "улица", "адрес", "地址", "住所", "주소",
)  # fmt: skip
_ADDRESS_LINE = re.compile(r"(?:street|address(?:line)?)\d")
_PARTS_OF_ADDRESSES = frozenset(
    {"line1", "line2", "line3", "zip", "city", "town", "suburb", "village", "district", "building", "apartment",
     "floor", "number", "plz", "ort", "formatted", "address"}
)  # fmt: skip
_PHONE_ENDS = (
    "phone", "phonenumber", "telephone", "mobile", "mobilenumber", "msisdn", "fax", "faxnumber", "whatsapp", "telefon",
    "telefono", "telefonnummer", "handynummer", "cellnumber", "telefoonnummer", "telefone", "celular", "cellulare",
    "телефон", "电话", "電話", "手机", "手機", "手机号", "電話番号", "전화번호", "هاتف", "טלפון",
)  # fmt: skip
_PHONE_WHOLE = frozenset({"tel", "cell"})
_NO_PHONE_ENDS = ("microphone", "headphone", "smartphone", "iphone", "ismobile")
_SOMEBODY_ENDS = (
    "customer", "user", "person", "patient", "recipient", "sender", "buyer", "contact", "employee", "guest",
    "passenger", "driver", "cardholder", "holder", "member", "subscriber", "student", "applicant", "beneficiary",
    "traveller", "traveler", "address", "addressee", "consignee", "kunde", "cliente", "profile", "billing", "shipping",
    "delivery",
    "attendee", "tenant", "payer", "payee", "signer", "spouse", "parent", "child",
    "customers", "users", "persons", "people", "patients", "recipients", "contacts", "employees", "guests",
    "passengers", "drivers", "members", "students", "attendees", "addresses", "billto", "shipto",
    "adresse", "anschrift",
)  # fmt: skip
_NAMES_ABOVE = 3


@lru_cache(maxsize=4096)
def personal_kind(name: str) -> PersonalKind:
    """Give what a key of this name holds, in any casing: `firstName`, `shipping-street`, `PHONE`."""
    plain = plain_name(name)
    if plain in _SOMEBODYS_NAMES:
        return "name-of-somebody"
    if plain in _PARTS_OF_ADDRESSES:
        return "part-of-address"
    if plain.endswith(_NAME_ENDS):
        return "person-name"
    if plain.endswith(_ADDRESS_ENDS) or _ADDRESS_LINE.search(plain):
        return "postal-address"
    if (plain.endswith(_PHONE_ENDS) or plain in _PHONE_WHOLE) and not plain.endswith(_NO_PHONE_ENDS):
        return "phone"
    return ""


@lru_cache(maxsize=4096)
def means_somebody(name: str) -> bool:
    """Say whether a key of this name stands above what is known of a person, or above an address."""
    return plain_name(name).endswith(_SOMEBODY_ENDS)


def personal_kind_at(path: Path) -> PersonalKind:
    """Give what the value at *path* is by its key, and where that may mean anything by the key above it."""
    names = list(islice(keys_above(path), _NAMES_ABOVE))
    kind = personal_kind(names[0]) if names else ""
    if kind == "name-of-somebody":
        above = names[2:] if len(names) > 1 and personal_kind(names[1]) == kind else names[1:]  # customer.name.first
        return "person-name" if above and means_somebody(above[0]) else ""
    if kind == "part-of-address":
        return "postal-address" if len(names) > 1 and _is_address(names[1]) else ""
    return kind


@lru_cache(maxsize=4096)
def is_private_key(name: str) -> bool:
    """Say whether a value may be private by this name of its key."""
    return is_secret_key(name) or bool(personal_kind(name))


@lru_cache(maxsize=4096)
def is_a_name(value: str) -> bool:
    """Say whether a value is itself the name of one: `["password", "email"]` lists what is missing."""
    return is_private_key(value) or value.lower() in {"email", "username", "user", "id"}


@lru_cache(maxsize=4096)
def is_private_by_itself(name: str) -> bool:
    """Say whether a value, or all that is beneath it, is private by this name of its key, whatever stands above it."""
    return (
        is_secret_key(name) or holds_secrets(name) or personal_kind(name) in {"person-name", "postal-address", "phone"}
    )


@lru_cache(maxsize=4096)
def _is_address(name: str) -> bool:
    plain = plain_name(name)
    return plain.endswith(("address", "addresses", "anschrift", "adresse", "billto", "shipto"))
