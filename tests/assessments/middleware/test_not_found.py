"""A wrong address shows the portal's own page, on one's own machine as well."""

import pytest
from django.test import Client

from tests.cast import client_of, person

pytestmark = pytest.mark.django_db

OUR_PAGE = "<h1>We can’t find this page</h1>"


@pytest.fixture
def debugging(settings) -> None:
    """The settings of DEBUG=true, as far as a page that is not there is concerned."""
    settings.DEBUG = True
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "assessments.middleware.not_found.PlainNotFound"]


def test_with_debug_an_address_that_leads_nowhere_shows_our_page(debugging, client):
    no_view = ("/nowhere", "/nowhere/", "/check/nowhere", "/static/nowhere.css", "/é")
    for address in (*no_view, "/examples/nowhere"):
        answer = client.get(address)
        assert answer.status_code == 404, address
        assert OUR_PAGE in answer.content.decode(), address
        assert "URLconf" not in answer.content.decode(), address


def test_with_debug_a_view_s_own_404_stays_as_it_is(debugging):
    answer = Client().get("/verify/00000-00000")
    assert answer.status_code == 404
    assert OUR_PAGE not in answer.content.decode()


def test_with_debug_an_address_without_its_slash_still_leads_on(debugging):
    assert client_of(person("member")).get("/office")["Location"] == "/office/"
