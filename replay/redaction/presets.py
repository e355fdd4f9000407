"""Ready-made rules for teams that must mind a law or a standard: key names in any casing, and what to do with them."""

from collections.abc import Mapping

Preset = Mapping[str, tuple[str, ...]]

PRESETS: Mapping[str, Preset] = {
    # What Article 4 and 9 of the regulation call personal, beyond what detectors and key names find by themselves.
    "gdpr": {
        "generalise": ("birthdate", "dateofbirth", "*dob", "birthday", "birthdate", "geburtsdatum", "age"),
        "redact": (
            "username", "login", "nickname", "nationality", "gender", "sex", "religion", "ethnicity", "race",
            "maritalstatus", "politicalopinion", "tradeunion*", "sexualorientation", "health*", "diagnosis*",
            "birthplace", "placeofbirth", "latitude", "longitude", "lat", "lng", "passport*", "*drivinglicen?e*",
            "taxid", "taxnumber", "nationalid*", "idnumber", "licenseplate", "numberplate", "deviceid", "advertisingid",
            "idfa", "gaid", "useragent",
        ),
    },
    # What PCI DSS 4.0, requirement 3, calls account data; card numbers themselves are found by what they look like.
    "pci": {
        "drop": ("track1*", "track2*", "trackdata", "magneticstripe*", "pinblock", "cvv*", "cvc*", "cav2", "cid4"),
        "generalise": ("expiry*", "expiration*", "expdate", "exp", "expyear", "validthru"),
        "redact": ("pan", "cardnumber", "accountnumber", "primaryaccountnumber", "servicecode", "expmonth",
            "cardholder*"),
    },
    # The eighteen identifiers of 45 CFR 164.514(b)(2), and the dates that it wants as years or months.
    "hipaa": {
        "generalise": (
            "birthdate", "dateofbirth", "*dob", "birthday", "admission*date", "admittedat", "discharge*date",
            "dischargedat", "deathdate", "dateofdeath", "deceasedat", "dateofservice", "servicedate", "age",
            "zip", "zipcode", "postalcode",
        ),
        "redact": (
            "mrn", "medicalrecord*", "healthplan*", "insurance*id", "insurance*number", "memberid", "policynumber",
            "accountnumber", "certificatenumber", "licensenumber", "licenseplate", "vin", "deviceserial*", "biometric*",
            "photo", "photourl", "faceimage", "diagnosis*", "medication*", "patientid", "subscriberid", "county",
        ),
    },
}  # fmt: skip
