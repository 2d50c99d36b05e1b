import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.net.SocketException;
import java.nio.charset.StandardCharsets;

/** Sends what Apache's own client would refuse to send. */
final class RawConnection implements AutoCloseable {
    private final Socket socket;
    private final DataOutputStream out;
    private final DataInputStream in;

    interface Body {
        void write(DataOutputStream out) throws IOException;
    }

    RawConnection(int port) throws IOException {
        socket = new Socket(InetAddress.getLoopbackAddress(), port);
        socket.setSoTimeout(10_000);
        out = new DataOutputStream(socket.getOutputStream());
        in = new DataInputStream(socket.getInputStream());
    }

    /** {@code readOnly} null leaves the last byte out, as clients before 3.4 did. */
    byte[] connect(long zxid, long session, byte[] password, Boolean readOnly) throws IOException {
        send(o -> {
            o.writeInt(0);
            o.writeLong(zxid);
            o.writeInt(10_000);
            o.writeLong(session);
            o.writeInt(password.length);
            o.write(password);
            if (readOnly != null) {
                o.writeBoolean(readOnly);
            }
        });
        return receive();
    }

    byte[] request(int xid, int op, Body body) throws IOException {
        send(o -> {
            o.writeInt(xid);
            o.writeInt(op);
            body.write(o);
        });
        return receive();
    }

    void send(Body body) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        body.write(new DataOutputStream(bytes));
        out.writeInt(bytes.size());
        out.write(bytes.toByteArray());
        out.flush();
    }

    /** The next frame, or null at the end of the stream. */
    byte[] receive() throws IOException {
        try {
            byte[] frame = new byte[in.readInt()];
            in.readFully(frame);
            return frame;
        } catch (EOFException | SocketException end) {
            return null;
        }
    }

    static void string(DataOutputStream o, String text) throws IOException {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        o.writeInt(bytes.length);
        o.write(bytes);
    }

    @Override
    public void close() throws IOException {
        socket.close();
    }
}
