package dev.gatun.models.audio;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import org.jflac.ChannelData;
import org.jflac.FLACDecoder;
import org.jflac.frame.Frame;
import org.jflac.metadata.StreamInfo;

/** FLAC (RFC 9639), over jFLAC. */
final class FlacStream implements AudioStream {
    private static final int MD5_BYTES = 16;
    private static final int MD5_END = 42;

    private final Path file;
    private final InputStream in;
    private final FLACDecoder decoder;
    private final StreamInfo info;
    private final byte[] md5;
    private final MessageDigest digest = md5();
    private ChannelData[] data;
    private int next;
    private int available;
    private long taken;

    FlacStream(Path file, InputStream in) throws IOException {
        this.file = file;
        this.in = in;
        in.mark(MD5_END);
        byte[] head = in.readNBytes(MD5_END);
        in.reset();
        this.md5 = head.length < MD5_END ? new byte[MD5_BYTES] : Arrays.copyOfRange(head, MD5_END - MD5_BYTES, MD5_END);
        this.decoder = new FLACDecoder(in);
        decoder.readMetadata();
        this.info = decoder.getStreamInfo();
        if (info == null || info.getBitsPerSample() < 4 || info.getBitsPerSample() > 32) {
            throw new AudioException(file, "has no stream description");
        }
    }

    @Override
    public int sampleRate() {
        return info.getSampleRate();
    }

    @Override
    public int channels() {
        return info.getChannels();
    }

    @Override
    public int read(float[] dst) throws IOException {
        if (next == available && !nextFrame()) {
            return -1;
        }
        int channels = channels();
        int count = Math.min(available - next, dst.length / channels);
        double scale = 1.0 / (1L << info.getBitsPerSample() - 1);
        for (int c = 0; c < channels; c++) {
            int[] samples = data[c].getOutput();
            for (int i = 0; i < count; i++) {
                dst[i * channels + c] = (float) (samples[next + i] * scale);
            }
        }
        digest(count);
        next += count;
        taken += count;
        return count;
    }

    /** jFLAC makes a frame silent whose check sum is wrong, and says nothing. */
    private void digest(int count) {
        int bytes = Math.ceilDiv(info.getBitsPerSample(), Byte.SIZE);
        byte[] packed = new byte[count * channels() * bytes];
        int at = 0;
        for (int i = next; i < next + count; i++) {
            for (int c = 0; c < channels(); c++) {
                int sample = data[c].getOutput()[i];
                for (int b = 0; b < bytes; b++) {
                    packed[at++] = (byte) (sample >> b * Byte.SIZE);
                }
            }
        }
        digest.update(packed);
    }

    private static MessageDigest md5() {
        try {
            return MessageDigest.getInstance("MD5");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has MD5", e);
        }
    }

    private boolean nextFrame() throws IOException {
        Frame frame;
        try {
            frame = decoder.readNextFrame();
        } catch (EOFException cutOff) {
            frame = null;
        }
        if (decoder.getBadFrames() > 0) {
            throw new AudioException(file, "is damaged after " + taken + " samples: a frame's check sum is wrong");
        }
        if (frame == null) {
            if (info.getTotalSamples() > taken) {
                throw new AudioException(file, "is cut off: " + info.getTotalSamples() + " samples are declared, " + taken + " are there");
            }
            if (!Arrays.equals(md5, new byte[MD5_BYTES]) && !Arrays.equals(md5, digest.digest())) {
                throw new AudioException(file, "is damaged: the check sum of its samples is wrong");
            }
            return false;
        }
        if (frame.header.channels != channels() || frame.header.bitsPerSample != info.getBitsPerSample()) {
            throw new AudioException(file, "changes its format after " + taken + " samples");
        }
        data = decoder.getChannelData();
        next = 0;
        available = frame.header.blockSize;
        return true;
    }

    @Override
    public void close() throws IOException {
        in.close();
    }
}
