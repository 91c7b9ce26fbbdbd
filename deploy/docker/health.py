"""Ask the service of this container whether it is ready; the container's health check.

    python -I -S health.py [PATH]

Exit status 0 when `GET PATH` (default /readyz) on BUS_PORT answers 200 within eight seconds, else 1 with the
reason. A bare socket, because an HTTP client would cost several times the CPU of the request itself and this
runs every few seconds in every container.
"""

import os
import socket
import sys

TIMEOUT_S = 8.0
MAX_ANSWER_BYTES = 4096


def ask(port: int, path: str) -> tuple[bool, str]:
    """Whether the answer was 200, and what was said."""
    request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
    answer = b""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT_S) as connection:
            connection.sendall(request.encode())
            while len(answer) < MAX_ANSWER_BYTES and (part := connection.recv(MAX_ANSWER_BYTES)):
                answer += part
    except OSError as error:
        return False, f"port {port}: {error}"
    status_line, _, rest = answer.partition(b"\r\n")
    said = rest.partition(b"\r\n\r\n")[2].decode(errors="replace").strip()
    return b" 200 " in status_line + b" ", f"{status_line.decode(errors='replace')} {said}"


def main() -> int:
    ready, said = ask(int(os.environ["BUS_PORT"]), sys.argv[1] if len(sys.argv) > 1 else "/readyz")
    sys.stdout.write(said[:MAX_ANSWER_BYTES] + "\n")
    return 0 if ready else 1


if __name__ == "__main__":
    sys.exit(main())
