"""A sentence against its evidence: minimal pairs, of which one is borne out and one is not."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.embed import Encoder
from rag.errors import ModelError
from rag.verify import PARTIAL, SUPPORTED, Verifier, find_copy, load_verifier, verdict_of
from rag.verify_facts import plain, read_dates, read_quantities, same_date, same_quantity

RANK = {"unsupported": 0, "partial": 1, "supported": 2}


@pytest.fixture(scope="module")
def verifier(encoder: Encoder) -> Verifier:
    return load_verifier(encoder=encoder)


@pytest.mark.parametrize(
    ("stated", "evidence"),
    [
        ("1.5 billion", "$1,500 million"),
        ("$1.5bn", "1.5 billion dollars"),
        ("3", "three"),
        ("twenty-five", "25"),
        ("a hundred and twenty", "120"),
        ("25%", "25 percent"),
        ("25 per cent", "25%"),
        ("1.5 km", "1,500 metres"),
        ("2 hours", "120 minutes"),
        ("1.5 million", "1,480,000"),
        ("about 500", "498"),
        ("more than 20", "21"),
        ("Q4", "the fourth quarter"),
        ("2nd", "second"),
        ("5,000", "5000"),
        ("a fall of 38%", "-38%"),
        ("-$5 million", "a loss of $5 million"),
        ("20 millimetres", "20 mm"),
        ("$5mm", "$5 million"),
        ("a 5% decline in sales", "-5%"),
        ("Sales were 5% lower", "-5%"),
        ("reduced by 5 million", "-5 million"),
        ("minus 5 °C", "-5 °C"),
    ],
)
def test_numbers_that_are_the_same(stated: str, evidence: str) -> None:
    assert same_quantity(read_quantities(stated)[0], read_quantities(evidence)[0])


@pytest.mark.parametrize(
    ("stated", "evidence"),
    [
        ("1.5 billion", "1.5 million"),
        ("1.5 billion", "1.6 billion"),
        ("25%", "$25"),
        ("15", "50"),
        ("three", "four"),
        ("3rd", "3"),
        ("1.48 billion", "1.5 billion"),
        ("more than 20", "12"),
        ("5 km", "5 kg"),
        ("$5 million", "-$5 million"),
        ("fell to 5 degrees", "-5 degrees"),
        ("20 °F", "20 °C"),
        ("20", "-20"),
        ("5 °C", "minus 5 °C"),
        ("20 mm", "20 million"),
    ],
)
def test_numbers_that_differ(stated: str, evidence: str) -> None:
    assert not same_quantity(read_quantities(stated)[0], read_quantities(evidence)[0])


@pytest.mark.parametrize(
    ("stated", "evidence", "same"),
    [
        ("Jan 5, 2021", "5 January 2021", True),
        ("2021-01-05", "January 5th, 2021", True),
        ("January 2021", "5 January 2021", True),
        ("2021", "5 January 2021", True),
        ("in 2019", "from 2018 to 2020", True),
        ("in 2019", "2018–20", True),
        ("the 1990s", "in 1994", True),
        ("the 19th century", "in 1854", True),
        ("13/01/2021", "13 January 2021", True),
        ("5 January 2021", "January 2021", False),
        ("5 January 2021", "6 January 2021", False),
        ("in 2021", "in 2019", False),
        ("in 2017", "from 2018 to 2020", False),
        ("May 2020", "June 2020", False),
        ("the 1990s", "in 1989", False),
    ],
)
def test_dates(stated: str, evidence: str, same: bool) -> None:
    assert same_date(read_dates(plain(stated))[0], read_dates(plain(evidence))) is same


def test_a_modal_is_no_month_and_a_year_no_quantity() -> None:
    assert not read_dates("It may rain, and they march on.")
    assert not read_quantities("It was founded in 1998.")


PAIRS = [
    # evidence, what it says, what it does not say, and a word of the reason
    (
        "The employer pays 5% of the salary into the pension.",
        "The employer pays 5% into the pension.",
        "The employee pays 5% of the salary into the pension.",
        "employer",
    ),
    (
        "The company reported revenue of $1.5 billion in 2019, up 12% from the year before.",
        "The company reported revenue of $1,500 million in 2019.",
        "The company reported revenue of $1.8 billion in 2019.",
        "$1.8 billion",
    ),
    (
        "The bridge was opened on 5 January 2021 by the mayor of Leeds.",
        "The bridge was opened on Jan 5, 2021 by the mayor of Leeds.",
        "The bridge was opened on 7 January 2021 by the mayor of Leeds.",
        "7 January 2021",
    ),
    (
        "The museum in Fresno was founded in 2019 by three engineers.",
        "The museum in Fresno was founded in 2019 by 3 engineers.",
        "The museum in Fresno was founded in 2021 by three engineers.",
        "the passage says 2019, the sentence says 2021",
    ),
    (
        "The museum was founded by three engineers in a former railway station.",
        "The museum was founded by three engineers in a former railway station.",
        "The museum in Fresno was founded by three engineers in a former railway station.",
        "does not name Fresno",
    ),
    (
        "In 2023 the researchers at OpenAI published the report on safety.",
        "In 2023 the researchers at Open AI published the report on safety.",
        "In 2023 the researchers at Google published the report on safety.",
        "does not name Google",
    ),
    (
        "The board did not approve the merger with Norvik Shipping.",
        "The board did not approve the merger with Norvik Shipping.",
        "The board approved the merger with Norvik Shipping.",
        "did not",
    ),
    (
        "The board approved the merger with Norvik Shipping on Monday.",
        "The board approved the merger with Norvik Shipping.",
        "The board did not approve the merger with Norvik Shipping.",
        "the passage does not",
    ),
    (
        "Net profit increased in the third quarter because of lower costs.",
        "Net profit increased in the third quarter.",
        "Net profit decreased in the third quarter.",
        "decreased",
    ),
    (
        "Some of the patients in the trial recovered within a week.",
        "Some of the patients in the trial recovered within a week.",
        "All of the patients in the trial recovered within a week.",
        "'all'",
    ),
    (
        "Acme Corporation acquired Borealis Foods after long talks.",
        "Acme Corporation acquired Borealis Foods.",
        "Borealis acquired Acme after long talks.",
        "the other way round",
    ),
    (
        "Killer T cells kill cells that are infected with viruses. B cells make antibodies.",
        "Killer T cells kill cells that are infected with viruses.",
        "Killer B cells kill cells that are infected with viruses.",
        "killer T",
    ),
    (
        "The workers’ council met on Tuesday – its “last” session in the old hall.",
        'The workers\' council met on Tuesday - its "last" session in the old hall.',
        'The workers\' council met on Friday - its "last" session in the old hall.',
        "friday",
    ),
    (
        "The plant's turbines produce 40 megawatts and supply 30,000 homes.",
        "The turbines of the plant produce 40 megawatts.",
        "The turbines of the plant produce 60 megawatts.",
        "60",
    ),
]


@pytest.mark.parametrize(("evidence", "good", "bad", "reason"), PAIRS)
def test_minimal_pairs(verifier: Verifier, evidence: str, good: str, bad: str, reason: str) -> None:
    right, wrong = verifier.verify(good, evidence), verifier.verify(bad, evidence)
    assert right.verdict == "supported" and not right.reasons
    assert wrong.verdict != "supported" and wrong.score < right.score
    assert any(reason.lower() in r.lower() for r in wrong.reasons), wrong.reasons


def test_a_copy_is_supported_unless_it_is_denied(verifier: Verifier) -> None:
    evidence = "It is not true that the dam was closed. The lake is “deep” – very deep."
    copied = verifier.verify('The lake is "deep" - very deep.', evidence)
    assert copied.verdict == "supported" and copied.best is not None
    assert evidence[copied.best.start : copied.best.end].startswith("The lake")
    assert verifier.verify("the dam was closed.", evidence).verdict != "supported"


@pytest.mark.parametrize(
    ("sentence", "evidence"),
    [
        ("The annual fee is £20", "The annual fee is £20,000 payable in advance."),
        ("The annual fee is £20.", "The annual fee is £20.5 million."),
        ("The share is 20", "The share is 20 % of it."),
        ("The fee is 20.", "The fee is 20-30 pounds."),
        ("The sum is 5", "The sum is 5:30 in all"),
        ("5 million were lost", "-$5 million were lost"),
        ("It may be let at any time", "It may be let at any time unless the landlord objects."),
    ],
)
def test_the_beginning_of_a_figure_or_of_a_condition_is_no_copy(
    sentence: str, evidence: str
) -> None:
    assert find_copy(sentence, evidence) is None


@pytest.mark.parametrize(
    ("sentence", "evidence"),
    [
        ("The annual fee is £20", "The annual fee is £20, payable in advance."),
        ("The annual fee is £20.", "The annual fee is £20; it is due in May."),
        ("Rent: 500", "Rent: 500\nDeposit: 900"),
        ("It may be let at any time", "It may be let at any time after the first year."),
    ],
)
def test_a_part_that_stands_alone_is_a_copy(sentence: str, evidence: str) -> None:
    assert find_copy(sentence, evidence) is not None


def test_a_wide_space_behind_a_letter_is_judged(verifier: Verifier) -> None:
    evidence = "They chose plan A\u00a0. More came later."
    assert verifier.verify("More came later.", evidence).verdict == "supported"
    assert verifier.verify("They chose plan B\u2003. More", evidence).verdict != "supported"


def test_a_number_within_a_range_is_not_what_it_says(verifier: Verifier) -> None:
    evidence = "The loan of the brewery is between 5 and 10 million euros."
    ends = ["The loan is 10 million euros.", "The loan is at least 5 million euros."]
    assert [verifier.verify(said, evidence).verdict for said in ends] == ["supported"] * 2
    inside = verifier.verify("The loan is 6 million euros.", evidence)
    assert inside.verdict != "supported" and "6 million" in inside.reasons[0]


def test_the_best_place_is_the_sentence_that_says_it(verifier: Verifier) -> None:
    texts = ["Apples are grown in Kent.", "The harbour of Osric froze in 1934. Fish is sold there."]
    found = verifier.verify("In 1934 the harbour of Osric was frozen.", texts)
    assert found.best is not None
    assert "\n".join(texts)[found.best.start : found.best.end].startswith("The harbour of Osric")


@pytest.mark.parametrize(("sentence", "evidence"), [("", "Text."), ("...", "Text."), ("A b.", "")])
def test_nothing_is_not_supported(verifier: Verifier, sentence: str, evidence: str) -> None:
    found = verifier.verify(sentence, evidence)
    assert found.verdict == "unsupported" and found.score == 0 and found.reasons
    assert found.best is None


WORDS = st.sampled_from(("the", "old", "mill", "was", "sold", "to", "Norvik", "in", "1987"))


@settings(max_examples=60, deadline=None)
@given(sentences=st.lists(st.lists(WORDS, min_size=3, max_size=9), min_size=1, max_size=4))
def test_a_sentence_of_the_evidence_is_supported(
    verifier: Verifier, sentences: list[list[str]]
) -> None:
    texts = [" ".join(words) + "." for words in sentences]
    for text in texts:
        found = verifier.verify(text, " ".join(texts))
        assert found.verdict == "supported" and found.score == 1


@settings(max_examples=80, deadline=None)
@given(sentence=st.text(max_size=60), evidence=st.text(max_size=120))
def test_any_text_is_judged(verifier: Verifier, sentence: str, evidence: str) -> None:
    found = verifier.verify(sentence, evidence)
    assert 0 <= found.score <= 1 and found.verdict == verdict_of(found.score)
    assert (found.verdict == "supported") == (not found.reasons)
    if found.best is not None:
        assert 0 <= found.best.start < found.best.end <= len(evidence)


@given(a=st.floats(0, 1), b=st.floats(0, 1))
def test_a_higher_score_is_never_a_worse_verdict(a: float, b: float) -> None:
    low, high = sorted((a, b))
    assert RANK[verdict_of(low)] <= RANK[verdict_of(high)]
    assert 0 < PARTIAL < SUPPORTED < 1


def test_long_evidence_is_judged_in_time(verifier: Verifier) -> None:
    evidence = " ".join(
        f"In {1900 + i % 100} ward {i} of the town had {i * 7} homes." for i in range(200)
    )
    start = time.perf_counter()
    for i in range(5):
        verifier.verify(f"Ward {i + 20} had {(i + 20) * 7} homes.", evidence)
    assert time.perf_counter() - start < 5


def test_a_cross_encoder_can_take_its_place(tmp_path: Path) -> None:
    from sentence_transformers import CrossEncoder
    from transformers import BertConfig, BertForSequenceClassification, BertTokenizerFast

    vocabulary = tmp_path / "vocab.txt"
    vocabulary.write_text("\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"abcdefg"]))
    for name, labels in (("nli", ("contradiction", "entailment")), ("other", ("bad", "good"))):
        config = BertConfig(
            vocab_size=12, hidden_size=8, num_hidden_layers=1, num_attention_heads=1,
            intermediate_size=8, id2label=dict(enumerate(labels)),
            label2id={label: i for i, label in enumerate(labels)},
        )  # fmt: skip
        BertForSequenceClassification(config).save_pretrained(tmp_path / name)
        BertTokenizerFast(vocab_file=str(vocabulary)).save_pretrained(tmp_path / name)
    path = str(tmp_path / "nli")
    found = load_verifier(path).verify("a b c", "d e f g. a c b.")
    model = CrossEncoder(path, device="cpu")
    chances = model.predict([("d e f g. a c b.", "a b c"), ("a c b.", "a b c")], apply_softmax=True)
    assert found.score == pytest.approx(float(chances[:, 1].max()), abs=1e-5)
    with pytest.raises(ModelError, match="no label called entailment but bad, good"):
        load_verifier(str(tmp_path / "other"))
    with pytest.raises(ModelError, match="cannot load the verifier"):
        load_verifier(str(tmp_path / "absent"))
