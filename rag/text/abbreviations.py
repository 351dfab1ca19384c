"""Words that decide whether a dot ends a sentence: English and German, and a few of others."""

from __future__ import annotations


def _words(listed: str) -> frozenset[str]:
    return frozenset(listed.split())


# In small letters, without the last dot. A sentence never ends after these,
NEVER_LAST = _words("""
    dr mr mrs ms mx prof rev hon gen col capt lt sgt gov sen rep pres st mt vs cf viz e.g i.e eg ie
    ca approx resp esp dept univ assn fig figs eq eqs ref refs sec ch chap vol vols pp ed eds al
    jan feb mar apr jun jul aug sept sep oct nov dec
    abzgl bd bde bspw bzgl bzw d.h dez dipl einschl evtl exkl geb ggf hrn hrsg inkl kap mrz nr
    okt sog v.a vgl z.b ziff zzgl
    avda bijv blz déc dhr dott ej févr janv juil mevr mlle mme núm pág págs sig sra srta ud uds
    рис стр डॉ प्रो
""")
# after these only if no number follows,
NOT_BEFORE_NUMBERS = _words("no nos p art ver abb abs aufl ext gem mind rd tab tel")
# and after these, as after an initial, only before a word that mostly opens a sentence.
BEFORE_OPENERS = _words("""
    etc inc ltd co corp bros jr sr esq ex fa fr hr jh max mio mrd mwst std tsd u.a usw
""")
OPENERS = _words("""
    After All Also An And As At Because Before But By Each For From He Her His How However If In It
    Its Many More Most My No Not On One Other Our Several She Since So Some That The Their Then
    There These They This Those Though Thus To Today Under Until We What When Where Which While Who
    Why With You Your
    Aber Alle Als Auch Auf Aus Bei Beim Bis Bitte Dabei Dafür Damit Danach Dann Das Dazu Der Deshalb
    Die Dies Diese Dieser Dieses Doch Dort Durch Ein Eine Einen Er Es Falls Für Hier Ich Ihr Ihre Im
    Ist Jede Jeder Jetzt Kein Keine Mit Nach Nicht Nun Nur Ob Oder Seit Sie Sind Sonst Um Und Unser
    Unsere Vor Was Weil Wenn Wer Wie Wir Wo Zum Zur
""")
# German writes `3.` for third: between these, the dot belongs to the number.
BEFORE_ORDINALS = _words("""
    ab am beim bis das dem den der des die dieser im jeden jeder oder seit und vom zum zur
""")
MONTHS = _words("""
    Januar Jänner Februar März April Mai Juni Juli August September Oktober November Dezember
""")
