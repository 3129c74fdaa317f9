package dev.gatun.models.io;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/** Writes a text line by line, in UTF-8, into a {@link PartFile}. One thread, but for {@link #close}. */
public final class LineWriter implements AutoCloseable {
    private static final int BUFFER_BYTES = 1 << 16;

    private final PartFile file;
    private final ByteArrayOutputStream pending = new ByteArrayOutputStream();
    private long lines;
    private String last;

    private LineWriter(PartFile file) {
        this.file = file;
    }

    /**
     * Begins a file, or goes on with what an earlier writer left of it: whole lines stay, see {@link #lines}.
     *
     * @param resume whether to go on, and to leave what is written for the next if {@link #finish} is not reached
     */
    public static LineWriter open(Path target, boolean resume) throws IOException {
        LineWriter writer = new LineWriter(PartFile.open(target, resume));
        try {
            if (resume) {
                writer.findEnd();
            }
            return writer;
        } catch (IOException | RuntimeException e) {
            writer.close();
            throw e;
        }
    }

    private void findEnd() throws IOException {
        FileChannel channel = file.channel();
        ByteBuffer buffer = ByteBuffer.allocate(BUFFER_BYTES);
        long end = 0;
        long before = 0;
        for (long at = 0, count; (count = channel.read(buffer.clear(), at)) > 0; at += count) {
            for (int i = 0; i < count; i++) {
                if (buffer.get(i) == '\n') {
                    lines++;
                    before = end;
                    end = at + i + 1;
                }
            }
        }
        if (lines > 0) {
            ByteBuffer line = ByteBuffer.allocate(Math.toIntExact(end - 1 - before));
            while (line.hasRemaining() && channel.read(line, before + line.position()) >= 0) {
                // A read may give less than was asked for.
            }
            last = new String(line.array(), StandardCharsets.UTF_8);
        }
        channel.truncate(end);
        channel.position(end);
    }

    /** How many lines are written. */
    public long lines() {
        return lines;
    }

    /** The last line that an earlier writer left, or null. */
    public String last() {
        return last;
    }

    /** Appends a line, which may not contain its end; it may reach the file later. */
    public void write(String line) throws IOException {
        pending.writeBytes(line.getBytes(StandardCharsets.UTF_8));
        pending.write('\n');
        lines++;
        if (pending.size() >= BUFFER_BYTES) {
            flush();
        }
    }

    /** Hands over what is written. */
    public void flush() throws IOException {
        file.write(ByteBuffer.wrap(pending.toByteArray()));
        pending.reset();
    }

    /** Puts the file in place. */
    public void finish() throws IOException {
        flush();
        file.finish();
    }

    /** Removes what was written, unless {@link #finish} was reached or it is to be resumed. May come from another thread. */
    @Override
    public void close() throws IOException {
        file.close();
    }
}
