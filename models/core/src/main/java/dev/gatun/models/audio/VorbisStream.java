package dev.gatun.models.audio;

import com.jcraft.jogg.Packet;
import com.jcraft.jogg.Page;
import com.jcraft.jogg.StreamState;
import com.jcraft.jogg.SyncState;
import com.jcraft.jorbis.Block;
import com.jcraft.jorbis.Comment;
import com.jcraft.jorbis.DspState;
import com.jcraft.jorbis.Info;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;

/** Vorbis I in Ogg (RFC 3533), one logical stream, over JOrbis. */
final class VorbisStream implements AudioStream {
    private static final int CHUNK = 4096;
    private static final int HEADERS = 3;

    private final Path file;
    private final InputStream in;
    private final SyncState sync = new SyncState();
    private final StreamState stream = new StreamState();
    private final Page page = new Page();
    private final Packet packet = new Packet();
    private final Info info = new Info();
    private final DspState dsp = new DspState();
    private final Block block;
    private final float[][][] pcm = new float[1][][];
    private final int[] starts;
    private int serial = -1;
    private boolean last;
    private long taken;

    VorbisStream(Path file, InputStream in) throws IOException {
        this.file = file;
        this.in = in;
        sync.init();
        info.init();
        Comment comment = new Comment();
        comment.init();
        for (int i = 0; i < HEADERS; i++) {
            if (!nextPacket() || info.synthesis_headerin(comment, packet) < 0) {
                throw new AudioException(file, "has a damaged Vorbis header");
            }
        }
        dsp.synthesis_init(info);
        block = new Block(dsp);
        starts = new int[info.channels];
    }

    @Override
    public int sampleRate() {
        return info.rate;
    }

    @Override
    public int channels() {
        return info.channels;
    }

    @Override
    public int read(float[] dst) throws IOException {
        int available;
        while ((available = dsp.synthesis_pcmout(pcm, starts)) == 0) {
            if (!nextPacket()) {
                return -1;
            }
            if (block.synthesis(packet) != 0) {
                throw new AudioException(file, "is damaged: a packet cannot be decoded");
            }
            dsp.synthesis_blockin(block);
        }
        int channels = channels();
        // The last page says how many samples there are: its last packet is filled up.
        long left = last && page.granulepos() >= 0 ? page.granulepos() - taken : Long.MAX_VALUE;
        int count = (int) Math.min(left, Math.min(available, dst.length / channels));
        if (count <= 0) {
            return -1;
        }
        for (int c = 0; c < channels; c++) {
            for (int i = 0; i < count; i++) {
                dst[i * channels + c] = pcm[0][c][starts[c] + i];
            }
        }
        dsp.synthesis_read(count);
        taken += count;
        return count;
    }

    private boolean nextPacket() throws IOException {
        while (true) {
            int found = serial == -1 ? 0 : stream.packetout(packet);
            if (found > 0) {
                return true;
            }
            if (found < 0) {
                throw new AudioException(file, "is damaged: pages are missing");
            }
            if (last || !nextPage()) {
                return false;
            }
        }
    }

    private boolean nextPage() throws IOException {
        int found;
        while ((found = sync.pageout(page)) == 0) {
            int offset = sync.buffer(CHUNK);
            int read = in.read(sync.data, offset, CHUNK);
            if (read < 0) {
                throw new AudioException(file, "is cut off: its last page is missing");
            }
            sync.wrote(read);
        }
        if (found < 0) {
            throw new AudioException(file, "is damaged: a page's check sum is wrong");
        }
        if (serial == -1) {
            serial = page.serialno();
            stream.init(serial);
        }
        if (page.serialno() != serial) {
            return true;
        }
        if (stream.pagein(page) < 0) {
            throw new AudioException(file, "is damaged: a page is of another version");
        }
        last = page.eos() != 0;
        return true;
    }

    @Override
    public void close() throws IOException {
        in.close();
    }
}
