"""An SMTP server that takes everything, and prints a line for each mail: when, for whom, of what.

`python mail_sink.py` prints its port, then `<monotonic time> <recipient> <In-Reply-To or ->`.
"""

import asyncio
import sys
import time


async def session(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    recipient = ""
    writer.write(b"220 sink\r\n")
    while line := await reader.readline():
        verb = line[:4].upper()
        if verb == b"DATA":
            writer.write(b"354 go on\r\n")
            text = await reader.readuntil(b"\r\n.\r\n")
            head = text[: text.find(b"\r\n\r\n")].replace(b"\r\n ", b" ").split(b"\r\n")
            answered = [each[12:].strip() for each in head if each[:12].lower() == b"in-reply-to:"]
            of = (answered or [b"-"])[0].decode()
            sys.stdout.write(f"{time.monotonic():.6f} {recipient} {of}\n")
            sys.stdout.flush()
            writer.write(b"250 2.0.0 taken\r\n")
        elif verb == b"RCPT":
            recipient = line.decode().partition("<")[2].partition(">")[0]
            writer.write(b"250 ok\r\n")
        elif verb == b"EHLO":
            writer.write(b"250-sink\r\n250-8BITMIME\r\n250 SIZE 30000000\r\n")
        elif verb == b"QUIT":
            writer.write(b"221 bye\r\n")
            break
        else:
            writer.write(b"250 ok\r\n")
        await writer.drain()
    writer.close()


async def main() -> None:
    server = await asyncio.start_server(session, "127.0.0.1", 0, limit=64 * 1024**2)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
