"""A second step for people of tests, as if they had set it up."""

from allauth.mfa.adapter import get_adapter
from allauth.mfa.models import Authenticator

from assessments.models import User

SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


def with_second_step(user: User) -> User:
    """Give someone an authenticator app, which officers and administrators need before they see anything."""
    Authenticator.objects.create(
        user=user, type=Authenticator.Type.TOTP, data={"secret": get_adapter().encrypt(SECRET)}
    )
    return user
