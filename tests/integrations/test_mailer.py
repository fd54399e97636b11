"""What a reply, or its absence, means for one mail to one recipient; the sink does as told."""

import contextlib
import smtplib
import socket
import threading
import time

import pytest

from daemon.domain.delivery import SendError
from integrations.mailer import Patience, SmtpMailer, SmtpServer
from tests.mail_servers import postfix
from tests.scripted_smtp import DROP, Late, sink
from tests.servers import free_port

SECONDS = Patience().scaled(1 / 12)  # a minute of RFC 5321 in five seconds
RAW = b"Subject: Hej\r\n\r\nrad ett\r\n.rad tv\r\n..\r\n.\r\nslut\r\n"


@pytest.fixture
def there():
    with sink() as running:
        yield running


@pytest.fixture
def mailer(there):
    opened = SmtpMailer(SmtpServer("127.0.0.1", there.port, "none", patience=SECONDS))
    yield opened
    opened.close()


def send(mailer, recipient="anna@kund.se", raw=RAW, envelope_from="support@example.se"):
    return mailer.send(envelope_from, recipient, raw)


def refusal(mailer, **options):
    with pytest.raises(SendError) as caught:
        send(mailer, **options)
    error = caught.value
    return error.permanent, error.unclear, error.unreachable


def test_a_mail_arrives_byte_for_byte_with_the_server_s_reply(there, mailer):
    assert send(mailer) == "250 2.0.0 taken"
    assert there.mails == [(f"FROM:<support@example.se> SIZE={len(RAW)}", "TO:<anna@kund.se>", RAW)]


def test_a_mail_that_must_not_bounce_has_an_empty_sender(there, mailer):
    send(mailer, envelope_from="")
    assert there.mails[0][0].startswith("FROM:<> ")


def test_a_mail_without_a_last_line_end_gets_one(there, mailer):
    send(mailer, raw=b"Subject: x\r\n\r\nx")
    assert there.mails[0][2] == b"Subject: x\r\n\r\nx\r\n"


def test_one_connection_serves_many_mails(there, mailer):
    for number in range(5):
        send(mailer, f"kund{number}@kund.se")
    assert (there.connections, len(there.mails)) == (1, 5)


def test_a_connection_that_the_server_closed_meanwhile_is_opened_again(there, mailer):
    send(mailer)
    there.say("MAIL", DROP)
    send(mailer)
    assert (there.connections, len(there.mails)) == (2, 2)


def test_a_server_that_wants_a_new_connection_gets_one(there, mailer):
    send(mailer)
    there.say("MAIL", "421 4.7.0 enough for one connection")
    send(mailer)
    assert (there.connections, len(there.mails)) == (2, 2)


@pytest.mark.parametrize("verb", ["RCPT", "DATA", "DOT"])
@pytest.mark.parametrize(
    ("reply", "permanent"), [("450 4.2.0 later", False), ("550 5.1.1 unknown", True)]
)
def test_a_refusal_means_what_its_first_figure_says(there, mailer, verb, reply, permanent):
    there.say(verb, reply)
    assert refusal(mailer) == (permanent, False, False)
    assert send(mailer) == "250 2.0.0 taken"
    assert there.connections == 1


def test_a_refusal_keeps_the_server_s_words(there, mailer):
    there.say("RCPT", "550-5.1.1 no such\r\n550 5.1.1 person")
    with pytest.raises(SendError, match=r"^550 5\.1\.1 no such 5\.1\.1 person$"):
        send(mailer)


@pytest.mark.parametrize("verb", ["MAIL", "RCPT", "DATA"])
def test_a_connection_lost_before_the_final_dot_is_worth_another_attempt(there, mailer, verb):
    there.say(verb, DROP)
    assert refusal(mailer) == (False, False, False)
    assert there.mails == []
    assert send(mailer) == "250 2.0.0 taken"


@pytest.mark.parametrize("answer", [DROP, "what?", "354 go on"])
def test_a_connection_lost_after_the_final_dot_is_unclear(there, mailer, answer):
    there.say("DOT", answer)
    assert refusal(mailer) == (False, True, False)
    assert len(there.mails) == 1
    assert send(mailer) == "250 2.0.0 taken"
    assert there.connections == 2


def test_a_final_dot_that_cannot_be_sent_leaves_no_doubt(there, mailer, monkeypatch):
    """The connection was lost in the middle of the text: nobody can have taken the mail."""
    sent = smtplib.SMTP.send

    def lost(smtp, text):
        if text == b".\r\n":
            raise smtplib.SMTPServerDisconnected("Server not connected")
        sent(smtp, text)

    with monkeypatch.context() as patched:
        patched.setattr(smtplib.SMTP, "send", lost)
        assert refusal(mailer) == (False, False, False)
    assert send(mailer) == "250 2.0.0 taken"
    assert len(there.mails) == 1


# Each step of a mail with the minutes that RFC 5321, 4.5.3.2, gives it, and the meaning of a server
# that takes longer.
MINUTES = [
    ("CONNECT", "220 sink", 5, (False, False, True)),
    ("MAIL", "250 ok", 5, (False, False, False)),
    ("RCPT", "250 ok", 5, (False, False, False)),
    ("DATA", "354 go on", 2, (False, False, False)),
    ("DOT", "250 2.0.0 taken", 10, (False, True, False)),
]
A_MINUTE = 0.2


@pytest.fixture
def scaled(there):
    opened = SmtpMailer(
        SmtpServer("127.0.0.1", there.port, "none", patience=Patience().scaled(A_MINUTE / 60))
    )
    yield opened
    opened.close()


@pytest.mark.parametrize(("verb", "reply", "minutes", "_meaning"), MINUTES)
def test_every_step_has_the_time_that_the_standard_gives_it(
    there, scaled, verb, reply, minutes, _meaning
):
    """In scaled time: issue 15, 7, where a 250 after 75 s was taken for none."""
    there.say(verb, Late(0.7 * minutes * A_MINUTE, reply))
    assert send(scaled) == "250 2.0.0 taken"
    assert len(there.mails) == 1


@pytest.mark.parametrize(("verb", "reply", "minutes", "meaning"), MINUTES)
def test_only_a_server_that_is_late_after_the_final_dot_leaves_a_doubt(
    there, scaled, verb, reply, minutes, meaning
):
    there.say(verb, Late(1.6 * minutes * A_MINUTE, reply))
    assert refusal(scaled) == meaning
    assert len(there.mails) == (verb == "DOT")


@pytest.mark.parametrize(("verb", "meaning"), [(verb, meaning) for verb, _, _, meaning in MINUTES])
@pytest.mark.parametrize("tls", ["none", "implicit"])
def test_a_connection_that_another_thread_cuts_ends_the_mail_at_once(
    certificate, verb, meaning, tls
):
    reply = "354 go on" if verb == "DATA" else "220 sink"
    with sink(implicit=certificate.server() if tls == "implicit" else None) as there:
        there.say(verb, *[Late(30, reply)] * 2)
        mailer = SmtpMailer(SmtpServer("localhost", there.port, tls, context=certificate.client()))
        timer = threading.Timer(0.4, mailer.abort)
        timer.start()
        started = time.monotonic()
        assert refusal(mailer) == meaning
        assert time.monotonic() - started < 5
        timer.join()


def test_a_connection_that_stood_idle_is_not_waited_for(there, mailer, monkeypatch):
    """A firewall may have forgotten it: MAIL would then wait for its five minutes."""
    send(mailer)
    monkeypatch.setattr("integrations.mailer._IDLE_SECONDS", 0.0)
    send(mailer)
    assert there.connections == 2
    assert there.commands.count("quit") == 1


@contextlib.contextmanager
def slow_reader(pause):
    """A server that takes a mail's text slowly but steadily, through a narrow window."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 * 1024)

        def serve():
            connection, _ = listening.accept()
            with connection, connection.makefile("rb") as lines:
                connection.sendall(b"220 slow\r\n")
                while not lines.readline().startswith(b"DATA"):
                    connection.sendall(b"250 ok\r\n")
                connection.sendall(b"354 go on\r\n")
                end = b""
                while end != b"\r\n.\r\n" and (piece := connection.recv(2**17)):
                    end = (end + piece)[-5:]
                    time.sleep(pause)
                connection.sendall(b"250 2.0.0 taken at last\r\n")

        thread = threading.Thread(target=serve)
        thread.start()
        yield listening.getsockname()[1]
        thread.join(20)


def test_a_large_mail_on_a_slow_line_has_its_time_piece_by_piece():
    with slow_reader(pause=0.03) as port:
        mailer = SmtpMailer(
            SmtpServer("127.0.0.1", port, "none", patience=Patience().scaled(1 / 90))
        )
        started = time.monotonic()
        assert send(mailer, raw=b"x: y\r\n\r\n" + b"z" * 76 * 2**18) == "250 2.0.0 taken at last"
        assert time.monotonic() - started > 2, "the line was no slow one"
        mailer.close()


def test_a_text_that_takes_for_ever_is_given_up_without_doubt(there, mailer, monkeypatch):
    monkeypatch.setattr("integrations.mailer._TEXT_SECONDS", -1.0)
    assert refusal(mailer) == (False, False, False)


@pytest.mark.parametrize("host", ["smtp..example", "x" * 70 + ".example"])
def test_a_host_whose_name_can_be_no_host_s_is_unreachable_and_the_mail_waits(host):
    """Not unclear: nothing was sent, and no mail may be given up for a mistake in a file."""
    assert refusal(SmtpMailer(SmtpServer(host, 465))) == (False, False, True)


def test_a_server_that_falls_silent_after_the_final_dot_is_unclear():
    with socket.create_server(("127.0.0.1", 0)) as deaf, sink() as helper:
        soon = Patience().scaled(0.001)
        mailer = SmtpMailer(SmtpServer("127.0.0.1", helper.port, "none", patience=soon))
        helper.say("DOT", "")  # an empty line, then nothing more
        assert refusal(mailer) == (False, True, False)
        mailer.close()
        port = deaf.getsockname()[1]
        frozen = SmtpMailer(SmtpServer("127.0.0.1", port, "none", patience=soon))
        assert refusal(frozen) == (False, False, True)


@pytest.mark.parametrize(
    ("reply", "meaning"),
    [
        ("550 5.7.60 you may not send as this sender", (False, False, True)),
        ("530 5.7.0 log in first", (False, False, True)),
        ("451 4.7.0 later", (False, False, False)),
        ("552 5.3.4 too large", (True, False, False)),
    ],
)
def test_a_refusal_of_the_sender_is_ours_to_mend_but_size_is_the_mail_s(
    there, mailer, reply, meaning
):
    there.say("MAIL", reply)
    assert refusal(mailer) == meaning


def test_a_sender_that_the_server_takes_only_without_its_extension_goes_without_it(there, mailer):
    """Then a bounce comes back without its key (E1); but the mail goes."""
    there.say("MAIL", "553 5.1.7 no extensions here")
    assert send(mailer, envelope_from="support+b1.x.y@example.se") == "250 2.0.0 taken"
    assert there.mails[0][0].startswith("FROM:<support@example.se> ")
    there.say("MAIL", *["550 5.7.60 not you"] * 4)  # on this connection, and on a new one
    assert refusal(mailer, envelope_from="support+b1.x.y@example.se") == (False, False, True)


def test_a_server_that_is_not_there_is_unreachable_and_the_mail_waits():
    mailer = SmtpMailer(SmtpServer("127.0.0.1", free_port(), "none"))
    assert refusal(mailer) == (False, False, True)
    mailer.close()


@pytest.mark.parametrize("greeting", ["554 go away", "421 busy", DROP])
def test_a_server_that_greets_with_a_refusal_is_unreachable(there, mailer, greeting):
    there.say("CONNECT", greeting)
    assert refusal(mailer) == (False, False, True)


@pytest.mark.parametrize("address", ["", "a b@c.se", "a@b.se\r\nRCPT TO:<x@y.se>", "<a@b.se>"])
def test_what_is_no_address_never_reaches_the_server(there, mailer, address):
    assert refusal(mailer, recipient=address) == (True, False, False)
    assert there.connections == 0


def test_an_international_domain_goes_in_its_ascii_form(there, mailer):
    send(mailer, "anna@räksmörgås.se")
    assert there.mails[0][1] == "TO:<anna@xn--rksmrgs-5wao1o.se>"


def test_an_international_local_part_asks_for_smtputf8_or_fails_for_good(there, mailer):
    send(mailer, "åsa@kund.se")
    assert there.mails[0][:2] == (
        f"FROM:<support@example.se> SIZE={len(RAW)} SMTPUTF8",
        "TO:<åsa@kund.se>",
    )
    mailer.close()
    there.features = ["8BITMIME"]
    assert refusal(mailer, recipient="åsa@kund.se") == (True, False, False)


def test_eight_bit_text_is_announced_where_the_server_takes_it(there, mailer):
    raw = b"Subject: x\r\n\r\nr\xc3\xa5d\r\n"
    send(mailer, raw=raw)
    assert there.mails == [
        (f"FROM:<support@example.se> SIZE={len(raw)} BODY=8BITMIME", "TO:<anna@kund.se>", raw)
    ]


def test_plain_text_leaves_this_machine_never():
    with pytest.raises(ValueError, match="for this machine only"):
        SmtpServer("smtp.example.se", 25, "none")
    with pytest.raises(ValueError, match="tls must be one of"):
        SmtpServer("localhost", 25, "off")


def logged_in(there, tls, certificate, **access):
    server = SmtpServer(
        "localhost",
        there.port,
        tls,
        "support@example.se",
        context=certificate.client(),
        patience=SECONDS,
        **access,
    )
    return SmtpMailer(server)


def test_a_password_goes_over_implicit_tls(certificate):
    with sink(implicit=certificate.server()) as there:
        there.features = ["AUTH PLAIN"]
        mailer = logged_in(there, "implicit", certificate, password="hemligt")
        send(mailer)
        mailer.close()
    assert "AUTH PLAIN '\\x00support@example.se\\x00hemligt'" in there.commands
    assert len(there.mails) == 1


@pytest.mark.parametrize("reply", ["235 welcome", "535 5.7.8 no"])
def test_a_password_may_have_any_letter(there, certificate, reply):
    """RFC 4616: UTF-8."""
    there.tls, there.features = certificate.server(), ["AUTH PLAIN LOGIN"]
    there.say("AUTH", reply)
    mailer = logged_in(there, "starttls", certificate, password="smörgås")
    if reply.startswith("235"):
        assert send(mailer) == "250 2.0.0 taken"
    else:
        assert refusal(mailer) == (False, False, True)
    mailer.close()
    assert "AUTH PLAIN '\\x00support@example.se\\x00smörgås'" in there.commands


def test_a_token_goes_over_starttls(there, certificate):
    there.tls, there.features = certificate.server(), ["AUTH XOAUTH2"]
    mailer = logged_in(there, "starttls", certificate, token=lambda: "abc")
    send(mailer)
    mailer.close()
    assert "AUTH XOAUTH2 'user=support@example.se\\x01auth=Bearer abc\\x01\\x01'" in there.commands


def test_a_refused_token_is_a_fault_of_access_not_of_the_mail(there, certificate):
    there.tls, there.features = certificate.server(), ["AUTH XOAUTH2"]
    there.say("AUTH", "334 eyJzdGF0dXMiOiI0MDEifQ==", "535 5.7.8 no")
    forgotten = []
    mailer = logged_in(
        there, "starttls", certificate, token=lambda: "old", refused=lambda: forgotten.append("old")
    )
    assert refusal(mailer) == (False, False, True)
    assert forgotten == ["old"]  # a right granted meanwhile stands in a new one only


def test_a_server_without_starttls_or_with_a_foreign_certificate_gets_no_mail(there, certificate):
    plain = logged_in(there, "starttls", certificate, password="hemligt")
    assert refusal(plain) == (False, False, True)
    there.tls = certificate.server()
    stranger = SmtpMailer(SmtpServer("localhost", there.port, "starttls", patience=SECONDS))
    assert refusal(stranger) == (False, False, True)
    assert there.mails == []


def test_a_token_that_cannot_be_had_is_a_fault_of_access(there, certificate):
    there.tls, there.features = certificate.server(), ["AUTH XOAUTH2"]

    def no_token():
        raise RuntimeError("invalid_client")

    mailer = logged_in(there, "starttls", certificate, token=no_token)
    with pytest.raises(SendError, match="invalid_client"):
        send(mailer)


def test_the_line_limit_of_smtplib_is_no_permanent_refusal(there, mailer):
    there.say("RCPT", "550 " + "x" * (smtplib._MAXLINE + 10))
    assert refusal(mailer) == (False, False, False)


def test_postfix_takes_what_we_send_and_delivers_it_byte_for_byte(there):
    with postfix(f"smtp:[127.0.0.1]:{there.port}") as server:
        mailer = SmtpMailer(SmtpServer("127.0.0.1", server.port, "none"))
        for number in range(20):
            reply = send(mailer, f"kund{number}@example.se", RAW + b"%d\r\n" % number)
            assert reply.startswith("250 2.0.0 Ok: queued as ")
        assert refusal(mailer, recipient="kund@elsewhere.se") == (True, False, False)
        mailer.close()
        server.drain()
    assert len(there.mails) == 20
    assert all(RAW.partition(b"\r\n\r\n")[2] in text for _, _, text in there.mails)
