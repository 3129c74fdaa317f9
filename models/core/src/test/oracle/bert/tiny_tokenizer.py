"""The 99-token WordPiece tokenizer of the tiny BERT, in the format of Hugging Face's tokenizer.json."""
import string

SPECIALS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
WORDS = ["the", "cat", "sat", "on", "mat", "dog", "ran", "in", "sun", "is", "of", "and", "to", "bird", "house", "river",
         "tree", "red", "blue", "old", "new", "sing", "walk", "jump", "play", "wort", "haus", "ein", "satz", "der"]
PIECES = ["##s", "##ing", "##ed", "##er", "##en", "##e", "##n", "##t", "##y", "##ly"]
PUNCTUATION = list(".,!?-'\"()")
CHARACTERS = list(string.ascii_lowercase) + list(string.digits)
LETTERS = ["é", "ß", "ж", "中", "文", "🙂"]
# Accents are stripped before the look-up, so "é" is never found; real vocabularies have such tokens too.
EXTRA = ["##a", "##i", "##o"]

TOKENS = SPECIALS + WORDS + PIECES + PUNCTUATION + CHARACTERS + LETTERS + EXTRA
assert len(TOKENS) == len(set(TOKENS)) == 99, len(TOKENS)


def special(token):
    return {"SpecialToken": {"id": token, "type_id": 0}}


def tokenizer():
    ids = {token: index for index, token in enumerate(TOKENS)}
    added = [{"id": ids[token], "content": token, "single_word": False, "lstrip": False, "rstrip": False,
              "normalized": False, "special": True} for token in SPECIALS]
    first, second = {"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}
    end = {"SpecialToken": {"id": "[SEP]", "type_id": 1}}
    return {
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": added,
        "normalizer": {"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True,
                       "strip_accents": None, "lowercase": True},
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [special("[CLS]"), first, special("[SEP]")],
            "pair": [special("[CLS]"), first, special("[SEP]"), second, end],
            "special_tokens": {t: {"id": t, "ids": [ids[t]], "tokens": [t]} for t in ("[CLS]", "[SEP]")}},
        "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": True},
        "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
                  "max_input_chars_per_word": 100, "vocab": ids},
    }
