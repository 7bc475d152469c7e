"""Text in a document that talks to a language model instead of its reader.

Rules over single sentences, each about *how* a model is addressed, none about what it is asked for.
What is flagged is kept out of every chunk, so a rule that also fits what people write to people
costs them an answer: where the two cannot be told apart, nothing is flagged.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from ingest.parsed import INVISIBLE, Block, Parsed
from rag.types import Flag, Span


@dataclass(frozen=True, slots=True)
class _Rule:
    """``goes_on``: what follows in the same block belongs to the instruction."""

    reason: str
    pattern: re.Pattern[str]
    goes_on: bool = False


def _any(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{pattern})" for pattern in patterns), re.IGNORECASE)


_ORDERS = r"(?:instruction|prompt|directive|direction|command|order|rule|guideline|guidance)s?"
_EARLIER = (
    r"(?:previous|prior|earlier|preceding|foregoing|above|existing|original|initial|system|"
    r"former|past|current|developer)(?:ly)?"
)
_NOT = r"(?<!\bnot )(?<!n't )(?<!n’t )(?<!\bnever )"
_MODEL = (
    r"(?:ai|a\.i\.|llms?|(?:large )?language models?|chat ?bots?|gpt(?:-?\d\w*)?|chatgpt)"
    r"(?: (?:language )?(?:assistant|model|agent|system|reviewer|chatbot|bot|tool)s?)?"
)
_DO = (
    r"^\W*(?:please |now |then |also |and |always |only |you (?:must|should|shall|will) |must |"
    r"should )*"
)
_YOURS = r"your (?:\w+ )?(?:response|reply|answer|output)\b(?:'s|’s)?"
_TEXT = r"your (?:\w+ )?(?:response|reply|answer|output|message)\b(?:'s|’s)?"
_LETTERS = (
    r"(?:letters?|vowels?|consonants?|characters|alphabet|spaces|spacing|punctuation|every \w+ "
    r"word|words)\b"
)
_GARBLED = (
    r"(?:typos?|misspell\w*|mis-spell\w*|anagram\w*|homophon\w*|alphanumeric|substitution|"
    r"ciphers?|rot-?13|base-?64|morse|leet ?speak|pig latin|backwards?|emojis?|jumbled|scrambled|"
    r"encoded|encrypted|(?:without|no)(?: any)? (?:spaces|vowels|punctuation)|(?:spaces|vowels|"
    r"letters|words) (?:removed|reversed|doubled|swapped|omitted|replaced))\b"
)
_THING = (
    r"(?:sentence|statement|line|paragraph|link|url|remark|mention|reminder|tip|plug|slogan|ad|"
    r"recommendation|advert\w*|promo\w*|headline|appeal|hashtag|phrase|call to action)\b"
)
# What teachers ask their pupils for.
_NO_EXERCISE = (
    r"(?!.{0,30}\b(?:topic|thesis|concluding|closing|opening|introductory|complete|supporting|"
    r"number|summary) (?:sentence|statement|line|paragraph)\b)"
)
_SITE = r"(?:https?://|www\.|\b[\w-]{1,63}\.(?:com|net|org|io|xyz|info|biz|ru|cn)\b)"

_RULES = (
    _Rule(
        "marks of a chat with a language model",
        _any(
            r"<\|(?:im_start|start_header_id|start)\|>\s*(?:system|user|assistant|developer|tool)",
            r"^[\s>*-]*<\|(?:im_start|im_end|system|user|assistant|end|eot_id|endoftext|"
            r"begin_of_text|start_header_id|tool_call)\|>",
            r"\[/?INST\]|<</?SYS>>",
            r"^\W*#{2,} ?(?:system|instruction|human|user|assistant)(?: (?:prompt|message))?: ?",
            r"^\W*</?(?:system|system_prompt|system-prompt|system_message|assistant|"
            r"developer_message|tool_call|tool_use|function_calls?|antml:\w+)(?: [^>]*)?>",
            r"<(?:tool_call|function_calls?|invoke name=\S*)>|\[TOOL_CALLS\]",
            r"^\W*(?:begin|start of|end|end of) (?:the )?system (?:prompt|message|instructions?)\b",
            r"^\W*(?:new |updated )?system (?:prompt|message|instructions?|override|command) ?: ?",
        ),
        goes_on=True,
    ),
    _Rule(
        "tells a language model to ignore its instructions",
        _any(
            _NOT + r"\b(?:ignor(?:e|ing)|disregard(?:ing)?|forget(?:ting)?|overrid(?:e|ing)|"
            r"bypass(?:ing)?|neglect|overlook|(?:stop|do not|don't|don’t|no longer) "
            r"(?:follow|obey|heed)(?:ing)?)"
            r" (?:\w+ ){0,3}?(?:"
            + _EARLIER
            + r" (?:\w+ ){0,3}?"
            + _ORDERS
            + r"\b|"
            + _ORDERS
            + r" (?:\w+ ){0,2}?(?:above|before|previously|earlier|you (?:were|have been|"
            r"got|received|had))\b)",
            _NOT + r"\b(?:ignore|forget|disregard) (?:all |everything |anything |whatever |what )"
            r"(?:\w+ ){0,3}?(?:above|you (?:were|have been|are|'ve been) (?:told|given|instructed)|"
            r"you know|said before|i (?:said|told you))\b",
            r"\b(?:ignore|disregard|forget) (?:all |everything )?(?:of )?(?:the )?"
            r"(?:above|previous|foregoing)(?: (?:text|context|content|input|document|talk))?"
            r",?(?: and|;|,|:) "
            r"(?:instead |then |just |only )?(?:say|write|print|output|respond|reply|answer|tell|"
            r"do|act|reveal|return|repeat|give|recommend)\b",
            _NOT + r"\b(?:ignore|disregard|forget|override|bypass) (?:all |any )?(?:of )?your "
            r"(?:\w+ )?(?:" + _ORDERS + r"|training|programming|guardrails|safety)\b",
            r"\b(?:your|the) (?:previous|prior|earlier|above|original) "
            + _ORDERS
            + r" (?:are|is|were|have been|no longer) (?:now )?(?:void|cancell?ed|revoked|invalid|"
            r"superseded|overridden|apply|suspended|obsolete)\b.{0,300}\byou",
            r"\b(?:ignor[ae]|ignor[ae]d|olvid[ae]|desestim[ae]|haz caso omiso de) (?:tod[ao]s )?"
            r"(?:l[ao]s |tus |sus )?(?:instrucciones|indicaciones|órdenes|reglas) "
            r"(?:anteriores|previas|precedentes)",
            r"\b(?:ignore[zr]?|oublie[zr]?|ne (?:tiens|tenez) pas compte)(?: de)? (?:toutes )?"
            r"(?:les |des |tes |vos )?(?:instructions|consignes|directives) "
            r"(?:précédentes|antérieures|ci-dessus)",
            r"\b(?:ignorier\w*|vergiss|vergessen sie|missachte\w*) (?:alle |sämtliche )?"
            r"(?:die |deine |ihre )?(?:vorherigen|bisherigen|vorangegangenen|obigen|früheren) "
            r"(?:anweisungen|instruktionen|befehle|regeln|vorgaben)",
            r"\b(?:ignor[ea]|esqueça|esquece|desconsidere) (?:todas )?(?:as )?(?:suas )?"
            r"(?:instruções|ordens|regras) (?:anteriores|prévias|acima)",
            r"\b(?:ignora|ignorate|dimentica|dimenticate) (?:tutte )?(?:le )?(?:tue )?"
            r"(?:istruzioni|indicazioni|regole) (?:precedenti|di cui sopra)",
            r"\bnegeer (?:alle )?(?:de )?(?:vorige|bovenstaande|eerdere|voorgaande) "
            r"(?:instructies|opdrachten|aanwijzingen)",
            r"(?:игнорируй|проигнорируй|забудь|не учитывай)(?:те)? (?:все |всех )?(?:ваши |твои )?"
            r"(?:предыдущие|прежние|вышеуказанные|предшествующие) "
            r"(?:инструкции|указания|команды|правила)",
            r"\bönceki (?:tüm )?(?:talimatları|yönergeleri|komutları) "
            r"(?:yok say|görmezden gel|unut)",
            r"تجاهل (?:جميع |كل |كافة )?(?:التعليمات|الأوامر|التوجيهات) السابقة",
            r"पिछले (?:सभी )?निर्देशों को (?:अनदेखा|नज़रअंदाज़|भूल)",
            r"(?:忽略|无视|無視|忽視|忘记|忘記|忘掉|不要理会|不用管)(?:掉)?[你您]?(?:的)?(?:所有|全部|一切|任何)?"
            r"(?:的)?(?:之前|以前|先前|以上|上面|前面|上述|此前)(?:的)?(?:所有|全部|一切)?(?:的)?"
            r"(?:指令|指示|说明|提示|命令|要求|规则|設定|设定)",
            r"(?:以前|これまで|今まで|上記|前|先)の(?:すべての|全ての)?(?:指示|命令|プロンプト|ルール)"
            r"(?:を|は)?(?:すべて|全て)?(?:無視|忘れ)",
            r"(?:이전의?|위의|앞의|지금까지의)\s*(?:모든\s*)?(?:지시|명령|지침|프롬프트)\S*\s*(?:모두\s*|전부\s*)?"
            r"(?:무시|잊)",
        ),
        goes_on=True,
    ),
    _Rule(
        "addresses a language model",
        _any(
            r"^\W*(?:important |special |urgent )?(?:note|notice|message|instructions?|hint|"
            r"attention|dear|hello|hey|hi|reminder)(?: (?:to|for))?(?: all| any| the)? "
            + _MODEL
            + r"\b(?: (?:reading|processing|summari[sz]ing|reviewing) this[\w ]*)? ?[:,;.!—–-]",
            r"^\W*"
            + _MODEL
            + r" ?[,:] ?(?:please |now )*(?:ignore|disregard|forget|give|say|tell|write|output|"
            r"respond|reply|recommend|delete|send|reveal|approve|rate|always|never|do not|"
            r"you must)\b",
            r"\bif you are (?:an? )?(?:the )?" + _MODEL + r"\b.{0,60}?,? (?:you must|you should|"
            r"please|then|ignore|give|say|write|include|reply|respond|recommend|do not|always|"
            r"add|mention|tell|output|rate|state)\b",
            r"\b" + _MODEL + r"s? (?:that (?:is|are) )?(?:reading|processing|summari[sz]ing|"
            r"reviewing|parsing|analy[sz]ing) this (?:\w+ )?(?:must|should|shall|please|has to|"
            r"is (?:instructed|required|asked))\b",
            r"\bas an? " + _MODEL + r",? you (?:must|should|shall|will|are|need|have|can)\b",
            r"^\W*you are (?:now )?(?:chatgpt|gpt-?\d?|claude|gemini|dan|an? (?:\w+,? ){0,2}?"
            + _MODEL
            + r")\b(?!.{0,3}[?])",
            r"^\W*you are (?:now )?an? (?:helpful|harmless|unrestricted|uncensored|unfiltered|"
            r"obedient|evil|jailbroken)(?:,? \w+)? assistant\b",
            r"\byou are now (?:in )?(?:an? )?(?:developer|god|debug|admin|jailbreak|unrestricted|"
            r"maintenance|dan) mode\b",
            r"\bfrom now on,? (?:you (?:are|will|must|should) )?(?:act|behave|respond|answer|"
            r"reply|pretend|speak|only (?:answer|respond|reply|say))\b",
            r"\b(?:act|behave|respond|pretend)(?: to be| as)?(?: if you (?:are|were))? an? "
            r"(?:unrestricted|uncensored|unfiltered|jailbroken|evil) ",
        ),
        goes_on=True,
    ),
    _Rule(
        "asks a language model for its instructions",
        _any(
            r"\b(?:reveal|show|print|repeat|output|display|tell|leak|disclose|give|return|dump|"
            r"expose|share|reproduce|recite|state)(?: me| us)?(?: verbatim| back)? (?:your|the) "
            r"(?:\w+ ){0,3}?(?:(?:system|hidden|initial|secret|original) (?:prompt|instruction|"
            r"message|directive)s?)\b",
            r"\bwhat (?:is|are|was|were) your (?:\w+ )?(?:system prompt|(?:system|initial|hidden|"
            r"original|secret) (?:instruction|prompt|message|directive)s?)\b",
            r"\b(?:reveal|print|repeat|output|leak|disclose) (?:all )?(?:of )?your (?:\w+ )?"
            r"(?:instructions|prompt)\b",
            r"(?:显示|输出|泄露|告诉我|打印|重复|透露)[^。！？]{0,8}(?:系统|初始)(?:提示词|提示|指令)",
        ),
    ),
    _Rule(
        "tells a language model to hide something from its user",
        _any(
            r"\b(?:do not|don't|don’t|never|without) (?:ever )?(?:mention|reveal|disclos|tell|"
            r"show|report)(?:e|ing)? (?:any of )?(?:this|these|that this|it|the (?:above|existence "
            r"of)|your (?:\w+ )?(?:instructions|prompt|rules))(?: \w+){0,4}? to (?:the|your) "
            r"(?:user|human|reader)s?\b",
            r"\b(?:do not|don't|don’t|never|without) (?:tell|inform|alert|notify|warn)(?:ing)? the "
            r"(?:user|human) (?:that|about) (?:this|these|you|the (?:instruction|prompt|above))",
        ),
    ),
    _Rule(
        "dictates a language model's answer",
        _any(
            _DO + r"(?:respond|reply) (?:only |exclusively |solely )+with\b",
            _DO + r"(?:respond|reply|answer)(?: only)? with (?:only |just )?(?:the )?"
            r"(?:exact |following |single )*(?:word|phrase|text|string|sentence)s?\b",
            _DO + r"(?:end|begin|start|finish|close|preface|prefix) (?:every|each|all(?: of)? your)"
            r" (?:repl(?:y|ies)|responses?|answers?|messages?) with\b",
            _DO + r"(?:modify|enhance|augment|alter|append to|preface|obfuscate|scramble|jumble|"
            rf"encrypt|encode|render|embellish|garble|anagram) {_TEXT}"
            r"(?! (?:until|before|after|any ?time|at any))",
            _DO + r"(?:add|append|insert|include|integrate|incorporate|embed|inject|weave|blend|"
            rf"place|put|attach|slip)\b{_NO_EXERCISE}.{{0,20}}?"
            rf"(?:[\"“«'‘].{{1,300}}[\"”»'’]|{_SITE}|\b(?:an?|one) (?:[\w-]+ ){{0,3}}?"
            rf"{_THING}).{{0,300}} (?:to|in|into|within|at|of|with)"
            rf"(?: the (?:end|start|beginning) of)? {_YOURS}",
            _DO + r"(?:add|append|insert|include|integrate|incorporate|embed|inject|weave|blend|"
            rf"place|put)\b.{{0,300}} (?:to|in|into|within) {_YOURS}.{{0,300}}(?:\b(?:for|to|"
            r"directing|urging|encouraging|inviting|asking|telling) (?:the )?(?:users?|readers?)\b|"
            rf"{_SITE})",
            rf"^\W*in {_YOURS},? (?:please |always |also )?(?:\w+ ){{1,3}}?(?:the )?"
            r"(?:users?|readers?)\b",
            rf"^\W*in {_YOURS},? (?:please |always |also )?(?:tease|promote|advertise|hint at|plug|"
            r"push|smuggle)\b",
            _DO + r"(?:replace|substitute|swap|scramble|jumble|rearrange|reverse|shuffle|group|"
            rf"combine|merge|misspell|anagram|split)\b.{{0,300}}\b{_LETTERS}.{{0,300}} "
            rf"(?:of|in|from|for|with|throughout) {_TEXT}",
            _DO
            + rf"(?:remove|delete|omit|drop)\b.{{0,60}}\b(?:letters?|vowels?|consonants?|spaces|"
            rf"punctuation)\b.{{0,60}} (?:in|of|from) {_TEXT}",
            _DO
            + r"(?:replace|substitute|convert|swap|use)\b.{0,60} (?:letters|vowels|consonants)\b"
            rf".{{0,60}} (?:of|in|from|for|with|throughout) {_TEXT}",
            _DO + r"(?:replace|scramble|jumble|rearrange|reverse|shuffle|anagram)\b.{0,60} "
            rf"{_TEXT}.{{0,60}}\b{_LETTERS}",
            _DO + rf"(?:use|insert|add|introduce|mix|include)\b.{{0,60}}\b{_GARBLED}.{{0,60}} "
            rf"(?:in|into|to|throughout|of) {_TEXT}",
            _DO
            + r"(?:provide|give|write|render|deliver|present|output|produce|phrase|express|send|"
            rf"compose|format|convert|turn|transform|spell) {_TEXT} .{{0,300}}\b{_GARBLED}",
        ),
    ),
)

# Whatever a rule can match holds one of these; most paragraphs hold none and are passed over.
_TRIGGER = _any(
    r"<\||\[/?INST\]|<</?SYS|##|<[/\w]|TOOL_CALLS|\bsystem\b|prompt|instruct|directi|\bcommand|"
    r"\border|\brule|guid|training|guardrail|\babove\b|\btold\b|you know|said before|"
    r"\buser|\bhuman|\breader|\bai\b|a\.i\.|\bllm|language model|chat ?bot|gpt|assistant|claude|"
    r"gemini|\bdan\b|mode\b|from now on|unrestricted|uncensored|unfiltered|jailbr|evil|"
    r"\b(?:respon[ds]|repl[yi]|answer|output|message)|instruccion|indicacion|órdenes|reglas|"
    r"consigne|anweisung|befehle|regeln|vorgaben|instruç|ordens|regras|istruzion|indicazion|regole|"
    r"instructies|opdracht|aanwijzing|инструкц|указани|команд|правил|talimat|yönerge|komut|"
    r"التعليمات|الأوامر|التوجيهات|निर्देश|指令|指示|说明|提示|命令|要求|规则|設定|设定|プロンプト|ルール|"
    r"지시|명령|지침|프롬프트"
)
_QUOTES = re.compile(r"[\"“”«»„‟]")
_MOST_QUOTED = 20
_INTRODUCED = 2  # words before a quotation that make it one: somebody is said to have said it
# Letters that look like Latin ones and are mixed in to evade a search: of other scripts, of full
# width, of mathematics.
_LOOKALIKES = str.maketrans(
    "АВЕКМНОРСТХІЈЅаеорсухіјѕһԁɡοανΑΒΕΖΗΙΚΜΝΟΡΤΥΧ",
    "ABEKMHOPCTXIJSaeopcyxijshdgoavABEZHIKMNOPTYX",
) | {
    code: plain
    for code in (*range(0xFF01, 0xFF5F), *range(0x1D400, 0x1D7CC))
    if len(plain := unicodedata.normalize("NFKC", chr(code))) == 1
}


def quarantined(parsed: Parsed, name: str) -> Parsed:
    """``parsed`` with a flag on all text that is written invisibly or talks to a language model.

    A title that does so is replaced by ``name``: it stands over every chunk.
    """
    flags = {*parsed.flags, *_flag_invisible(parsed.text)}
    flags.update(flag_instructions(parsed.text, parsed.blocks))
    title = Block("heading", 0, len(parsed.title), 1)
    bad = flag_instructions(parsed.title, [title]) or any(_flag_invisible(parsed.title))
    return replace(
        parsed,
        title=name if bad else parsed.title,
        flags=tuple(sorted(flags, key=lambda flag: (flag.start, flag.end))),
    )


def flag_instructions(text: str, blocks: Sequence[Block]) -> tuple[Flag, ...]:
    """What in ``text`` is meant for a language model, by whole sentences, in order.

    Sentences that follow one another are one flag, with the reason of the first.
    """
    flags: list[Flag] = []
    texts = dict.fromkeys((text, text if text.isascii() else text.translate(_LOOKALIKES)))
    for block in blocks:
        if any(_TRIGGER.search(version, block.start, block.end) for version in texts):
            flags.extend(_flags_in(tuple(texts), block))
    return tuple(flags)


def _flags_in(texts: Sequence[str], block: Block) -> Iterator[Flag]:
    """The flags of one block; ``texts`` are versions of one text, the first the true one."""
    # Imported on use: few documents need it, and it brings the embedding model's tokenizer.
    from ingest.chunk import quotable

    run: Flag | None = None
    goes_on = False
    for span in quotable(texts[0], block):
        rule = next(filter(None, (_rule(text, span) for text in texts)), None)
        if rule is None and not goes_on:
            if run is not None:
                yield run
            run = None
        elif run is not None:
            run = replace(run, end=span.end)
        elif rule is not None:
            run = Flag(span.start, span.end, "instruction", rule.reason)
        goes_on |= rule is not None and rule.goes_on
    if run is not None:
        yield run


def _rule(text: str, span: Span) -> _Rule | None:
    """The first rule that a sentence falls under; what it quotes from somebody is not its own."""
    sentence = " ".join(text[span.start : span.end].split())
    for rule in _RULES:
        for match in islice(rule.pattern.finditer(sentence), _MOST_QUOTED):
            before = sentence[: match.start()]
            quoted = len(_QUOTES.findall(before)) % 2
            if not quoted or len(_QUOTES.split(before)[0].split()) < _INTRODUCED:
                return rule
    return None


def _flag_invisible(text: str) -> Iterator[Flag]:
    for match in INVISIBLE.finditer(text):
        yield Flag(match.start(), match.end(), "hidden", "written in invisible characters")
