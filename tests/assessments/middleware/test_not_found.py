"""A wrong address shows the portal's own page, on one's own machine as well."""

import pytest
from django.test import Client

from assessments.models import User

pytestmark = [pytest.mark.django_db, pytest.mark.one_database]

OUR_PAGE = "<h1>There is no such page</h1>"


@pytest.fixture
def debugging(settings) -> None:
    """The settings of DEBUG=true, as far as a page that is not there is concerned."""
    settings.DEBUG = True
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "assessments.middleware.not_found.PlainNotFound"]


@pytest.mark.parametrize("address", ["/nowhere", "/nowhere/", "/check/nowhere", "/static/nowhere.css", "/é"])
def test_with_debug_an_address_that_leads_nowhere_shows_our_page(debugging, address):
    answer = Client().get(address)
    assert answer.status_code == 404
    assert OUR_PAGE in answer.content.decode()
    assert "URLconf" not in answer.content.decode()


def test_with_debug_what_a_view_does_not_find_shows_our_page(debugging):
    answer = Client().get("/examples/nowhere")
    assert answer.status_code == 404
    assert OUR_PAGE in answer.content.decode()


def test_with_debug_a_view_s_own_404_stays_as_it_is(debugging):
    answer = Client().get("/verify/00000-00000")
    assert answer.status_code == 404
    assert OUR_PAGE not in answer.content.decode()


def test_with_debug_an_address_without_its_slash_still_leads_on(debugging):
    client = Client()
    client.force_login(User.objects.create_user("ana@example.ca", name="Ana Silva"))
    assert client.get("/office")["Location"] == "/office/"
