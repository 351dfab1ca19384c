import random
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from rag.answering.edits import Edit
from rag.answering.verify import (
    STEP,
    SavedCitation,
    Verdict,
    nearest_start,
    occurrences,
    verify,
)
from rag.index.snapshot import Snapshot
from rag.types.errors import TookTooLong
from support.word_count_service import serving_of

GUIDE = (
    "# Fares\n\nChildren travel free. Adults pay 3 euros.\n\n## Refunds\n\nReturns take 30 days.\n"
)
NOTES = "Ferries sail on Sundays.\n"


def documents(**texts: str) -> Snapshot:
    return serving_of({f"{name}.md": text for name, text in texts.items()}).snapshot


def saved(snapshot: Snapshot, id: str, quote: str, with_quote: bool = True) -> SavedCitation:
    document = snapshot.documents[id]
    start = document.text.index(quote)
    kept = quote if with_quote else None
    return SavedCitation(id, document.sha256, start, start + len(quote), kept)


def verdict_on(snapshot: Snapshot, citation: SavedCitation) -> Verdict:
    (verdict,) = verify(snapshot, [citation])
    return verdict


BEFORE = documents(guide=GUIDE, notes=NOTES)
CITED = saved(BEFORE, "guide.md", "Returns take 30 days.")


def outcome(verdict: Verdict) -> tuple[str, str | None, int | None]:
    if verdict.citation is None:
        return verdict.status, None, None
    return verdict.status, verdict.citation.document_id, verdict.citation.char_start


def test_a_citation_stands_in_the_documents_that_it_was_made_from() -> None:
    verdict = verdict_on(BEFORE, CITED)
    assert outcome(verdict) == ("valid", "guide.md", CITED.char_start)
    assert verdict.detail == "the quote stands there"
    assert (verdict.places, verdict.closest, verdict.diff) == (1, None, ())
    assert verdict.citation is not None
    assert verdict.citation.heading_path == ("Refunds",)
    assert verdict.citation.line_start == verdict.citation.line_end == 7
    assert verdict.citation.quote == CITED.quote


def test_a_heading_with_nothing_under_it_lies_in_no_section() -> None:
    citation = verdict_on(BEFORE, saved(BEFORE, "guide.md", "# Fares")).citation
    assert citation is not None
    assert (citation.heading_path, citation.line_start) == ((), 1)


def test_a_change_after_the_quote_leaves_it_valid_under_the_new_hash() -> None:
    now = documents(guide=GUIDE + "More.\n")
    verdict = verdict_on(now, CITED)
    assert outcome(verdict) == ("valid", "guide.md", CITED.char_start)
    assert verdict.detail == "the quote stands there; the document changed elsewhere"
    assert verdict.citation is not None
    assert verdict.citation.sha256 == now.documents["guide.md"].sha256 != CITED.sha256


def test_a_change_before_the_quote_moves_it() -> None:
    verdict = verdict_on(documents(guide="Preface.\n\n" + GUIDE), CITED)
    assert outcome(verdict) == ("moved", "guide.md", CITED.char_start + 10)
    assert verdict.citation is not None
    assert verdict.citation.line_start == 9
    assert verdict.detail == "the quote stands elsewhere in the document"


def test_thirty_days_that_became_ninety_have_changed() -> None:
    now = documents(guide=GUIDE.replace("30", "90"), other="Not within 30 days.")
    verdict = verdict_on(now, saved(BEFORE, "guide.md", "30 days"))
    assert outcome(verdict) == ("changed", None, None)
    assert verdict.diff == (Edit("removed", "30 "), Edit("added", "90 "), Edit("same", "days"))
    assert verdict.closest is not None
    assert verdict.closest.quote == "90 days"
    assert verdict.closest.heading_path == ("Refunds",)


def test_a_quote_of_which_nothing_is_left_has_changed_without_a_diff() -> None:
    verdict = verdict_on(documents(guide="Wholly rewritten."), CITED)
    assert (verdict.status, verdict.closest, verdict.diff) == ("changed", None, ())
    assert verdict.detail == "the quote is no more in the document, nor anything like it near"


def test_a_renamed_document_takes_its_quotes_along() -> None:
    verdict = verdict_on(documents(fares=GUIDE, notes=NOTES), CITED)
    assert outcome(verdict) == ("moved", "fares.md", CITED.char_start)
    assert verdict.detail == "the document is gone, the quote stands in another"


def test_of_several_documents_the_renamed_one_goes_first_then_the_nearest_place() -> None:
    quoting = "Returns take 30 days. " * 2
    now = documents(a=quoting, b="x" * CITED.char_start + quoting, fares=GUIDE)
    verdict = verdict_on(now, CITED)
    assert outcome(verdict) == ("moved", "fares.md", CITED.char_start)
    assert verdict.detail.endswith("in another, in 5 places; this is the nearest")
    without = documents(a=quoting, b="x" * CITED.char_start + quoting)
    assert outcome(verdict_on(without, CITED)) == ("moved", "b.md", CITED.char_start)


def test_without_document_and_quote_a_citation_is_gone() -> None:
    verdict = verdict_on(documents(notes=NOTES), CITED)
    assert outcome(verdict) == ("gone", None, None)
    assert verdict.detail == "the document is gone, and the quote is in no other"


def test_the_nearest_of_several_places_is_named_and_counted() -> None:
    text = "One two. " + "-" * 40 + "One two. " + "-" * 4 + "One two."
    was = SavedCitation("a.md", "0" * 64, 55, 63, "One two.")
    verdict = verdict_on(documents(a=text), was)
    assert outcome(verdict) == ("moved", "a.md", 49)
    assert verdict.places == 3
    assert verdict.detail.endswith(", in 3 places; this is the nearest")


@pytest.mark.parametrize(
    "other",
    [
        "returns take 30 days.",
        "Returns take 30 days .",
        "Returns take\u00a030 days.",
        "Returns  take 30 days.",
        "Returns take\n30 days.",
        "Returns tɑke 30 days.",
        "Returns take 30 days\u200b.",
        "Return\u0073\u0301 take 30 days.",
    ],
)
def test_what_merely_looks_the_same_has_changed(other: str) -> None:
    now = documents(guide=GUIDE.replace("Returns take 30 days.", other))
    assert verdict_on(now, CITED).status == "changed"


def test_a_wrong_place_in_an_unchanged_document_is_put_right() -> None:
    wrong = SavedCitation("guide.md", CITED.sha256, 3, 9, CITED.quote)
    assert outcome(verdict_on(BEFORE, wrong)) == ("moved", "guide.md", CITED.char_start)
    short = SavedCitation("guide.md", CITED.sha256, CITED.char_start, 10**9, CITED.quote)
    verdict = verdict_on(BEFORE, short)
    assert verdict.citation is not None
    assert verdict.citation.char_end == CITED.char_end


def test_a_citation_without_quote_needs_the_very_same_document() -> None:
    bare = saved(BEFORE, "guide.md", "Returns take 30 days.", with_quote=False)
    cannot_tell = "without the quote one cannot tell what became of it"
    assert outcome(verdict_on(BEFORE, bare)) == ("valid", "guide.md", bare.char_start)
    changed = verdict_on(documents(guide=GUIDE + "More.\n"), bare)
    assert outcome(changed) == ("changed", None, None)
    assert changed.detail == f"the document changed, and {cannot_tell}"
    gone = verdict_on(documents(notes=NOTES), bare)
    assert (gone.status, gone.detail) == ("gone", f"the document is gone, and {cannot_tell}")
    moved = verdict_on(documents(fares=GUIDE, notes=NOTES), bare)
    assert outcome(moved) == ("moved", "fares.md", bare.char_start)
    assert moved.citation is not None
    assert moved.citation.quote == "Returns take 30 days."


def test_a_place_beyond_the_end_of_a_document_is_not_vouched_for() -> None:
    beyond = SavedCitation("guide.md", CITED.sha256, 10, len(GUIDE) + 1, None)
    assert verdict_on(BEFORE, beyond).status == "changed"
    elsewhere = verdict_on(documents(fares=GUIDE), beyond)
    assert elsewhere.status == "gone"


def test_nearest_agrees_with_trying_every_place() -> None:
    chance = random.Random(1)
    for _ in range(500):
        text = "".join(chance.choices("ab", k=chance.randrange(30)))
        quote = "".join(chance.choices("ab", k=chance.randrange(1, 4)))
        near = chance.randrange(40)
        starts = [at for at in range(len(text)) if text.startswith(quote, at)]
        expected = min(starts, key=lambda at: (abs(at - near), at), default=None)
        assert nearest_start(text, quote, near) == expected


@pytest.mark.timeout(10)
def test_a_quote_made_to_be_slow_to_find_is_not() -> None:
    quote = "a" * 1000 + "b" + "a" * 50_000
    assert nearest_start("a" * 1_000_000, quote, 900_000) is None
    assert nearest_start("a" * 1_000_000, quote[::-1], 900_000) is None


# ---- random histories, whose outcome is known from the cells that were moved about


@dataclass
class World:
    """Documents as lists of sentences, each unlike all others, and a quote of some of them."""

    chance: random.Random
    texts: dict[str, list[str]]
    made: int = 0

    def cell(self) -> str:
        self.made += 1
        words = self.chance.choices(["red", "green", "sails", "on", "Sundays", "30"], k=4)
        return f"{' '.join(words)} {self.made}. "

    def snapshot(self) -> Snapshot:
        return documents(**{id: "".join(cells) or "-" for id, cells in self.texts.items()})


def new_world(seed: int) -> World:
    world = World(random.Random(seed), {})
    for id in ("a", "b"):
        world.texts[id] = [world.cell() for _ in range(world.chance.randrange(4, 9))]
    return world


def place_of(cells: list[str], quoted: list[str]) -> int | None:
    """The first of the quoted cells, if they still stand together."""
    size = len(quoted)
    starts = [at for at in range(len(cells)) if cells[at : at + size] == quoted]
    return starts[0] if starts else None


def edit_before(world: World, quoted: list[str]) -> None:
    at = place_of(world.texts.get("a", []), quoted)
    if at is not None:
        world.texts["a"].insert(world.chance.randint(0, at), world.cell())


def edit_after(world: World, quoted: list[str]) -> None:
    at = place_of(world.texts.get("a", []), quoted)
    if at is not None:
        end = at + len(quoted)
        if end < len(world.texts["a"]) and world.chance.random() < 0.5:
            del world.texts["a"][end]
        else:
            world.texts["a"].append(world.cell())


def cut_before(world: World, quoted: list[str]) -> None:
    if place_of(world.texts.get("a", []), quoted):
        del world.texts["a"][0]


def edit_inside(world: World, quoted: list[str]) -> None:
    cells = world.texts.get("a", [])
    at = place_of(cells, quoted)
    if at is not None:
        hit = at + world.chance.randrange(len(quoted))
        cell = cells[hit]
        place = world.chance.randrange(1, len(cell) - 1)
        cells[hit] = world.chance.choice(
            [cell[:place] + "~" + cell[place:], cell[:place] + "~" + cell[place + 1 :]]
        )


def rename(world: World, quoted: list[str]) -> None:
    if "a" in world.texts and "c" not in world.texts:
        world.texts["c"] = world.texts.pop("a")


def delete(world: World, quoted: list[str]) -> None:
    world.texts.pop("a", None)


def copy_elsewhere(world: World, quoted: list[str]) -> None:
    if place_of(world.texts["b"], quoted) is None:
        world.texts["b"] += quoted


STEPS: list[Callable[[World, list[str]], None]] = [
    edit_before,
    cut_before,
    edit_after,
    edit_inside,
    rename,
    delete,
    copy_elsewhere,
]


def expected(world: World, quoted: list[str], start: int) -> tuple[str, str | None, int | None]:
    """The verdict as the cells give it, without searching any text."""

    def offset(id: str) -> int | None:
        at = place_of(world.texts.get(id, []), quoted)
        return None if at is None else sum(map(len, world.texts[id][:at]))

    if "a" in world.texts:
        now = offset("a")
        if now is None:
            return "changed", None, None
        return "valid" if now == start else "moved", "a.md", now
    found = [(abs(at - start), id, at) for id in ("b", "c") if (at := offset(id)) is not None]
    if not found:
        return "gone", None, None
    _, id, at = min(found)
    return "moved", f"{id}.md", at


def test_two_thousand_random_histories_get_the_right_verdicts() -> None:
    seen: dict[str, int] = {}
    for seed in range(2000):
        world = new_world(seed)
        first = world.chance.randrange(len(world.texts["a"]))
        quoted = world.texts["a"][first : first + world.chance.randint(1, 3)]
        cited = saved(world.snapshot(), "a.md", "".join(quoted))
        for step in world.chance.choices(STEPS, k=world.chance.randint(1, 4)):
            step(world, quoted)
        now = world.snapshot()
        verdict = verdict_on(now, cited)
        renamed = now.documents.get("c.md")
        if renamed is None or renamed.sha256 != cited.sha256:
            assert outcome(verdict) == expected(world, quoted, cited.char_start), seed
        else:
            assert outcome(verdict) == ("moved", "c.md", cited.char_start), seed
        check_exact(now, cited, verdict)
        seen[verdict.status] = seen.get(verdict.status, 0) + 1
    assert min(seen.values()) >= 100 and len(seen) == 4, seen


def check_exact(now: Snapshot, cited: SavedCitation, verdict: Verdict) -> None:
    """What is said to be quoted is, and a diff leads from the quote to what is there now."""
    assert cited.quote is not None
    if verdict.citation:
        there = verdict.citation
        text = now.documents[there.document_id].text
        assert text[there.char_start : there.char_end] == cited.quote == there.quote
        again = SavedCitation(
            there.document_id, there.sha256, there.char_start, there.char_end, there.quote
        )
        assert verdict_on(now, again).detail == "the quote stands there"
    else:
        assert all(cited.quote not in d.text for d in now.documents.values()) or (
            verdict.status == "changed" and cited.quote not in now.documents["a.md"].text
        )
    if verdict.closest:
        removed = "".join(edit.text for edit in verdict.diff if edit.kind != "added")
        added = "".join(edit.text for edit in verdict.diff if edit.kind != "removed")
        assert (removed, added) == (cited.quote, verdict.closest.quote)


@pytest.mark.parametrize("at", [0, STEP - 3, STEP - 2, STEP - 1, STEP, 2 * STEP - 1, 3 * STEP - 10])
@pytest.mark.parametrize("near", [0, STEP - 1, STEP, 2 * STEP, 3 * STEP, 5 * STEP])
def test_a_quote_is_found_in_a_long_text_wherever_it_stands(at: int, near: int) -> None:
    text = "." * at + "quote" + "." * (3 * STEP - at - 5)
    assert nearest_start(text, "quote", near) == at
    assert occurrences(text, "quote", lambda: None) == 1


def test_in_a_long_text_as_many_places_are_counted_as_in_a_short_one() -> None:
    text = "aaaab" * (STEP // 3)
    assert len(text) > STEP
    for quote in ("aa", "b", "aaab", "c"):
        assert occurrences(text, quote, lambda: None) == text.count(quote)


def test_verifying_ends_when_time_is_up() -> None:
    now = iter(range(100))
    with pytest.raises(TookTooLong, match="over 5 seconds: verify fewer citations at once"):
        verify(BEFORE, [CITED] * 50, 5, lambda: float(next(now)))


def test_time_is_looked_at_between_documents() -> None:
    many = documents(**{f"d{n}": NOTES for n in range(50)})
    now = iter(range(100))
    with pytest.raises(TookTooLong):
        verify(many, [CITED], 20, lambda: float(next(now)))


def test_verdicts_come_in_the_order_of_the_citations() -> None:
    moved = SavedCitation("guide.md", "0" * 64, 0, 5, "Fares")
    verdicts = verify(BEFORE, [CITED, moved], 10)
    assert [verdict.status for verdict in verdicts] == ["valid", "moved"]


def test_a_document_is_known_by_another_normal_form_of_its_id() -> None:
    now = serving_of({"Tu\u0308r.md": NOTES}).snapshot
    cited = SavedCitation("T\u00fcr.md", "0" * 64, 0, 7, "Ferries")
    assert outcome(verdict_on(now, cited)) == ("valid", "Tu\u0308r.md", 0)
