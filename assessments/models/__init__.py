"""The database records of the assessments app, one kind to a module."""

from assessments.models.access_reviews import AccessReview, AccessReviewRequest
from assessments.models.accounts import SocialAccount
from assessments.models.answers import AnswerRow
from assessments.models.assessments import Answer, Assessment
from assessments.models.attestations import Attestation, Finding
from assessments.models.audit import Action, AuditAddress, AuditEvent, AuditHead
from assessments.models.checks import AnonymousCheck, CheckAnswer, CheckPdf
from assessments.models.command_runs import CommandRun
from assessments.models.desk import DeskEntry, DeskFinding, DeskUnsure, Export
from assessments.models.done import DoneMark
from assessments.models.email_changes import EmailChange
from assessments.models.frozen import PurgePermit
from assessments.models.invitations import Invitation
from assessments.models.names import FormerName
from assessments.models.notices import Notice
from assessments.models.outgoing import OutgoingMail
from assessments.models.people import Membership, Office, User
from assessments.models.reminders import Reminder
from assessments.models.retention import ShorterRetention
from assessments.models.reviews import Comment, Look, Thread
from assessments.models.shares import AdviceEntry, AdviceRequest, Share, ShareContent, StoredPdf, Withdrawal

__all__ = [
    "AccessReview",
    "AccessReviewRequest",
    "Action",
    "AdviceEntry",
    "AdviceRequest",
    "AnonymousCheck",
    "Answer",
    "AnswerRow",
    "Assessment",
    "Attestation",
    "AuditAddress",
    "AuditEvent",
    "AuditHead",
    "CheckAnswer",
    "CheckPdf",
    "CommandRun",
    "Comment",
    "DeskEntry",
    "DeskFinding",
    "DeskUnsure",
    "DoneMark",
    "EmailChange",
    "Export",
    "Finding",
    "FormerName",
    "Invitation",
    "Look",
    "Membership",
    "Notice",
    "Office",
    "OutgoingMail",
    "PurgePermit",
    "Reminder",
    "Share",
    "ShareContent",
    "ShorterRetention",
    "SocialAccount",
    "StoredPdf",
    "Thread",
    "User",
    "Withdrawal",
]
