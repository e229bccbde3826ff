from core.models.account import Account, Membership, MembershipRecord
from core.models.bank_account import BankAccount
from core.models.credit import CreditEntry
from core.models.credit_note import CreditNote, CreditNoteLine
from core.models.document import Document, DocumentChain, DocumentFile
from core.models.duty import DutyGrant
from core.models.history import HistoryHead, TransitionDigest
from core.models.idempotency import IdempotentResponse
from core.models.invitation import Invitation
from core.models.invoice import Invoice, NumberSeries
from core.models.invoice_line import InvoiceLine
from core.models.invoice_link import InvoiceLink
from core.models.payee_version import PayeeVersion
from core.models.payment import Allocation, BalanceEntry, Payment
from core.models.payment_method import PaymentMethod
from core.models.plan import Plan, PlanPrice
from core.models.policy import Policy
from core.models.rate_limit import RateLimitBucket
from core.models.refund import Refund
from core.models.security import RefusalCount, SecurityEvent
from core.models.seller import Logo, Seller, SellerVersion
from core.models.session import Session
from core.models.site import Industry, Site, SiteUserAccess
from core.models.statement import PendingLine, Statement, StatementContent, StatementDraft, StatementFile
from core.models.statement_line import LinePayment, PayerIdentity, StatementLine
from core.models.subscription import Subscription
from core.models.tax_rule import TaxRule
from core.models.trial import CrowdedTrial
from core.models.user import User

__all__ = [
    "Account",
    "Allocation",
    "BalanceEntry",
    "BankAccount",
    "CreditEntry",
    "CreditNote",
    "CreditNoteLine",
    "CrowdedTrial",
    "Document",
    "DocumentChain",
    "DocumentFile",
    "DutyGrant",
    "HistoryHead",
    "IdempotentResponse",
    "Industry",
    "Invitation",
    "Invoice",
    "InvoiceLine",
    "InvoiceLink",
    "LinePayment",
    "Logo",
    "Membership",
    "MembershipRecord",
    "NumberSeries",
    "PayeeVersion",
    "PayerIdentity",
    "Payment",
    "PaymentMethod",
    "PendingLine",
    "Plan",
    "PlanPrice",
    "Policy",
    "RateLimitBucket",
    "Refund",
    "RefusalCount",
    "SecurityEvent",
    "Seller",
    "SellerVersion",
    "Session",
    "Site",
    "SiteUserAccess",
    "Statement",
    "StatementContent",
    "StatementDraft",
    "StatementFile",
    "StatementLine",
    "Subscription",
    "TaxRule",
    "TransitionDigest",
    "User",
]
