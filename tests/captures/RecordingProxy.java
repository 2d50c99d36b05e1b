import java.io.DataInputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;

/** Passes whole frames between clients and one server, and keeps a line of text for each. */
final class RecordingProxy {
    private static final int PING_XID = -2;
    private final ServerSocket listener = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    private final String host;
    private final int port;
    private final List<String> lines = new ArrayList<>();
    private final List<Socket> sockets = new ArrayList<>();
    private boolean refusing;
    private boolean keepPings;

    RecordingProxy(String host, int port) throws IOException {
        this.host = host;
        this.port = port;
        daemon(this::accept);
    }

    int port() {
        return listener.getLocalPort();
    }

    synchronized void clear() {
        lines.clear();
    }

    synchronized List<String> lines() {
        return new ArrayList<>(lines);
    }

    synchronized void keepPings(boolean keep) {
        keepPings = keep;
    }

    /** Cuts every connection and takes no new one until {@link #open}. */
    synchronized void cut() {
        refusing = true;
        sockets.forEach(RecordingProxy::close);
        sockets.clear();
    }

    synchronized void open() {
        refusing = false;
    }

    private void accept() throws IOException {
        while (true) {
            Socket client = listener.accept();
            synchronized (this) {
                if (refusing) {
                    client.close();
                    continue;
                }
                Socket server = new Socket(host, port);
                client.setTcpNoDelay(true);
                server.setTcpNoDelay(true);
                sockets.add(client);
                sockets.add(server);
                daemon(() -> pump(client, server, ">"));
                daemon(() -> pump(server, client, "<"));
            }
        }
    }

    private void pump(Socket from, Socket to, String direction) {
        boolean first = true;
        try {
            DataInputStream in = new DataInputStream(from.getInputStream());
            OutputStream out = to.getOutputStream();
            while (true) {
                int length = in.readInt();
                byte[] frame = new byte[4 + length];
                for (int i = 0; i < 4; i++) {
                    frame[i] = (byte) (length >> (24 - 8 * i));
                }
                in.readFully(frame, 4, length);
                keep((first ? "connect" : "") + direction, frame, first);
                first = false;
                out.write(frame);
            }
        } catch (IOException end) {
            close(from);
            close(to);
        }
    }

    private synchronized void keep(String direction, byte[] frame, boolean connect) {
        boolean ping = !connect && frame.length >= 8
                && java.nio.ByteBuffer.wrap(frame).getInt(4) == PING_XID;
        if (ping == keepPings || connect) {
            lines.add(direction + " " + HexFormat.of().formatHex(frame));
            notifyAll();
        }
    }

    private static void close(Socket socket) {
        try {
            socket.close();
        } catch (IOException ignored) {
            // It is gone, which is what was wanted.
        }
    }

    private interface Work {
        void run() throws IOException;
    }

    private static void daemon(Work work) {
        Thread thread = new Thread(() -> {
            try {
                work.run();
            } catch (IOException end) {
                System.err.println("proxy: " + end);
            }
        });
        thread.setDaemon(true);
        thread.start();
    }
}
