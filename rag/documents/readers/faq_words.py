"""The words by which people announce an FAQ, a question and an answer, in many languages.

All of them are kept here. They are compared by `folded`, so that case, accents and full-width
letters do not matter.
"""

from __future__ import annotations

import unicodedata

# Headings over an FAQ, by language.
FAQ_PHRASES: dict[str, tuple[str, ...]] = {
    "ar": ("الأسئلة الشائعة", "أسئلة شائعة", "الأسئلة المتكررة", "الأسئلة الأكثر شيوعا"),
    "bg": ("често задавани въпроси", "въпроси и отговори"),
    "bn": ("সচরাচর জিজ্ঞাসা", "প্রায়শই জিজ্ঞাসিত প্রশ্ন", "সাধারণ প্রশ্ন"),
    "ca": ("preguntes freqüents", "preguntes i respostes"),
    "cs": ("časté dotazy", "časté otázky", "často kladené otázky", "otázky a odpovědi"),
    "da": ("ofte stillede spørgsmål", "hyppigt stillede spørgsmål", "spørgsmål og svar"),
    "de": (
        *("häufige fragen", "häufig gestellte fragen", "häufigste fragen", "oft gestellte fragen"),
        *("fragen und antworten", "fragen & antworten"),
    ),
    "el": ("συχνές ερωτήσεις", "συχνές απορίες", "ερωτήσεις και απαντήσεις"),
    "es": ("preguntas frecuentes", "preguntas más frecuentes", "preguntas y respuestas"),
    "et": ("korduma kippuvad küsimused", "küsimused ja vastused"),
    "fa": ("سوالات متداول", "پرسش‌های متداول", "پرسش های متداول", "پرسش و پاسخ"),
    "fi": ("usein kysytyt kysymykset", "usein kysyttyä", "kysymyksiä ja vastauksia"),
    "fr": (
        *("foire aux questions", "questions fréquentes", "questions fréquemment posées"),
        *("questions les plus fréquentes", "questions et réponses", "questions réponses"),
    ),
    "he": ("שאלות נפוצות", "שאלות ותשובות"),
    "hi": ("अक्सर पूछे जाने वाले प्रश्न", "अक्सर पूछे जाने वाले सवाल", "सामान्य प्रश्न", "प्रश्नोत्तर"),
    "hr": ("često postavljana pitanja", "česta pitanja", "najčešća pitanja", "pitanja i odgovori"),
    "hu": ("gyakori kérdések", "gyakran ismételt kérdések", "kérdések és válaszok", "gyik"),
    "id": (
        *("pertanyaan umum", "pertanyaan yang sering diajukan", "tanya jawab"),
        "pertanyaan yang sering ditanyakan",
    ),
    "it": ("domande frequenti", "domande più frequenti", "domande e risposte"),
    "ja": ("よくある質問", "よくあるご質問", "よくあるお問い合わせ", "質問と回答"),
    "ko": ("자주 묻는 질문", "자주 하는 질문", "질문과 답변"),
    "lt": ("dažniausiai užduodami klausimai", "dažnai užduodami klausimai", "duk"),
    "lv": ("biežāk uzdotie jautājumi", "bieži uzdotie jautājumi"),
    "ms": ("soalan lazim", "soalan lazim ditanya"),
    "nl": ("veelgestelde vragen", "veel gestelde vragen", "vragen en antwoorden"),
    "no": ("ofte stilte spørsmål", "vanlige spørsmål", "spørsmål og svar"),
    "pl": (
        *("najczęściej zadawane pytania", "często zadawane pytania", "najczęstsze pytania"),
        "pytania i odpowiedzi",
    ),
    "pt": (
        *("perguntas frequentes", "perguntas mais frequentes", "dúvidas frequentes"),
        "perguntas e respostas",
    ),
    "ro": ("întrebări frecvente", "întrebări și răspunsuri"),
    "ru": (
        *("часто задаваемые вопросы", "частые вопросы", "популярные вопросы"),
        *("вопросы и ответы", "вопрос ответ", "чаво"),
    ),
    "sk": ("často kladené otázky", "najčastejšie otázky", "otázky a odpovede"),
    "sl": ("pogosta vprašanja", "vprašanja in odgovori"),
    "sr": ("често постављана питања", "честа питања", "питања и одговори"),
    "sv": ("vanliga frågor", "vanliga frågor och svar", "ofta ställda frågor", "frågor och svar"),
    "th": ("คำถามที่พบบ่อย", "คำถามที่ถามบ่อย", "คำถามพบบ่อย", "ถามตอบ"),
    "tr": ("sık sorulan sorular", "sıkça sorulan sorular", "sorular ve cevaplar", "sss"),
    "uk": (
        *("часті запитання", "часті питання", "поширені запитання", "найпоширеніші запитання"),
        *("запитання та відповіді", "питання та відповіді"),
    ),
    "ur": ("اکثر پوچھے گئے سوالات", "اکثر پوچھے جانے والے سوالات", "عمومی سوالات"),
    "vi": ("câu hỏi thường gặp", "các câu hỏi thường gặp", "hỏi đáp"),
    "zh": (
        *("常见问题", "常見問題", "常见问题解答", "常見問題解答", "常见问答", "常見問答"),
        *("常见疑问", "常見疑問", "问与答", "問與答"),
        *("问答", "問答"),
    ),
}

# The words that open a question and its answer, by language. A single letter other than Q and A
# means nothing unless a question and its answer both bear one.
PAIR_WORDS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "en": (("q", "ｑ", "ques", "question"), ("a", "ａ", "ans", "answer")),
    "ar": (("سؤال", "السؤال", "س"), ("جواب", "الجواب", "الإجابة", "إجابة", "ج")),
    "cs": (("otázka", "o"), ("odpověď", "o")),
    "da": (("spørgsmål", "s"), ("svar", "s")),
    "de": (("frage", "f"), ("antwort", "a")),
    "el": (("ερώτηση", "ε"), ("απάντηση", "α")),
    "es": (("pregunta", "p"), ("respuesta", "r")),
    "fi": (("kysymys", "k"), ("vastaus", "v")),
    "fr": (("question", "q"), ("réponse", "r")),
    "hi": (("प्रश्न", "सवाल"), ("उत्तर", "जवाब")),
    "id": (("pertanyaan", "t"), ("jawaban", "j")),
    "it": (("domanda", "d"), ("risposta", "r")),
    "ja": (("質問", "問", "q"), ("回答", "答え", "答", "a")),
    "ko": (("질문", "문"), ("답변", "답")),
    "nl": (("vraag", "v"), ("antwoord", "a")),
    "pl": (("pytanie", "p"), ("odpowiedź", "o")),
    "pt": (("pergunta", "p"), ("resposta", "r")),
    "ru": (("вопрос", "в"), ("ответ", "о")),
    "sv": (("fråga", "f"), ("svar", "s")),
    "th": (("คำถาม", "ถาม"), ("คำตอบ", "ตอบ")),
    "tr": (("soru", "s"), ("cevap", "yanıt", "c")),
    "uk": (("питання", "запитання", "п"), ("відповідь", "в")),
    "vi": (("câu hỏi", "hỏi"), ("câu trả lời", "trả lời", "đáp")),
    "zh": (("问题", "問題", "问", "問", "q"), ("回答", "答案", "答", "a")),
}

# The heads of a table's columns, beside the words above.
QUESTION_COLUMNS = ("questions", "faq", "fragen", "preguntas", "perguntas", "domande", "вопросы")
ANSWER_COLUMNS = ("answers", "antworten", "respuestas", "réponses", "respostas", "ответы")

# What is written before `FAQ` if no FAQ follows: "How to write an FAQ", "Updating FAQs".
_NO_NAME = """
    a an any no not this that each every some how why what when where which who to in into from
    for with without about is are see read ask asking use using write writing design designing
    maintain maintaining create creating build building make making improve improving update
    updating edit editing add adding publish publishing generate generating
"""
NO_NAME = frozenset(_NO_NAME.split())

_DOTLESS = str.maketrans("ı", "i")


def folded(text: str) -> str:
    """The text as words are compared: no case, accents or full-width forms, single blanks."""
    bare = (c for c in unicodedata.normalize("NFKD", text) if unicodedata.category(c) != "Mn")
    return " ".join("".join(bare).casefold().translate(_DOTLESS).split())
