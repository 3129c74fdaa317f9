"""What tokenizers stumble over. A text is given as unit and count; a lone surrogate counts as U+FFFD."""

TEXTS = [
    ("empty", "", 1), ("one letter", "a", 1), ("spaces", "   \t \n ", 1), ("other spaces", "\u00a0\u2003\u3000", 1),
    ("plain", "The quick brown fox jumps over the lazy dog.", 1), ("spaces around", "  two  spaces   and more  ", 1),
    ("family", "family \U0001F468\u200d\U0001F469\u200d\U0001F467 here", 1), ("emoji", "I love \U0001F600 cats \U0001F44D\U0001F3FD", 1),
    ("hebrew", "\u05e9\u05dc\u05d5\u05dd \u05e2\u05d5\u05dc\u05dd \u202emirror\u202c", 1),
    ("arabic", "\u0645\u0631\u062d\u0628\u0627 \u0628\u0627\u0644\u0639\u0627\u0644\u0645", 1),
    ("chinese", "\u4f60\u597dworld\u4e16\u754cabc", 1), ("rare chinese", "\U00020000\U00020001 rare", 1),
    ("hangul parts", "\u1112\u1161\u11ab\u1100\u1173\u11af", 1), ("hangul", "\ud55c\uae00", 1),
    ("accents", "caf\u00e9 na\u00efve \u00c5ngstr\u00f6m", 1), ("accents apart", "cafe\u0301 nai\u0308ve A\u030angstro\u0308m", 1),
    ("turkish", "\u0130stanbul I\u015e\u0131k DI\u015eARI", 1), ("eszett", "STRASSE stra\u00dfe \u1e9e", 1),
    ("ligatures", "\ufb01ne \ufb03 \u2460 \u00bd", 1), ("fullwidth", "\uff28\uff45\uff4c\uff4c\uff4f", 1), ("control", "a\x01b\x02c\x7fd\u0085e", 1),
    ("nul", "hello\x00world", 1), ("nul only", "\x00", 1), ("nul and emoji", "a\x00b \U0001F600 c", 1),
    ("zero width", "ze\u200bro wi\u200cdth j\u200doin \ufeffbom", 1), ("soft hyphen", "co\u00adoperate", 1), ("replacement", "a \ufffd b", 1),
    ("words of 100", "b" * 100 + " " + "b" * 101, 1), ("specials", "[CLS] [SEP] [MASK] [PAD] [UNK] <s> </s> <mask> <pad> <unk>", 1),
    ("specials glued", "This is[SEP]a test[MASK]s, is<mask>it</s>?", 1), ("specials lower", "[mask] [sep] [cls] <MASK> <S>", 1),
    ("brackets", "[[MASK]] [MASK ] <<mask>>  <mask>  x", 1), ("hashes", "##ing ##s # ## ###", 1), ("markers", "\u2581under \u2581\u2581 \u0120g \u010a", 1),
    ("punctuation", "!!!???...---___ @#$%^&*()", 1), ("lines", "line one\r\nline two\rline three\n", 1), ("separators", "a\u2028b\u2029c\x0bd\x0ce", 1),
    ("maths", "\u2200x\u2208\u211d: \u2308x\u2309 = \u2212\u230a\u2212x\u230b \U0001D400\U0001D401", 1),
    ("flags", "\U0001F1E9\U0001F1EA \U0001F3F4\U000E0067\U000E0062\U000E0065\U000E006E\U000E0067\U000E007F", 1),
    ("heaped", "Z\u0351\u036b\u0343\u036a\u0302a\u0334\u031el\u0336g\u0337o\u0338", 1), ("private use", "\ue000 \uf8ff \U000f0000", 1),
    ("noncharacters", "\uffff \ufffe \U0010ffff", 1), ("thai", "\u0e2a\u0e27\u0e31\u0e2a\u0e14\u0e35\u0e0a\u0e32\u0e27\u0e42\u0e25\u0e01", 1),
    ("devanagari", "\u0928\u092e\u0938\u094d\u0924\u0947 \u0926\u0941\u0928\u093f\u092f\u093e", 1),
    ("address", "https://ex.org/a?b=c&d=%20#frag user_name@ex.org", 1), ("code", "int *p=&x; if(p->y!=0){ return \"\\n\"; }", 1),
    ("numbers", "3.14159 1,000,000 1e-5 0x1F \u0661\u0662\u0663", 1), ("sigma", "\u039f\u0394\u039f\u03a3 \u03a3\u0391\u03a3", 1),
    ("contractions", "don't WE'RE they'll 'tis i'd I'M", 1),
    ("lone high", "a \ud83d b", 1), ("lone low", "a \ude00 b", 1), ("lone at the end", "tail \ud83d", 1),
    ("lone and emoji", "I love \U0001F600 cats \ud83d", 1), ("lone and accents", "caf\u00e9 \u4f60\u597d \ud83d na\u00efve", 1),
    ("reversed pair", "x \ude00\ud83d y", 1), ("lone low first", "\udc00 \U0001F600\udc00 z", 1),
    ("long word", "a", 5000), ("long text", "the quick brown fox jumps over the lazy dog. ", 2250), ("long chinese", "\u4e2d", 3000),
    ("long emoji", "\U0001F600 x ", 900),
]

CORPUS = ["The quick brown fox jumps over the lazy dog.", "A cat sat on the mat, and a dog ran in the sun!", "don't worry: they'll sing, we're walking",
          "naïve café, Straße und Ångström; İstanbul", "你好世界 中文字", "numbers 3.14159 and 1,000,000 or 0x1F", "I love cats and dogs",
          "the old house by the river is red and blue", "def main(): return x != 0", "singing walking jumping played words", "hello world here test this is it"] * 4


def text(entry):
    """As Python's tokenizers take it."""
    raw = entry[1] * entry[2]
    return raw.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
