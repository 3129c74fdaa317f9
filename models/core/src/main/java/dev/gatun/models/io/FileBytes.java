package dev.gatun.models.io;

import dev.gatun.bindings.kernels.NativeBuffer;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Path;

/** Parts of files in native memory. They are read, not mapped: a file that shrinks meanwhile gives an exception instead of a signal. */
public final class FileBytes {
    private static final long CHUNK = 1 << 30;

    private FileBytes() {
    }

    /**
     * Reads a part of a file.
     *
     * @param arena owns the bytes
     * @throws IOException if the file ends before
     */
    public static MemorySegment read(Path file, FileChannel channel, long offset, long count, Arena arena) throws IOException {
        MemorySegment target = NativeBuffer.allocate(arena, count).segment();
        long done = 0;
        while (done < count) {
            int read = channel.read(target.asSlice(done, Math.min(count - done, CHUNK)).asByteBuffer(), offset + done);
            if (read <= 0) {
                throw new IOException(file + ": ends after " + (offset + done) + " bytes, expected " + (offset + count)
                        + "; was it changed while it was read?");
            }
            done += read;
        }
        return target;
    }
}
