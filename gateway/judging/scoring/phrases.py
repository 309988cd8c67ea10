"""Turns of phrase that mass mail uses, by what they are about; all looked for at once.

Written down by hand, in English, German, French and Spanish; nothing was learnt from anybody's mail. A phrase is an
expression of re2 over text in lower case with single blanks.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import re2

MOST_BYTES = 64 * 1024

PHRASES: Mapping[str, tuple[str, ...]] = {
    "says-money": (
        r"million(s)? (of )?(us )?(dollars|euros)",
        r"(make|earn|making|earning|cash|income) .{0,30}(per|a|each|every) (day|week|month|hour)",
        r"extra (cash|income|money)",
        r"financial(ly)? (freedom|independen)",
        r"get rich",
        r"(double|triple) your (money|income|investment)",
        r"big (bucks|money)",
        r"\$\$\$",
        r"(huge|massive|guaranteed) (profits?|returns?|gains?)",
        r"(hot|penny) stock",
        r"stock (alert|pick|tip)",
        r"investment (opportunity|advice|newsletter)",
        r"geld verdienen",
        r"schnell reich",
        r"gagner? de l.argent",
        r"gan(e|ar) dinero",
    ),
    "says-work": (
        r"work (from|at) home",
        r"home[- ]based business",
        r"be your own boss",
        r"(business|income|money making|career) opportunit(y|ies)",
        r"multi[- ]?level",
        r"\bmlm\b",
        r"no (experience|selling|inventory) (is )?(necessary|needed|required|involved)",
        r"pyramid",
        r"chain letter",
        r"(down|up)line",
        r"quit your job",
        r"follow (these|the) (simple )?instructions exactly",
        r"(this|the) program (really )?works",
        r"heimarbeit",
        r"nebenverdienst",
        r"travail (a|à) domicile",
        r"trabaj(e|ar) (desde|en) casa",
    ),
    "says-credit": (
        r"(mortgage|refinance|re-finance|refinancing)",
        r"(low(est)?|best|current) (interest )?rates?\b",
        r"(life|auto|health|term) insurance",
        r"(insurance|mortgage|loan|rate) quotes?",
        r"(eliminate|consolidat|get out of|reduce|cancel) .{0,20}debts?",
        r"debt (consolidation|free|relief|collect)",
        r"(bad|poor|no|good|perfect|repair your) credit",
        r"credit (card debt|report|repair|check required)",
        r"pre-?approved",
        r"home (loan|equity|owner loan)",
        r"(personal|business|cash|payday|instant) loans?",
        r"judge?ments? (that go|unpaid|recovery|processing)",
        r"(sofort|billig)kredit",
        r"kredit ohne schufa",
    ),
    "says-inheritance": (
        r"next[- ]of[- ]kin",
        r"(transfer|move|movement|release) of (this|the|these|such) (fund|money|sum)",
        r"(huge|large|total|said|vast) (sum|amount) of (us ?)?(\$|money|dollars|usd|[0-9])",
        r"(late|deceased) (husband|father|president|head of state|client|general)",
        r"foreign (partner|account|bank account|beneficiary|business partner)",
        r"(strict(est|ly)?|utmost|absolute|very) (confiden|secre)",
        r"(your|with your) (assistance|co-?operation) (in|to) .{0,40}(transfer|fund|money|claim)",
        r"(modalities|beneficiary|consignment|security company|risk[- ]free transaction|trunk box)",
        r"(million|thousand) (united states|u\.?s\.?a?) dollars",
        r"(seek|solicit|need)(ing)? your (assistance|help|co-?operation|partnership)",
        r"nigeria|sierra leone|lagos|abidjan|burkina faso",
        r"unclaimed (fund|money|inheritance|deposit)",
        r"\b(us|usd) ?\$? ?[0-9.,]{2,} ?(m|million)",
    ),
    "says-remedy": (
        r"\b(viagra|cialis|levitra|xanax|valium|phentermine|vicodin|prozac|ambien|hydrocodone)\b",
        r"(online|on-line|canadian|internet) (pharmac|drugstore|doctor)",
        r"(without|no) (a )?prescription",
        r"(lose|reduce|loss|burn(ing|s)?) (\w+ ){0,3}(weight|pounds|fat|inches|lbs)",
        r"weight[- ]loss",
        r"(human )?growth hormone",
        r"\bhgh\b",
        r"(reverse|anti)[- ]?aging",
        r"(increase|boost|improve|enhance) (your |the )?(energy|libido|sex|stamina|size|muscle)",
        r"(herbal|all natural|natural) (remed|supplement|product|alternative|viagra)",
        r"(stop|quit) smoking",
        r"hair (loss|regrow)",
        r"clinically proven",
        r"\bfda[- ]approved",
        r"(penis|breast) (enlarge|size)",
        r"potenzmittel|abnehmen ohne",
    ),
    "says-adult": (
        r"\bxxx\b",
        r"(hot|horny|naked|nude|teen|wild|sexy|lonely) (girls?|women|babes?|teens?|wives|housewives|chicks|"
        r"singles|sluts?|ladies)",
        r"(hard ?core|porno?|erotic|explicit) (\w+ )?(sex|pics?|pictures|movies?|videos?|action|sites?|content)",
        r"adult (site|content|entertainment|only|video|dvd|web)",
        r"(must be|are|over|least) (18|21)( years)?( or older| or over| and over|\+)?",
        r"(live|free) (sex|cam|webcam|porn)",
        r"\b(porn|cumshot|blowjob|orgy|incest)\b",
        r"sexual (performance|pleasure|partner)",
        r"dating (site|service)",
    ),
    "says-buy": (
        r"(order|buy|call|act|apply|reply|enroll|subscribe|join|sign up) (now|today|immediately)",
        r"order (yours|form|by (phone|fax|mail)|online|here)",
        r"(limited|special|exclusive|introductory|one) time( only)?( offer)?",
        r"(special|incredible|amazing|unbeatable|exclusive|introductory) (offer|price|deal|opportunity|"
        r"discount|savings)",
        r"(while|until) (supplies|stocks?) last",
        r"(save|discount|off) (up to )?[0-9]{1,2} ?%",
        r"[0-9]{2} ?% (off|discount)",
        r"(don.?t|do not) (miss|delay|wait|pass)",
        r"(retail|regular|our) (price|value)",
        r"visa,? (or )?master ?card",
        r"(lowest|best|wholesale|unbelievable) prices?",
        r"shipping (and|&) handling",
        r"\bonly \$ ?[0-9]+",
        r"jetzt (bestellen|kaufen|zugreifen)",
        r"commandez",
        r"compre ahora",
    ),
    "says-free": (
        r"(absolutely|100%|totally|completely|for) free\b",
        r"free (trial|gift|sample|membership|access|quote|consultation|info|information|report|cd|dvd|"
        r"cell phone|vacation|pass|preview|download|shipping|bonus|estimate|offer|catalog|installation|grant|"
        r"tape|video|hosting|stuff|money)",
        r"(no|without|zero) (cost|charge|fee|fees)( to you)?",
        r"it.?s free\b",
        r"\bgratis\b",
        r"kostenlos(e|er|es)? (test|angebot|probe)",
        r"complimentary",
    ),
    "says-guarantee": (
        r"(no|without|zero|never any) (obligation|risk|catch|strings|hidden)",
        r"(risk|hassle)[- ]free",
        r"(money[- ]?back|100%|satisfaction|unconditional|full) (money[- ]?back )?(guarantee|refund|satisf)",
        r"guaranteed?(!| to work| results| approval| success)",
        r"(nothing|have nothing) to lose",
        r"what (have|do) you (got to|have to) lose",
        r"no questions asked",
    ),
    "says-click": (
        r"click (here|below|the link|on the link|now|this|to)",
        r"(visit|see|check out|go to|browse) (our|my|this|the following) (web ?)?(site|page|link|url)",
        r"\baol users\b",
        r"(copy|paste) .{0,30}(browser|address bar)",
        r"(hier|jetzt) klicken|klicken sie hier",
        r"cliquez ici",
        r"haga clic",
    ),
    "says-remove": (
        r"(to|how to|wish to|want to|like to) (be )?(remov|unsubscribe|opt[- ]?out|delet)",
        r"(remove|unsubscribe|delete|take)( me| you| your (name|e-?mail|address))? (from|in the subject|in subject)",
        r"removal (instructions|request|from)",
        r"(type|word|put|with|says?|place) .{0,3}(remove|unsubscribe)",
        r"(no longer|not|don.?t) (wish|want|care) to (receive|get)",
        r"(future|further|additional|our) (mailings?|e-?mails?|offers|promotions|messages|correspondence|"
        r"announcements)",
        r"opt[- ]?(in|out)\b",
        r"(our|mailing|opt-in|this|the|removed?|email) (mailing )?(list|database)s?\b.{0,30}(remov|unsub|delet)",
        r"abbestellen|austragen|newsletter abmelden",
        r"d(é|e)sabonner|d(é|e)sinscrire",
        r"darse de baja",
    ),
    "says-lawful": (
        r"(this|it) (message |e-?mail |letter |mail )?(is|was) (not|never) (un-?solicited|spam|intended)",
        r"(not|no) spam\b",
        r"(bill|section|law|act) ?(s\.?|hr|h\.r\.)? ?(1618|301|4176)",
        r"can-?spam",
        r"(in )?(full )?compliance with|complies with",
        r"cannot be considered spam",
        r"(you are|you.?re|you have been|you were) (receiving|getting|sent) this .{0,40}(because|since|as a|"
        r"due to|in response)",
        r"(received|sent) (this|to you) .{0,20}in error",
        r"(sent|only|went) to (those|people|recipients|subscribers|persons) (who|that)",
        r"(you|who) (have )?(agreed|requested|opted|subscribed|registered|signed up|asked|elected|"
        r"indicated) (to|in|for|that|with|through|at)",
        r"one[- ]time (e-?mail|mailing|message)",
        r"we (honor|respect|apologi[sz]e) .{0,40}(privacy|remov|intrusion|inconvenience|online)",
        r"(marketing|opt-in|affiliate) partners?",
    ),
    "says-bulk-mail": (
        r"(bulk|mass|direct|targeted|broadcast) (e-?mail|mailing|marketing)",
        r"(million|thousand|[0-9],000|fresh|targeted) (\w+ )?(e-?mail )(addresses|leads|list)",
        r"e-?mail (marketing|addresses|extractor|list|campaign|blast)",
        r"(search engine|traffic to your|hits to your|website) (placement|optimi[sz]ation|ranking|submission|"
        r"site|promotion)",
        r"(promote|advertise|market|list) your (business|product|site|web|service)",
        r"(sales|business|qualified) leads",
        r"bullet ?proof",
    ),
    "says-account": (
        r"(verify|confirm|update|validate|restore|re-?activate|unlock) (your|the) (\w+ ){0,2}(account|"
        r"identity|information|password|details|billing|mailbox|e-?mail)",
        r"(your|the) (\w+ ){0,2}(account|mailbox|access|card|password|email) (has been|will be|was|is|may be|"
        r"have been) (\w+ )?(suspend|limit|block|lock|disabl|clos|deactivat|restrict|expir|terminat|full|"
        r"compromis)",
        r"(unusual|suspicious|unauthori[sz]ed|unrecogni[sz]ed) (sign-?in|log-?in|activity|transaction|access)",
        r"within (24|48|72) (hours|hrs)",
        r"(mailbox|storage|quota) (is )?(almost )?(full|exceeded|limit)",
        r"(dear|valued) (customer|client|user|member|account holder|webmail)",
        r"(konto|zugang) (wurde|ist|wird) .{0,30}(gesperrt|eingeschr|deaktiviert)",
        r"(security|fraud) (department|alert|team) ",
        r"(outstanding|overdue|unpaid) (invoice|payment|balance)",
        r"(undelivered|pending|held|quarantined) (messages|mails|e-?mails|package|parcel)",
    ),
    "says-prize": (
        r"you.{0,12} (won|winner|win|been selected|been chosen)\b",
        r"(lottery|lotto|sweepstakes|jackpot|prize)",
        r"(claim|collect|receive) your (prize|reward|gift|money|winning|free)",
        r"congratulations[!,]",
        r"(gift|reward) (card|certificate|voucher)s?",
        r"(free|fun|dream|caribbean|luxury) (vacation|cruise|trip|getaway)",
        r"online casino|casino bonus|(play|gambl\w+) (online|for real)",
        r"gewonnen|gewinnspiel",
    ),
    "says-coins": (
        r"bitcoin|\bbtc\b|ethereum|cryptocurrenc",
        r"(crypto|forex|binary) (wallet|trading|invest|option|signal)",
        r"(recorded|filmed|video of) you (through|with|via|watching|while|masturbat)",
        r"(i|we) (have )?(hacked|infected|got access to) your",
    ),
    "says-software": (
        r"(oem|cheap|discount|original) software",
        r"(windows|office|photoshop|norton|systemworks) .{0,40}(only|for just|save|\$ ?[0-9])",
        r"(cable|satellite|dish|tv) (descrambler|filter|box|test chip|system)",
        r"(copy|burn|back ?up) (any|your|all)( of your)? dvds?",
        r"spy (on|software|camera)|\bspyware\b",
        r"(rolex|replica|designer) (watch|handbag|bag)",
        r"(ink|toner|inkjet|laser) (jet )?cartridges?",
        r"(long distance|cents per minute|calling card)",
        r"(internet|online|computer) (detective|investigator|spy)",
    ),
    "says-diploma": (
        r"(university|college) (diploma|degree)s?",
        r"(bachelor|master|doctora|mba|phd).{0,40}(diploma|degree)s?",
        r"(no required|non-?accredited|prestigious non)",
        r"life experience",
    ),
    "disguised-words": (
        r"\b(v[1!|]agra|viagr@|v[i1]@gra|c[1!]alis|cia1is|m0rtg[a@]ge|mortg@ge|fr33|fre3|p[3]n[i1]s|pen1s|s3x|"
        r"m0ney|mon3y)\b",
        r"\b([a-z][ .*_-]){5,}[a-z]\b",
    ),
    "phone-number": (
        r"(call|phone|fax|tel)[^0-9]{0,40}1?[ -.]?\(?[0-9]{3}\)?[ -.]{0,2}[0-9]{3}[ -.][0-9]{4}",
    ),
    "says-dear": (
        r"^(dear|hello|hi|attention|attn:?) (friend|sir|madam|homeowner|home owner|internet|e-?mail|customer|"
        r"valued|member|subscriber|business|opportunity|investor|winner|beneficiary|beloved|account|user|"
        r"reader|consumer|sir/madam|future)",
        r"\bdear (sir|friend|madam|homeowner|customer|valued|beneficiary)\b",
        r"greetings in",
        r"(fellow|future) (entrepreneur|marketer|millionaire)",
    ),
}  # fmt: skip


# How HTML is written; asked of the source.
TRICKS: Mapping[str, tuple[str, ...]] = {
    "html-hidden": (
        r"(?i)font-size:\s*[01](px|pt|%|;|\")",
        r"(?i)visibility:\s*hidden",
        r"(?i)<font[^>]{0,60}size=\"?-?[01]\b",
    ),
    "html-split": (
        r"(?i)[a-z]<!--[^>]{0,80}-->[a-z]",
        r"(?i)[a-z]<(/?[a-z]{6,20}\d*|[a-z]\d+[a-z\d]*)>[a-z]",
    ),
    "html-form": (r"(?i)<form\b",),
    "html-script": (r"(?i)<script\b|javascript:|\bon(load|click|mouseover)\s*=",),
    "html-frame": (r"(?i)<(iframe|frame|object|embed|applet)\b|http-equiv=\"?refresh",),
    "html-loud": (
        r"(?i)size=\"?\+?[4-7]\b",
        r"(?i)color=\"?(#?ff0000|red)\b|<blink|<marquee|font-size:\s*[3-9]\d(px|pt)",
    ),
    "text-in-escapes": (r"(&#\d{2,3};){8}", r"(=[2-7][0-9A-F]){12}"),
    # these two only say that it is worth looking closer
    "body": (r"(?i)<body\b",),
    "shown-link": (r"(?i)>\s*(https?://|www\.)",),
}


def _made(phrases_by_name: Mapping[str, tuple[str, ...]]) -> tuple[Any, list[str]]:
    options = re2.Options()
    options.max_mem = 64 * 1024 * 1024
    options.log_errors = False
    options.never_capture = True
    made, names = re2.Set.SearchSet(options), []
    for name, phrases in phrases_by_name.items():
        for phrase in phrases:
            made.Add(phrase.encode())
            names.append(name)
    made.Compile()
    return made, names


_SAID, _SAID_NAMES = _made(PHRASES)
_TRICKS, _TRICK_NAMES = _made(TRICKS)


def subjects_of(text: str) -> dict[str, int]:
    """What a text (lower case, single blanks) is about: how many phrases of each kind it has."""
    found: dict[str, int] = {}
    for place in _SAID.Match(text.encode("utf-8", "replace")[:MOST_BYTES]) or ():
        name = _SAID_NAMES[place]
        found[name] = found.get(name, 0) + 1
    return found


def tricks_of(html: str) -> set[str]:
    """What the source of an HTML text does."""
    return {_TRICK_NAMES[place] for place in _TRICKS.Match(html.encode("utf-8", "replace")[:MOST_BYTES]) or ()}
