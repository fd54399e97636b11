"""The mail domains open to anybody: they never identify a customer (D2)."""

from typing import Final

_LISTED: Final = """
126.com 163.com algonet.se alice.it aol.com att.net bahnhof.se bellsouth.net bk.ru bluewin.ch
boremail.com bredband.net bredband2.com broadpark.no btinternet.com centrum.cz charter.net
chello.se comcast.net comhem.se cox.net daum.net elisanet.fi email.com fastmail.com fastmail.fm
free.fr freenet.de frisurf.no getmail.no glocalnet.net gmail.com gmx.at gmx.ch gmx.com gmx.de
gmx.net googlemail.com hetnet.nl hey.com home.se hotmail.co.uk hotmail.com hotmail.se hotpop.com
hushmail.com icloud.com inbox.com inbox.ru interia.pl jubii.dk kolumbus.fi kpnmail.nl
laposte.net libero.it list.ru live.com live.dk live.fi live.no live.se luukku.com lyse.net
mac.com mail.com mail.dk mail.ru mail.tele.dk mailbox.org me.com msn.com naver.com nic.fi
ntlworld.com o2.pl office365.com onet.pl online.no orange.fr outlook.com outlook.se ownit.se
passagen.se passport.com planet.nl pm.me post.tele.dk posteo.de posteo.net pp.inet.fi
privat.utfors.se proton.me protonmail.com qq.com rambler.ru rocketmail.com runbox.com
saunalahti.fi sbcglobal.net seznam.cz sfr.fr sina.com sky.com skynet.be spray.se startmail.com
stofanet.dk suomi24.fi swipnet.se t-online.de talktalk.net tdcadsl.dk tele2.se telenet.be
telenor.se telia.com tin.it tre.se tuta.com tuta.io tutanota.com verizon.net virgilio.it
virginmedia.com wanadoo.fr web.de welho.com windowslive.com wp.pl xs4all.nl yahoo.co.uk
yahoo.com yahoo.de yahoo.dk yahoo.no yahoo.se yandex.com yandex.ru ymail.com ziggo.nl zoho.com
zohomail.com zohomail.eu
"""
PUBLIC_DOMAINS: Final = frozenset(_LISTED.split())


def is_public(domain: str) -> bool:
    """True for a domain open to anybody (lower case, ASCII form)."""
    return domain in PUBLIC_DOMAINS
