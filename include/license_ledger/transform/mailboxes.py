"""
Public mailbox providers: domains at which anybody can have an address. Constants only.

An address here says nothing about the company of its owner. The list is curated, compared exactly, and may
grow; :data:`license_ledger.transform.scope.RULES_VERSION` goes up when it changes.
"""

from __future__ import annotations

_WORLD = """
gmail.com googlemail.com
outlook.com outlook.at outlook.be outlook.cl outlook.co.id outlook.co.th outlook.com.ar outlook.com.au
outlook.com.br outlook.com.gr outlook.com.tr outlook.com.vn outlook.cz outlook.de outlook.dk outlook.es
outlook.fr outlook.hu outlook.ie outlook.in outlook.it outlook.jp outlook.kr outlook.lv outlook.my outlook.ph
outlook.pt outlook.sa outlook.sg outlook.sk
hotmail.com hotmail.at hotmail.be hotmail.ca hotmail.ch hotmail.cl hotmail.co.id hotmail.co.il hotmail.co.jp
hotmail.co.kr hotmail.co.nz hotmail.co.th hotmail.co.uk hotmail.co.za hotmail.com.ar hotmail.com.au
hotmail.com.br hotmail.com.hk hotmail.com.tr hotmail.com.tw hotmail.com.vn hotmail.cz hotmail.de hotmail.dk
hotmail.es hotmail.fi hotmail.fr hotmail.gr hotmail.hu hotmail.it hotmail.my hotmail.nl hotmail.no hotmail.ph
hotmail.rs hotmail.se hotmail.sg
live.com live.at live.be live.ca live.cl live.cn live.co.kr live.co.uk live.co.za live.com.ar live.com.au
live.com.mx live.com.my live.com.pt live.com.sg live.de live.dk live.fi live.fr live.hk live.ie live.in
live.it live.jp live.nl live.no live.ru live.se
msn.com windowslive.com passport.com
yahoo.com yahoo.at yahoo.be yahoo.ca yahoo.ch yahoo.cn yahoo.co.id yahoo.co.il yahoo.co.in yahoo.co.jp
yahoo.co.kr yahoo.co.nz yahoo.co.th yahoo.co.uk yahoo.co.za yahoo.com.ar yahoo.com.au yahoo.com.br
yahoo.com.cn yahoo.com.co yahoo.com.hk yahoo.com.mx yahoo.com.my yahoo.com.ph yahoo.com.sg yahoo.com.tr
yahoo.com.tw yahoo.com.ve yahoo.com.vn yahoo.cz yahoo.de yahoo.dk yahoo.es yahoo.fi yahoo.fr yahoo.gr yahoo.hu
yahoo.ie yahoo.in yahoo.it yahoo.nl yahoo.no yahoo.pl yahoo.pt yahoo.ro yahoo.se ymail.com rocketmail.com
myyahoo.com aol.com aol.co.uk aol.de aol.fr aol.it aim.com netscape.net compuserve.com
icloud.com me.com mac.com
proton.me protonmail.com protonmail.ch pm.me tutanota.com tutanota.de tutamail.com tuta.com tuta.io keemail.me
fastmail.com fastmail.fm hushmail.com hush.com mailfence.com runbox.com posteo.de posteo.net mailbox.org
startmail.com zohomail.com zohomail.eu zohomail.in
mail.com email.com usa.com inbox.com lycos.com excite.com juno.com netzero.net mail2world.com myself.com
post.com
"""
_EUROPE = """
gmx.de gmx.net gmx.com gmx.at gmx.ch gmx.fr gmx.es gmx.co.uk gmx.us web.de email.de t-online.de magenta.de
freenet.de arcor.de online.de vodafone.de kabelmail.de unitybox.de alice-dsl.de alice.de versanet.de aon.at
chello.at utanet.at bluewin.ch hispeed.ch sunrise.ch
orange.fr wanadoo.fr free.fr sfr.fr laposte.net neuf.fr bbox.fr numericable.fr aliceadsl.fr club-internet.fr
voila.fr cegetel.net noos.fr
libero.it virgilio.it alice.it tin.it tim.it tiscali.it inwind.it iol.it fastwebnet.it email.it
btinternet.com btopenworld.com talktalk.net sky.com virginmedia.com virgin.net blueyonder.co.uk ntlworld.com
tiscali.co.uk plusnet.com eircom.net
telenet.be skynet.be proximus.be scarlet.be voo.be ziggo.nl kpnmail.nl kpnplanet.nl planet.nl hetnet.nl
home.nl xs4all.nl chello.nl upcmail.nl casema.nl quicknet.nl zonnet.nl
telefonica.net terra.es ono.com movistar.es sapo.pt mail.telepac.pt clix.pt netcabo.pt
online.no broadpark.no telia.com comhem.se bredband.net spray.se tele2.se mail.dk jubii.dk ofir.dk stofanet.dk
kolumbus.fi suomi24.fi luukku.com pp.inet.fi elisanet.fi
wp.pl o2.pl onet.pl onet.eu op.pl poczta.onet.pl interia.pl interia.eu poczta.fm gazeta.pl tlen.pl vp.pl
seznam.cz centrum.cz email.cz post.cz volny.cz atlas.cz azet.sk centrum.sk zoznam.sk freemail.hu citromail.hu
abv.bg mail.bg dir.bg ukr.net i.ua meta.ua bigmir.net otenet.gr forthnet.gr mynet.com inbox.lv inbox.lt
mail.ee siol.net net.hr
mail.ru bk.ru list.ru inbox.ru internet.ru yandex.ru yandex.com yandex.by yandex.kz yandex.ua ya.ru rambler.ru
"""
_AMERICAS = """
comcast.net verizon.net att.net sbcglobal.net bellsouth.net pacbell.net ameritech.net swbell.net cox.net
charter.net spectrum.net roadrunner.com rr.com earthlink.net mindspring.com optonline.net optimum.net
frontier.com frontiernet.net windstream.net centurylink.net centurytel.net q.com cableone.net suddenlink.net
rogers.com shaw.ca sympatico.ca bell.net videotron.ca cogeco.ca telus.net
uol.com.br bol.com.br terra.com.br ig.com.br globo.com globomail.com oi.com.br r7.com zipmail.com.br
prodigy.net.mx telmex.com fibertel.com.ar arnet.com.ar speedy.com.ar ciudad.com.ar vtr.net cantv.net
"""
_ASIA_PACIFIC = """
qq.com vip.qq.com foxmail.com 163.com 126.com yeah.net 188.com sina.com sina.cn sohu.com tom.com 139.com
189.cn 21cn.com aliyun.com wo.cn
naver.com hanmail.net daum.net kakao.com nate.com
docomo.ne.jp ezweb.ne.jp au.com softbank.ne.jp i.softbank.jp nifty.com ocn.ne.jp biglobe.ne.jp so-net.ne.jp
rediffmail.com sify.com indiatimes.com
hinet.net pchome.com.tw netvigator.com singnet.com.sg
bigpond.com bigpond.net.au optusnet.com.au iinet.net.au tpg.com.au dodo.com.au internode.on.net xtra.co.nz
slingshot.co.nz
walla.com walla.co.il mweb.co.za webmail.co.za telkomsa.net vodamail.co.za emirates.net.ae
"""

PUBLIC_MAILBOXES: frozenset[str] = frozenset((_WORLD + _EUROPE + _AMERICAS + _ASIA_PACIFIC).split())
"""Domains in lower-case ASCII."""
