package dev.gatun.models.audio;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;

/**
 * What the first frame says of an MP3 where its encoder wrote a Xing or Info tag, as LAME and libavformat do.
 *
 * @param tagged whether the first frame is such a tag and no sound
 * @param frames frames that follow, 0 if it does not say
 * @param before samples before the sound: the encoder's delay and the decoder's
 * @param after  samples after it, the decoder's delay not counted
 */
record Mp3Gaps(boolean tagged, long frames, int before, int after) {
    private static final Mp3Gaps NONE = new Mp3Gaps(false, 0, 0, 0);
    private static final int DECODER_DELAY = 529;
    private static final int LOOKED_AT = 1 << 12;
    private static final int LARGEST_ID3 = 1 << 24;

    /** Looks at the first frame; leaves the stream, which must hold marks, where it was. */
    static Mp3Gaps find(InputStream in) throws IOException {
        in.mark(LOOKED_AT);
        byte[] id3 = in.readNBytes(10);
        in.reset();
        int start = id3.length == 10 && id3[0] == 'I' && id3[1] == 'D' && id3[2] == '3'
                ? 10 + (id3[6] << 21 | id3[7] << 14 | id3[8] << 7 | id3[9]) : 0;
        if (start < 0 || start > LARGEST_ID3) {
            return NONE;
        }
        in.mark(start + LOOKED_AT);
        in.skipNBytes(start);
        ByteBuffer frame = ByteBuffer.wrap(in.readNBytes(LOOKED_AT));
        in.reset();
        return frame.capacity() < 200 ? NONE : read(frame);
    }

    private static Mp3Gaps read(ByteBuffer frame) {
        boolean first = (frame.get(1) & 8) != 0;
        boolean mono = (frame.get(3) & 0xc0) == 0xc0;
        int tag = 4 + (first ? mono ? 17 : 32 : mono ? 9 : 17);
        int word = frame.getInt(tag);
        if (word != 0x58696e67 && word != 0x496e666f) {
            return NONE;
        }
        int flags = frame.getInt(tag + 4);
        int at = tag + 8;
        long frames = (flags & 1) != 0 ? Integer.toUnsignedLong(frame.getInt(at)) : 0;
        at += ((flags & 1) != 0 ? 4 : 0) + ((flags & 2) != 0 ? 4 : 0) + ((flags & 4) != 0 ? 100 : 0) + ((flags & 8) != 0 ? 4 : 0);
        int encoder = frame.getInt(at);
        boolean delays = encoder == 0x4c414d45 || encoder == 0x4c617663 || encoder == 0x4c617666;
        int packed = delays ? frame.getInt(at + 20) : 0;
        int delay = packed >>> 12 & 0xfff;
        int padding = packed & 0xfff;
        return delay == 0 && padding == 0 ? new Mp3Gaps(true, frames, 0, 0)
                : new Mp3Gaps(true, frames, delay + DECODER_DELAY, Math.max(0, padding - DECODER_DELAY));
    }

    /** Samples of sound in each channel; as many as there are if the tag does not say. */
    long samples(int perFrame) {
        return frames == 0 ? Long.MAX_VALUE : Math.max(0, frames * perFrame - before - after);
    }
}
