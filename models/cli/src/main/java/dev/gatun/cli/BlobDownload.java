package dev.gatun.cli;

import java.io.IOException;
import java.io.InputStream;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.function.Supplier;
import java.util.regex.Pattern;

/**
 * Downloads one file under the name of its checksum. What arrived before a connection was cut, or the process ended, stays in
 * {@code NAME.incomplete} and is not asked for again.
 */
final class BlobDownload {
    /** Tries that bring nothing new. */
    private static final int MOST_VAIN_TRIES = 5;
    private static final long PAUSE_MILLIS = 200;
    private static final Pattern CHECKSUM = Pattern.compile("[0-9a-f]{40}|[0-9a-f]{64}");

    private final HttpClient client;
    private final Path blobs;
    private final Listener listener;

    /** Hears of bytes as they arrive. */
    interface Listener {
        void arrived(String file, long bytes, long of);
    }

    /**
     * A file.
     *
     * @param file     its name in messages
     * @param checksum SHA-256 of its content, or git's SHA-1
     * @param byteSize its size
     */
    record Blob(String file, String checksum, long byteSize) {
    }

    BlobDownload(HttpClient client, Path blobs, Listener listener) {
        this.client = client;
        this.blobs = blobs;
        this.listener = listener;
    }

    /** Where the file is, whole and right. */
    Path fetch(Blob blob, Supplier<HttpRequest.Builder> request) throws IOException, InterruptedException {
        if (!CHECKSUM.matcher(blob.checksum).matches()) {
            throw new IOException(blob.file + ": the server gives no checksum (etag " + blob.checksum + ")");
        }
        Path whole = blobs.resolve(blob.checksum);
        if (Files.isRegularFile(whole) && Files.size(whole) == blob.byteSize) {
            return whole;
        }
        Files.createDirectories(blobs);
        Path incomplete = blobs.resolve(blob.checksum + ".incomplete");
        try (FileChannel channel = FileChannel.open(incomplete, StandardOpenOption.CREATE, StandardOpenOption.READ,
                StandardOpenOption.WRITE)) {
            if (!lock(channel)) {
                throw new IOException(blob.file + ": another process is downloading " + incomplete);
            }
            boolean fresh = channel.size() == 0;
            receive(blob, channel, request);
            if (!fresh && !checksum(channel, blob).equals(blob.checksum)) {
                // What an earlier process left was not what it seemed.
                channel.truncate(0);
                receive(blob, channel, request);
            }
            String found = checksum(channel, blob);
            if (!found.equals(blob.checksum)) {
                Files.deleteIfExists(incomplete);
                throw new IOException(blob.file + ": arrived damaged: its checksum is " + found + ", expected " + blob.checksum
                        + "; try again");
            }
            channel.force(false);
            Files.move(incomplete, whole, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
            return whole;
        }
    }

    private static boolean lock(FileChannel channel) throws IOException {
        try {
            return channel.tryLock() != null;
        } catch (OverlappingFileLockException e) {
            return false;
        }
    }

    private void receive(Blob blob, FileChannel channel, Supplier<HttpRequest.Builder> request) throws IOException, InterruptedException {
        if (channel.size() > blob.byteSize) {
            channel.truncate(0);
        }
        IOException cut = null;
        for (int vain = 0; channel.size() < blob.byteSize; ) {
            long before = channel.size();
            if (vain == MOST_VAIN_TRIES) {
                throw new IOException(blob.file + ": the connection was cut after " + before + " of " + blob.byteSize + " bytes, " + vain
                        + " times (" + (cut == null ? "no reason" : cut.getMessage()) + "); the same command goes on from there", cut);
            }
            try {
                receiveOnce(blob, channel, before, request.get());
            } catch (IOException e) {
                if (e instanceof Refused) {
                    throw e;
                }
                cut = e;
            }
            vain = channel.size() > before ? 0 : vain + 1;
            if (channel.size() < blob.byteSize) {
                Thread.sleep(PAUSE_MILLIS * vain);
            }
        }
    }

    /** What another try would not change. */
    private static final class Refused extends IOException {
        private static final long serialVersionUID = 1L;

        Refused(String message) {
            super(message);
        }
    }

    private void receiveOnce(Blob blob, FileChannel channel, long from, HttpRequest.Builder request) throws IOException,
            InterruptedException {
        HttpResponse<InputStream> answer = client.send((from == 0 ? request : request.header("Range", "bytes=" + from + "-")).GET().build(),
                HttpResponse.BodyHandlers.ofInputStream());
        try (InputStream in = answer.body()) {
            long at = from;
            if (answer.statusCode() == 200) {
                channel.truncate(0);
                at = 0;
            } else if (answer.statusCode() / 100 == 5 || answer.statusCode() == 429) {
                throw new IOException("status " + answer.statusCode());
            } else if (answer.statusCode() != 206 || !answer.headers().firstValue("content-range").orElse("")
                    .startsWith("bytes " + from + "-")) {
                throw new Refused(blob.file + ": " + answer.uri().getHost() + " answers with status " + answer.statusCode()
                        + " to a request from byte " + from);
            }
            byte[] buffer = new byte[1 << 16];
            for (int count; (count = in.read(buffer)) >= 0; at += count) {
                if (at + count > blob.byteSize) {
                    channel.truncate(0);
                    throw new Refused(blob.file + ": more than its " + blob.byteSize + " bytes arrived");
                }
                ByteBuffer bytes = ByteBuffer.wrap(buffer, 0, count);
                while (bytes.hasRemaining()) {
                    channel.write(bytes, at + bytes.position());
                }
                listener.arrived(blob.file, at + count, blob.byteSize);
            }
        }
    }

    private static String checksum(FileChannel channel, Blob blob) throws IOException {
        try {
            boolean git = blob.checksum.length() == 40;
            MessageDigest digest = MessageDigest.getInstance(git ? "SHA-1" : "SHA-256");
            if (git) {
                digest.update(("blob " + channel.size() + "\0").getBytes(StandardCharsets.US_ASCII));
            }
            ByteBuffer buffer = ByteBuffer.allocate(1 << 16);
            for (long at = 0, count; (count = channel.read(buffer.clear(), at)) > 0; at += count) {
                digest.update(buffer.flip());
            }
            return HexFormat.of().formatHex(digest.digest());
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError("every JDK has it", e);
        }
    }
}
