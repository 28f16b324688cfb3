"""Meta's own Python SDK against the Messenger simulator. Prints `ok sdk what` or `not ok sdk what: why`."""

import hashlib
import hmac
import json
import os
import subprocess
import sys
import threading
import urllib.request

from facebook_business.adobjects.page import Page
from facebook_business.adobjects.user import User
from facebook_business.api import FacebookAdsApi
from facebook_business.exceptions import FacebookRequestError
from facebook_business.session import FacebookSession

APP, SECRET, TOKEN, PAGE = "2002", "APPSECRET", "PAGETOKEN", "1001"
INBOX = "263902037430900"
START_S = 60
CALL_S = 30

failed = 0


def report(what, problem=None):
    """One line per check."""
    global failed
    if problem is None:
        print(f"ok sdk {what}", flush=True)
    else:
        failed += 1
        print(f"not ok sdk {what}: {' '.join(str(problem).split())}", flush=True)


def check(what, action, holds=lambda answer: True):
    """Runs one call; it must not raise, and its answer must hold."""
    try:
        answer = action()
        report(what, None if holds(answer) else f"unexpected answer {answer}")
        return answer
    except Exception as error:  # a check reports whatever went wrong
        report(what, f"{type(error).__name__}: {error}")
        return None


def refused(what, action, code, subcode=None):
    """Runs one call that the platform must refuse in its own words, which the SDK must understand."""
    try:
        report(what, f"accepted: {action()}")
    except FacebookRequestError as error:
        got = (error.api_error_code(), error.api_error_subcode())
        report(what, None if got == (code, subcode) else f"{got} for {(code, subcode)}")
    except Exception as error:
        report(what, f"{type(error).__name__}: {error}")


def start():
    """Starts a simulator that insists on appsecret_proof; gives the process and its address."""
    binary = os.environ.get("AMANA_BIN", "../target/debug/amana")
    words = ["sandbox", "messenger", "--port", "0", "--page", f"{PAGE}={TOKEN}=Meridian Bank"]
    words += ["--app-id", APP, "--app-secret", SECRET, "--require-proof"]
    process = subprocess.Popen([binary, *words], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    late = threading.Timer(START_S, process.kill)
    late.start()
    line = process.stdout.readline()
    late.cancel()
    return process, json.loads(line)["graph_url"].rstrip("/")


def control(base, path, body=None):
    """The simulator's control API."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{base}/control/{path}", data, {"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=CALL_S) as answer:
        return json.load(answer)


def success(answer):
    return json.loads(json.dumps(answer.export_all_data() if hasattr(answer, "export_all_data") else answer))


def run(base):
    FacebookSession.GRAPH = base
    FacebookAdsApi.init(APP, SECRET, TOKEN, timeout=CALL_S)
    page = Page(PAGE)
    control(base, "settings", {"profile_per_10min": 0})
    control(base, "users/amal/say", {"page": PAGE, "text": "hi"})
    psid = control(base, f"threads/{PAGE}/amal")["psid"]
    to = {"id": psid}
    last = lambda: control(base, f"threads/{PAGE}/amal")["messages"][-1]

    text = "Gr\u00fc\u00dfe \u0631\u0635\u064a\u062f\u0643 \U0001F600"
    quick = {"content_type": "text", "title": "Yes", "payload": "YES"}
    message = {"text": text, "quick_replies": [quick], "metadata": "receipt-1"}
    check(
        "create_message: text and quick reply",
        lambda: page.create_message(params={"recipient": to, "messaging_type": "RESPONSE", "message": message}),
        lambda answer: success(answer)["recipient_id"] == psid and last()["body"]["text"] == text,
    )
    check(
        "create_message: sender action in upper case",
        lambda: page.create_message(params={"recipient": to, "sender_action": Page.SenderAction.typing_on}),
        lambda answer: success(answer) == {"recipient_id": psid},
    )
    button = {"type": "postback", "title": "Balance", "payload": "B"}
    template = {"template_type": "button", "text": "What now?", "buttons": [button]}
    check(
        "create_message: button template",
        lambda: page.create_message(
            params={"recipient": to, "message": {"attachment": {"type": "template", "payload": template}}}
        ),
    )
    check(
        "create_message_attachment",
        lambda: page.create_message_attachment(
            params={
                "message": {
                    "attachment": {
                        "type": "image",
                        "payload": {"url": "https://bank.example/a.png", "is_reusable": True},
                    }
                }
            }
        ),
        lambda answer: success(answer)["attachment_id"].isdigit(),
    )
    persona = check(
        "create_persona",
        lambda: page.create_persona(
            params={"name": "Lina", "profile_picture_url": "https://bank.example/lina.png"}
        ),
        lambda answer: answer.get_id().isdigit(),
    )
    check("get_personas", lambda: list(page.get_personas()), lambda all: [p["name"] for p in all] == ["Lina"])
    if persona is not None:
        check(
            "create_message as a persona",
            lambda: page.create_message(
                params={"recipient": to, "message": {"text": "Lina here"}, "persona_id": persona.get_id()}
            ),
            lambda answer: last()["body"]["persona"]["name"] == "Lina",
        )

    menu = [{"locale": "default", "call_to_actions": [{"type": "postback", "title": "Help", "payload": "H"}]}]
    check(
        "create_messenger_profile",
        lambda: page.create_messenger_profile(
            params={
                "get_started": {"payload": "GS"},
                "persistent_menu": menu,
                "whitelisted_domains": ["https://bank.example/"],
            }
        ),
    )
    check(
        "get_messenger_profile",
        lambda: list(page.get_messenger_profile(fields=["get_started", "persistent_menu"])),
        lambda all: all[0]["get_started"]["payload"] == "GS",
    )
    fields = [Page.Fields.persistent_menu, Page.Fields.get_started] if hasattr(Page, "Fields") else []
    fields = [f.upper() for f in fields] or ["PERSISTENT_MENU", "GET_STARTED"]
    check("delete_messenger_profile", lambda: page.delete_messenger_profile(params={"fields": fields}))
    check(
        "create_subscribed_app",
        lambda: page.create_subscribed_app(params={"subscribed_fields": ["messages", "messaging_postbacks"]}),
    )
    check(
        "get_subscribed_apps",
        lambda: list(page.get_subscribed_apps()),
        lambda all: all[0]["subscribed_fields"] == ["messages", "messaging_postbacks"],
    )

    components = [
        {"type": "BODY", "text": "Card {{1}} was used at {{2}}.", "example": {"body_text": [["4242", "a shop"]]}},
        {"type": "BUTTONS", "buttons": [{"type": "POSTBACK", "text": "Open", "payload": "open_{{1}}"}]},
    ]
    check(
        "create_message_template",
        lambda: page.create_message_template(
            params={"name": "card_used", "language": "en", "category": "UTILITY", "components": components}
        ),
    )
    check(
        "get_message_templates",
        lambda: list(page.get_message_templates(params={"name": "card_used"})),
        lambda all: all[0]["status"] == "APPROVED",
    )
    control(base, "clock", {"advance_s": 25 * 3600})
    plain = {"recipient": to, "messaging_type": "RESPONSE", "message": {"text": "late"}}
    refused("a closed window is 10/2018278", lambda: page.create_message(params=plain), 10, 2018278)
    retired = {**plain, "messaging_type": "MESSAGE_TAG", "tag": "ACCOUNT_UPDATE"}
    refused("a retired tag is 100/1893061", lambda: page.create_message(params=retired), 100, 1893061)
    words = [{"type": "text", "text": "4242"}, {"type": "text", "text": "Blue"}]
    utility = {
        "template": {
            "name": "card_used",
            "language": {"code": "en"},
            "components": [
                {"type": "body", "parameters": words},
                {"type": "buttons", "parameters": [{"type": "POSTBACK", "payload": "77"}]},
            ],
        }
    }
    check(
        "create_message: utility template out of the window",
        lambda: page.create_message(
            params={"recipient": to, "messaging_type": "UTILITY", "message": utility}
        ),
        lambda answer: last()["body"]["attachment"]["payload"]["text"] == "Card 4242 was used at Blue.",
    )
    check(
        "delete_message_templates",
        lambda: page.delete_message_templates(params={"name": "card_used"}),
    )

    control(base, f"pages/{PAGE}", {"default_app": APP})
    control(base, "users/amal/say", {"page": PAGE, "text": "a human please"})
    owner = lambda: list(page.get_thread_owner(params={"recipient": psid}))
    check("get_thread_owner", owner, lambda all: all[0]["thread_owner"]["app_id"] == APP)
    check(
        "create_pass_thread_control",
        lambda: page.create_pass_thread_control(
            params={"recipient": to, "target_app_id": INBOX, "metadata": "why"}
        ),
    )
    refused(
        "a send beside the owner is 2018300", lambda: page.create_message(params=plain), 10, 2018300
    )
    check(
        "create_request_thread_control",
        lambda: page.create_request_thread_control(params={"recipient": to, "metadata": "please"}),
    )
    check("create_take_thread_control", lambda: page.create_take_thread_control(params={"recipient": to}))
    check(
        "create_extend_thread_control",
        lambda: page.create_extend_thread_control(params={"recipient": to, "duration": 3600}),
    )
    check(
        "create_release_thread_control",
        lambda: page.create_release_thread_control(params={"recipient": to}),
    )
    check("get_thread_owner when idle", owner, lambda all: all == [])
    check(
        "get_conversations",
        lambda: list(page.get_conversations(params={"platform": "MESSENGER", "user_id": psid})),
        lambda all: len(all) == 1,
    )
    check(
        "api_get of the page",
        lambda: page.api_get(fields=["id", "name"]),
        lambda got: got["name"] == "Meridian Bank",
    )
    check(
        "api_get of a person",
        lambda: User(psid).api_get(fields=["first_name"]),
        lambda got: got["first_name"] == "amal",
    )

    control(base, "faults", {"throttle": {"code": 80006, "for_s": 60}})
    refused("a throttle is 80006", lambda: page.create_message(params=plain), 80006)
    control(base, "faults", {"throttle": None})
    control(base, f"pages/{PAGE}", {"token": "password_changed"})
    refused("a dead token is 190/460", lambda: page.create_message(params=plain), 190, 460)
    control(base, f"pages/{PAGE}", {"token": "alive"})
    proof = hmac.new(SECRET.encode(), TOKEN.encode(), hashlib.sha256).hexdigest()
    report("appsecret_proof", None if proof == VECTOR else "another proof than the recorded one")
    control(base, "users/amal/say", {"page": PAGE, "text": "still there?"})
    check("create_message after all that", lambda: page.create_message(params=plain))


# Recorded from both clients in 2026.
VECTOR = "543b6bc33cf8757f08c5664154a9762d4db96767364c99392e418970a245fa55"


def main():
    process, base = start()
    try:
        run(base)
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
