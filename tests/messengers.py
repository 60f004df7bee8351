"""An SMTP server and a Slack webhook on this machine, which keep what they are sent."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from aiosmtpd.controller import Controller


@dataclass
class Mailbox:
    """What an SMTP server was handed."""

    port: int = 0
    refuses: bool = False
    mails: list[tuple[list[str], Message]] = field(default_factory=list)

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        """Keep a mail, or refuse it."""
        if self.refuses:
            return "554 not today"
        self.mails.append((envelope.rcpt_tos, message_from_bytes(envelope.content)))
        return "250 kept"

    @property
    def connection(self) -> str:
        """The Airflow connection to it."""
        extra = {
            "disable_ssl": True,
            "disable_tls": True,
            "from_email": "ledger@acme.example",
            "retry_limit": 1,
        }
        return json.dumps({"conn_type": "smtp", "host": "127.0.0.1", "port": self.port, "extra": extra})

    def body(self, at: int = -1) -> str:
        """The HTML of a mail."""
        parts = [part for part in self.mails[at][1].walk() if part.get_content_type() == "text/html"]
        return bytes(parts[0].get_payload(decode=True) or b"").decode()


class OnAnyPort(Controller):
    """A controller that takes whatever port is free."""

    def _trigger_server(self) -> None:
        assert self.server is not None
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


@contextmanager
def smtp_server() -> Iterator[Mailbox]:
    """Run an SMTP server on a free port."""
    mailbox = Mailbox()
    controller = OnAnyPort(mailbox, hostname="127.0.0.1", port=0)
    controller.start()
    try:
        mailbox.port = controller.port
        yield mailbox
    finally:
        controller.stop()


@dataclass
class Webhook:
    """What a Slack webhook was posted."""

    port: int = 0
    answers: int = 200
    posts: list[dict[str, Any]] = field(default_factory=list)

    @property
    def connection(self) -> str:
        """The Airflow connection to it."""
        host = f"http://127.0.0.1:{self.port}/services"
        return json.dumps({"conn_type": "slackwebhook", "host": host, "password": "/T0/B0/hook"})


@contextmanager
def slack_webhook() -> Iterator[Webhook]:
    """Run an HTTP server that answers as Slack's incoming webhooks do."""
    webhook = Webhook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers["Content-Length"]))
            webhook.posts.append({"path": self.path} | json.loads(content))
            self.send_response(webhook.answers)
            self.end_headers()
            self.wfile.write(b"ok" if webhook.answers == 200 else b"invalid_payload")

        def log_message(self, *_: Any) -> None:
            """Stay quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    webhook.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield webhook
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
