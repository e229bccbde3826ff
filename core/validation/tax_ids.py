"""Kept as typed, since they stand on invoices; checked by python-stdnum, except where it would refuse real ones.

Ghana and Viet Nam issue numbers that it does not know, Ecuador and Taiwan changed their check digits, Colombians often
leave theirs out. `validate()` only computes: no register is asked.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any

from django.utils.translation import gettext_lazy as _

from core.validation.countries import EU_MEMBERS
from core.validation.patterns import matches
from core.validation.text import as_code

VAT = _("VAT number")


@dataclass(frozen=True)
class TaxId:
    label: Any
    example: str
    modules: str = ""  # of stdnum, one for each kind of number
    mask: str = ""  # kinds with a shape but no check digit
    prefixes: str = ""  # in front, besides the country's code

    @property
    def is_checked(self) -> bool:
        return bool(self.modules or self.mask)


TAX_IDS = {
    "AE": TaxId("TRN", "100123456700003", mask="#{15}"),
    "AR": TaxId("CUIT", "20-05536168-2", "ar.cuit"),
    "AT": TaxId(VAT, "ATU13585627", "at.uid at.tin"),
    "AU": TaxId("ABN", "83 914 571 673", "au.abn au.acn au.tfn"),
    "BD": TaxId("BIN", "000123456-0101"),
    "BE": TaxId(VAT, "BE0428759497", "be.vat"),
    "BG": TaxId(VAT, "BG175074752", "bg.vat"),
    "BR": TaxId("CNPJ", "16.727.230/0001-97", "br.cnpj br.cpf"),
    "CA": TaxId("GST/HST", "123026635 RT 0001", "ca.bn"),
    "CH": TaxId("UID", "CHE-100.155.212", "ch.uid ch.vat"),
    "CL": TaxId("RUT", "76.086.428-5", "cl.rut"),
    "CN": TaxId("USCC", "91110000600037341L", "cn.uscc"),
    "CO": TaxId("NIT", "900.123.456-8"),
    "CY": TaxId(VAT, "CY10259033P", "cy.vat"),
    "CZ": TaxId(VAT, "CZ25123891", "cz.dic"),
    "DE": TaxId(VAT, "DE136695976", "de.vat de.stnr de.idnr"),
    "DK": TaxId(VAT, "DK13585628", "dk.cvr"),
    "EE": TaxId(VAT, "EE100594102", "ee.kmkr ee.registrikood"),
    "ES": TaxId(VAT, "ESB64717838", "es.nif"),
    "FI": TaxId(VAT, "FI20774740", "fi.alv fi.ytunnus"),
    "FR": TaxId(VAT, "FR23334175221", "fr.tva fr.siren fr.siret"),
    "GB": TaxId(VAT, "GB980780684", "gb.vat gb.utr", prefixes="XI"),
    "GR": TaxId(VAT, "EL094259216", "gr.vat", prefixes="EL"),
    "HR": TaxId(VAT, "HR33392005961", "hr.oib"),
    "HU": TaxId(VAT, "HU12892312", "hu.anum", mask="########-#-##"),  # the second: as used at home
    "ID": TaxId("NPWP", "01.312.166.0-091.000", "id.npwp"),
    "IE": TaxId(VAT, "IE6433435F", "ie.vat ie.pps"),
    "IL": TaxId(_("Company number"), "516179157", "il.hp il.idnr"),
    "IN": TaxId("GSTIN", "27AAPFU0939F1ZV", "in_.gstin in_.pan"),
    "IS": TaxId(VAT, "IS00621", "is_.vsk is_.kennitala"),
    "IT": TaxId(VAT, "IT00743110157", "it.iva it.codicefiscale"),
    "JP": TaxId(_("Corporate number"), "T5835678256246", "jp.cn", prefixes="T"),  # T: an issuer of invoices
    "KE": TaxId("PIN", "P051365947M", "ke.pin"),
    "KR": TaxId("BRN", "116-82-00276", "kr.brn"),
    "LT": TaxId(VAT, "LT119511515", "lt.pvm"),
    "LU": TaxId(VAT, "LU15027442", "lu.tva"),
    "LV": TaxId(VAT, "LV40003521600", "lv.pvn"),
    "MT": TaxId(VAT, "MT11679112", "mt.vat"),
    "MX": TaxId("RFC", "MAB9307148T4", "mx.rfc"),
    "NG": TaxId("TIN", "12345678-0001"),
    "NL": TaxId(VAT, "NL004495445B01", "nl.btw nl.bsn"),
    "NO": TaxId(VAT, "NO 995 525 828 MVA", "no.mva no.orgnr"),
    "NZ": TaxId(_("GST number"), "49-098-576", "nz.ird"),
    "PE": TaxId("RUC", "20512333797", "pe.ruc"),
    "PH": TaxId("TIN", "123-456-789-000"),
    "PK": TaxId("NTN", "1234567-8"),
    "PL": TaxId(VAT, "PL8567346215", "pl.nip"),
    "PT": TaxId(VAT, "PT501964843", "pt.nif"),
    "RO": TaxId(VAT, "RO18547290", "ro.cf"),
    "RU": TaxId("INN", "1234567894", "ru.inn"),
    "SA": TaxId(VAT, "300123456700003"),
    "SE": TaxId(VAT, "SE556188840401", "se.vat se.orgnr se.personnummer"),
    "SG": TaxId("UEN", "00192200M", "sg.uen", mask="M*-#######-* | #########@ | ########@"),
    "SI": TaxId(VAT, "SI50223054", "si.ddv"),
    "SK": TaxId(VAT, "SK2022749619", "sk.dph"),
    "TH": TaxId(_("Tax number"), "0994000617721", "th.moa th.pin"),
    "TR": TaxId("VKN", "4540536920", "tr.vkn tr.tckimlik"),
    "US": TaxId("EIN", "12-3456789", mask="#{9}"),  # the library lacks new prefixes
    "ZA": TaxId(VAT, "4123456789", mask="#{10}"),
}

SHAPE = re.compile(r"[A-Za-z0-9Ññ][A-Za-z0-9Ññ &./-]{2,31}")  # Ñ and & stand in Mexican ones
SEPARATORS = re.compile(r"[ ./-]")


def is_tax_id(country: str, text: str) -> bool:
    """For a country without a rule anything of that shape with a digit."""
    text = as_code(text)
    if not SHAPE.fullmatch(text) or not re.search(r"[0-9]", text):
        return False
    known = TAX_IDS.get(country)
    if known is None or not known.is_checked:
        return True
    compact = SEPARATORS.sub("", text).upper()
    spellings = {compact} | {compact.removeprefix(prefix) for prefix in (country, *known.prefixes.split())}
    return any(_is_known(known, number) for number in spellings)


def has_check_digits(country: str) -> bool:
    return country in TAX_IDS and bool(TAX_IDS[country].modules)


def passes_check_digits(country: str, text: str) -> bool:
    """Whether it is of the country's first kind, under which businesses are registered for its tax.

    In the EU only with its prefix: without one, the numbers of some countries are those of persons.
    """
    if not has_check_digits(country) or not is_tax_id(country, text):
        return False
    known, number = TAX_IDS[country], SEPARATORS.sub("", as_code(text)).upper()
    prefixes = (country, *known.prefixes.split())
    if country in EU_MEMBERS and not number.startswith(prefixes):
        return False
    spellings = {number} | {number.removeprefix(prefix) for prefix in prefixes}
    return any(_validates(known.modules.split()[0], spelling) for spelling in spellings)


def tax_id_label(country: str) -> str:
    return str(TAX_IDS[country].label if country in TAX_IDS else _("Tax number"))


def tax_id_example(country: str) -> str:
    return TAX_IDS[country].example if country in TAX_IDS else ""


def _is_known(known: TaxId, number: str) -> bool:
    if known.mask and matches(known.mask, number):
        return True
    return any(_validates(module, number) for module in known.modules.split())


def _validates(module: str, number: str) -> bool:
    try:
        _stdnum(module).validate(number)
    except ValueError:  # also what a module trips over
        return False
    return True


@cache
def _stdnum(module: str) -> Any:
    return import_module(f"stdnum.{module}")
