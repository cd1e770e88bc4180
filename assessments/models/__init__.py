"""The records of the assessments app, each kind in a module of its own."""

from assessments.models.accounts import SocialAccount
from assessments.models.answers import AnswerRow
from assessments.models.assessments import Answer, Assessment
from assessments.models.checks import AnonymousCheck, CheckAnswer
from assessments.models.invitations import Invitation
from assessments.models.notices import Notice
from assessments.models.people import Membership, Office, User
from assessments.models.reviews import Comment, Look, Thread

__all__ = [
    "AnonymousCheck",
    "Answer",
    "AnswerRow",
    "Assessment",
    "CheckAnswer",
    "Comment",
    "Invitation",
    "Look",
    "Membership",
    "Notice",
    "Office",
    "SocialAccount",
    "Thread",
    "User",
]
