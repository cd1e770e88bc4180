"""The tables are complete: any mistake in a condition of the edition makes some row fail."""

from collections.abc import Callable, Iterator

from assessments.scoring.assess import assess
from bulletin.encoding.conditions import Condition, Either, Every, Fact, Not
from bulletin.encoding.schema import Edition, Rule
from tests.tables import advised_row, answers_of, asking, edition, outcome_of, rows_of_asking, rows_of_rules

UNSEEN = {
    # A concern about conduct calls for contact, which alone already keeps rule 24 silent.
    "rule 24: applies: terms_complete and not election.use is earlier",
}


def variants(condition: Condition) -> Iterator[Condition]:
    """The condition with one mistake: a term negated, a part left out, or `and` and `or` exchanged."""
    match condition:
        case Every(parts) | Either(parts):
            kind = type(condition)
            yield Either(parts) if kind is Every else Every(parts)
            for at, part in enumerate(parts):
                before, after = parts[:at], parts[at + 1 :]
                yield kind((*before, *after)) if len(parts) > 2 else (*before, *after)[0]
                yield from (kind((*before, variant, *after)) for variant in variants(part))
        case Not(part):
            yield part
            yield from (Not(variant) for variant in variants(part) if variant != Not(part))
        case _:
            yield Not(condition)


def changed(**fields: object) -> Edition:
    """The edition with other `fields`. It is not checked, so that it can be wrong."""
    right = edition()
    return Edition.model_construct(**{name: getattr(right, name) for name in Edition.model_fields} | fields)


def unseen_mistakes(
    kind: str, mistakes: Iterator[tuple[str, str, Edition]], seen: Callable[[str, Edition], bool]
) -> list[str]:
    """The mistakes that no row detects, except those that no row can."""
    missed = [f"{kind} {place}: {mistake}" for place, mistake, wrong in mistakes if not seen(place, wrong)]
    return [mistake for mistake in missed if mistake not in UNSEEN]


def wrong_rules() -> Iterator[tuple[str, str, Edition]]:
    rules = edition().rules
    for at, rule in enumerate(rules):
        for key in ("applies", "met") if rule.met else ("applies",):
            for variant in variants(getattr(rule, key)):
                wrong = rule.model_copy(update={key: variant})
                yield rule.id, f"{key}: {variant}", changed(rules=(*rules[:at], wrong, *rules[at + 1 :]))


def wrong_facts() -> Iterator[tuple[str, str, Edition]]:
    sheet = edition().sheet
    for at, fact in enumerate(sheet.facts):
        for variant in variants(fact.when) if not isinstance(fact.when, str) else ():
            wrong = fact.model_copy(update={"when": variant})
            facts = (*sheet.facts[:at], wrong, *sheet.facts[at + 1 :])
            yield fact.id, str(variant), changed(sheet=sheet.model_copy(update={"facts": facts}))


def wrong_questions() -> Iterator[tuple[str, str, Edition]]:
    questions = edition().questions
    for at, question in enumerate(questions):
        for variant in variants(question.asked):
            wrong = question.model_copy(update={"asked": variant})
            others = (*questions[:at], wrong, *questions[at + 1 :])
            yield question.id, str(variant), changed(questions=others)


def facts_in(rule: Rule) -> set[str]:
    """The facts that a rule names directly. Every fact is named by some rule."""
    conditions = (rule.applies, rule.met) if rule.met else (rule.applies,)
    return {term.name for part in conditions for term in part.terms() if isinstance(term, Fact)}


def test_a_mistake_in_the_condition_of_a_rule_or_a_fact_fails_a_row_of_the_rules():
    cases = []
    for rule, row in rows_of_rules():
        right = advised_row(row)
        cases.append((rule, {**right.answers, **answers_of(row["given"])}, right))

    def seen(place: str, wrong: Edition) -> bool:
        return any(
            outcome_of(rule, assess(wrong, answers, as_of=right.as_of, election=right.election))
            != outcome_of(rule, right)
            for rule, answers, right in cases
            if rule == place or place in facts_in(edition().rule[rule])
        )

    assert unseen_mistakes("rule", wrong_rules(), seen) == []
    assert unseen_mistakes("fact", wrong_facts(), seen) == []


def test_a_mistake_in_when_a_question_is_asked_fails_a_row_of_the_asking():
    cases = [(row, asking(row)) for row in rows_of_asking()]

    def seen(question: str, wrong: Edition) -> bool:
        return any(
            asking(row, by=wrong)[question] != right[question]
            for row, right in cases
            if question in row.get(right[question], ())
        )

    assert unseen_mistakes("question", wrong_questions(), seen) == []
