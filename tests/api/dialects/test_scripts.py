"""Scripts as people have them, in the languages they have them in, and what of them is recognised."""

from __future__ import annotations

import pytest

from api.dialects.served import BY_NAME

# dialect, the script, and the calls in it: line and operation ("" for one that isn't known)
SCRIPTS: dict[str, tuple[str, str, list[tuple[int, str]]]] = {
    "curl as James's manual writes it": (
        "james",
        """#!/bin/sh
curl -XPUT http://ip:port/domains/domainToBeCreated
curl -XDELETE "http://ip:port/users/$u"
curl -XGET http://ip:port/mailQueues/outgoing/mails?limit=5
curl -X PUT \\
  -H "Password: $T" \\
  http://127.0.0.1:8001/quota/users/ada@example.org/count -d 52
curl -XPATCH 'http://ip:port/mailRepositories/var%2Fmail%2Ferror%2F/mails?action=reprocess'
curl localhost:8000/healthcheck
curl http://ip:port/nothing/of/ours
# curl -XDELETE http://ip:port/domains/in.a.comment
""",
        [
            (2, "PUT /domains/{domain}"),
            (3, "DELETE /users/{user}"),
            (4, "GET /mailQueues/{queue}/mails"),
            (5, "PUT /quota/users/{user}/count"),
            (8, "PATCH /mailRepositories/{repository}/mails"),
            (9, "GET /healthcheck"),
        ],
    ),
    "Python": (
        "james",
        """import requests
requests.put(f"{BASE}/domains/{domain}", headers=h)
requests.put(base + "/users/" + name, json={"password": p})
session.request("DELETE", "%s/users/%s" % (base, name))
requests.put(
    f"{BASE}/address/aliases/{user}/sources/{alias}",
    headers=h,
)
r = requests.get(base + '/users')
os.path.join("/users/local")
""",
        [
            (2, "PUT /domains/{domain}"),
            (3, "PUT /users/{user}"),
            (4, "DELETE /users/{user}"),
            (5, "PUT /address/aliases/{user}/sources/{source}"),
            (9, "GET /users"),
        ],
    ),
    "PowerShell": (
        "cleanmail",
        """$base = "https://mail.example.org/api/v3"
Invoke-RestMethod -Method Put -Uri "$base/domains/$id/aliases" -Headers $h -Body $b
Invoke-RestMethod -Uri "$base/domains" -Headers $h
Invoke-RestMethod "$base/users/$($user.id)" `
    -Method Patch `
    -Body '{"lastname": "Stark"}'
""",
        [
            (2, "PUT /domains/{domainId}/aliases"),
            (3, "GET /domains"),
            (4, "PATCH /users/{userId}"),
        ],
    ),
    "the samples of Cleanmail's manual": (
        "cleanmail",
        """GET /security/admins/ByE3n
POST /admins/ByE3n/tokens
PUT /domains/Eygdk/wblist/ByE3n
DELETE /domains/Eygdk/groups/ByE3n/addresses/ByE3n
GET /domains?offset=0&pageSize=10&sort=-name
HTTP/1.1 204 No Content
Location: http://localhost:8080/domains/Eygdk/aliases
""",
        [
            (1, "GET /security/admins/{adminId}"),
            (2, "POST /admins/{adminId}/tokens"),
            (3, "PUT /domains/{domainId}/wblist/{wbItemId}"),
            (4, "DELETE /domains/{domainId}/groups/{groupId}/addresses/{addressId}"),
            (5, "GET /domains"),
        ],
    ),
    "iRedAdmin with curl and a log": (
        "iredadmin",
        """curl -X POST -c /tmp/cookie -d "username=postmaster@example.org&password=x" https://$SERVER/iredadmin/api/login
curl -b /tmp/cookie -d "cn=Example&quota=2048" https://<server>/api/domain/example.org
curl -X PUT -b c -d "addPeople=a@example.org" https://mail/iredadmin/api/alias/sales@example.org
curl -X GET -b c https://mail/api/throttle/example.org/inbound/
192.0.2.7 - - [30/Nov/2026:10:00:00 +0000] "DELETE /iredadmin/api/user/a@example.org HTTP/1.1" 200 18 "-" "curl/8"
192.0.2.7 - - [30/Nov/2026:10:00:01 +0000] "GET /favicon.ico HTTP/1.1" 404 0 "-" "x"
""",
        [
            (1, "POST /api/login"),
            (2, "POST /api/domain/{domain}"),
            (3, "PUT /api/alias/{mail}"),
            (4, "GET /api/throttle/{domain}/inbound"),
            (5, "DELETE /api/user/{mail}"),
        ],
    ),
    "MailStore with its wrappers": (
        "mailstore",
        """client = mgmt.ServerClient(username="admin", password="x", host="archive")
client.call("VerifyStore", {"id": 1})
$r = Invoke-MSApiCall $c "CreateBackup" @{path = "/b"}
curl -k -u "admin:x" \\
  -d "id=1" https://archive:8463/api/invoke/CompactStore
GetWorkerResults --fromIncluding="2022-01-01T00:00:00" --timeZoneID="$Local"
""",
        [
            (2, "POST /api/invoke/VerifyStore"),
            (3, "POST /api/invoke/CreateBackup"),
            (5, "POST /api/invoke/CompactStore"),
            (6, "POST /api/invoke/GetWorkerResults"),
        ],
    ),
    "CommuniGate with its clients and on the wire": (
        "communigate",
        """use CGP::CLI;
my $cli = new CGP::CLI({PeerAddr => $host});
$cli->CreateAccount(accountName => "a\\@example.org", settings => {Password => "x"});
C: LISTDOMAINS
printf 'GETACCOUNTSETTINGS a@example.org\\n' | nc host 106
s.list_accounts("example.org")
""",
        [(3, "CREATEACCOUNT"), (4, "LISTDOMAINS"), (5, "GETACCOUNTSETTINGS"), (6, "LISTACCOUNTS")],
    ),
}


@pytest.mark.parametrize("name", SCRIPTS)
def test_the_calls_of_a_script_are_recognised(name: str) -> None:
    dialect, text, wanted = SCRIPTS[name]
    found = [(each.line, each.operation.name if each.operation else "") for each in BY_NAME[dialect].find_calls(text)]
    assert found == wanted
