"""A TCP proxy whose connections can be cut, refused and stalled."""

import socket
import threading


class Proxy:
    def __init__(self, address):
        host, port = address.rsplit(":", 1)
        self._target = (host, int(port))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._sockets = []
        self._refusing = False
        self._lock = threading.Lock()
        self._flowing = threading.Event()
        self._flowing.set()
        self.port = self._listener.getsockname()[1]
        self.address = f"127.0.0.1:{self.port}"
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self, refuse=False):
        """Ends every connection; with `refuse`, new ones end at once until `open`."""
        with self._lock:
            self._refusing = refuse
            for sock in self._sockets:
                shut(sock)
            self._sockets.clear()

    def open(self):
        with self._lock:
            self._refusing = False

    def stall(self):
        """Keeps every connection, and passes nothing on until `heal`."""
        self._flowing.clear()

    def heal(self):
        self._flowing.set()

    def _accept(self):
        while True:
            client, _ = self._listener.accept()
            with self._lock:
                try:
                    server = None if self._refusing else socket.create_connection(self._target)
                except OSError:
                    server = None  # not up
                if server is None:
                    client.close()
                    continue
                self._sockets += [client, server]
            for pair in ((client, server), (server, client)):
                threading.Thread(target=self._pump, args=pair, daemon=True).start()

    def _pump(self, source, sink):
        try:
            while data := source.recv(65536):
                self._flowing.wait()
                sink.sendall(data)
        except OSError:
            pass
        for sock in (source, sink):
            shut(sock)


def shut(sock):
    try:
        sock.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass  # by the other side
