package dev.gatun.models.audio;

import java.io.IOException;
import java.math.BigInteger;
import java.util.Arrays;

/**
 * One channel at another rate: the mean of the channels, filtered by a windowed sinc (Kaiser) at the lower of both Nyquist frequencies,
 * as a polyphase filter does it. Of n samples come ceil(n * rate / sourceRate); before and after them lies silence. What is computed is
 * {@code scipy.signal.resample_poly} with the window {@code firwin(2 * 32 * max(up, down) + 1, 0.95 / max(up, down), ("kaiser", 10))}.
 * Owns the stream it reads.
 */
public final class Resampled implements SampleStream {
    /** Highest rate in Hz that is read. */
    public static final int MAX_RATE = 384_000;

    private static final int ZERO_CROSSINGS = 32;
    private static final double CUTOFF = 0.95;
    private static final double KAISER_BETA = 10;
    private static final int BLOCK = 8192;

    private final AudioStream source;
    private final int up;
    private final int down;
    private final int half;
    private final float[] filter;
    private final float[] interleaved;
    /** Samples of the source, mixed; the first is number {@code first}. */
    private float[] history = new float[2 * BLOCK];
    private long first;
    private int held;
    private boolean ended;
    private long next;

    /** @param rate samples in a second that are wanted */
    public Resampled(AudioStream source, int rate) {
        if (rate < 1 || rate > MAX_RATE) {
            throw new IllegalArgumentException("rate " + rate + ", expected 1 to " + MAX_RATE);
        }
        int from = source.sampleRate();
        int channels = source.channels();
        if (from < 1 || from > MAX_RATE || channels < 1 || channels > AudioStream.MAX_CHANNELS) {
            throw new IllegalArgumentException(channels + " channels at rate " + from + ", expected 1 to " + AudioStream.MAX_CHANNELS
                    + " at 1 to " + MAX_RATE);
        }
        this.source = source;
        int divisor = BigInteger.valueOf(rate).gcd(BigInteger.valueOf(from)).intValue();
        this.up = rate / divisor;
        this.down = from / divisor;
        this.half = up == down ? 0 : ZERO_CROSSINGS * Math.max(up, down);
        this.filter = up == down ? new float[] {1} : filter(half, CUTOFF / Math.max(up, down), up);
        this.interleaved = new float[BLOCK * channels];
    }

    private static float[] filter(int half, double cutoff, int gain) {
        double[] taps = new double[half + 1];
        double sum = 0;
        for (int i = 0; i <= half; i++) {
            double x = Math.PI * cutoff * i;
            double edge = (double) i / half;
            taps[i] = (i == 0 ? 1 : Math.sin(x) / x) * bessel(KAISER_BETA * Math.sqrt(Math.max(0, 1 - edge * edge)));
            sum += i == 0 ? taps[i] : 2 * taps[i];
        }
        float[] filter = new float[2 * half + 1];
        for (int i = 0; i <= half; i++) {
            filter[half + i] = (float) (gain * taps[i] / sum);
            filter[half - i] = filter[half + i];
        }
        return filter;
    }

    /** I0, by its series. */
    private static double bessel(double x) {
        double term = 1;
        double sum = 1;
        for (int k = 1; term > sum * 1e-17; k++) {
            term *= x * x / (4.0 * k * k);
            sum += term;
        }
        return sum;
    }

    @Override
    public int read(float[] dst, int offset, int count) throws IOException {
        int written = 0;
        while (written < count) {
            // The last sample of the source that this one needs.
            long center = next * down;
            long last = (center + half) / up;
            while (!ended && first + held <= last) {
                if (written > 0 && first + held + BLOCK <= last) {
                    return written;
                }
                fill();
            }
            if (ended && center >= (first + held) * (long) up) {
                break;
            }
            dst[offset + written++] = sample(center, last);
            next++;
        }
        return written == 0 ? -1 : written;
    }

    private float sample(long center, long last) {
        long from = Math.max(0, Math.ceilDiv(center - half, (long) up));
        long to = Math.min(last, first + held - 1);
        double sum = 0;
        int tap = Math.toIntExact(center - from * up + half);
        for (int i = (int) (from - first); i <= to - first; i++, tap -= up) {
            sum += (double) history[i] * filter[tap];
        }
        return (float) sum;
    }

    private void fill() throws IOException {
        long needed = Math.max(0, Math.ceilDiv(next * down - half, (long) up));
        int dropped = (int) Math.min(held, Math.max(0, needed - first));
        if (held + BLOCK > history.length) {
            if (dropped >= BLOCK || dropped > held / 2) {
                System.arraycopy(history, dropped, history, 0, held - dropped);
                held -= dropped;
                first += dropped;
            }
            if (held + BLOCK > history.length) {
                history = Arrays.copyOf(history, Math.max(2 * history.length, held + BLOCK));
            }
        }
        int channels = interleaved.length / BLOCK;
        int read = source.read(interleaved);
        if (read < 0) {
            ended = true;
            return;
        }
        for (int i = 0; i < read; i++) {
            float sum = 0;
            for (int c = 0; c < channels; c++) {
                sum += interleaved[i * channels + c];
            }
            history[held++] = sum / channels;
        }
    }

    @Override
    public void close() throws IOException {
        source.close();
    }
}
