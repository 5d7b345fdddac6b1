"""Invented documents with known fields, drawn flat and photographed; they measure custom_ocr."""

from .document import Document
from .english import BOARDING_PASS, BUSINESS_CARD, INVOICE, VOUCHER
from .papers import BUSINESS_LICENCE, MEMBERSHIP_CARD, TRAIN_TICKET, WAYBILL
from .photograph import photograph
from .receipts import SUPERMARKET_RECEIPT, TAXI_RECEIPT, VAT_INVOICE

DOCUMENTS: dict[str, Document] = {
    "vat_invoice": VAT_INVOICE,
    "taxi_receipt": TAXI_RECEIPT,
    "supermarket_receipt": SUPERMARKET_RECEIPT,
    "train_ticket": TRAIN_TICKET,
    "waybill": WAYBILL,
    "business_licence": BUSINESS_LICENCE,
    "membership_card": MEMBERSHIP_CARD,
    "boarding_pass": BOARDING_PASS,
    "business_card": BUSINESS_CARD,
    "invoice": INVOICE,
    "voucher": VOUCHER,
}

__all__ = ["DOCUMENTS", "Document", "photograph"]
