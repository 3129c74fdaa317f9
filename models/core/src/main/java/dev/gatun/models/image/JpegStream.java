package dev.gatun.models.image;

import java.io.BufferedInputStream;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.SequenceInputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;

/**
 * A JPEG file without its colour profile: ImageIO would convert by it, and what the profile means for a network nobody knows. Format:
 * ITU-T T.81, Annex B; the ICC's specification, Annex B.4.
 */
final class JpegStream extends FilterInputStream {
    private static final byte[] PROFILE = "ICC_PROFILE\0".getBytes(StandardCharsets.US_ASCII);
    private static final int START = 0xd8;
    private static final int APP2 = 0xe2;
    private static final int SCAN = 0xda;
    private static final int LARGEST_HEADER = 1 << 24;

    private JpegStream(InputStream in) {
        super(in);
    }

    /**
     * Opens a file.
     *
     * @return null if it is not a JPEG, or has no profile before its first scan
     */
    static JpegStream open(Path file) throws IOException {
        InputStream in = new BufferedInputStream(Files.newInputStream(file), 1 << 16);
        JpegStream stream = null;
        try {
            byte[] header = withoutProfile(in);
            stream = header == null ? null : new JpegStream(new SequenceInputStream(new ByteArrayInputStream(header), in));
            return stream;
        } finally {
            if (stream == null) {
                in.close();
            }
        }
    }

    /** What precedes the first scan, less the profile; null if there is none, or it is damaged, which the decoder will say. */
    private static byte[] withoutProfile(InputStream in) throws IOException {
        if (in.read() != 0xff || in.read() != START) {
            return null;
        }
        ByteArrayOutputStream kept = new ByteArrayOutputStream();
        kept.write(0xff);
        kept.write(START);
        boolean found = false;
        while (kept.size() < LARGEST_HEADER) {
            int marker = in.read() == 0xff ? in.read() : -1;
            while (marker == 0xff) {
                marker = in.read();
            }
            int length = marker < 0 ? -1 : in.read() << 8 | in.read();
            if (length < 2) {
                return null;
            }
            byte[] body = in.readNBytes(length - 2);
            if (body.length < length - 2) {
                return null;
            }
            if (marker == APP2 && body.length >= PROFILE.length && Arrays.equals(body, 0, PROFILE.length, PROFILE, 0, PROFILE.length)) {
                found = true;
                continue;
            }
            kept.write(0xff);
            kept.write(marker);
            kept.write(length >> 8);
            kept.write(length & 0xff);
            kept.write(body);
            if (marker == SCAN) {
                return found ? kept.toByteArray() : null;
            }
        }
        return null;
    }
}
