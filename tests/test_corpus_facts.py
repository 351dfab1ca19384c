"""The shipped corpus carries every fact of its source, each in the section where it belongs."""

from __future__ import annotations

import re

import pytest

from support.places import ROOT

CORPUS = ROOT / "corpus" / "car-t-lupus.md"
ARTICLE = ROOT.parent / "shared" / "article" / "car-t-lupus-article.txt"
HEADING = re.compile(r"^(#{1,6}) (.+)$", re.MULTILINE)
LONGEST_SHARED_RUN = 7

UNDERSTANDING = "Understanding CAR T Cell Therapy"
LUPUS = "Lupus: A Complex Autoimmune Disease"
DESIGN = "Study Design and Participants"
RESULTS = "Promising Results from the Trial"
IMPLICATIONS = "Implications for Lupus Treatment"
FUTURE = "Future Directions and Research"
CHALLENGES = "Challenges and Limitations"

FACTS: dict[str, tuple[str, ...]] = {
    "": (
        "no medical advice",
        "reported speech",
        "groundbreaking",
        "promising results",
        "immunotherapy",
        "severe form of systemic lupus erythematosus (SLE)",
        "complex autoimmune disease",
        "withstood conventional treatments",
        "new hope",
        "patient's own T cells",
        "alters their genes",
        "chimeric antigen receptor, or CAR",
        "antigens linked to the disease",
        "B cells that make autoantibodies",
        "pathogenesis",
        "game changer",
        "targeted, personalized solution",
        "run out of other therapies",
    ),
    UNDERSTANDING: (
        "certain cancers",
        "body's own immune system",
        "T lymphocytes, one type of white blood cell",
        "strong defense",
    ),
    f"{UNDERSTANDING} > What Is CAR T Cell Therapy?": (
        "altered in a laboratory",
        "chimeric antigen receptors (CARs)",
        "cells involved in cancer or lupus",
        "millions of CAR T cells",
        "1. T cells are drawn from the blood of the patient.",
        "2. They are modified so that they carry CARs.",
        "3. The modified cells are left to multiply in the laboratory.",
        "4. The finished CAR T cells go back into the patient.",
        "5. There they seek out particular disease cells and kill them.",
    ),
    f"{UNDERSTANDING} > How CAR T Cell Therapy Works": (
        "owes its success to the chimeric antigen receptor",
        "- An outer part, which detects a specific antigen and latches onto it",
        "- An inner part, which switches the T cell on and sends it to attack",
        "it binds to it, is activated, and kills that cell",
        "CAR T cells also divide",
        "| Component | Function |",
        "| Extracellular domain | Recognizes the specific antigen and binds to it |",
        "| Intracellular domain | Activates the T cell and sets off its cytotoxic functions |",
        "choosing the right antigen",
        "B cells and other cells of the immune system",
    ),
    LUPUS: (
        "systemic lupus erythematosus, SLE",
        "chronic autoimmune disorder",
        "the skin, the joints, and the kidneys",
        "takes healthy tissue for an enemy",
        "inflammation and does damage",
    ),
    f"{LUPUS} > Symptoms and Diagnosis of Lupus": (
        "differ from one patient to the next",
        "- Fatigue\n",
        "- Pain and swelling in the joints\n",
        "- Rashes on the skin",
        '"butterfly rash" that spreads over the cheeks and nose\n',
        "- Fever\n",
        "- Loss of hair\n",
        "- Sensitivity to sunlight\n",
        "- Pain in the chest\n",
        "- Dryness of the eyes and mouth\n",
        "- Headaches\n",
        "- Trouble with memory, or confusion\n",
        "other conditions look much the same",
        "physical examinations, blood tests, and imaging studies",
    ),
    f"{LUPUS} > Current Treatment Options for Lupus": (
        "cannot be cured",
        "- Immunosuppressive drugs: corticosteroids and methotrexate",
        "lower inflammation and protect against damage",
        "- Biologics: newer medicines such as belimumab (Benlysta)",
        "act on particular parts of the immune system",
        "- Antimalarial drugs: hydroxychloroquine (Plaquenil)",
        "wards off flares",
        "- Non-steroidal anti-inflammatory drugs (NSAIDs): ibuprofen, naproxen",
        "over the counter ease pain and inflammation",
        "Dr. Emily Smith, a rheumatologist",
        "good medical care, support, and changes in lifestyle",
        "full and active lives",
        "respond poorly to treatment or suffer significant side effects",
        "New therapies are needed",
    ),
    "A Groundbreaking Lupus Trial": (
        "large step forward",
        "usual therapies have not helped enough",
        "A team of top rheumatologists and immunologists led the trial",
        "safely and effectively",
        "by the severity of their symptoms",
        "failure of standard treatments",
        "T cells were collected from the patients, altered to combat lupus, and put back",
        "destroyed the harmful immune cells",
        "both symptoms and quality of life improved",
        "| Lower disease activity | 85% |",
        "| Less need for immunosuppressive medication | 70% |",
        "| Better kidney function | 60% |",
        "| Greater well-being overall | 90% |",
        "Dr. Emily Thompson, who led the research",
        "major breakthrough",
        "amazing results",
        "could change life for many people",
        "More research is still required",
        "nothing else has worked",
        "the medical world is waiting",
    ),
    DESIGN: (
        "detailed design",
        "how safe the new treatment is and how well it works",
        "systemic lupus erythematosus (SLE) was active",
    ),
    f"{DESIGN} > Inclusion and Exclusion Criteria": (
        "Strict rules",
        "- A diagnosis of active SLE",
        "American College of Rheumatology (ACR)",
        "- A poor response to the usual treatments",
        "- An unchanged dose of other medicines over at least 4 weeks before entry",
        "an active infection, a serious organ problem, or a past cancer",
        "a safe study, undisturbed by other problems",
    ),
    f"{DESIGN} > Treatment Protocol": (
        "leukapheresis",
        "special CAR directed at an antigen related to lupus",
        "the patient's weight and the severity of the disease",
        "a single dose of CAR T cells",
        "monitored closely",
        "possible side effects",
        "with the help of experts in the field",
        "highest standards of care and of science",
        "choice of patients and a strong treatment plan",
    ),
    RESULTS: ("promising results", "hope for people", "is effective in lupus", "is safe"),
    f"{RESULTS} > Efficacy Outcomes": (
        "Disease activity fell in many patients",
        "some of them even reached remission",
        "remission lasted a long time",
        "a better life",
        "serious problems less likely",
    ),
    f"{RESULTS} > Safety Profile": (
        "proved safe",
        "most were mild",
        "proper care was enough to manage them",
        "side effects of many lupus treatments are harsh",
        "might be the better choice",
        "fewer side effects",
    ),
    "Mechanism of Action: Targeting Lupus with CAR T Cells": (
        "genetically engineered T cells",
        "core of the autoimmune response",
        "they produce autoantibodies, which injure healthy tissue",
        "fewer of the harmful autoantibodies",
        "cytokines, the molecules that regulate the immune system",
        "inflammation and damage decrease",
        "One statement, whose author is not named, sees immense promise",
        "(B cells, for one)",
        "modulate how cytokines are produced",
        "quiet the overactive immune response",
        "more focused than the options of today, and its effect may last longer",
        "prospects for managing lupus",
    ),
    IMPLICATIONS: ("great promise", "advances in treatment", "better outcomes", "better lives"),
    f"{IMPLICATIONS} > Potential Benefits of the Therapy": (
        "- Treatment aimed precisely at the immune faults of lupus",
        "- A prospect of long-term remission, and for some even a cure",
        "- Fewer side effects than with the treatments now in use",
        "- Personalized medicine, fitted to the individual patient",
    ),
    f"{IMPLICATIONS} > Comparison with Current Therapies": (
        "corticosteroids and immunosuppressants",
        "big side effects",
        "leave the root cause of lupus untouched",
        "remission could last longer, and side effects could be fewer",
        "| Lupus therapies today | CAR T cell therapy |",
        "| Broad suppression of the immune system | Targeted modulation of the immune system |",
        "| Management of symptoms in the short term | Potential for remission in the long term |",
        "| Significant side effects | Reduced side effects |",
        "| One-size-fits-all approach | Treatment personalized for each patient |",
        "Another unattributed comment describes the therapy as a paradigm shift",
        "essential part of lupus care",
    ),
    FUTURE: ("new lines of research", "Scientists and doctors", "several main areas"),
    f"{FUTURE} > Larger-Scale Clinical Trials": (
        "calls for bigger trials",
        "more participants",
        "over the long term",
        "different stages of lupus and in its different types",
        "Safety monitoring improves",
        "both the risks and the benefits",
    ),
    f"{FUTURE} > Combining CAR T Cells with Other Treatments": (
        "which mix of therapies is best",
        "- Immunosuppressive drugs beside CAR T cells",
        "improve results and lessen side effects",
        "- Targeted biologics, or else small molecule inhibitors",
        "- Stem cell transplantation, with CAR T cells as a complement",
        "Dr. Sarah Thompson, a rheumatologist",
        "incredibly exciting",
        "other proven therapies",
        "| Research focus | Objectives |",
        "| Long-term efficacy | Find out how lasting the treatment is",
        "follow the rates of remission over time |",
        "| Safety monitoring | Detect and deal with side effects and other problems",
        "| Combination therapies | Search for the mix of CAR T cells",
        "| Treatment optimization | Get better results",
        "by improving treatment plans and the making of CAR T cells |",
    ),
    "Expert Opinions on the Trial": (
        "wide attention",
        "Rheumatologists and immunologists",
        "Dr. Sarah Thompson of the University of California, San Francisco, a top rheumatologist",
        "called the findings amazing",
        "long awaited",
        "very promising",
        "Dr. Mark Johnson of Massachusetts General Hospital",
        "directs the Immunology Research Center",
        "find and remove the immune cells that cause lupus",
        "big step forward",
        "Dr. Emily Davis of the Mayo Clinic, an immunologist",
        "a starting point",
        "bigger trials are needed",
        "effects are in the long run",
        "prospects for lupus treatment are getting brighter",
    ),
    "Impact on Patient Quality of Life": (
        "a chronic disease",
        "root cause",
        "Joint pain, fatigue, and skin rashes",
        "activities that they used to love",
        "feel more like themselves",
        "emotional well-being",
        "anxiety, depression, and a sense of isolation",
        "optimism and hope",
        "Sarah, a lupus patient who took part in the trial",
        "lupus seemed to control her life",
        "regain control",
        "tell their stories",
        "having their disease under control",
    ),
    CHALLENGES: (
        "complex production, access to treatment, affordability",
        "the durability of the response",
        "personalized CAR T cells for each single patient",
        "high cost limits the number of people",
    ),
    f"{CHALLENGES} > Manufacturing and Cost Considerations": (
        "slow and intricate",
        "collected, then modified genetically, then grown in a laboratory, and finally given back",
        "drives up the cost",
        "Dr. Sarah Johnson, a rheumatologist",
        "significant barriers to wide adoption",
    ),
    f"{CHALLENGES} > Long-Term Efficacy and Safety": (
        "stays safe, as time passes",
        "first results are good",
        "more data must be gathered",
        "Better and safer",
        "a different course in different people",
        "which patients will profit most",
    ),
    "Potential Applications in Other Autoimmune Diseases": (
        "multiple sclerosis, rheumatoid arthritis, and inflammatory bowel disease",
        "a chronic disease of the joints",
        "immune cells or cytokines",
        "whom present therapies do not help",
        "neurological disorder",
        "harms the central nervous system",
        "the immune cells that injure the myelin sheath",
        "halt the progress of the disease and encourage repair",
        "Dr. Sarah Thompson, an immunologist",
        "eager to see how the technology might be adapted",
        "Crohn's disease and ulcerative colitis",
        "inflame the gut",
        "bring about remission",
        "| Rheumatoid arthritis | Particular immune cells or cytokines",
        "take part in inflammation of the joints |",
        "| Multiple sclerosis | The immune cells that attack the myelin sheath |",
        "| Inflammatory bowel disease | The immune cells behind chronic inflammation of the gut |",
        "revolutionize",
        "millions of patients around the world",
    ),
    "The Future of Lupus Treatment with CAR T Cells": (
        "could change the way that lupus",
        "come into common use",
        "Doctors, researchers, and patient groups have to work together",
        "People with other autoimmune diseases",
        "threshold of a new era",
    ),
    "FAQ": (),
    "FAQ > What is meant by CAR T cell therapy?": (
        "cancer and autoimmune diseases",
        "cancer cells or faults in the immune system",
        "bring the disease under control",
    ),
    "FAQ > How do CAR T cells act against lupus?": (
        "false signals",
        "attacks of the immune system on healthy cells",
        "ease the symptoms",
    ),
    "FAQ > How can lupus patients benefit from CAR T cell therapy?": (
        "results can improve and side effects can lessen",
        "personalized",
        "under control for a long time",
    ),
    "FAQ > Who took part in the CAR T cell trial in lupus?": (
        "severe lupus whom the usual treatments had not helped",
        "severity of their disease and the state of their health",
    ),
    "FAQ > What results did the CAR T cell trial in lupus have?": (
        "symptoms and disease activity improved greatly",
        "low disease activity or remission",
        "proved safe, with side effects that could be managed",
    ),
    "FAQ > How do CAR T cells compare with today's lupus treatments?": (
        "new and targeted approach",
        "false signals",
        "better, and side effects fewer",
    ),
    "FAQ > What challenges and limits does CAR T cell therapy face in lupus?": (
        "complex and costly to produce",
        "long-term data is scarce",
        "Access and affordability",
        "specialized care",
    ),
    "FAQ > What is the outlook for CAR T cell therapy in lupus?": (
        "outlook is bright",
        "could change how lupus is managed",
        "more research and more trials",
        "common treatment",
        "easier to obtain",
    ),
}


def sections_of(markdown: str) -> dict[str, str]:
    """Each section's own text by its heading path, without the document's title, in order."""
    marks = list(HEADING.finditer(markdown))
    ends = [mark.start() for mark in marks[1:]] + [len(markdown)]
    path: list[str] = []
    sections: dict[str, str] = {}
    for mark, end in zip(marks, ends, strict=True):
        path = [*path[: len(mark[1]) - 1], mark[2]]
        sections[" > ".join(path[1:])] = markdown[mark.end() : end]
    return sections


def runs_of(text: str, length: int) -> list[str]:
    """Every run of `length` consecutive words, lower case, in order; punctuation is dropped."""
    words = re.findall(r"[a-z0-9]+", text.lower())
    return [" ".join(words[i : i + length]) for i in range(len(words) - length + 1)]


def test_the_corpus_has_exactly_the_sections_of_its_source_in_order() -> None:
    assert list(sections_of(CORPUS.read_text("utf-8"))) == list(FACTS)


def test_the_corpus_has_an_introduction_27_headings_and_8_faq_pairs() -> None:
    paths = list(sections_of(CORPUS.read_text("utf-8")))
    faq = [path for path in paths if path.startswith("FAQ > ")]
    assert (len(faq), all(path.endswith("?") for path in faq)) == (8, True)
    assert len([path for path in paths if path and not path.startswith("FAQ")]) == 27


@pytest.mark.parametrize("path", FACTS)
def test_a_section_carries_its_facts(path: str) -> None:
    text = sections_of(CORPUS.read_text("utf-8"))[path]
    assert [fact for fact in FACTS[path] if fact not in text] == []


def test_lists_and_tables_have_as_many_rows_as_in_the_source() -> None:
    lines = CORPUS.read_text("utf-8").splitlines()
    items = [line for line in lines if re.match(r"- |\d\. ", line)]
    rows = [line for line in lines if line.startswith("| ")]
    assert (len(items), len(rows)) == (5 + 2 + 10 + 4 + 3 + 4 + 3, 5 * 2 + 2 + 4 + 4 + 4 + 3)


def test_nobody_is_quoted_word_for_word() -> None:
    text = CORPUS.read_text("utf-8")
    assert re.findall(r'"([^"]*)"', text) == ["butterfly rash"]
    assert not set("\u201c\u201d\u2018\u2019") & set(text)


def test_the_account_is_about_as_long_as_its_source() -> None:
    if not ARTICLE.exists():
        pytest.skip("the source article is not beside this checkout")
    words, source_words = (len(p.read_text("utf-8").split()) for p in (CORPUS, ARTICLE))
    assert 0.9 < words / source_words < 1.1


def test_no_run_of_eight_words_is_shared_with_the_source() -> None:
    if not ARTICLE.exists():
        pytest.skip("the source article is not beside this checkout")
    source = set(runs_of(ARTICLE.read_text("utf-8"), LONGEST_SHARED_RUN + 1))
    shared = [
        run for run in runs_of(CORPUS.read_text("utf-8"), LONGEST_SHARED_RUN + 1) if run in source
    ]
    assert shared == []
