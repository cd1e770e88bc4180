"""The addresses of the assessments app: all of the portal's own pages."""

from django.urls import include, path

from assessments.views import (
    attest,
    desk,
    desk_exports,
    health,
    insights,
    people,
    public,
    questionnaire,
    register,
    retention,
    review,
    sharing,
    trail,
    unsubscribe,
    verify,
    waiting,
)

shared_pages = [
    path("", questionnaire.tasks, name="tasks"),
    path("section/<slug:section>", questionnaire.section, name="section"),
    path("details", questionnaire.details, name="details"),
    path("answers", questionnaire.answers, name="answers"),
    path("advisory", questionnaire.advisory, name="advisory"),
    path("advisory.pdf", questionnaire.advisory_file, {"form": "pdf"}, name="pdf"),
    path("advisory.json", questionnaire.advisory_file, {"form": "json"}, name="json"),
    path("answers.json", questionnaire.advisory_file, {"form": "answers"}, name="file"),
]
own_pages = [
    *shared_pages,
    path("delete", questionnaire.delete, name="delete"),
]

attested_pages = [
    path("attest", attest.attest, name="attest"),
    path("reassess", attest.reassess, name="reassess"),
    path("compare", attest.compare, name="compare"),
    path("share", sharing.share, name="share"),
]
deleting_pages = [
    path("delete", retention.delete, name="delete"),
    path("restore", retention.restore, name="restore"),
]
review_pages = [
    path("review", review.review, name="review"),
    path("review/look", review.note_look, name="look"),
    path("review/ready", review.ready, name="ready"),
    path("comments", review.comment, name="comment"),
    path("comments/<int:thread>/reply", review.reply, name="reply"),
    path("comments/<int:thread>/settle", review.resolve_or_reopen, name="settle"),
]

urlpatterns = [
    path("", public.home, name="home"),
    path("check/start", public.start, name="start"),
    path("check/bring-back", public.bring_back, name="bring_back"),
    path("check/restart", public.restart, name="restart"),
    path("check/keep", register.keep, name="keep"),
    path("check/", include((own_pages, "check"))),
    path(
        "assessments/<int:pk>/",
        include(([*shared_pages, *review_pages, *attested_pages, *deleting_pages], "assessment")),
    ),
    path("office/", register.register, name="register"),
    path("office/waiting", waiting.waiting, name="waiting"),
    path("office/waiting/seen", waiting.mark_seen, name="seen"),
    path("office/waiting/mail", waiting.set_mail, name="mail"),
    path("notices/stop/<str:token>", unsubscribe.stop_notices, name="stop_notices"),
    path("office/accounts/new", register.new_account, name="new_account"),
    path("office/accounts/<int:pk>", register.account, name="account"),
    path("office/accounts/<int:pk>/edit", register.edit_account, name="edit_account"),
    path("office/accounts/<int:pk>/assess", register.assess_account, name="assess_account"),
    path("office/<int:pk>/people", people.office_people, name="office_people"),
    path("office/<int:pk>/people/<int:membership>/remove", people.remove_staff, name="remove_staff"),
    path("office/<int:pk>/trail", trail.trail, name="trail"),
    path("office/<int:pk>/keeping", retention.retention, name="retention"),
    path("office/<int:pk>/erase", retention.erase, name="erase"),
    path("office/<int:pk>/export", retention.export, name="export"),
    path("people/", people.people, name="people"),
    path("people/<int:pk>/active", people.set_active, name="set_active"),
    path("people/offices/<int:pk>/end", people.end_term, name="end_term"),
    path("people/offices/<int:pk>/hold", retention.hold, name="hold"),
    path("invitations/<int:pk>/revoke", people.revoke_invitation, name="revoke_invitation"),
    path("invitation/<str:key>", people.invitation, name="invitation"),
    path("desk/", desk.desk, name="desk"),
    path("desk/insights", insights.insights, name="insights"),
    path("desk/insights.pdf", insights.insights_pdf, name="insights_pdf"),
    path("desk/export", desk_exports.choose, name="choose_export"),
    path("desk/export/<str:token>", desk_exports.export, name="desk_export"),
    path("shares/<int:pk>", sharing.read, name="share"),
    path("shares/<int:pk>.pdf", sharing.shared_file, {"form": "pdf"}, name="share_pdf"),
    path("shares/<int:pk>/summary.pdf", sharing.shared_file, {"form": "summary"}, name="share_summary"),
    path("shares/<int:pk>.json", sharing.shared_file, {"form": "json"}, name="share_json"),
    path("shares/<int:pk>/exchange.txt", sharing.shared_file, {"form": "exchange"}, name="share_exchange"),
    path("shares/<int:pk>/withdraw", sharing.withdraw, name="withdraw"),
    path("shares/<int:pk>/advice", sharing.advise, name="advise"),
    path("verify/", verify.verify, name="verify_code"),
    path("verify/<str:code>", verify.verify, name="verify"),
    path("examples/<slug:name>", public.example, name="example"),
    path("examples/<slug:name>.pdf", public.example_pdf, name="example_pdf"),
    path("questionnaire.pdf", public.questionnaire, name="questionnaire"),
    path("health/live", health.live, name="live"),
    path("health/ready", health.ready, name="ready"),
    path("help", public.page, {"name": "help"}, name="help"),
    path("privacy", public.page, {"name": "privacy"}, name="privacy"),
    path("accessibility", public.page, {"name": "accessibility"}, name="accessibility"),
    path("deleted", public.page, {"name": "deleted"}, name="deleted"),
    path("style/", public.style, name="style"),
]
