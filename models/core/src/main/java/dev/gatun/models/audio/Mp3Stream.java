package dev.gatun.models.audio;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import javazoom.jl.decoder.Bitstream;
import javazoom.jl.decoder.BitstreamException;
import javazoom.jl.decoder.Decoder;
import javazoom.jl.decoder.DecoderException;
import javazoom.jl.decoder.Header;
import javazoom.jl.decoder.SampleBuffer;

/** MP3 (ISO 11172-3 and 13818-3), over JLayer; without what encoder and decoder put before and after, where the file says it. */
final class Mp3Stream implements AudioStream {
    /** JLayer's full scale. */
    private static final float SCALE = 1 / 32700f;

    private final Path file;
    private final InputStream in;
    private final Bitstream bits;
    private final Decoder decoder = new Decoder();
    private final Mp3Gaps gaps;
    private SampleBuffer samples;
    private int next;
    private int channels;
    private int sampleRate;
    private long skip;
    private long left = Long.MAX_VALUE;
    private long frames;

    Mp3Stream(Path file, InputStream in) throws IOException {
        this.file = file;
        this.in = in;
        this.gaps = Mp3Gaps.find(in);
        this.bits = new Bitstream(in);
        if (!nextFrame()) {
            throw new AudioException(file, "holds no frame of MP3");
        }
        channels = samples.getChannelCount();
        sampleRate = samples.getSampleFrequency();
        if (gaps.tagged()) {
            int perFrame = samples.getBufferLength() / channels;
            skip = perFrame + gaps.before();
            left = gaps.samples(perFrame);
        }
    }

    @Override
    public int sampleRate() {
        return sampleRate;
    }

    @Override
    public int channels() {
        return channels;
    }

    @Override
    public int read(float[] dst) throws IOException {
        while (true) {
            int available = (samples.getBufferLength() - next) / channels;
            int skipped = (int) Math.min(skip, available);
            skip -= skipped;
            next += skipped * channels;
            int count = (int) Math.min(left, Math.min(available - skipped, dst.length / channels));
            if (count > 0) {
                short[] from = samples.getBuffer();
                for (int i = 0; i < count * channels; i++) {
                    dst[i] = from[next + i] * SCALE;
                }
                next += count * channels;
                left -= count;
                return count;
            }
            if (left == 0 || !nextFrame()) {
                return -1;
            }
        }
    }

    private boolean nextFrame() throws IOException {
        try {
            Header header = bits.readFrame();
            if (header == null) {
                return ended();
            }
            samples = (SampleBuffer) decoder.decodeFrame(header, bits);
            bits.closeFrame();
        } catch (BitstreamException | DecoderException | ArrayIndexOutOfBoundsException e) {
            throw new AudioException(file, "is damaged after " + frames + " frames: " + e.getMessage(), e);
        }
        frames++;
        next = 0;
        if (channels != 0 && (samples.getChannelCount() != channels || samples.getSampleFrequency() != sampleRate)) {
            throw new AudioException(file, "changes its format after " + frames + " frames");
        }
        return true;
    }

    private boolean ended() throws AudioException {
        if (gaps.frames() > frames - 1) {
            throw new AudioException(file, "is cut off: " + gaps.frames() + " frames are declared, " + (frames - 1) + " are there");
        }
        return false;
    }

    @Override
    public void close() throws IOException {
        in.close();
    }
}
