"""Printing HTML: the same bytes each time, no network, no files, no secrets, never for ever."""

import errno
import http.server
import stat
import subprocess
import sys
import threading

import pytest

from daemon.desk.ports import PdfPrinter
from daemon.domain.document import PdfError
from integrations.pdf import WeasyPrinter

PAGE = "<!doctype html><html lang=sv><title>Åtgärd</title><h1>Räkning – 8 722,50 kr</h1>"


@pytest.fixture(scope="module")
def page():
    return WeasyPrinter().print(PAGE)


def test_html_becomes_a_pdf(page):
    printer: PdfPrinter = WeasyPrinter()
    assert printer.print(PAGE).startswith(b"%PDF-1.")
    assert page.rstrip().endswith(b"%%EOF")


def test_the_same_html_gives_the_same_bytes(page):
    """H5: a statement can be printed again byte for byte."""
    assert WeasyPrinter().print(PAGE) == page
    assert WeasyPrinter().print(PAGE + "<p>x") != page


def test_text_that_is_no_unicode_is_printed_with_a_mark():
    assert WeasyPrinter().print("<p>\ud800 x").startswith(b"%PDF-")


@pytest.fixture
def spy():
    """A web server that notes whoever asks."""
    asked = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *args):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}", asked
    server.shutdown()
    server.server_close()


def test_hostile_html_reaches_neither_network_nor_files(spy, tmp_path):
    """S26: six ways out, and an attachment that would embed a file."""
    url, asked = spy
    secret = tmp_path / "secret.txt"
    secret.write_text("TOPSECRET" * 50)
    html = f"""<link rel=stylesheet href="{url}/link">
        <link rel=attachment href="{secret.as_uri()}"><link rel=attachment href="{url}/attached">
        <style>@import url({url}/import); @font-face {{ font-family: x; src: url({url}/font) }}
        body {{ background: url({url}/background); font-family: x }}</style>
        <img src="{url}/img"><img src="{secret.as_uri()}"><img src="ftp://127.0.0.1/x">
        <object data="{url}/object"></object><embed src="{url}/embed">
        <svg><image href="{url}/svg" /><use href="{url}/use#a" /></svg><p>text"""
    pdf = WeasyPrinter().print(html)
    assert asked == []
    assert b"EmbeddedFile" not in pdf
    assert pdf.startswith(b"%PDF-")


def test_an_image_in_the_page_itself_is_drawn():
    pixel = (
        "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9Q"
        "DwADhgGAWjR9awAAAABJRU5ErkJggg=="
    )
    assert b"/Image" in WeasyPrinter().print(f"<img src={pixel}>")


def test_html_that_the_library_cannot_take_is_one_clear_error():
    with pytest.raises(PdfError, match="RecursionError") as caught:
        WeasyPrinter().print("<div>" * 3000)
    assert caught.value.remedy == ""


def test_a_print_that_takes_too_long_is_ended():
    with pytest.raises(PdfError, match=r"not ready after 0 s"):
        WeasyPrinter(seconds=0.05).print(PAGE)


@pytest.fixture
def instead_of_python(tmp_path, monkeypatch):
    """Let a shell script stand where the interpreter is called."""

    def put(script):
        program = tmp_path / "python"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setattr(sys, "executable", str(program))

    return put


def test_missing_libraries_name_the_debian_packages(instead_of_python):
    hidden = "import sys; sys.modules['weasyprint'] = None; from integrations import pdf"
    instead_of_python(f"exec {sys.executable} -c \"{hidden}; sys.exit(pdf.child(['{2**31}']))\"")
    with pytest.raises(PdfError, match="libraries are missing") as caught:
        WeasyPrinter().print(PAGE)
    for package in ("libpango-1.0-0", "libpangoft2-1.0-0", "libharfbuzz-subset0"):
        assert package in caught.value.remedy


def test_a_killed_printer_is_told_apart(instead_of_python):
    instead_of_python("kill -9 $$")
    with pytest.raises(PdfError, match="signal 9"):
        WeasyPrinter().print(PAGE)


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENOMEM, errno.EAGAIN])
def test_a_machine_at_its_limit_says_nothing_about_the_page(monkeypatch, number):
    """Else finance is told of a fault to report, and that invoice waits for an hour."""

    def full(*_, **__):
        raise OSError(number, "no more of it")

    monkeypatch.setattr(subprocess, "run", full)
    with pytest.raises(OSError, match="no more of it"):
        WeasyPrinter().print(PAGE)


@pytest.mark.parametrize("signal", ["TERM", "INT"])
def test_a_printer_that_is_stopped_with_the_service_says_nothing_about_the_page(
    instead_of_python, signal
):
    instead_of_python(f"kill -{signal} $$")
    with pytest.raises(InterruptedError):
        WeasyPrinter().print("<p>Hej</p>")


def test_a_printer_that_writes_no_pdf_is_an_error(instead_of_python):
    instead_of_python("cat > /dev/null; echo hello; echo odd >&2")
    with pytest.raises(PdfError, match="odd"):
        WeasyPrinter().print(PAGE)


def test_a_printer_that_cannot_start_is_an_error(monkeypatch):
    monkeypatch.setattr(sys, "executable", "/nonexistent/python")
    with pytest.raises(PdfError, match="could not be started"):
        WeasyPrinter().print(PAGE)


def test_the_printer_inherits_no_environment(instead_of_python, tmp_path, monkeypatch):
    """S27: nothing of ours is in reach of what it prints."""
    monkeypatch.setenv("FORTNOX_CLIENT_SECRET", "canary-4711")
    instead_of_python(f"cat > /dev/null; env > {tmp_path}/env")
    with pytest.raises(PdfError):
        WeasyPrinter().print(PAGE)
    assert "canary-4711" not in (tmp_path / "env").read_text()
