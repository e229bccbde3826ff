"""XML of the shape and length that Factur-X has (UN/CEFACT CII, profile EN 16931); its amounts are made up."""

from __future__ import annotations

from string import Template
from typing import Any
from xml.sax.saxutils import escape

LINE = Template("""
    <ram:IncludedSupplyChainTradeLineItem>
      <ram:AssociatedDocumentLineDocument><ram:LineID>$position</ram:LineID></ram:AssociatedDocumentLineDocument>
      <ram:SpecifiedTradeProduct><ram:Name>$text</ram:Name></ram:SpecifiedTradeProduct>
      <ram:SpecifiedLineTradeAgreement>
        <ram:NetPriceProductTradePrice><ram:ChargeAmount>$price</ram:ChargeAmount></ram:NetPriceProductTradePrice>
      </ram:SpecifiedLineTradeAgreement>
      <ram:SpecifiedLineTradeDelivery><ram:BilledQuantity unitCode="C62">$quantity</ram:BilledQuantity>\
</ram:SpecifiedLineTradeDelivery>
      <ram:SpecifiedLineTradeSettlement>
        <ram:ApplicableTradeTax><ram:TypeCode>VAT</ram:TypeCode><ram:CategoryCode>S</ram:CategoryCode>\
<ram:RateApplicablePercent>19.00</ram:RateApplicablePercent></ram:ApplicableTradeTax>
        <ram:SpecifiedTradeSettlementLineMonetarySummation><ram:LineTotalAmount>$amount</ram:LineTotalAmount>\
</ram:SpecifiedTradeSettlementLineMonetarySummation>
      </ram:SpecifiedLineTradeSettlement>
    </ram:IncludedSupplyChainTradeLineItem>""")
PARTY = Template("""
      <ram:$role>
        <ram:Name>$name</ram:Name>
        <ram:PostalTradeAddress><ram:PostcodeCode>10119</ram:PostcodeCode><ram:LineOne>$street</ram:LineOne>\
<ram:CityName>$city</ram:CityName><ram:CountryID>DE</ram:CountryID></ram:PostalTradeAddress>
        <ram:URIUniversalCommunication><ram:URIID schemeID="EM">billing@northwind.example</ram:URIID>\
</ram:URIUniversalCommunication>
        <ram:SpecifiedTaxRegistration><ram:ID schemeID="VA">$tax_id</ram:ID></ram:SpecifiedTaxRegistration>
      </ram:$role>""")
INVOICE = Template("""<?xml version="1.0" encoding="UTF-8"?>
<rsm:CrossIndustryInvoice xmlns:rsm="urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100" \
xmlns:ram="urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:100" \
xmlns:udt="urn:un:unece:uncefact:data:standard:UnqualifiedDataType:100">
  <rsm:ExchangedDocumentContext><ram:GuidelineSpecifiedDocumentContextParameter><ram:ID>urn:cen.eu:en16931:2017</ram:ID>\
</ram:GuidelineSpecifiedDocumentContextParameter></rsm:ExchangedDocumentContext>
  <rsm:ExchangedDocument>
    <ram:ID>$number</ram:ID><ram:TypeCode>380</ram:TypeCode>
    <ram:IssueDateTime><udt:DateTimeString format="102">20260503</udt:DateTimeString></ram:IssueDateTime>
  </rsm:ExchangedDocument>
  <rsm:SupplyChainTradeTransaction>$lines
    <ram:ApplicableHeaderTradeAgreement>$parties
    </ram:ApplicableHeaderTradeAgreement>
    <ram:ApplicableHeaderTradeDelivery/>
    <ram:ApplicableHeaderTradeSettlement>
      <ram:PaymentReference>7K4M9P2X3B</ram:PaymentReference><ram:InvoiceCurrencyCode>EUR</ram:InvoiceCurrencyCode>
      <ram:SpecifiedTradeSettlementPaymentMeans><ram:TypeCode>58</ram:TypeCode><ram:PayeePartyCreditorFinancialAccount>\
<ram:IBANID>DE89370400440532013000</ram:IBANID></ram:PayeePartyCreditorFinancialAccount>\
</ram:SpecifiedTradeSettlementPaymentMeans>
      <ram:ApplicableTradeTax><ram:CalculatedAmount>42.56</ram:CalculatedAmount><ram:TypeCode>VAT</ram:TypeCode>\
<ram:BasisAmount>224.00</ram:BasisAmount><ram:CategoryCode>S</ram:CategoryCode>\
<ram:RateApplicablePercent>19.00</ram:RateApplicablePercent></ram:ApplicableTradeTax>
      <ram:SpecifiedTradePaymentTerms><ram:DueDateDateTime><udt:DateTimeString format="102">20260517\
</udt:DateTimeString></ram:DueDateDateTime></ram:SpecifiedTradePaymentTerms>
      <ram:SpecifiedTradeSettlementHeaderMonetarySummation><ram:LineTotalAmount>224.00</ram:LineTotalAmount>\
<ram:TaxBasisTotalAmount>224.00</ram:TaxBasisTotalAmount><ram:TaxTotalAmount currencyID="EUR">42.56\
</ram:TaxTotalAmount><ram:GrandTotalAmount>266.56</ram:GrandTotalAmount><ram:DuePayableAmount>250.00\
</ram:DuePayableAmount></ram:SpecifiedTradeSettlementHeaderMonetarySummation>
    </ram:ApplicableHeaderTradeSettlement>
  </rsm:SupplyChainTradeTransaction>
</rsm:CrossIndustryInvoice>
""")


def xml_for(data: dict[str, Any]) -> str:
    """About 3 kB, and 1 kB for each row of the first table."""
    lines = [
        LINE.substitute(position=position, text=escape(row[0]), quantity=row[1], price=row[2], amount=escape(row[-1]))
        for position, row in enumerate(data["sections"][0]["rows"], 1)
    ]
    parties = [_party("SellerTradeParty", data["seller"]), _party("BuyerTradeParty", data["recipient"])]
    return INVOICE.substitute(number=escape(data["number"]), lines="".join(lines), parties="".join(parties))


def _party(role: str, part: dict[str, Any]) -> str:
    street, city = (*part["lines"], "", "")[:2]
    tax_id = part["ids"][0]["value"] if part["ids"] else ""
    return PARTY.substitute(
        role=role, name=escape(part["name"]), street=escape(street), city=escape(city), tax_id=escape(tax_id)
    )
