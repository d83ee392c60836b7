"""docs/webhooks.md keeps its word: its functions verify our messages, its schedule adds up."""

import base64
import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from gateway.domain.signing import HmacSecret, SignatureRefused, verify
from gateway.sandbox.billing_system import create_billing_system
from tests.sandbox.billing import CUSTOMER, SECRET, signed
from tests.sandbox.test_billing_system import NOW, client_of

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = (DOCS / "webhooks.md").read_text(encoding="utf-8")
VECTORS = json.loads((DOCS / "webhook-vectors.json").read_text(encoding="utf-8"))
CASES: list[dict[str, Any]] = VECTORS["cases"]
EXPECTED = [case["valid"] for case in CASES]

NODE_HARNESS = """
import { readFileSync } from "node:fs";
const { secrets, cases } = JSON.parse(readFileSync(process.argv[2]));
console.log(JSON.stringify(cases.map((c) => verify(
  secrets, c.id, c.timestamp, c.signature, Buffer.from(c.body_base64, "base64"), c.now))));
"""
JAVA_HARNESS = """
class Main {
    public static void main(String[] args) throws Exception {
        List<String> secrets = List.of(args[0].split(","));
        for (String line : java.nio.file.Files.readAllLines(java.nio.file.Path.of(args[1]))) {
            String[] c = line.split("\\t", -1);
            byte[] body = Base64.getDecoder().decode(c[3]);
            boolean valid = Webhooks.verify(secrets, c[0], c[1], c[2], body, Long.parseLong(c[4]));
            System.out.println(valid);
        }
    }
}
"""


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def run(*command: str | Path) -> str:
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def body_of(case: dict[str, Any]) -> bytes:
    return base64.b64decode(case["body_base64"])


def python_function(block: str, name: str) -> Callable[..., bool]:
    names: dict[str, Any] = {}
    exec(compile(block, "docs/webhooks.md", "exec"), names)  # noqa: S102
    function: Callable[..., bool] = names[name]
    return function


def test_the_vectors_say_what_our_own_verifier_says() -> None:
    def is_ours(case: dict[str, Any]) -> bool:
        headers = {f"webhook-{name}": case[name] for name in ("id", "timestamp", "signature")}
        keys = [HmacSecret.parse(secret) for secret in VECTORS["secrets"]]
        try:
            verify(headers, body_of(case), keys, case["now"])
        except SignatureRefused:
            return False
        return True

    assert [is_ours(case) for case in CASES] == EXPECTED
    assert {True, False} == set(EXPECTED)


def test_the_first_vector_is_the_one_that_the_official_library_signs() -> None:
    case = CASES[0]
    library = Webhook(VECTORS["secrets"][0])
    headers = {f"webhook-{name}": case[name] for name in ("id", "timestamp", "signature")}
    with pytest.raises(WebhookVerificationError, match="too old"):
        library.verify(body_of(case), headers)
    assert case["signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_the_python_function_agrees_with_the_vectors() -> None:
    function = python_function(blocks("python")[0], "verify")
    assert [
        function(VECTORS["secrets"], c["id"], c["timestamp"], c["signature"], body_of(c), c["now"])
        for c in CASES
    ] == EXPECTED


@pytest.mark.skipif(shutil.which("node") is None, reason="needs the program node")
def test_the_node_function_agrees_with_the_vectors(tmp_path: Path) -> None:
    script = tmp_path / "verify.mjs"
    script.write_text(blocks("javascript")[0] + NODE_HARNESS, encoding="utf-8")
    assert json.loads(run("node", script, DOCS / "webhook-vectors.json")) == EXPECTED


@pytest.mark.skipif(shutil.which("java") is None, reason="needs the program java")
def test_the_java_function_agrees_with_the_vectors(tmp_path: Path) -> None:
    imports, function = blocks("java")[0].split("\nfinal class", 1)
    source = tmp_path / "Main.java"
    source.write_text(f"{imports}{JAVA_HARNESS}\nfinal class{function}", encoding="utf-8")
    lines = tmp_path / "cases.tsv"
    columns = ("id", "timestamp", "signature", "body_base64", "now")
    lines.write_text("".join("\t".join(str(c[k]) for k in columns) + "\n" for c in CASES))
    printed = run("java", source, ",".join(VECTORS["secrets"]), lines)
    assert [line == "true" for line in printed.split()] == EXPECTED


@pytest.mark.skipif(shutil.which("php") is None, reason="needs the program php")
def test_the_php_function_agrees_with_the_vectors(tmp_path: Path) -> None:
    harness = """
    $all = json_decode(file_get_contents($argv[1]), true);
    echo json_encode(array_map(fn($c) => verify($all['secrets'], $c['id'], $c['timestamp'],
        $c['signature'], base64_decode($c['body_base64']), $c['now']), $all['cases']));
    """
    script = tmp_path / "verify.php"
    script.write_text(blocks("php")[0] + harness, encoding="utf-8")
    assert json.loads(run("php", script, DOCS / "webhook-vectors.json")) == EXPECTED


def test_the_ed25519_function_verifies_the_published_vector_and_no_other_body() -> None:
    function = python_function(blocks("python")[1], "verify_ed25519")
    key = "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4="
    case = next(c for c in CASES if "Ed25519" in c["case"])
    sent = (key, case["id"], case["timestamp"], case["signature"])
    assert function(*sent, body_of(case))
    assert not function(*sent, body_of(case) + b" ")


def test_the_schedule_adds_up_to_what_the_page_says() -> None:
    row = re.search(r"^\| after \|(.*)\|$", PAGE, re.MULTILINE)
    assert row is not None
    unit_s = {"s": 1, "min": 60, "h": 3600}
    waits = [cell.split() for cell in row[1].split("|")]
    total_s = sum(int(count) * unit_s[unit] for count, unit in waits)

    def said(seconds: float) -> str:
        minutes = round(seconds / 60)
        return f"{minutes // 60} h {minutes % 60} min"

    tries = f"{len(waits)} tries over {said(total_s)} to {said(total_s * 1.1)}"
    assert tries in PAGE.replace("\n", " ")


async def test_the_body_on_the_page_is_one_that_the_billing_system_takes(tmp_path: Path) -> None:
    body = blocks("json")[0].encode()
    app = create_billing_system(tmp_path / "b.db", [SECRET.reveal()], clock=lambda: NOW)
    async with client_of(app) as billing:
        headers = signed(body, now=NOW)
        assert (await billing.post("/webhooks", content=body, headers=headers)).status_code == 204
        found = await billing.get("/cleared", params={"customer_code": CUSTOMER})
    assert found.json()["cleared"][0]["bill_id"] == "HD2610-PB14010000123"
    app.state.system.books.close()
