"""A payer with a paper bill and a browser: find it, choose, pay, keep and check the receipt."""

import re
from html import unescape
from time import monotonic, sleep
from urllib.parse import urljoin, urlsplit

import httpx

from gateway.sandbox.plays import PlayStage
from gateway.sandbox.rails import RAILS
from gateway.sandbox.scenario import TIMEOUT_S, SceneFailed, expect, look_up

TITLE = "our own page: find a bill, choose how to pay, keep a receipt that anybody can check"
PARTS = tuple(rail for rail in RAILS if rail.code == "momo")
SETTLED_WAIT_S = 30.0
HIDDEN = re.compile(r'<input type="hidden" name="(\w+)" value="([^"]*)"')
STEP = re.compile(r'data-step="(\w+)"')
CODE = re.compile(r'<code class="code">([A-Z0-9-]+)</code>')


def perform(stage: PlayStage) -> None:
    """Pay one bill as a browser without scripts does.

    Raises:
        SceneFailed: a page is not what it must be.
    """
    with httpx.Client(timeout=TIMEOUT_S, trust_env=False, follow_redirects=True) as http:
        _Payer(stage, http).perform()


class _Payer:
    """One payer, with the page that is open."""

    def __init__(self, stage: PlayStage, http: httpx.Client) -> None:
        self._http, self._say = http, stage.say
        self._gateway, self._stage = stage.stage.gateway, stage

    def perform(self) -> None:
        code = self._debtor()
        typed = f"{code[:4].lower()} {code[4:8]} {code[8:].replace('0', 'O')}"
        found = self._submit(f"{self._gateway}/pay?lang=en", code=typed)
        self._say(f"1. {self._gateway}/pay: the payer types '{typed}'")
        self._say(f"   {self._title(found)}: {', '.join(self._facts(found)[:3])}")
        page = self._submit_page(found, "/pay/start")
        ways = re.findall(r'<button name="way" value="([^"]+)"', page.text)
        self._say(f"2. {self._title(page)}: {', '.join(ways)}")
        rail = next(iter(self._stage.rails.values()), None)
        wanted = next(way for way in ways if way.startswith(PARTS[0].code))
        page = self._submit_page(page, urlsplit(str(page.url)).path, way=wanted)
        self._say(f"3. The payer chooses {wanted}: {self._title(page)}")
        self._approve(page, rail.title if rail else wanted)
        receipt = self._await(str(page.url))
        number = self._number(receipt)
        words = re.search(r"<em>(.*?)</em>", receipt.text)
        self._say(f"   {self._title(receipt)}: {unescape(words[1]) if words else ''}")
        self._say(f"5. The receipt's code, {number}, at {self._gateway}/verify")
        self._check(number)

    def _debtor(self) -> str:
        for code in self._stage.stage.customers:
            if len(look_up(self._http, self._stage.stage, code).get("bills", ())) == 1:
                return code
        message = "no customer with one open bill is left; start with a new --data-dir"
        raise SceneFailed(message)

    def _submit(self, url: str, **fields: str) -> httpx.Response:
        """Open a page and send its form."""
        page = self._http.get(url)
        expect(page, 200)
        return self._submit_page(page, urlsplit(url).path, **fields)

    def _submit_page(self, page: httpx.Response, action: str, **fields: str) -> httpx.Response:
        hidden = {name: unescape(value) for name, value in HIDDEN.findall(page.text)}
        url = urljoin(str(page.url), action)
        answer = self._http.post(url, data=hidden | fields)
        expect(answer, 200)
        return answer

    def _approve(self, page: httpx.Response, title: str) -> None:
        link = re.search(r'<a class="button" rel="noreferrer" href="(http[^"]+)"', page.text)
        if link is None:
            message = f"{page.url} leads to no provider"
            raise SceneFailed(message)
        shown = self._http.get(unescape(link[1]))
        expect(shown, 200)
        self._say(
            f"4. {title}'s own page, {urlsplit(str(shown.url)).path[:24]}…: the payer approves"
        )
        self._http.post(str(shown.url), data={"act": "approve"})

    def _await(self, url: str) -> httpx.Response:
        until = monotonic() + SETTLED_WAIT_S
        while monotonic() < until:
            page = self._http.get(url)
            expect(page, 200)
            if self._step(page) == "paid":
                return page
            sleep(0.2)
        message = f"the page never said that it is paid: {self._step(page)}"
        raise SceneFailed(message)

    def _check(self, number: str) -> None:
        checked = self._http.get(f"{self._gateway}/verify", params={"code": number})
        expect(checked, 200)
        self._say(f"   {', '.join(self._facts(checked))}")
        wrong = number[:-1] + ("2" if number[-1] != "2" else "3")
        expect(self._http.get(f"{self._gateway}/verify", params={"code": wrong}), 404)
        self._say("   one wrong letter: there is no such receipt")

    @staticmethod
    def _number(receipt: httpx.Response) -> str:
        found = CODE.search(receipt.text)
        if found is None:
            message = "the receipt has no code"
            raise SceneFailed(message)
        return found[1]

    @staticmethod
    def _title(page: httpx.Response) -> str:
        found = re.search(r"<h1>(.*?)</h1>", page.text)
        return unescape(found[1]) if found else ""

    @staticmethod
    def _facts(page: httpx.Response) -> list[str]:
        facts = re.findall(r"<dd>(.*?)</dd>", page.text)
        return [unescape(re.sub(r"<[^>]+>", "", fact)) for fact in facts]

    @staticmethod
    def _step(page: httpx.Response) -> str:
        found = STEP.search(page.text)
        return found[1] if found else ""
