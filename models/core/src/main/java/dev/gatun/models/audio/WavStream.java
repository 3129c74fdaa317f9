package dev.gatun.models.audio;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/** RIFF WAVE (Microsoft and IBM 1991; EBU Tech 3306 for RF64): linear PCM, IEEE float, G.711. */
final class WavStream implements AudioStream {
    private static final int PCM = 1;
    private static final int FLOAT = 3;
    private static final int A_LAW = 6;
    private static final int MU_LAW = 7;
    private static final int EXTENSIBLE = 0xfffe;
    private static final long UNKNOWN = 0xffffffffL;

    private final Path file;
    private final InputStream in;
    private int format;
    private int bits;
    private int sampleRate;
    private int channels;
    /** Bytes of samples that are declared, or -1 for all up to the end of the file. */
    private long declared;
    private long taken;
    private byte[] bytes = new byte[0];

    WavStream(Path file, InputStream in) throws IOException {
        this.file = file;
        this.in = in;
        readHeader();
    }

    private void readHeader() throws IOException {
        boolean large = new String(exactly(12, "the header").array(), 0, 4, StandardCharsets.ISO_8859_1).equals("RF64");
        long largeData = -1;
        while (true) {
            ByteBuffer head = exactly(8, "a chunk called data");
            String id = new String(head.array(), 0, 4, StandardCharsets.ISO_8859_1);
            long size = Integer.toUnsignedLong(head.getInt(4));
            if (id.equals("data")) {
                if (channels == 0) {
                    throw new AudioException(file, "has samples before the chunk fmt that describes them");
                }
                // Who writes to a pipe does not know the size.
                declared = large && size == UNKNOWN && largeData >= 0 ? largeData : size == UNKNOWN ? -1 : size;
                return;
            }
            if (id.equals("fmt ")) {
                readFormat(exactly(chunk(id, size, 16), "the chunk fmt"));
            } else if (id.equals("ds64")) {
                largeData = exactly(chunk(id, size, 24), "the chunk ds64").getLong(8);
            } else {
                in.skipNBytes(size);
            }
            in.skipNBytes(size & 1);
        }
    }

    private int chunk(String id, long size, int least) throws AudioException {
        if (size < least || size > 1 << 16) {
            throw new AudioException(file, "has a chunk " + id.strip() + " of " + size + " bytes, expected " + least + " or a few more");
        }
        return (int) size;
    }

    private void readFormat(ByteBuffer fmt) throws AudioException {
        format = Short.toUnsignedInt(fmt.getShort(0));
        channels = Short.toUnsignedInt(fmt.getShort(2));
        sampleRate = fmt.getInt(4);
        int align = Short.toUnsignedInt(fmt.getShort(12));
        bits = Short.toUnsignedInt(fmt.getShort(14));
        if (format == EXTENSIBLE && fmt.capacity() >= 26) {
            format = Short.toUnsignedInt(fmt.getShort(24));
        }
        boolean served = switch (format) {
            case PCM -> bits == 8 || bits == 16 || bits == 24 || bits == 32;
            case FLOAT -> bits == 32 || bits == 64;
            case A_LAW, MU_LAW -> bits == 8;
            default -> false;
        };
        if (!served) {
            throw new AudioException(file, "is WAVE of format " + format + " with " + bits
                    + " bits, expected PCM (1) of 8, 16, 24 or 32, float (3) of 32 or 64, A-law (6) or mu-law (7) of 8");
        }
        if (channels == 0 || align != channels * bits / Byte.SIZE) {
            throw new AudioException(file, "has " + channels + " channels of " + bits + " bits in blocks of " + align + " bytes");
        }
    }

    private ByteBuffer exactly(int count, String what) throws IOException {
        byte[] read = in.readNBytes(count);
        if (read.length < count) {
            throw new AudioException(file, "ends before " + what);
        }
        return ByteBuffer.wrap(read).order(ByteOrder.LITTLE_ENDIAN);
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
        int block = channels * bits / Byte.SIZE;
        long left = declared < 0 ? Long.MAX_VALUE : (declared - taken) / block;
        int frames = (int) Math.min(left, dst.length / channels);
        if (bytes.length < frames * block) {
            bytes = new byte[frames * block];
        }
        int got = in.readNBytes(bytes, 0, frames * block);
        taken += got;
        if (declared >= 0 && got < frames * block) {
            throw new AudioException(file, "is cut off: " + declared + " bytes of samples are declared, " + taken + " are there");
        }
        int read = got / block;
        if (read == 0) {
            return -1;
        }
        decode(ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN), read * channels, dst);
        return read;
    }

    private void decode(ByteBuffer in, int count, float[] dst) throws AudioException {
        for (int i = 0; i < count; i++) {
            dst[i] = switch (format) {
                case A_LAW -> G711.aLaw(in.get(i)) / 32768f;
                case MU_LAW -> G711.muLaw(in.get(i)) / 32768f;
                case FLOAT -> bits == 32 ? in.getFloat(4 * i) : (float) in.getDouble(8 * i);
                default -> switch (bits) {
                    case 8 -> ((in.get(i) & 0xff) - 128) / 128f;
                    case 16 -> in.getShort(2 * i) / 32768f;
                    case 24 -> (in.getShort(3 * i + 1) << 8 | in.get(3 * i) & 0xff) / 8388608f;
                    default -> in.getInt(4 * i) / 2147483648f;
                };
            };
            if (!Float.isFinite(dst[i])) {
                throw new AudioException(file, "sample " + (taken / (bits / Byte.SIZE) - count + i) + " is " + dst[i]
                        + ", expected a number");
            }
        }
    }

    @Override
    public void close() throws IOException {
        in.close();
    }
}
